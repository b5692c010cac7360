def extract():
    return []
