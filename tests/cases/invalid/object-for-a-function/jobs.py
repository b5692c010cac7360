def load(limit, since):
    return limit, since
