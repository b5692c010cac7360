def names() -> list[str]:
    return ["a"]


def find(name: str, times: int = 1, folder: str = "") -> str:
    return folder + name * times
