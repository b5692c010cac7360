"""Run a pipeline, or some of its tasks, in this terminal: no scheduler, no server, nothing kept.

Exit status: 0 all tasks succeeded or were skipped, 1 a task failed or the pipeline has errors, 2 usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TextIO

from factory.cli import UsageError, end_by_signal, to_path
from factory.cli.airflow import home_folder, use_local_api
from factory.cli.options import (
    MOST_NAMES,
    Selection,
    add_environment,
    did_you_mean,
    file_of,
    moment_of,
    natural,
    require_declared,
    select,
)
from factory.cli.run import require_airflow
from factory.reporters import full
from factory.reporters.text import wants_colour
from factory.trial import hide_in_output, hiding_output, prepare_airflow, tasks_of, wrong_param
from schemas.check import Checker, CheckOptions
from schemas.folder.project import ENVIRONMENT_VARIABLE

if TYPE_CHECKING:
    from factory.trial.memory import Kept, Memory, TaskResult

_LONG_SECONDS = 5
"""After which a task that still runs is named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory try`."""
    parser.add_argument("pipeline", metavar="PIPELINE", help="a file, or a DAG id")
    parser.add_argument("--pipelines", type=to_path, metavar="FOLDER", help="where to look for a DAG id")
    parser.add_argument("--task", action="append", default=[], metavar="ID", help="run only this task; may be repeated")
    parser.add_argument("--upstream", action="store_true", help="also run what these tasks need")
    parser.add_argument(
        "--date",
        metavar="DATE",
        help="the logical date, ISO 8601 (default: now, or none where assets start the pipeline)",
    )
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="a param; VALUE is JSON or text"
    )
    parser.add_argument(
        "--given", action="append", default=[], metavar="TASK=FILE", help="a task's output, as JSON; - for none"
    )
    parser.add_argument("--conn", action="append", default=[], metavar="ID=URI", help="a connection")
    parser.add_argument(
        "--airflow-home",
        type=to_path,
        metavar="FOLDER",
        help="where `make run` keeps connections, and what polls remember (.airflow here or in a folder above)",
    )
    parser.add_argument(
        "--commit", action="store_true", help="move there what polls remember; without it, they only read it"
    )
    parser.add_argument("--show", type=natural, default=5, metavar="N", help="rows to show of each output (default: 5)")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a task; what tasks print goes to stderr"
    )
    add_environment(parser, f"${ENVIRONMENT_VARIABLE}, else none")


def run(arguments: argparse.Namespace) -> int:
    """Run the tasks and print how each ended; returns the exit status."""
    require_airflow()
    asked = _Asked(
        _pairs(arguments.given, "--given", "TASK=FILE"),
        _pairs(arguments.conn, "--conn", "ID=URI"),
        {name: _json_or_text(value) for name, value in _pairs(arguments.param, "--param", "NAME=VALUE").items()},
        moment_of(arguments.date, option="--date"),
    )
    if arguments.environment:
        os.environ[ENVIRONMENT_VARIABLE] = arguments.environment
    use_local_api(home_folder(arguments.airflow_home))
    selection, path, dag_id = _chosen(arguments.pipeline, arguments.pipelines)
    require_declared(os.environ.get(ENVIRONMENT_VARIABLE), [selection])
    checker = Checker(selection.folder, CheckOptions(shown_folder=selection.shown, require_environment=True))
    checked = checker.file(path, dag_id)
    if checked.diagnostics:
        print(full.render(checked.diagnostics, colour=wants_colour(sys.stderr)), file=sys.stderr)
    if checked.has_errors or not checked.pipelines:
        return 1
    if dag_id is None and len(checked.pipelines) > 1:
        ids = ", ".join(pipeline.dag_id for pipeline in checked.pipelines[:MOST_NAMES])
        more = " …" if len(checked.pipelines) > MOST_NAMES else ""
        raise UsageError(f"{arguments.pipeline} makes {len(checked.pipelines)} DAGs, name one of them: {ids}{more}")
    end_by_signal()
    with tempfile.TemporaryDirectory(prefix="factory-try-") as home, hiding_output(apart=arguments.json) as own:
        prepare_airflow(home, os.environ.get("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING"))
        return _run(checker, checked.pipelines[0], arguments, asked, own)


class _Asked(NamedTuple):
    """What the command line gives to a run."""

    given: Mapping[str, str]
    connections: Mapping[str, str]
    params: Mapping[str, Any]
    date: datetime


def _run(checker: Checker, pipeline: Any, arguments: argparse.Namespace, asked: _Asked, own: TextIO) -> int:
    from factory.loading.pipelines import build_checked  # noqa: PLC0415 # imports Airflow, whose home is set only now
    from factory.trial import report  # noqa: PLC0415 # as above
    from factory.trial.memory import RETURN_VALUE, Memory  # noqa: PLC0415 # as above
    from factory.trial.run import Trial  # noqa: PLC0415 # as above
    from factory.trial.run import run as run_trial  # noqa: PLC0415 # as above
    from schemas.check import CheckResult  # noqa: PLC0415 # as above

    with warnings.catch_warnings():
        # Deprecations inside of Airflow's own packages, at their import: nothing that a pipeline could change.
        warnings.simplefilter("ignore")
        loaded = build_checked(checker, CheckResult((pipeline,), ()))
    if not loaded.dags:
        print(full.render(loaded.diagnostics, colour=wants_colour(sys.stderr)), file=sys.stderr)
        return 1
    dag = loaded.dags[pipeline.dag_id]
    only = _only(dag, arguments.task, asked.given, upstream=arguments.upstream)
    home = kept(arguments.airflow_home, required=arguments.commit)
    subject = checker.subject(pipeline.file, pipeline.dag_id)
    given = asked.given
    if wrong := wrong_param(dag, asked.params, subject.data):
        raise UsageError(f"--param {wrong[0]}: {wrong[1]}")
    memory = Memory(connections=asked.connections, kept=home)
    hide_in_output(memory.hidden)
    for task_id, file in given.items():
        _known(task_id, dag.task_ids)
        memory.xcoms[task_id, RETURN_VALUE] = {-1: _given(file)}
    if not only:
        raise UsageError("nothing is to run: the output of each task is given")
    for view, _, reference in subject.task_references:
        source = view.scope.find(reference.task_id, dag.task_ids) or reference.task_id
        if view.full_id in only and source in dag.task_ids and source not in only and source not in given:
            ways = f"add --upstream, or --given {source}=FILE (- for none)"
            raise UsageError(f"`{view.full_id}` needs the output of `{source}`: {ways}")

    def ended(result: TaskResult) -> None:
        place = report.task_place(subject, result.task_id)
        if arguments.json:
            error = None if result.error is None else f"{type(result.error).__name__}: {result.error}"
            record = {"task": result.name, "state": result.state, "seconds": round(result.seconds, 3)}
            record["place"] = place.split(", used at ")[0]
            record |= {"error": memory.hidden(error), "output": memory.hidden(report.plain(result.output))}
            print(json.dumps(record, default=str), file=own, flush=True)
            return
        print(report.line(result, place, memory.hidden), flush=True)
        shown = report.output(memory.hidden(report.plain(result.output)), arguments.show)
        if shown:
            print("\n".join(f"    {line}" for line in shown.splitlines()), flush=True)

    with _Clock() as clock:
        trial = Trial(dag, memory, asked.date, only, asked.params, is_dated=arguments.date is not None)
        results = run_trial(trial, ended, clock.start)
    return _concluded(results, memory, home, arguments)


def _concluded(results: Sequence[TaskResult], memory: Memory, home: Kept | None, arguments: argparse.Namespace) -> int:
    """Move what polls remember, where that is asked for; say what else came of it, and return the exit status."""
    from factory.http.state import ANSWER, TOKEN, WATERMARK  # noqa: PLC0415 # as above
    from factory.trial.memory import KeptError  # noqa: PLC0415 # as above

    remembered = {name: value for name, value in memory.moved.items() if name[1] in (ANSWER, TOKEN, WATERMARK)}
    if remembered and home is not None and arguments.commit:
        try:
            home.commit(remembered)
        except KeptError as error:
            raise UsageError(str(error)) from None
    if remembered and not arguments.json:
        assets = ", ".join(dict.fromkeys(asset for asset, _ in remembered))
        print(f"{'moved' if arguments.commit else 'not moved, without --commit'}: what is remembered as {assets}")
    if memory.not_started and not arguments.json:
        print(f"not started, since a trial starts no other DAG: {', '.join(memory.not_started)}")
    has_failed = any(result.state in ("failed", "upstream_failed") for result in results)
    for text in sorted(memory.missing) if has_failed else ():
        print(text, file=sys.stderr)
    return 1 if has_failed else 0


class _Clock:
    """Says of a task that takes long that it still runs: one that waits prints nothing itself."""

    def __init__(self) -> None:
        self._timer = Timer(_LONG_SECONDS, print)
        self._task_id = ""

    def start(self, task_id: str) -> None:
        """A task begins."""
        self._task_id = task_id
        self._timer.cancel()
        text = f"… {task_id}  still runs, or waits; Ctrl-C ends it"
        self._timer = Timer(_LONG_SECONDS, print, (text,), {"file": sys.stderr, "flush": True})
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._timer.cancel()
        if kind is KeyboardInterrupt:
            print(f"ended while `{self._task_id}` ran", file=sys.stderr, flush=True)


def kept(written: Path | None, *, required: bool) -> Kept | None:
    """What the Airflow of `make run` keeps, where there is one. Raises UsageError where one is asked for in vain."""
    from factory.local.home import Home, LocalRunError  # noqa: PLC0415 # as above
    from factory.trial.memory import Kept  # noqa: PLC0415 # as above

    home = Home(home_folder(written))
    if not home.database.is_file():
        if required or written is not None:
            raise UsageError(f"there is no Airflow in {home.path}: start it once, with `make run`")
        return None
    try:
        return Kept(home.database, home.read_keys()["fernet"])
    except LocalRunError as error:
        raise UsageError(str(error)) from None


def _chosen(pipeline: str, folder: Path | None) -> tuple[Selection, str, str | None]:
    """The folder, a path in it, and the DAG id where one is named. Raises UsageError."""
    named = Path(pipeline)
    if named.exists():
        (selection,) = select([named])
        if named.is_dir() or selection.templates or selection.defaults:
            raise UsageError(f"{pipeline}: name a pipeline{' that takes this template' if selection.templates else ''}")
        return selection, selection.paths[0], None
    (selection,) = select([folder] if folder is not None else [])
    checker = Checker(selection.folder, CheckOptions(shown_folder=selection.shown))
    return selection, file_of(pipeline, selection, checker), pipeline


def _only(dag: Any, tasks: Sequence[str], given: Container[str], *, upstream: bool) -> set[str]:
    """The tasks that run. What only a given output needed does not."""
    for task_id in tasks:
        if not tasks_of(dag, task_id):
            _known(task_id, dag.task_ids)
    left = [each for task_id in tasks for each in tasks_of(dag, task_id)] if tasks else list(dag.task_ids)
    chosen: set[str] = set()
    while left:
        task_id = left.pop()
        if task_id not in chosen and task_id not in given:
            chosen.add(task_id)
            left += dag.get_task(task_id).upstream_task_ids if upstream and tasks else ()
    return chosen


def _known(task_id: str, known: Sequence[str]) -> None:
    if task_id not in known:
        raise UsageError(f"there is no task `{task_id}`{did_you_mean(task_id, list(known))}")


def _given(file: str) -> Any:
    if file == "-":
        return None
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: {error}") from None


def _pairs(written: Sequence[str], option: str, form: str) -> dict[str, str]:
    for text in written:
        if "=" not in text:
            raise UsageError(f"{option} takes {form}, not `{text}`")
    return dict(text.split("=", 1) for text in written)


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value
