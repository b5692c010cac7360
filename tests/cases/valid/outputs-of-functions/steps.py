from functools import cache


def log(**context):
    def inner():
        return 1

    print(inner())


def early(ds):
    if ds > "2026":
        return
    print(ds)
    return None


def name() -> str:
    return "orders"


def sizes() -> dict[str, int]:
    return {"small": 1}


def rows():
    return [1]


def later():
    """A stub."""


def refused():
    raise NotImplementedError


def pushed(ti):
    ti.xcom_push(key="return_value", value=1)


def many():
    yield 1


@cache
def kept():
    print("a decorator may give anything")


def take(a, b):
    print(a, b)


def typed(a: str, b):
    print(a, b)


def one_row() -> dict[str, int]:
    return {"a": 1, "b": 2}


def numbers() -> list[int]:
    return [1, 2]


def many_rows() -> list[dict[str, int]]:
    return [{"a": 1, "b": 2}]
