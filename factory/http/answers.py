"""The parts of a decoded answer: the mappings on the way from its top to the rows, and those beside them that are about
all rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

from factory.http.selection import LoneItems, parsed

Way = tuple[str, ...]
"""Keys, `[]` for each item of a list, `[0]` for one of them, `*` for each value of a mapping."""
EACH, VALUES = "[]", "*"
PREFIX = "(?:odata|hydra|wp|opensearch|pagination)?"
"""What names of keys may begin with, in small letters and without what is no letter."""
_IDS = ("id", "_id", "uuid", "guid", "key")
_FRAME = re.compile(
    r"_?(?:response|search|result|page|list|request|query)?(?:meta|metadata|info|pagination|paging|page)|responseheader"
    r"|(?:request|query|search)status"
)
"""Mappings beside the rows that are about all of them."""
_DEEPEST = 3


@lru_cache(maxsize=1024)  # pages have the same keys
def letters(key: Any) -> str:
    """A key in small letters, without what is no letter."""
    return re.sub(r"[^a-z]", "", str(key).lower())


def is_of_all(key: Any) -> bool:
    """Whether a mapping of this name is beside the rows and about all of them."""
    return _FRAME.fullmatch(letters(key)) is not None


def is_thing(value: Mapping[str, Any]) -> bool:
    """Whether a mapping is a thing of its own, by an id, and no answer: what it says is about itself."""
    return any(str(key).lower() in _IDS for key in value)


def frames(
    value: Any, leads: Collection[str] = (), inside: str = "", *, is_frame: bool = True, is_root: bool = True
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """The mappings of an answer outside of lists, the outer first, and whether they are about all rows, as those are
    that lead to them, and what they are all of."""
    if not isinstance(value, Mapping):
        return
    yield inside, value, is_frame
    for key, child in value.items():
        if isinstance(child, Mapping) and inside.count(".") < _DEEPEST:
            is_lone = is_root and len(value) == 1
            is_so = is_frame and (is_lone or key in leads or str(key)[:1] == "[" or is_of_all(key))
            yield from frames(child, leads, f"{inside}{key}.", is_frame=is_so, is_root=is_lone)


class Part(NamedTuple):
    """A mapping on the way to rows. `path` is where it is; `leads`: its keys that lead to the rows; `is_item`: whether
    there may be several of it; `gives`: whether there are rows in it, None where it has no place for any."""

    path: Way
    value: Mapping[str, Any]
    leads: frozenset[str]
    is_item: bool
    gives: bool | None


def parts(value: Any, ways: Iterable[Way]) -> Iterator[Part]:
    """The mappings on the way to rows, from the top."""
    ways = [way for way in ways if way]
    if not ways and isinstance(value, Mapping):
        yield Part((), value, frozenset(), False, bool(value))
        return
    yield from _parts(value, ways, (), isinstance(value, LoneItems), is_item=False)


def _parts(value: Any, ways: list[Way], path: Way, lone: bool, *, is_item: bool) -> Iterator[Part]:
    if not ways:
        return
    if isinstance(value, Mapping):
        leads = frozenset(way[0] for way in ways)
        if leads != {EACH} or not lone:
            yield Part(path, value, leads, is_item, _gives(value, ways, lone))
    for step in dict.fromkeys(way[0] for way in ways):
        rest = [way[1:] for way in ways if way[0] == step and len(way) > 1]
        is_each = step in (EACH, VALUES)
        for one in _next(value, step, lone) if rest else ():
            yield from _parts(one, rest, (*path, step), lone, is_item=is_item or is_each)


def _next(value: Any, step: str, lone: bool) -> Iterable[Any]:
    """What is one step further in a value."""
    if step == VALUES:
        return value.values() if isinstance(value, Mapping) else ()
    if step[:1] == "[":
        items = value if isinstance(value, list) else [value] if lone and isinstance(value, Mapping | str) else []
        at = slice(None) if step == EACH else slice(int(step[1:-1]), int(step[1:-1]) + 1 or None)
        return items[at]
    return [value[step]] if isinstance(value, Mapping) and value.get(step) is not None else ()


def _gives(value: Any, ways: list[Way], lone: bool) -> bool | None:
    """Whether there are rows in a value; None where it has no place for any."""
    found: bool | None = None
    for way in ways:
        if not way and value is not None:
            found = value not in ([], {})
        elif way and way[0] == EACH and isinstance(value, list) and not value:
            found = False
        for one in _next(value, way[0], lone) if way else ():
            given = _gives(one, [way[1:]], lone)
            found = found if given is None else given
            if given:
                return True
        if found:
            return True
    return found


def ways_to(expression: str) -> frozenset[Way]:
    """The ways on which an expression comes to rows. Raises JmesPathError."""
    return frozenset(_ways(parsed(expression)))


@lru_cache(maxsize=256)
def keys_read(expression: str) -> frozenset[Way]:
    """What an expression asks for, also in its conditions: the keys, without places in lists. Raises JmesPathError."""
    return frozenset(keys_of(way) for way in _ways(parsed(expression), all_read=True))


def shared_path(one: str, other: str) -> Way | None:
    """The keys of the mapping that has all that two expressions take; None where one of them takes nothing by a key."""
    found = [[tuple(takewhile(_is_key, way))[:-1] for way in ways_to(expression)] for expression in (one, other)]
    levels = zip(*(way for ways in found for way in ways), strict=False)
    return tuple(keys[0] for keys in takewhile(lambda keys: len(set(keys)) == 1, levels)) if all(found) else None


def keys_of(path: Iterable[str]) -> Way:
    """A path without places in lists."""
    return tuple(filter(_is_key, path))


def _is_key(step: str) -> bool:
    return step[:1] != "[" and step != VALUES


def shown(path: Iterable[str]) -> str:
    """A path as an expression has it."""
    return "".join(step if step[:1] == "[" else f".{step}" for step in path).removeprefix(".")


def _ways(node: Mapping[str, Any], *, all_read: bool = False, in_row: bool = False) -> set[Way]:
    """`all_read`: also what only conditions ask for. `in_row`: what is made of a row is that row."""
    kind, children = node["type"], node["children"]
    if kind in ("field", "index"):
        return {(node["value"] if kind == "field" else f"[{node['value']}]",)}
    if kind in ("current", "identity", "slice"):
        return {()}
    if kind in ("literal", "expref"):
        return set()
    if kind in ("multi_select_list", "multi_select_dict") and in_row and not all_read:
        return {()}
    if kind in ("subexpression", "pipe", "index_expression"):
        found: set[Way] = {()}
        for child in children:
            found = _joined(found, _ways(child, all_read=all_read, in_row=in_row))
        return found
    if kind == "flatten":
        return _ways(children[0], all_read=all_read, in_row=in_row)
    if kind in ("projection", "filter_projection", "value_projection"):
        items = _joined(
            _ways(children[0], all_read=all_read, in_row=in_row), {(VALUES if kind == "value_projection" else EACH,)}
        )
        inside = _joined(items, _ways(children[1], all_read=all_read, in_row=True))
        if all_read and kind == "filter_projection":
            inside |= _joined(items, _ways(children[2], all_read=True))
        return inside
    if not all_read and kind in ("comparator", "not_expression"):
        return set()
    wanted = children[1:] if kind == "and_expression" and not all_read else children
    return {way for child in wanted for way in _ways(child, all_read=all_read, in_row=in_row)}


def _joined(first: set[Way], then: set[Way]) -> set[Way]:
    return {(*one, *other) for one in first for other in then}
