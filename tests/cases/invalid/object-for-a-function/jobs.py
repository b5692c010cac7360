def load(limit):
    return limit
