from datetime import timedelta
from typing import Any, Literal, Optional


def load(
    full: bool,
    limit: int | None,
    tables: list[str],
    strict: Optional[bool],
    level: Literal["info", "warn"],
    name: "str",
    wait: timedelta,
    anything: Any = None,
): ...
