"""Runs the tests of a test file, one after the other, in this process."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, chdir, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from factory.data.places import FORMATS, RowFileError
from factory.data.row_files import plain_rows, read_rows
from factory.http.state import WATERMARK
from factory.loading.pipelines import build_checked
from factory.operators.http_stateful import StatefulHttpOperator
from factory.trial import PATIENCE_SECONDS, Guard, environment, hide_in_output, tasks_of, through, wrong_param
from factory.trial.expectations import Problem, differs, of_output, of_rows, of_state, of_tasks, shown
from factory.trial.fixture_server import Exchange, fixture_server, of_requests
from factory.trial.given import FOLDER_VARIABLE, Authority, Place, Tables, UnusableError, first_line, tables_of
from factory.trial.memory import RETURN_VALUE, Kept, Memory, TaskResult
from factory.trial.report import Recorder, frames, plain, task_place
from factory.trial.run import Trial, run
from pipeline_factory import requirement
from schemas.check import Checker, CheckOptions, CheckResult
from schemas.check.test_files import fixtures_of
from schemas.findings.paths import DataPath
from schemas.folder.project import ENVIRONMENT_VARIABLE
from schemas.model.pipeline_tests import HttpFixture, PipelineTest
from schemas.model.task_base import commit_task_id
from schemas.rules.subject import Subject

CURSOR = "cursor"


@dataclass(frozen=True)
class TestRun:
    """How a test ended: what is wrong, each at a path below the test, what it recorded, and what a test elsewhere needs
    for that, without secrets. `crashed`: a task failed that should not."""

    __test__ = False

    name: str
    seconds: float
    problems: tuple[Problem, ...]
    recorded: tuple[Mapping[str, Any], ...] = ()
    borrowed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    crashed: bool = False


@dataclass
class Tester:
    """Runs tests of the pipelines of one folder. `record` asks real servers for what no fixture answers, with the
    connections that `kept` has."""

    folder: Path
    shown: str
    record: bool = False
    kept: Kept | None = None
    _guard: Guard = field(default_factory=Guard)

    def run(self, pipeline: str, test: PipelineTest, base: Path) -> TestRun:
        """Run one test of the pipeline at a path below the folder; `base` is the test file's folder."""
        started = time.monotonic()
        if test.now is not None and find_spec("time_machine") is None:
            text = f"a frozen clock needs time-machine: pip install {requirement('test')}"
            return TestRun(test.name, 0.0, (Problem(("now",), text),))
        with ExitStack() as stack:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="factory-test-")))
            place = Place(base.resolve(), home / "files")
            authority = Authority(home)
            server = stack.enter_context(fixture_server(authority))
            recorder = Recorder() if self.record else None
            server.exchange = Exchange(_fixtures(test, place.base), place.base, recorder)
            variables = {
                **through(server.server_address[1], str(authority.bundle)),
                "TMPDIR": str(home),
                ENVIRONMENT_VARIABLE: test.environment or "",
                FOLDER_VARIABLE: str(place.files),
                **place.expanded(test.given.env),
            }
            # Airflow would read these itself, and nobody would know what is secret in a recorded answer.
            shell = {**os.environ, **variables} if self.record else variables
            stack.enter_context(environment(variables, without=("AIRFLOW_CONN_", "AIRFLOW_VAR_")))
            stack.enter_context(chdir(place.files))
            stack.callback(setattr, tempfile, "tempdir", tempfile.tempdir)
            tempfile.tempdir = variables["TMPDIR"]
            stack.enter_context(_frozen(test.now))
            self._guard.is_on = not self.record
            stack.callback(setattr, self._guard, "is_on", False)
            try:
                place.fill(test)
                problems = tuple(self._problems(pipeline, test, place, server.exchange, recorder, shell))
            except UnusableError as error:
                problems = (Problem(error.path, str(error)),)
            except Exception as error:
                # Whatever happens in one test is its failure, and no other's.
                problems = (Problem((), f"the test ended with {first_line(error)}", is_crash=True),)
        recorded = tuple(recorder.fixtures) if recorder is not None else ()
        borrowed = recorder.borrowed if recorder is not None else {}
        crashed = any(problem.is_crash for problem in problems)
        return TestRun(test.name, time.monotonic() - started, problems, recorded, borrowed, crashed)

    def _problems(
        self,
        pipeline: str,
        test: PipelineTest,
        place: Place,
        exchange: Exchange,
        recorder: Recorder | None,
        shell: Mapping[str, str],
    ) -> Iterator[Problem]:
        checker = Checker(self.folder, CheckOptions(shown_folder=self.shown, require_environment=True))
        dag = self._dag(checker, pipeline, test)
        subject = checker.subject(pipeline, dag.dag_id)
        if wrong := wrong_param(dag, test.params, subject.data):
            raise UnusableError(("params", wrong[0]), wrong[1])
        only = _only(dag, test) - set(test.given.tasks)
        tables = tables_of(test, place)
        connections = {**place.expanded(test.given.connections), **tables.connections}
        memory = Memory(connections, kept=self.kept, shell=shell, stays_here=recorder is None)
        memory.variables |= test.given.variables
        hide_in_output(memory.hidden)
        if recorder is not None:
            recorder.secrets = memory.secrets
        for task_id, value in test.given.tasks.items():
            memory.xcoms[task_id, RETURN_VALUE] = {-1: place.value(value)}
        names = {task_id: _state_name(dag, task_id) for task_id in {*test.state, *test.expect.state}}
        for task_id, state in test.state.items():
            for key, value in state.items():
                memory.asset_states[names[task_id], _state_key(key)] = value
        moment = test.now or datetime.now(UTC)
        patience = PATIENCE_SECONDS if recorder is None else None
        results = run(Trial(dag, memory, _zoned(moment), only, place.expanded(test.params), patience))
        if recorder is not None:
            recorder.borrow(memory)
        problems = [
            *of_requests(test, exchange),
            *of_tasks(test, results, lambda result: _where(subject, result, self.folder.absolute())),
            *_of_data(test, results, memory, tables, place),
            *of_state(test, lambda task_id, key: memory.asset_states.get((names[task_id], _state_key(key)))),
        ]
        for problem in problems:
            update = problem.update
            if recorder is not None and update is not None:
                update = (update[0], recorder.without_secrets(update[1]))
            text = memory.hidden(problem.text).replace(f"{place.files}/", "").replace(f"{place.files.parent}/", "")
            yield problem._replace(text=text, update=update)

    def _dag(self, checker: Checker, pipeline: str, test: PipelineTest) -> Any:
        """The DAG. Raises UnusableError where something is wrong with it."""
        checked = checker.file(pipeline, test.dag_id)
        if checked.has_errors or not checked.pipelines:
            first = next((d for d in checked.diagnostics), None)
            text = f"the pipeline has errors: {first.message if first else f'no DAG `{test.dag_id}`'}"
            raise UnusableError(("dag_id",) if first is None else (), text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = build_checked(checker, CheckResult(checked.pipelines[:1], ()))
        if not loaded.dags:
            raise UnusableError((), f"the DAG cannot be built: {loaded.diagnostics[0].message}")
        return next(iter(loaded.dags.values()))


def _where(subject: Subject, result: TaskResult, folder: Path) -> str:
    """Lines with the place of a failed task in the YAML, and in the user's code."""
    lines = [task_place(subject, result.task_id)]
    lines += frames(result.error, folder.parent) if result.error is not None else []
    return "".join(f"\n    {line}" for line in lines)


def _fixtures(test: PipelineTest, base: Path) -> Sequence[HttpFixture]:
    http = test.given.http
    if not isinstance(http, str):
        return http
    return fixtures_of(base / http, "")[0] if (base / http).exists() else ()


def _frozen(now: datetime | None) -> AbstractContextManager[Any]:
    """The clock stands still at a moment; what measures time, such as timeouts, goes on (`time.monotonic`)."""
    if now is None:
        return nullcontext()
    import time_machine  # noqa: PLC0415 # of the extra `test`

    return time_machine.travel(_zoned(now), tick=False)


def _zoned(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _only(dag: Any, test: PipelineTest) -> set[str]:
    """The tasks that a test names. Raises UnusableError."""
    for name in test.given.tasks.keys() - dag.task_dict.keys():
        raise UnusableError(("given", "tasks", name), f"the DAG `{dag.dag_id}` has no task `{name}`")
    if test.task is None:
        if set(dag.task_ids) <= set(test.given.tasks):
            raise UnusableError(("given", "tasks"), "no task runs: the output of each is given")
        return set(dag.task_ids)
    named = [test.task] if isinstance(test.task, str) else test.task
    # What a poll remembers moves in a task of its own, which nobody names.
    named = [*named, *(commit for name in named if (commit := commit_task_id(name)) in dag.task_dict)]
    found = {name: set(tasks_of(dag, name)) for name in named}
    for name, known in found.items():
        if not known - set(test.given.tasks):
            why = "its output is given" if known else f"the DAG `{dag.dag_id}` does not have it"
            raise UnusableError(("task",), f"`{name}` does not run: {why}")
    return {known for each in found.values() for known in each}


def _state_key(written: str) -> str:
    return WATERMARK if written == CURSOR else written


def _state_name(dag: Any, task_id: str) -> str:
    task = dag.task_dict.get(task_id)
    return str(task.state.name) if isinstance(task, StatefulHttpOperator) else task_id


def _of_data(
    test: PipelineTest, results: Sequence[TaskResult], memory: Memory, tables: Tables, place: Place
) -> Iterator[Problem]:
    ran = {result.task_id for result in results}
    for task_id, expected in test.expect.output.items():
        path: DataPath = ("expect", "output", task_id)
        if task_id not in ran:
            yield Problem(path, f"`{task_id}` did not run")
        else:
            output = plain(memory.output(task_id))
            if (
                expected.value is None
                and isinstance(output, str)
                and output.removesuffix(".gz").endswith(tuple(FORMATS))
            ):
                output = list(plain_rows(read_rows(output)))  # a file of rows stands for them
            yield from of_output(expected, output, path, place.rows)
    for name, rows in test.expect.tables.items():
        found = tables.rows(name)
        if found is None:
            yield Problem(("expect", "tables", name), f"there is no table `{name}`")
        else:
            yield from of_rows(rows, found, ("expect", "tables", name), place.rows)
    yield from _of_files(test, place)


def _of_files(test: PipelineTest, place: Place) -> Iterator[Problem]:
    """What is wrong with the files that the test expects."""
    for name, expected in test.expect.files.items():
        path, at = place.files / name, ("expect", "files", name)
        if not path.is_file():
            there = sorted(str(p.relative_to(place.files)) for p in place.files.rglob("*") if p.is_file())
            yield Problem(at, f"there is no file `{name}`, only {shown(there)}")
            continue
        if expected.text is not None and expected.text != (found := path.read_text(encoding="utf-8")):
            yield differs((*at, "text"), f"expected {shown(expected.text)}, found {shown(found)}", found)
        if expected.rows is not None or expected.count is not None:
            try:
                found_rows = list(plain_rows(read_rows(str(path))))
            except RowFileError as error:
                yield Problem(at, str(error).replace(str(path), name))
                continue
            yield from of_rows(expected, found_rows, at, place.rows)
