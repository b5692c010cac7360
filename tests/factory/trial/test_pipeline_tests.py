"""`factory test`: fixtures answer, expectations are held against what came, and nothing leaves the machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest

from factory.cli.test import Outcome, _junit
from factory.trial.expectations import equal, of_rows
from schemas.model.pipeline_tests import ExpectedRows
from tests.factory.cli.commands import connected, factory, looked_at

PIPELINES = Path(__file__).parent / "tested_pipelines"
ORDERS = (PIPELINES / "orders.yaml").read_text()
STEPS = """
import sqlite3, urllib.request
from contextlib import closing
from airflow.sdk import BaseHook

def clean(rows):
    return [row for row in rows if row["amount"] > 0]

def load(rows):
    with closing(sqlite3.connect(BaseHook.get_connection("warehouse").host)) as database, database:
        database.executemany("INSERT INTO orders VALUES (?, ?)", [(row["id"], row["amount"]) for row in rows])

def leave(host):
    import socket
    socket.create_connection((host, 80))

def fails():
    raise ValueError("too large")

def one():
    return 1

def some():
    return [{"id": 1}]

def mixed():
    return [{"id": 1}, 5]

def half():
    return "\\ud83d"

def at():
    from datetime import datetime, UTC
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M}"

def copied(place):
    import shutil
    return open(shutil.copy(f"{place}/a.txt", "out.txt")).read()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tested")
    shutil.copytree(PIPELINES, folder / "pipelines")
    (folder / "pipelines" / "steps.py").write_text(STEPS)
    return folder


@pytest.fixture(scope="module")
def done(project: Path) -> subprocess.CompletedProcess[str]:
    """All tests of the project in two processes, forked from one: importing Airflow costs more than any of them."""
    before = sorted(project.rglob("*"))
    arguments = ("--junit", "../report.xml", "--parallel", "2")
    done = factory("test", *arguments, cwd=project, environment=looked_at(project))
    assert done.returncode == 1, done.stdout + done.stderr
    assert sorted(path for path in project.rglob("*") if "__pycache__" not in path.parts) == before
    return done


def ran(folder: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = factory("test", *arguments, cwd=folder)
    assert done.returncode == status, done.stdout + done.stderr
    return done


@pytest.mark.parametrize(
    "name",
    [
        "a second page is followed, and refunds are left out",
        "a connection that leaves the machine is refused",
        "the clock and the environment are the test's",
        "a poll goes on from what it remembers",
        "data tasks work on what the test gives",
    ],
)
def test_a_test_passes(done: subprocess.CompletedProcess[str], name: str) -> None:
    assert f"yaml: {name}  " in "".join(line for line in done.stdout.splitlines() if line.startswith("✓")), done.stdout


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize(
    "said",
    [
        "the param `times`: 'abc' is not of type 'integer'",
        "SQLite has no schemas: write `w.orders`, or `given.connections: {w: duckdb}`",
        "Type with name NOTYPE does not exist",
        "a.bin",
        "a file of a test must stay in the test's own folder",
        "connection `shop` is defined, but cannot be read: percent-encode its login and password",
        "a test may not connect to db.example: put its tables into `given`",
        "Airflow has no hook for DuckDB: only `load` takes a connection of that kind",
        "`one` does not run: its output is given",
        "write a part of the error's text: every error holds an empty one",
        "`fails` failed: ValueError: too large",
        "    pipelines/few.yaml:4",
        'raise ValueError("too large")',
        "`ask` failed: ",
        "nobody asked for the fixture of post https://shop.example/ask",
        "asked 1 of 5 times for the fixture of post https://shop.example/ask",
    ],
)
def test_a_test_that_cannot_pass_says_why_and_the_others_run(done: subprocess.CompletedProcess[str], said: str) -> None:
    mine = done.stdout.partition("few.test.yaml")[2]
    assert said in mine, mine
    assert "hush" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_only_this_machine_is_asked(project: Path) -> None:
    assert connected(project) == {"127.0.0.1"}


def test_a_report_says_the_same(done: subprocess.CompletedProcess[str], project: Path) -> None:
    assert "5 passed, 14 failed" in done.stdout
    report = (project.parent / "report.xml").read_text()
    assert '<testsuite name="factory test" tests="19" failures="14">' in report


@pytest.mark.parametrize(
    "line",
    [
        "wrong.test.yaml:8:11: nobody asked for the fixture of GET https://shop.example/never",
        "wrong.test.yaml:10:22: `clean` is success, expected failed",
        "wrong.test.yaml:13:18: expected 3 rows, found 2 rows",
        'wrong.test.yaml:16:15: row 2: expected {"id": 9, "amount": 4}, found {"id": 2, "amount": 4}\n'
        "    16 |             - {id: 9, amount: 4}  # a comment\n"
        "       |               ^^^^^^^^^^^^^^^^^^",
        "wrong.test.yaml:17:17: expected 1 requests, found 0",
        "no fixture answers GET https://shop.example/orders",
        "wrong.test.yaml:26:26: `page.html` must end with .jsonl, .json or .csv",
        "the nearest fixture is for GET https://shop.example/orders; `page` is missing",
    ],
)
def test_a_difference_is_shown_at_its_place(done: subprocess.CompletedProcess[str], line: str) -> None:
    assert line in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        (1767000000, 1767000001, False), (1767000000, 1767000001.0, False), (10**400, 10**400, True),
        (10**400, 1.5, False), (10**20, 1.0000000000000001e20, True), (3, 3.0, True), (0.3, 0.1 + 0.2, True),
        (3, 3.0000000000001, True), (0.3, 0.31, False), (True, 1, False), (2**53 + 1, float(2**53), True),
    ],
)  # fmt: skip
def test_whole_numbers_are_the_same_and_others_close(wanted: object, found: object, same: bool) -> None:
    assert equal(wanted, found) is same


