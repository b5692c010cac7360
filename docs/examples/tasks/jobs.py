"""What the examples call."""


def list_files() -> dict[str, list[str]]:
    return {"files": ["a.csv", "b.csv"]}


def size(file: str, unit: int) -> int:
    return len(file) * unit


def total(sizes: list[int]) -> int:
    return sum(sizes)


def version(before: str = "") -> str:
    import sys  # noqa: PLC0415 # it runs without the rest of this module

    return f"{before} {sys.version_info.major}"


def load(rows: str, table: str) -> str:
    return f"{rows} into {table}"
