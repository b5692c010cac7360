def load(tables, strict, shops, name, text: str, joined) -> None:
    """Annotated as little as most functions are."""
