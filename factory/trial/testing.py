"""Runs the tests of a test file, one after the other, in this process.

What a test expects against what came; numbers are equal if they are close, 1 and 1.0 are one.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from factory.data.row_files import read_rows
from factory.http.state import WATERMARK
from factory.loading.checked import build_checked
from factory.operators.http_stateful import StatefulHttpOperator
from factory.trial.fixture_server import Authority, Exchange, Request, fixture_server
from factory.trial.isolation import Guard, environment, through
from factory.trial.memory import RETURN_VALUE, Memory, Tables
from factory.trial.run import TaskResult, Trial, run
from schemas.check import Checker, CheckOptions, CheckResult
from schemas.findings.paths import DataPath
from schemas.folder.project import ENVIRONMENT_VARIABLE
from schemas.model.pipeline_tests import ExpectedOutput, ExpectedRows, HttpFixture, PipelineTest

CURSOR = "cursor"


@dataclass(frozen=True)
class TestRun:
    """How a test ended: what is wrong, each at a path below the test, and what it recorded."""

    __test__ = False

    name: str
    seconds: float
    problems: tuple[Problem, ...]
    recorded: tuple[Mapping[str, Any], ...] = ()


@dataclass
class Tester:
    """Runs tests of the pipelines of one folder. `record` asks real servers for what no fixture answers."""

    folder: Path
    shown: str
    record: bool = False
    _guard: Guard = field(default_factory=Guard)

    def run(self, pipeline: str, test: PipelineTest, base: Path) -> TestRun:
        """Run one test of the pipeline at a path below the folder; `base` is the test file's folder."""
        started = time.monotonic()
        with ExitStack() as stack:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="factory-test-")))
            authority = Authority(home)
            server = stack.enter_context(fixture_server(authority))
            recorded: list[Mapping[str, Any]] = []
            forward = _recorder(recorded) if self.record else None
            server.exchange = Exchange(_fixtures(test, base), base, forward)
            variables = through(server.server_address[1], str(authority.bundle))
            stack.enter_context(environment({**variables, ENVIRONMENT_VARIABLE: test.environment or ""}))
            stack.enter_context(_frozen(test.now))
            self._guard.is_on = not self.record
            stack.callback(setattr, self._guard, "is_on", False)
            problems = tuple(self._problems(pipeline, test, base, home, server.exchange))
        return TestRun(test.name, time.monotonic() - started, problems, tuple(recorded))

    def _problems(
        self, pipeline: str, test: PipelineTest, base: Path, home: Path, exchange: Exchange
    ) -> Iterator[Problem]:
        checker = Checker(self.folder, CheckOptions(shown_folder=self.shown, require_environment=True))
        checked = checker.file(pipeline, test.dag_id)
        if checked.has_errors or not checked.pipelines:
            first = next((d for d in checked.diagnostics), None)
            yield (), f"the pipeline has errors: {first.message if first else f'no DAG `{test.dag_id}`'}"
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = build_checked(checker, CheckResult(checked.pipelines[:1], ()))
        if not loaded.dags:
            yield (), f"the DAG cannot be built: {loaded.diagnostics[0].message}"
            return
        (dag,) = loaded.dags.values()
        tables = Tables(home, [*test.given.tables, *test.expect.tables])
        for name, rows in test.given.tables.items():
            tables.fill(name, _rows(rows, base))
        memory = Memory(connections={**tables.connections, **test.given.connections})
        memory.variables |= test.given.variables
        for task_id, value in test.given.tasks.items():
            memory.xcoms[task_id, RETURN_VALUE] = {-1: _value(value, base)}
        names = {task_id: _state_name(dag, task_id) for task_id in {*test.state, *test.expect.state}}
        for task_id, state in test.state.items():
            for key, value in state.items():
                memory.asset_states[names[task_id], WATERMARK if key == CURSOR else key] = value
        moment = datetime.fromisoformat(test.now) if test.now else datetime.now(UTC)
        only = _only(dag, test) - set(test.given.tasks)
        results = run(Trial(dag, memory, moment, only, test.params))
        yield from _of_requests(test, exchange)
        yield from _of_tasks(test, results)
        yield from _of_data(test, results, memory, tables, base)
        for task_id, state in test.expect.state.items():
            for key, wanted in state.items():
                found = memory.asset_states.get((names[task_id], WATERMARK if key == CURSOR else key))
                if not equal(wanted, found):
                    text = f"`{task_id}` remembers {shown(found)}, expected {shown(wanted)}"
                    yield ("expect", "state", task_id, key), text


