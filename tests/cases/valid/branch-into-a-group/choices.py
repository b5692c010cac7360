def pick(size: int = 0):
    return "full.load" if size else "full"
