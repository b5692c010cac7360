def load(tables, strict, shops, name, text: str, joined, several=(), deep=None) -> None:
    """Annotated as little as most functions are."""
