def load(day):
    rows = [day]
      return rows
