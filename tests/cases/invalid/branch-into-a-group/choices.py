def pick():
    return "load"
