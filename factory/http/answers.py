"""The parts of a decoded answer: the mappings on the way from its top to the rows, and those beside them that are about
all rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

from factory.http.selection import ID, LoneItems, parsed

Way = tuple[str, ...]
"""Keys, `[]` for each item of a list, `[0]` for one of them, `*` for each value of a mapping."""
EACH, VALUES = "[]", "*"
PREFIX = "(?:odata|hydra|wp|opensearch|pagination)?"
"""What names of keys may begin with, in small letters and without what is no letter."""
_IDS, _NUMBERS = ("id", "_id", "uuid", "guid", "key"), ("number", "no", "sku", "self")
_ENVELOPE = re.compile(
    r"(?:soap|soapenv|env|s)?(?:envelope|body|header)|head|(?:api)?status|result|data|(?:api)?response(?:header|status|info)?"
)
"""Mappings that say how a request went, or hold the rows."""
_ANSWER = re.compile(r".*(?:body|data|content|payload|responses?|results?|search|found|page|list|query)")
"""Mappings on the way to rows that are answers by their names."""
_FRAME = re.compile(
    r"_?(?:response|search|result|page|list|request|query)?(?:meta|metadata|info|pagination|paging|page)|responseheader"
    r"|(?:request|query|search)status"
)
"""Mappings beside the rows that are about all of them."""
_DEEPEST, _MOST_DIGITS = 3, 19


@lru_cache(maxsize=1024)  # pages have the same keys
def letters(key: Any) -> str:
    """A key in small letters, without what is no letter."""
    return re.sub(r"[^a-z]", "", str(key).lower())


def whole_number(value: Any) -> int | None:
    """A whole number, also one that is written as text."""
    if isinstance(value, str) and value.isdecimal() and len(value) < _MOST_DIGITS:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def is_of_all(key: Any) -> bool:
    """Whether a mapping of this name is beside the rows and about all of them."""
    return _FRAME.fullmatch(letters(key)) is not None


def is_envelope(key: Any) -> bool:
    """Whether a mapping of this name says how a request went, or holds the rows."""
    return _ENVELOPE.fullmatch(letters(key)) is not None


def is_thing(keys: Iterable[str], path: Way) -> bool:
    """Whether a mapping with these keys is a thing of its own, by an id, and no answer: what it says is about itself.
    A mapping that is no answer by its name is one by a number or name, too."""
    if not path or path[-1][:1] == "[" or is_of_all(path[-1]) or _ANSWER.fullmatch(letters(path[-1])):
        return any(str(key).lower() in _IDS for key in keys)
    return any(ID.search(str(key)) or str(key).lower() in _NUMBERS for key in keys)


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


class Level(NamedTuple):
    """The mappings at one place on the way to rows. `ways`: from there to the rows; `is_item`: whether there may be
    several, in lists. Rows may be asked by the thousand, so these are asked all at once."""

    path: Way
    values: Sequence[Mapping[str, Any]]
    ways: Sequence[Way]
    is_item: bool
    takes_lone: bool = False
    has_nothing: bool = False
    """Whether one of them is null."""

    @property
    def leads(self) -> frozenset[str]:
        """Its keys that lead to the rows."""
        return frozenset(way[0] for way in self.ways)

    @property
    def is_listed(self) -> bool:
        """Whether these are the items of a list themselves, and nothing in them."""
        return self.path[-1:] in ((EACH,), (VALUES,))

    def has_place(self, value: Mapping[str, Any]) -> bool:
        """Whether one of its mappings has a place for rows, though there may be none in it."""
        return any(_has_place(value, way, self.takes_lone) for way in self.ways)

    def holders(self, *, all_frames: bool = False) -> Iterator[tuple[Way, Sequence[Mapping[str, Any]]]]:
        """Its mappings, and those in them that are about all rows; with `all_frames` also those that hold rows by their
        names, and a lone one, as the root of XML is."""
        pending = [(self.path, self.values)]
        for path, values in pending:
            yield path, values
            for key in keys_in(values):
                is_root = all_frames and (is_envelope(key) or len(values[0]) == 1)
                if (is_of_all(key) or is_root) and not (values is self.values and key in self.leads):
                    inside = [child for one in values if isinstance(child := one.get(key), dict)]
                    pending += [((*path, str(key)), inside)] if inside else []


def keys_in(values: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """The keys of mappings, always in the same order."""
    return values[0] if len(values) == 1 else sorted(set().union(*values), key=str)


def levels(value: Any, ways: Iterable[Way]) -> Iterator[Level]:
    """The mappings on the way to rows, from the top."""
    lone = isinstance(value, LoneItems)
    pending: list[tuple[Way, list[Any], list[Way], bool]] = [((), [value], [way for way in ways if way], False)]
    for path, values, rest, is_item in pending:
        found = [one for one in values if isinstance(one, dict)]
        if found and not (lone and rest and all(way[0] == EACH for way in rest)):
            yield Level(path, found, rest, is_item, lone, len(found) < len(values) and None in values)
        for step in dict.fromkeys(way[0] for way in rest):
            further = [way[1:] for way in rest if way[0] == step and len(way) > 1]
            if further:
                pending.append(((*path, step), _next(values, step, lone), further, is_item or step in (EACH, VALUES)))


def _next(values: Iterable[Any], step: str, lone: bool) -> list[Any]:
    """What is one step further in values."""
    if step == VALUES:
        return [child for one in values if isinstance(one, dict) for child in one.values()]
    if step[:1] == "[":
        lists = [
            one if isinstance(one, list) else [one] if lone and isinstance(one, dict | str) else [] for one in values
        ]
        at = slice(None) if step == EACH else slice(int(step[1:-1]), int(step[1:-1]) + 1 or None)
        return [child for items in lists for child in items[at]]
    return [child for one in values if isinstance(one, dict) and (child := one.get(step)) is not None]


def _has_place(value: Any, way: Way, lone: bool) -> bool:
    if not way:
        return value is not None
    items = _next([value], way[0], lone)
    is_empty = way[0] == EACH and isinstance(value, list) and not value
    return is_empty or any(_has_place(one, way[1:], lone) for one in items)


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
    steps = zip(*(way for ways in found for way in ways), strict=False)
    return tuple(keys[0] for keys in takewhile(lambda keys: len(set(keys)) == 1, steps)) if all(found) else None


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
