"""JMESPath: a part of a decoded answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class JmesPathError(Exception):
    """An expression cannot be read, or cannot be asked of a value."""


def search(expression: str) -> Callable[[Any], Any]:
    """What gives the part of a value that the expression selects; None where it selects nothing.

    Raises JmesPathError, and so does what is given.
    """
    import jmespath  # noqa: PLC0415 # most polls select nothing

    try:
        compiled = jmespath.compile(expression)
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        raise JmesPathError(_text(error)) from None

    def ask(value: Any) -> Any:
        try:
            return compiled.search(value)
        except (jmespath.exceptions.JMESPathError, RecursionError) as error:
            raise JmesPathError(_text(error)) from None

    return ask


def _text(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
