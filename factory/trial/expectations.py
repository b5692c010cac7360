"""What a test expects against what came; whole numbers must be the same, others close, and 1 is 1.0."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from factory.reporters.text import counted
from factory.trial import PATIENCE_SECONDS
from schemas.findings.paths import DataPath
from schemas.model.pipeline_tests import ExpectedOutput, ExpectedRows, PipelineTest

if TYPE_CHECKING:
    from factory.trial.memory import TaskResult

_SHOWN = 120
_EXACT = 2.0**53
"""Floats below have each whole number."""


class Problem(NamedTuple):
    """Where in the test it is expected, what is wrong, and what `--update` writes there: a path and what came.
    `is_crash`: a task failed that should not, so that what came says nothing."""

    path: DataPath
    text: str
    update: tuple[DataPath, Any] | None = None
    is_crash: bool = False


def differs(path: DataPath, text: str, came: Any) -> Problem:
    """A problem that is solved by what came."""
    return Problem(path, text, (path, came))


def of_rows(expected: ExpectedRows, found: Any, path: DataPath, read: Callable[[Any], Any]) -> Iterator[Problem]:
    """Differences between expected rows and those that came. `read` gives the rows that a path names."""
    if not isinstance(found, list):
        yield Problem(path, f"expected rows, found {shown(found)}")
        return
    if expected.count is not None and len(found) != expected.count:
        yield differs(
            (*path, "count"),
            f"expected {counted(expected.count, 'row')}, found {counted(len(found), 'row')}",
            len(found),
        )
    if expected.rows is None:
        return
    wanted = read(expected.rows)
    place = (*path, "rows")
    subset = expected.match == "subset"
    came = _with_columns_of(wanted, found) if subset else found
    if not subset and len(wanted) != len(found):
        text = f"expected {counted(len(wanted), 'row')}, found {counted(len(found), 'row')}: {shown(found)}"
        yield differs(place, text, came)
        return
    if expected.order == "any" or subset:
        for problem in _in_any_order(wanted, found, place, subset=subset):
            yield problem._replace(update=(place, came))
        return
    for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
        if not equal(one, other):
            text = f"row {index + 1}: expected {shown(one)}, found {shown(other)}"
            yield Problem((*place, index), text, (place, came))


def _in_any_order(wanted: Sequence[Any], found: Sequence[Any], place: DataPath, *, subset: bool) -> Iterator[Problem]:
    """Each wanted row gets one of its own among those that came: a row that fits several gives way to one that fits
    fewer (augmenting paths of a bipartite graph)."""
    holders: dict[int, int] = {}
    places: dict[int, int] = {}
    for index, row in enumerate(wanted):
        reached: dict[int, int] = {}
        waiting, free = [index], None
        while waiting and free is None:
            one = waiting.pop()
            for position, other in enumerate(found):
                if position not in reached and equal(wanted[one], other, subset=subset):
                    reached[position] = one
                    if position not in holders:
                        free = position
                        break
                    waiting.append(holders[position])
        if free is None:
            left = [other for position, other in enumerate(found) if position not in holders]
            yield Problem((*place, index), f"no row is {shown(row)}; found {shown(left)}")
        while free is not None:
            holder = holders[free] = reached[free]
            places[holder], free = free, places.get(holder)


def _with_columns_of(wanted: Sequence[Any], found: Sequence[Any]) -> list[Any]:
    """The rows that came, of each the columns that the wanted ones have; what is no row stays as it is."""
    names = {name for row in wanted if isinstance(row, dict) for name in row}
    return [
        {name: value for name, value in row.items() if name in names} if isinstance(row, dict) else row for row in found
    ]


def of_output(expected: ExpectedOutput, found: Any, path: DataPath, read: Callable[[Any], Any]) -> Iterator[Problem]:
    """Differences between an expected output and the one that came."""
    if "value" in expected.model_fields_set and not equal(expected.value, found):
        yield differs((*path, "value"), f"expected {shown(expected.value)}, found {shown(found)}", found)
    if expected.rows is not None or expected.count is not None:
        yield from of_rows(expected, found, path, read)


def of_tasks(
    test: PipelineTest, results: Sequence[TaskResult], where: Callable[[TaskResult], str] = lambda _: ""
) -> Iterator[Problem]:
    """Tasks that end as they should not; `where` says where in the pipeline and its code one failed."""
    states: dict[str, set[str]] = {}
    for result in results:
        states.setdefault(result.task_id, set()).add(result.state)
    failed = {result.task_id: result for result in results if result.error is not None}
    errors = {task_id: result.error for task_id, result in failed.items() if result.error is not None}
    for task_id, wanted in test.expect.tasks.items():
        found = states.get(task_id)
        if found != {wanted}:
            ended = " and ".join(sorted(found)) if found else "not run"
            why = f": {_why(errors[task_id])}{where(failed[task_id])}" if task_id in errors else ""
            text = f"`{task_id}` is {ended}, expected {wanted}{why}"
            update = (("expect", "tasks", task_id), ended) if found and len(found) == 1 else None
            yield Problem(("expect", "tasks", task_id), text, update, is_crash="failed" in (found or ()))
    part = test.expect.error
    expected = {task_id for task_id, error in errors.items() if part and part in str(error)}
    for task_id, found in states.items():
        if task_id not in test.expect.tasks and "failed" in found and task_id not in expected:
            why = f": {type(errors[task_id]).__name__}: {_why(errors[task_id])}" if task_id in errors else ""
            text = f"`{task_id}` failed{why}{where(failed[task_id]) if task_id in failed else ''}"
            yield Problem((), text, is_crash=True)
    if part == "":
        yield Problem(("expect", "error"), "write a part of the error's text: every error holds an empty one")
    elif part is not None and not expected:
        said = "; ".join(str(error) for error in errors.values()) or "no task failed"
        text = f"expected an error with {shown(part)}, found: {said}"
        yield Problem(("expect", "error"), text, is_crash=bool(errors))


def _why(error: BaseException) -> str:
    """A task's error, and what to write where it is one of the test's."""
    if "Unknown hook type" in str(error) and "duckdb" in str(error):
        return f"{error} (Airflow has no hook for DuckDB: only `load` takes a connection of that kind)"
    if type(error).__name__ not in ("AirflowSensorTimeout", "TaskDeferralTimeout", "StillWaitingError"):
        return str(error)
    return f"{error} (a test waits {PATIENCE_SECONDS:.0f} s: give what it waits for, or its output in `given.tasks`)"


def of_state(test: PipelineTest, read: Callable[[str, str], Any]) -> Iterator[Problem]:
    """What polls remember, and should not. `read` gives the value that a task has for a key."""
    for task_id, state in test.expect.state.items():
        for key, wanted in state.items():
            found = read(task_id, key)
            if not equal(wanted, found):
                text = f"`{task_id}` remembers {shown(found)}, expected {shown(wanted)}"
                yield differs(("expect", "state", task_id, key), text, found)


def equal(wanted: Any, found: Any, *, subset: bool = False) -> bool:
    """Whether a value is the wanted one; with `subset` a mapping may have more keys."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = wanted.keys() <= found.keys() if subset else wanted.keys() == found.keys()
        return keys and all(equal(value, found[key], subset=subset) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(equal, wanted, found))
    if _is_number(wanted) and _is_number(found):
        return _same_number(wanted, found)
    return type(wanted) is type(found) and bool(wanted == found)


def _same_number(wanted: float, found: float) -> bool:
    """Whole numbers are the same or not; one with a fraction, and one too large for all its digits, may be close."""
    one_is_int = isinstance(wanted, int) or isinstance(found, int)
    both_are_exact = all(isinstance(n, int) or (n.is_integer() and abs(n) < _EXACT) for n in (wanted, found))
    if wanted == found or (one_is_int and both_are_exact):
        return wanted == found
    try:
        return math.isclose(wanted, found, rel_tol=1e-9, abs_tol=1e-12)
    except OverflowError:
        return False  # an integer beyond all floats


def shown(value: Any) -> str:
    """A value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
