def load() -> None: ...


LIMIT = 3