def _fixtures(test: PipelineTest, base: Path) -> Sequence[HttpFixture]:
    if isinstance(test.given.http, str):
        import yaml  # noqa: PLC0415 # few tests keep their fixtures in a file

        path = base / test.given.http
        written = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
        return [HttpFixture.model_validate(each) for each in written or []]
    return test.given.http


def _recorder(recorded: list[Mapping[str, Any]]) -> Callable[[Request], tuple[int, dict[str, str], bytes]]:
    from factory.trial.report import forwarded  # noqa: PLC0415 # only for --record

    def forward(request: Request) -> tuple[int, dict[str, str], bytes]:
        fixture, answer = forwarded(request)
        recorded.append(fixture)
        return answer

    return forward


def _frozen(now: str | None) -> AbstractContextManager[Any]:
    """The clock set to a moment, from which it goes on."""
    if now is None:
        return nullcontext()
    import time_machine  # noqa: PLC0415 # of the extra `test`

    return time_machine.travel(datetime.fromisoformat(now), tick=True)


def _only(dag: Any, test: PipelineTest) -> set[str]:
    if test.task is None:
        return set(dag.task_ids)
    named = [test.task] if isinstance(test.task, str) else test.task
    return {known for known in dag.task_ids for name in named if known == name or known.startswith(f"{name}.")}


def _state_name(dag: Any, task_id: str) -> str:
    task = dag.task_dict.get(task_id)
    return str(task.state.name) if isinstance(task, StatefulHttpOperator) else task_id


def _rows(written: Any, base: Path) -> list[Any]:
    return list(read_rows(str((base / written).resolve()))) if isinstance(written, str) else list(written)


def _value(written: Any, base: Path) -> Any:
    """A task's output: a text that names a file of rows beside the test stands for these rows."""
    if isinstance(written, str) and written.endswith((".json", ".jsonl", ".csv")) and (base / written).is_file():
        return _rows(written, base)
    return written


def _of_requests(test: PipelineTest, exchange: Exchange) -> Iterator[Problem]:
    path: DataPath = ("given", "http")
    for request in exchange.unanswered:
        yield path, f"no fixture answers {request.method} {request.url}: {exchange.nearest(request)}"
    for fixture in exchange.unused:
        yield path, f"nobody asked for the fixture of {fixture.request.method} {fixture.request.url}"
    wanted = test.expect.requests
    if wanted is not None and wanted != len(exchange.requests):
        yield ("expect", "requests"), f"expected {wanted} requests, found {len(exchange.requests)}"


def _of_tasks(test: PipelineTest, results: Sequence[TaskResult]) -> Iterator[Problem]:
    states: dict[str, set[str]] = {}
    for result in results:
        states.setdefault(result.task_id, set()).add(result.state)
    errors = {result.task_id: result.error for result in results if result.error is not None}
    for task_id, wanted in test.expect.tasks.items():
        found = states.get(task_id)
        if found != {wanted}:
            ended = " and ".join(sorted(found)) if found else "not run"
            why = f": {errors[task_id]}" if task_id in errors else ""
            yield ("expect", "tasks", task_id), f"`{task_id}` is {ended}, expected {wanted}{why}"
    for task_id, found in states.items():
        if task_id not in test.expect.tasks and "failed" in found and test.expect.error is None:
            yield (), f"`{task_id}` failed: {type(errors.get(task_id)).__name__}: {errors.get(task_id)}"
    if test.expect.error is not None and not any(test.expect.error in str(error) for error in errors.values()):
        said = "; ".join(str(error) for error in errors.values()) or "no task failed"
        yield ("expect", "error"), f"expected an error with {shown(test.expect.error)}, found: {said}"


def _of_data(
    test: PipelineTest, results: Sequence[TaskResult], memory: Memory, tables: Tables, base: Path
) -> Iterator[Problem]:
    def read(written: Any) -> Any:
        return _rows(written, base)

    ran = {result.task_id for result in results}
    for task_id, expected in test.expect.output.items():
        place: DataPath = ("expect", "output", task_id)
        if task_id not in ran:
            yield place, f"`{task_id}` did not run"
        else:
            yield from of_output(expected, memory.output(task_id), place, read)
    for name, rows in test.expect.tables.items():
        found = tables.rows(name)
        if found is None:
            yield ("expect", "tables", name), f"there is no table `{name}`"
        else:
            yield from of_rows(rows, found, ("expect", "tables", name), read)


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
