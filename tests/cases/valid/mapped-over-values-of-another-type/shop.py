def load(full: bool, limit: int = 0) -> None:
    print(full, limit)


def count(n: int) -> int:
    return n


def free(x):
    return x
