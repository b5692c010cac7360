"""JMESPath: a part of a decoded answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

_MOST_NAMED = 12
ID = re.compile(r"(?:^|_)id$|I[dD]$|^(?:uuid|guid|key|code|slug|name|email|url|href)$")


class LoneItems(dict[str, Any]):
    """A mapping in which what comes once is no list, as in XML. Expressions take it there for a list of one."""


class JmesPathError(Exception):
    """An expression cannot be read, or cannot be asked of a value."""


def search(expression: str) -> Callable[[Any], Any]:
    """What gives the part of a value that the expression selects; None where it selects nothing.

    Raises JmesPathError, and so does what is given.
    """
    return _asking(parsed(expression))


def parsed(expression: str) -> Mapping[str, Any]:
    """The tree of an expression, as jmespath has it. Raises JmesPathError."""
    import jmespath  # noqa: PLC0415 # most polls select nothing

    try:
        node: Mapping[str, Any] = jmespath.compile(expression).parsed
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        raise JmesPathError(_text(error)) from None
    return node


def negated(expression: str) -> Callable[[Any], Any] | None:
    """What gives the value that an expression negates as a whole (`!a`, `!(a || b)`), as `search` does; None where it
    negates none. Raises JmesPathError."""
    node = parsed(expression)
    return _asking(node["children"][0]) if node["type"] == "not_expression" else None


def _asking(node: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What visits a node of an expression."""
    import jmespath  # noqa: PLC0415 # most polls select nothing

    strict = jmespath.visitor.TreeInterpreter()

    def ask(value: Any) -> Any:
        try:
            return (_taking_lone_items() if isinstance(value, LoneItems) else strict).visit(node, value)
        except (jmespath.exceptions.JMESPathError, RecursionError, TypeError) as error:
            # It compares with Python's operators: `id > '3'` of a number raises TypeError.
            raise JmesPathError(_text(error)) from None

    return ask


@cache
def _taking_lone_items() -> Any:
    """What asks expressions of `LoneItems`."""
    from jmespath.visitor import TreeInterpreter  # noqa: PLC0415 # as above

    class Interpreter(TreeInterpreter):  # type: ignore[misc] # it has no types
        def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
            if node["type"] in ("flatten", "projection", "filter_projection"):
                base = self.visit(node["children"][0], *args, **kwargs)
                base = [base] if isinstance(base, Mapping | str) else base
                literal = {"type": "literal", "value": base, "children": []}
                node = {**node, "children": [literal, *node["children"][1:]]}
            elif node["type"] in ("index", "slice") and isinstance(args[0], Mapping | str):
                args = ([args[0]],)
            return super().visit(node, *args, **kwargs)

    return Interpreter()


