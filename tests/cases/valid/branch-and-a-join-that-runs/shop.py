def choose():
    return "full"
