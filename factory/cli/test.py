"""Run the tests of pipelines: `NAME.test.yaml` beside `NAME.yaml`. Nothing leaves the machine, nothing is kept.

Exit status: 0 all passed, 1 some failed, 2 usage.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from threading import Thread, main_thread
from typing import TYPE_CHECKING, NamedTuple, cast

from factory.cli import UsageError, end_by_signal, to_path
from factory.cli.options import absent, count, require_writable, write_output
from factory.cli.run import require_airflow
from factory.cli.try_ import kept
from factory.reporters import full
from factory.reporters.text import columns, counted, printable, wants_colour
from factory.trial import hiding_output, prepare_airflow
from schemas.check import Checker, CheckOptions
from schemas.check.test_files import TestFile, read_test_file
from schemas.findings.paths import DataPath
from schemas.folder.discovery import is_test_path, test_paths
from schemas.folder.project import pipelines_folder
from schemas.model.pipeline_tests import PipelineTests

if TYPE_CHECKING:
    from factory.trial.testing import Tester, TestRun

__test__ = False
_END_SECONDS = 10.0
"""How long a process that is told to end may take."""


class Found(NamedTuple):
    """A test file: the pipelines folder, the folder's name for people, and the path in it."""

    folder: Path
    shown: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.shown}/{self.path}" if self.shown else self.path


class Ways(NamedTuple):
    """How tests are run, as the command line says."""

    word: str | None
    record: bool
    update: bool


