"""What the generated documents run."""


def read(**context: object) -> str:
    return str(context)


def names() -> list[str]:
    return ["a", "b"]


def find(cmd: str, mode: int = 1, path: str | None = None) -> str:
    return f"{path}/{cmd}" * mode
