"""What a test expects against what came; numbers are equal if they are close, 1 and 1.0 are one."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from schemas.findings.paths import DataPath
from schemas.model.pipeline_tests import ExpectedOutput, ExpectedRows

Problem = tuple[DataPath, str]
"""Where in the test it is expected, and what is wrong."""

_SHOWN = 120


def of_rows(expected: ExpectedRows, found: Any, path: DataPath, read: Callable[[Any], Any]) -> Iterator[Problem]:
    """Differences between expected rows and those that came. `read` gives the rows that a path names."""
    if not isinstance(found, list):
        yield path, f"expected rows, found {shown(found)}"
        return
    if expected.count is not None and len(found) != expected.count:
        yield (*path, "count"), f"expected {_count(expected.count)}, found {_count(len(found))}"
    if expected.rows is None:
        return
    wanted = read(expected.rows)
    place = (*path, "rows")
    subset = expected.match == "subset"
    if not subset and len(wanted) != len(found):
        yield place, f"expected {_count(len(wanted))}, found {_count(len(found))}: {shown(found)}"
        return
    if expected.order == "any" or subset:
        yield from _in_any_order(wanted, found, place, subset=subset)
        return
    for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
        if not equal(one, other):
            yield (*place, index), f"row {index + 1}: expected {shown(one)}, found {shown(other)}"


def _in_any_order(wanted: Sequence[Any], found: Sequence[Any], place: DataPath, *, subset: bool) -> Iterator[Problem]:
    left = list(found)
    for index, row in enumerate(wanted):
        match = next((other for other in left if equal(row, other, subset=subset)), None)
        if match is None:
            yield (*place, index), f"no row is {shown(row)}; found {shown(left)}"
        else:
            left.remove(match)


def of_output(expected: ExpectedOutput, found: Any, path: DataPath, read: Callable[[Any], Any]) -> Iterator[Problem]:
    """Differences between an expected output and the one that came."""
    if "value" in expected.model_fields_set and not equal(expected.value, found):
        yield (*path, "value"), f"expected {shown(expected.value)}, found {shown(found)}"
    if expected.rows is not None or expected.count is not None:
        yield from of_rows(expected, found, path, read)


def equal(wanted: Any, found: Any, *, subset: bool = False) -> bool:
    """Whether a value is the wanted one; with `subset` a mapping may have more keys."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = wanted.keys() <= found.keys() if subset else wanted.keys() == found.keys()
        return keys and all(equal(value, found[key], subset=subset) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(equal, wanted, found))
    if _is_number(wanted) and _is_number(found):
        return math.isclose(wanted, found, rel_tol=1e-9, abs_tol=1e-12)
    return type(wanted) is type(found) and bool(wanted == found)


def shown(value: Any) -> str:
    """A value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _count(number: int) -> str:
    return f"{number} row{'' if number == 1 else 's'}"
