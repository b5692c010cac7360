"""What the written documents run."""


def names() -> list[str]:
    return ["a", "b"]


def lists() -> list[list[str]]:
    return [["a"], ["b"]]


def parts() -> dict[str, str]:
    return {"left": "a", "right": "b"}


def pick() -> str:
    return "full"


def find(cmd: str, mode: int = 1, path: str | None = None) -> str:
    return f"{path}/{cmd}" * mode


def before(moment: object) -> object:
    return moment


def notes(about: str) -> str:
    return f"# {about}"


def tell(context: object) -> None:
    print(context)


def shout(context: object, word: str = "") -> None:
    print(word, context)