class Outcome(NamedTuple):
    """How one test ended: lines `place: what is wrong`, and what was written."""

    file: str
    name: str
    seconds: float
    problems: tuple[str, ...]
    written: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory test`."""
    parser.add_argument(
        "paths", nargs="*", type=to_path, metavar="PATH", help="test files or folders (default: pipelines)"
    )
    parser.add_argument("-k", dest="word", metavar="WORD", help="only tests whose name holds this")
    parser.add_argument("--record", action="store_true", help="ask real servers, and write their answers as fixtures")
    parser.add_argument("--update", action="store_true", help="write what came where an expectation differs")
    parser.add_argument("--junit", type=to_path, metavar="FILE", help="also write a JUnit report")
    parser.add_argument(
        "--parallel", type=count, default=1, metavar="N", help="processes to share the files (default: 1)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the tests and print how each ended; returns the exit status."""
    started = time.monotonic()
    require_airflow()
    require_writable(arguments.junit)
    end_by_signal()
    files = list(_files(arguments.paths))
    if not files:
        raise UsageError("there are no tests here: a test file is NAME.test.yaml beside the pipeline NAME.yaml")
    outcomes: list[Outcome] = []
    for outcome in _outcomes(files, arguments):
        outcomes.append(outcome)
        sign = "✗" if outcome.problems else "✓"
        print(f"{sign} {outcome.file}: {printable(outcome.name)}  {outcome.seconds:.2f} s", flush=True)
        for line in (line for problem in outcome.problems for line in problem.split("\n")):
            print(f"    {printable(line)}", flush=True)
        for line in outcome.written:
            print(f"    {line}", flush=True)
    failed = sum(bool(outcome.problems) for outcome in outcomes)
    if arguments.junit is not None:
        write_output(arguments.junit, _junit(outcomes))
    if not outcomes:
        raise UsageError(f"no test has `{arguments.word}` in its name")
    print(f"{len(outcomes) - failed} passed, {failed} failed in {time.monotonic() - started:.1f} s")
    return 1 if failed else 0


def _files(paths: Sequence[Path]) -> Iterator[Found]:
    for target in paths or [pipelines_folder()]:
        if not target.exists():
            raise absent(target, test_paths)
        folder = pipelines_folder(target)
        shown = os.path.relpath(folder)
        if target.is_dir():
            below = target.resolve().is_relative_to(folder.resolve())
            inside = target.resolve().relative_to(folder.resolve()).as_posix() if below else "."
            for path in test_paths(folder):
                if inside == "." or path.startswith(f"{inside}/"):
                    yield Found(folder, shown, path)
        else:
            path = (target.parent.resolve() / target.name).relative_to(folder.resolve()).as_posix()
            if not is_test_path(path):
                raise UsageError(f"{target}: a test file's name ends in .test.yaml or .test.yml")
            yield Found(folder, shown, path)


def _outcomes(files: Sequence[Found], arguments: argparse.Namespace) -> Iterator[Outcome]:
    groups: dict[Path, list[Found]] = {}
    for file in files:
        groups.setdefault(file.folder, []).append(file)
    ways = Ways(arguments.word, arguments.record, arguments.update)
    with tempfile.TemporaryDirectory(prefix="factory-test-home-") as home, hiding_output():
        prepare_airflow(home, "CRITICAL")
        # A process for each folder: modules of two folders may have one name, and Python imports a name once.
        if len(groups) == 1 and arguments.parallel == 1:
            yield from run_files(files, ways)
            return
        import factory.trial.testing  # noqa: F401, PLC0415 # once, for all processes that are forked

        processes = arguments.parallel
        jobs = [job for group in groups.values() for n in range(processes) if (job := group[n::processes])]
        yield from _in_processes(jobs, ways, processes)


def _in_processes(jobs: Sequence[Sequence[Found]], ways: Ways, most: int) -> Iterator[Outcome]:
    """The outcomes in the order of the jobs, at most so many of which run at a time; none is left when this ends."""
    context = get_context("fork")
    running: dict[Connection, tuple[int, ForkProcess]] = {}
    ended: dict[int, list[Outcome]] = {}
    given, started = 0, 0
    try:
        while given < len(jobs):
            while started < len(jobs) and len(running) < most:
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_run_job, args=(jobs[started], ways, sender))
                sys.stdout.flush()
                running[receiver] = started, process
                process.start()
                sender.close()
                started += 1
            for receiver in cast("list[Connection]", wait(list(running))):
                number, process = running[receiver]
                ended[number] = _received(receiver, jobs[number])
                process.join()
                del running[receiver]
            while given in ended:
                yield from ended[given]
                given += 1
    finally:
        alive = [process for _, process in running.values() if process.is_alive()]
        for process in alive:
            process.terminate()  # which a task is told, and what it started
        for process in alive:
            process.join(_END_SECONDS)
            process.kill()


def _run_job(job: Sequence[Found], ways: Ways, sender: Connection) -> None:
    # Ctrl-C and a CI's end reach only the first process, which says once that this one ends: two signals at a time
    # would cut short what the first one began.
    os.setpgid(0, 0)
    Thread(target=_end_with_parent, daemon=True).start()
    with suppress(KeyboardInterrupt):
        sender.send(list(run_files(job, ways)))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        signal.pthread_kill(main_thread().ident or 0, signal.SIGTERM)


def _received(receiver: Connection, job: Sequence[Found]) -> list[Outcome]:
    try:
        outcomes: list[Outcome] = receiver.recv()
    except EOFError:
        said = ("the process that ran the tests ended by itself",)
        return [Outcome(file.name, "(the file)", 0.0, said) for file in job]
    return outcomes


def run_files(files: Iterable[Found], ways: Ways) -> Iterator[Outcome]:
    """Run the tests of files of one folder in this process."""
    from factory.trial.testing import Tester  # noqa: PLC0415 # imports Airflow

    testers: dict[Path, Tester] = {}
    for found in files:
        known = kept(None, required=False) if ways.record else None
        tester = testers.setdefault(found.folder, Tester(found.folder, found.shown, ways.record, known))
        checker = Checker(found.folder, CheckOptions(shown_folder=found.shown, environ={}))
        file = read_test_file(checker, found.folder, found.path, found.name, record=ways.record)
        if file.diagnostics:
            print(full.render(file.diagnostics, colour=wants_colour(sys.stderr)), file=sys.stderr)
        if file.model is None or file.diagnostics:
            first = file.diagnostics[0]
            yield Outcome(found.name, "(the file)", 0.0, (f"{found.name}:{first.span.line}: {first.message}",))
        else:
            yield from _of_file(found, file, file.model, tester, ways)


def _of_file(found: Found, file: TestFile, model: PipelineTests, tester: Tester, ways: Ways) -> Iterator[Outcome]:
    from factory.trial.updates import Update, fixtures_written, written  # noqa: PLC0415 # as above

    place = found.folder / found.path
    updates: list[Update] = []
    runs: dict[int, tuple[TestRun, list[str]]] = {}
    for index, test in enumerate(model.tests):
        if ways.word is not None and ways.word.lower() not in test.name.lower():
            continue
        path: DataPath = ("tests", index)
        ended = tester.run(file.pipeline, test, place.parent)
        lines: list[str] = []
        if ended.recorded:
            alone = len(model.tests) == 1
            updates += fixtures_written(place, path, test, ended.recorded, alone=alone)
            lines.append(f"recorded: {counted(len(ended.recorded), 'answer')}")
        if ended.borrowed:
            updates += [
                ((*path, "given", kind, name), value)
                for kind, given in ended.borrowed.items()
                for name, value in given.items()
            ]
            names = ", ".join(name for given in ended.borrowed.values() for name in given)
            lines.append(f"given without what is secret in them: {names}")
        if ways.update and ended.crashed:
            lines.append("nothing is updated, since a task failed")
        elif ways.update:
            came = [((*path, *p.update[0]), p.update[1]) for p in ended.problems if p.update is not None]
            updates += [one for position, one in enumerate(came) if one not in came[:position]]
        runs[index] = ended, lines
    refused = written(file, place, updates)
    updated = {path for path, _ in updates} - refused.keys()
    for index, (ended, lines) in runs.items():
        path, wrong = ("tests", index), list[str]()
        for problem in ended.problems:
            target = None if problem.update is None else (*path, *problem.update[0])
            text = f"{problem.text}; {refused.pop(target)}" if target in refused else problem.text
            if target in updated:
                lines.append(f"updated: {found.name}:{file.span((*path, *problem.path)).line}: {text}")
            else:
                wrong.append(_placed(file, found.name, (*path, *problem.path), text))
        wrong += [_placed(file, found.name, at, f"not written: {why}") for at, why in refused.items() if at[:2] == path]
        yield Outcome(found.name, model.tests[index].name, ended.seconds, tuple(wrong), tuple(lines))


def _placed(file: TestFile, name: str, path: DataPath, text: str) -> str:
    """The place and what is wrong, then the line with a caret, unless it may hold a password."""
    span = file.span(path)
    line, number = file.document.lines.line_text(span.line), str(span.line)
    caret = f"{' ' * columns(line[: span.column - 1])}{'^' * columns(line[span.column - 1 : span.end_column - 1])}"
    shown = f"{number} | {line}\n{' ' * len(number)} | {caret}" if path and "connections" not in f"{path}{line}" else ""
    return f"{name}:{number}:{span.column}: {text}\n{shown}".rstrip()


def _junit(outcomes: Sequence[Outcome]) -> str:
    from xml.etree.ElementTree import Element, SubElement, tostring  # noqa: PLC0415 # writes XML, reads none

    failures = sum(bool(outcome.problems) for outcome in outcomes)
    suite = Element("testsuite", name="factory test", tests=str(len(outcomes)), failures=str(failures))
    for outcome in outcomes:
        # XML has no control characters.
        file, name = printable(outcome.file), printable(outcome.name)
        case = SubElement(suite, "testcase", classname=file, name=name, time=f"{outcome.seconds:.3f}")
        lines = [printable(line) for problem in outcome.problems for line in problem.split("\n")]
        if lines:
            SubElement(case, "failure", message=lines[0]).text = "\n".join(lines)
    return tostring(suite, encoding="unicode") + "\n"
