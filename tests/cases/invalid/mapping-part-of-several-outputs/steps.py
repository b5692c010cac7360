def names():
    return ["a", "b"]


def count(name):
    return {"n": len(name)}


def show(number):
    print(number)
