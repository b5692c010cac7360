from __future__ import annotations


def rows() -> list[dict[str, object]]:
    return []


def seen(x: object, y: object = None) -> None: ...
