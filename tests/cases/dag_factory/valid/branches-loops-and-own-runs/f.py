def pick():
    return "xx"


def choose():
    return "x"
