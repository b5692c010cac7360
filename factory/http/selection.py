"""JMESPath: a part of a decoded answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

_MOST_NAMED = 12


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


def counter(expression: str) -> Callable[[Any], int | None]:
    """What counts the rows that an expression would select if it left out none: neither those for which a condition
    (`[?…]`) does not hold nor those that are null (`edges[].node`). None where that cannot be told.

    Raises JmesPathError.
    """
    search(expression)
    import jmespath  # noqa: PLC0415 # most polls select nothing

    class Whole(jmespath.visitor.TreeInterpreter):  # type: ignore[misc] # jmespath has no annotations
        def visit_projection(self, node: Any, value: Any) -> Any:
            base = self.visit(node["children"][0], value)
            return [self._kept(node["children"][1], item) for item in base] if isinstance(base, list) else None

        def visit_value_projection(self, node: Any, value: Any) -> Any:
            base = self.visit(node["children"][0], value)
            if not isinstance(base, Mapping):
                return None
            return [self._kept(node["children"][1], item) for item in base.values()]

        def visit_filter_projection(self, node: Any, value: Any) -> Any:
            return self.visit_projection(node, value)

        def _kept(self, node: Any, item: Any) -> Any:
            try:
                found = self.visit(node, item)
            except jmespath.exceptions.JMESPathError:
                found = None
            return item if found is None and not isinstance(item, list) else found

    parsed = jmespath.compile(expression).parsed

    def count(value: Any) -> int | None:
        try:
            found = Whole().visit(parsed, value)
        except (jmespath.exceptions.JMESPathError, RecursionError):
            return None
        return len(found) if isinstance(found, list) else None

    return count


class AbsentKey(NamedTuple):
    """A key that a value does not have, below `parent` (empty: at the top); `keys` are those that are there, and None
    where there is something else than a mapping, namely `kind`."""

    key: str
    parent: str
    keys: Sequence[str] | None
    kind: str


def absent_key(value: Any, expression: str) -> AbsentKey | None:
    """The first key of a plain path, such as `paging.next`, that is not in a value. None where all are there, where
    one on the way is null, and for other expressions."""
    inside: list[str] = []
    for key in _keys_of(expression) or ():
        if value is None:
            return None
        if not isinstance(value, Mapping):
            return AbsentKey(key, ".".join(inside), None, kind_of(value))
        if key not in value:
            return AbsentKey(key, ".".join(inside), [str(one) for one in value], "a mapping")
        value = value[key]
        inside.append(key)
    return None


def kind_of(value: Any) -> str:
    """What a decoded value is, with its article."""
    if isinstance(value, Mapping):
        return "a mapping"
    return "text" if isinstance(value, str) else "a list" if isinstance(value, Sequence) else "a single value"


def named(names: Sequence[str]) -> str:
    """Names in a sentence, the first of them where there are many."""
    shown = ", ".join(names[:_MOST_NAMED]) or "nothing"
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more"


def _keys_of(expression: str) -> list[str] | None:
    """The keys of a path that has nothing but keys, joined by dots."""
    import jmespath  # noqa: PLC0415

    def keys(node: Mapping[str, Any]) -> list[str] | None:
        if node["type"] == "field":
            return [node["value"]]
        if node["type"] != "subexpression":
            return None
        parts = [keys(child) for child in node["children"]]
        return None if None in parts else [key for part in parts for key in part or ()]

    return keys(jmespath.compile(expression).parsed)


def _text(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
