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


def search_all(expression: str) -> Callable[[Any], Any]:
    """What gives what an expression would select if all conditions in it (`[?…]`) held; None where that cannot be
    told, because what stands behind a condition is made for those values only for which it holds.

    Raises JmesPathError.
    """
    search(expression)
    import jmespath  # noqa: PLC0415 # most polls select nothing

    class Unconditional(jmespath.visitor.TreeInterpreter):  # type: ignore[misc] # jmespath has no annotations
        def visit_filter_projection(self, node: Any, value: Any) -> Any:
            base = self.visit(node["children"][0], value)
            return [self._one(node["children"][1], item) for item in base] if isinstance(base, list) else None

        def _one(self, node: Any, item: Any) -> Any:
            try:
                found = self.visit(node, item)
            except jmespath.exceptions.JMESPathError:
                found = None
            return item if found is None else found

    parsed = jmespath.compile(expression).parsed

    def ask(value: Any) -> Any:
        try:
            return Unconditional().visit(parsed, value)
        except (jmespath.exceptions.JMESPathError, RecursionError):
            return None

    return ask


def _text(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