class Answered(Protocol):
    """A page, as far as it is asked."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def value(self) -> Any: ...
    def error(self, reason: str) -> Exception: ...


def searched(expression: str | None) -> Callable[[Any], Any] | None:
    return None if expression is None else search(expression)


def asked(ask: Callable[[Any], Any], page: Answered, key: str, value: Any) -> Any:
    try:
        return ask(value)
    except JmesPathError as error:
        raise page.error(f"`{key}` cannot be asked of the answer: {error}") from None


def source(expression: str) -> Callable[[Any], list[Any] | None]:
    """What gives the list that the rows of an expression are taken from, as the server sent it: with the items for
    which a condition (`[?…]`) does not hold, and, where there are lists in its items (`orders[].lines[]`), the outer
    one. None where no list of the answer is gone through. Raises JmesPathError, and so does what is given.
    """
    root, takes_lone = parsed(expression), False
    import jmespath  # noqa: PLC0415 # most polls select nothing

    strict = jmespath.visitor.TreeInterpreter()

    def of(node: Any, value: Any) -> list[Any] | None:
        visit = (_taking_lone_items() if takes_lone else strict).visit
        kind, children = node["type"], node["children"]
        match kind:
            case "or_expression":
                first = of(children[0], value)
                return first if first or visit(children[0], value) else of(children[1], value)
            case "and_expression":
                return of(children[1], value)
            case "multi_select_list":
                parts = [(of(child, value), visit(child, value)) for child in children]
                lists = [came if sent is None else sent for sent, came in parts]
                return _joined(lists)
            case "multi_select_dict":
                found_lists = [one for child in children if (one := of(child["children"][0], value)) is not None]
                return _joined(found_lists) if found_lists else None
            case "function_expression":
                lists = [of(child, value) or visit(child, value) for child in children if child["type"] != "expref"]
                return next((one for one in lists if isinstance(one, list)), None)
            case "subexpression" | "pipe" | "index_expression":
                if children[0]["type"] == "multi_select_dict" and children[-1]["type"] == "field":
                    named_so = [one for one in children[0]["children"] if one["value"] == children[-1]["value"]]
                    return of(named_so[0]["children"][0], value) if named_so else None
                found = of(children[0], value)
                if found is not None and not _picks(children[-1]):
                    return found
                value = visit(children[0], value)
                if children[-1]["type"] == "slice":  # what it leaves out by its place is no row (`[:-1]`)
                    return visit(children[-1], value) if isinstance(value, list) else None
                return of(children[-1], value)
            case "projection" | "filter_projection" | "value_projection" | "flatten":
                found = of(children[0], value)
                base = visit(children[0], value) if found is None else found
                if kind == "value_projection" and isinstance(base, Mapping):
                    # Lists in a mapping are rows in groups (`by_day.*[]`).
                    return _joined(base.values())
                base = [base] if takes_lone and isinstance(base, Mapping | str) else base
                return base if isinstance(base, list) else None
        return None

    def ask(value: Any) -> list[Any] | None:
        nonlocal takes_lone
        takes_lone = isinstance(value, LoneItems)
        try:
            return of(root, value)
        except (jmespath.exceptions.JMESPathError, RecursionError, TypeError) as error:
            raise JmesPathError(_text(error)) from None

    return ask


def kept_of(expression: str) -> Callable[[Any], list[Any] | None] | None:
    """What gives the items of a list for which the condition of an expression (`[?…]`) holds, as they came; None for
    one without a condition. Raises JmesPathError."""
    node = parsed(expression)
    while node["children"] and node["type"] in _WITH_A_LIST:
        node = node["children"][0]
    if node["type"] != "filter_projection":
        return None
    kept = {**node, "children": [node["children"][0], {"type": "identity", "children": []}, node["children"][2]]}
    return _asking(kept)


def _joined(parts: Iterable[Any]) -> list[Any]:
    """What is in lists, one after the other; in one that is gone through twice, once."""
    parts = {id(part): part for part in parts}.values()
    return [one for part in parts if part is not None for one in (part if isinstance(part, list) else [part])]


def _picks(node: Mapping[str, Any]) -> bool:
    """Whether an expression begins with one item of a list (`[0].rows`)."""
    while node["type"] in _LEFT_FIRST:
        node = node["children"][1 if node["children"][0]["type"] in _ITSELF else 0]
    return bool(node["type"] == "index")


def _is_field(node: Mapping[str, Any]) -> bool:
    return bool(node["type"] == "field")


_LEFT_FIRST = ("subexpression", "pipe", "index_expression", "projection", "filter_projection", "value_projection")
_WITH_A_LIST = {
    *["subexpression", "pipe", "index_expression", "projection", "flatten", "or_expression", "function_expression"]
}
_ITSELF = ("current", "identity")


class AbsentKey(NamedTuple):
    """A key that a value does not have, below `parent` (empty: at the top); `keys` are those that are there, and None
    where there is something else than a mapping, namely `kind`."""

    key: str
    parent: str
    keys: Sequence[str] | None
    kind: str

    @property
    def said(self) -> str:
        """What is there in its place."""
        where = f"`{self.parent}`" if self.parent else "the answer"
        if self.keys is None:
            return f"{where} is {self.kind}, which has no `{self.key}`"
        return f"{where} has no `{self.key}`; it has {named(self.keys)}"


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


def gap_in(value: Any, keys: Sequence[str]) -> str | None:
    """Up to where, of these keys, a value has nothing or null; None where something is there."""
    for number, key in enumerate((*keys, "")):
        if value is None:
            return f"`{'.'.join(keys[:number])}`" if number else "the answer"
        value = value.get(key) if isinstance(value, Mapping) and number < len(keys) else value
    return None


def same_things(rows: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether two pages have the same things in the same order by a key of their own, whatever else of them changed."""
    pairs = list(zip(rows, others, strict=False))
    if not rows or len(rows) != len(others) or not all(isinstance(one, Mapping) for pair in pairs for one in pair):
        return False
    keys = [key for key in rows[0] if ID.search(str(key)) and len({repr(row.get(key)) for row in rows}) == len(rows)]
    return rows == others or any(all(one.get(key) == other.get(key) for one, other in pairs) for key in keys)


def is_path(expression: str) -> bool:
    """Whether an expression is a plain path."""
    return _keys_of(expression) is not None


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
    root = parsed(expression)
    nodes = root["children"] if root["type"] == "subexpression" else [root]
    return [node["value"] for node in nodes] if all(map(_is_field, nodes)) else None


def _text(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
