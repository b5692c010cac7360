def pick():
    return "x"


def both():
    return ["x", "y"]