@pytest.mark.parametrize(
    ("wanted", "found", "wrong"),
    [
        ([{"a": 1}, {"a": 1, "b": 2}], [{"a": 1, "b": 2}, {"a": 1, "b": 3}], []),
        ([{"a": 1}, {"a": 1, "b": 2}, {"b": 2}], [{"a": 1, "b": 2}, {"b": 2}, {"a": 1}], []),
        ([{"a": 1}, {"a": 1}], [{"a": 1}, {"a": 2}], ['no row is {"a": 1}; found [{"a": 2}]']),
        ([{"a": 1}], [1, 2], ['no row is {"a": 1}; found [1, 2]']),
        ([{"a": 1}], [True], ['no row is {"a": 1}; found [true]']),
    ],
)
def test_each_row_of_a_subset_has_one_of_its_own(wanted: list[object], found: list[object], wrong: list[str]) -> None:
    expected = ExpectedRows.model_validate({"rows": wanted, "match": "subset"})

    assert [problem.text for problem in of_rows(expected, found, (), lambda rows: rows)] == wrong


def test_a_report_is_xml_whatever_an_error_holds() -> None:
    report = ElementTree.fromstring(_junit([Outcome("a", "b\x00", 0.0, ("a: \x1b[1mred\nb | \ud800",))]))  # noqa: S314 # our own

    assert [failure.text for failure in report.iter("failure")] == ["a: �[1mred\nb | �"]


@pytest.mark.soak
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "group"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_ends_all_processes_quietly(tmp_path: Path, number: signal.Signals, *, alone: bool) -> None:
    for folder in ("pipelines", "temporary"):
        (tmp_path / folder).mkdir()
    pids = [tmp_path / f"{name}.pid" for name in "ab"]
    for name, pid in zip("ab", pids, strict=True):
        command = f"echo $$ > {pid} && exec sleep 47"
        task = f"tasks: [{{id: long, uses: bash, with: {{bash_command: '{command}'}}}}]\n"
        (tmp_path / "pipelines" / f"{name}.yaml").write_text(task)
        (tmp_path / "pipelines" / f"{name}.test.yaml").write_text("tests: [{name: one}]\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "factory.cli", "test", "--parallel", "2"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 120
    while not all(pid.exists() and pid.read_text() for pid in pids) and time.monotonic() < end:
        time.sleep(0.1)
    started = [psutil.Process(int(pid.read_text())) for pid in pids]
    if alone:
        process.send_signal(number)
    else:
        os.killpg(process.pid, number)

    said, _ = process.communicate(timeout=120)

    assert (process.returncode, said) == (130, "")
    assert psutil.wait_procs(started, timeout=120)[1] == []
    assert list((tmp_path / "temporary").iterdir()) == []


def test_wrong_usage_is_said(project: Path) -> None:
    assert "there is no such file or folder" in ran(project, "none.test.yaml", status=2).stderr
    assert "did you mean pipelines/orders.test.yaml?" in ran(project, "orders", status=2).stderr
    assert "there is no folder nope" in ran(project, "--junit", "nope/report.xml", status=2).stderr
