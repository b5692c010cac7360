def extract(
    return []
