"""What Vega-Lite takes for a time: the fields that it reads so, and texts of which it makes another day."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

_YEAR = r"(?:\d{4}|\d\d)(?!\d)"
_DAY_FIRST = re.compile(rf"\s*(?:1[3-9]|2\d|3[01])[./-]\d{{1,2}}[./-]{_YEAR}", re.ASCII)
_DAY_OR_MONTH = re.compile(rf"\s*(?:0?\d|1[0-2])[./-](?:0?\d|1[0-2])[./-]{_YEAR}", re.ASCII)
_OFFSET = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*[+-](?!00:?00)\d\d:?\d\d", re.ASCII)
_LAST_YEAR = 9_999


def time_fields(spec: Mapping[str, Any]) -> list[str]:
    """The fields of the rows that a spec reads as times, whatever type it says; not those that a `transform` or
    `data.format.parse` makes anew."""
    data = spec.get("data")
    kept = data.get("format") if isinstance(data, Mapping) else None
    parsed = kept.get("parse") if isinstance(kept, Mapping) else None
    made = {*_made(spec), *(parsed if isinstance(parsed, Mapping) else ())}
    return [field for field in dict.fromkeys(_read_as_times(spec)) if field not in made]


def parts_of(spec: Any) -> Iterator[Mapping[str, Any]]:
    """A spec and each mapping inside of it."""
    if isinstance(spec, Mapping):
        yield spec
        spec = list(spec.values())
    for one in spec if isinstance(spec, list | tuple) else ():
        yield from parts_of(one)


def _read_as_times(spec: Mapping[str, Any]) -> Iterator[str]:
    for part in parts_of(spec):
        field = part.get("field")
        if isinstance(field, str) and (part.get("type") == "temporal" or part.get("timeUnit")):
            yield field


def _made(spec: Mapping[str, Any]) -> Iterator[str]:
    """The names behind `as` in each `transform`."""
    for part in parts_of(spec):
        for step in steps if isinstance(steps := part.get("transform"), list | tuple) else ():
            names = step.get("as") if isinstance(step, Mapping) else None
            yield from (one for one in (names if isinstance(names, list) else [names]) if isinstance(one, str))


def day_first(field: str, values: Sequence[Any]) -> str | None:
    """What is wrong with days such as `05.02.2026`, in which JavaScript takes the first number for the month: it is the
    day, by its points, or since another one can be no month."""
    both, texts = _day_or_month(values)
    if both is None or not ("." in both or any(map(_DAY_FIRST.match, texts))):
        return None
    return f"`{field}` has days such as `{both}`, with the day first: write them as 2026-12-31"


def said_of_times(field: str, values: Sequence[Any], *, is_picture: bool) -> Iterator[str]:
    """What a reader of the chart may not expect of times."""
    both, texts = _day_or_month(values)
    if both is not None:
        yield f"days of `{field}` such as `{both}` are drawn with the month first: write 2026-12-31"
    years = [one for one in values if one is not None]
    if years and all(type(one) is int and 0 < one <= _LAST_YEAR for one in years):
        yield f"numbers of `{field}` such as {years[0]} are milliseconds since 1970 to Vega-Lite: write years as text"
    if is_picture and any(map(_OFFSET.match, texts)):
        yield f"moments of `{field}` with another offset than +00:00 are drawn in UTC: for local times leave it out"


def _day_or_month(values: Iterable[Any]) -> tuple[str | None, list[str]]:
    texts = [one for one in values if isinstance(one, str)]
    return next((text for text in texts if _DAY_OR_MONTH.match(text)), None), texts


def may_be_time(value: Any) -> bool:
    """Whether JavaScript may take it for a time; it knows many forms, and none that begins with the day."""
    if isinstance(value, str):
        return any(sign.isdigit() for sign in value) and _DAY_FIRST.match(value) is None
    return not isinstance(value, float) or math.isfinite(value)
