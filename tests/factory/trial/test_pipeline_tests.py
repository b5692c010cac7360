"""`factory test`: fixtures answer, expectations are held against what came, and nothing leaves the machine."""

from __future__ import annotations

import os
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

ORDERS = """
schedule: "@daily"
environments:
  prod: {tags: [prod]}
poll:
  url: https://shop.example/orders
  data_selector: data
  pagination: {type: cursor, cursor_path: next, cursor_param: page}
tasks:
  - {id: clean, uses: steps.clean, with: {rows: "${tasks.poll.output}"}}
  - {id: load, uses: steps.load, with: {rows: "${tasks.clean.output}"}}
  - {id: tell, uses: empty, needs: [load], run_if: "{{ ti.xcom_pull(task_ids='clean') | length > 1 }}"}
"""
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
"""

PASSING = """
tests:
  - name: a second page is followed, and refunds are left out
    now: 2026-01-02T06:00:00Z
    environment: prod
    given:
      http:
        - request: {url: "https://shop.example/orders"}
          response: {json: {data: [{id: 1, amount: 3}], next: 2}}
          times: 1
        - request: {url: "https://shop.example/orders", params: {page: 2}}
          response: {json: {data: [{id: 2, amount: -1}]}}
      tables: {warehouse.orders: [{id: 0, amount: 1}]}
    expect:
      tasks: {clean: success, load: success, tell: skipped}
      output: {clean: {rows: [{id: 1}], match: subset}, poll: {count: 2}}
      tables: {warehouse.orders: {rows: [{id: 1, amount: 3}, {id: 0, amount: 1}], order: any}}
      requests: 2
"""
LEAVES = """
tests:
  - name: a connection that leaves the machine is refused
    task: leave
    expect:
      tasks: {leave: failed}
      error: "a test may not connect to 192.0.2.1"
  - name: the clock and the environment are the test's
    task: [at, shell]
    now: 2026-01-02T06:00:00Z
    given: {env: {PLACE: "${env.TEST_FOLDER}/in"}, files: {in/a.txt: "a text"}}
    expect:
      output: {at: {value: "2026-01-02T06:00"}, shell: {value: "a text"}}
      files: {out.txt: {text: "a text"}}
"""
LEAVE = """
tasks:
  - {id: leave, uses: steps.leave, with: {host: "192.0.2.1"}}
  - {id: at, uses: steps.at}
  - {id: shell, uses: steps.copied, with: {place: "${env.PLACE:-}"}}
"""
REMEMBER = """
schedule: '@hourly'
poll:
  url: https://shop.example/orders
  incremental: {cursor_path: at, start_param: since, initial_value: 2026-01-01T00:00:00Z}
"""
REMEMBERS = """
tests:
  - name: a poll goes on from what it remembers
    now: 2026-01-02T06:00:00Z
    state: {poll: {cursor: "2026-01-01T00:00:00Z"}}
    given:
      http:
        - request: {url: "https://shop.example/orders", params: {since: "2026-01-01T00:00:00Z"}}
          response: {json: [{id: 1, at: "2026-01-02T05:00:00Z"}]}
    expect:
      state: {poll: {cursor: "2026-01-02T05:00:00Z"}}
"""
DATA = """
tasks:
  - {id: orders, uses: sql, with: {conn_id: shop, sql: "SELECT * FROM orders", fetch: rows}}
  - id: days
    uses: duckdb
    with:
      sql: SELECT day, sum(price) AS total FROM orders JOIN 'lake/days.parquet' USING (day) GROUP BY day
      tables: {orders: "${tasks.orders.output}"}
      external_access: true
  - {id: keep, uses: load, with: {rows: "${tasks.days.output}", conn_id: lake, table: days}}
  - id: kept
    uses: duckdb
    needs: [keep]
    with: {database: "{{ conn.lake.host }}", sql: SELECT day FROM main.days}
  - {id: good, uses: check, with: {rows: "${tasks.days.output}", row_count: {equal_to: 1}}}
  - id: drawn
    uses: chart
    with: {rows: "${tasks.days.output}", spec: {mark: bar, encoding: {x: {field: day}}}, to: charts/days.html}
  - id: learned
    uses: train
    with:
      rows: [{rooms: 2, price: 10}, {rooms: 3, price: 15}, {rooms: 4, price: 20}, {rooms: 6, price: 30}]
      target: price
      estimator: sklearn.linear_model.LinearRegression
      test_size: 0.5
      random_state: 1
      to: models/price
  - {id: told, uses: predict, needs: [learned], with: {model: models/price, rows: [{rooms: 5}], to: told.jsonl}}
"""
DATA_TESTS = """
tests:
  - name: data tasks work on what the test gives
    given:
      connections: {lake: duckdb}
      tables: {shop.orders: {columns: {day: TEXT, price: REAL}, rows: [{day: a, price: 3}, {day: b, price: 4}]}}
      files: {lake/days.parquet: [{day: a}]}
    expect:
      output: {orders: {count: 2}, days: {rows: [{day: a, total: 3}]}, kept: {rows: [{day: a}]}}
      tables: {lake.days: {rows: [{day: a, total: 3}]}}
      files: {charts/days.html: {}, told.jsonl: {rows: [{rooms: 5, prediction: 25}]}}
"""
WRONG = """
tests:
  - name: what is wrong is shown at its place
    task: clean
    given:
      tasks: {poll: [{id: 1, amount: 3}, {id: 2, amount: 4}]}
      http:
        - request: {url: "https://shop.example/never"}
    expect:
      tasks: {clean: failed}
      output:
        clean:
          count: 3
          rows:
            - {id: 1, amount: 3}
            - {id: 9, amount: 4}  # a comment
      requests: 1
  - name: a request without a fixture names the nearest
    task: poll
    given:
      http:
        - request: {url: "https://shop.example/orders", params: {page: 7}}
      files: {page.html: "<p>"}
    expect:
      tasks: {poll: failed}
      files: {page.html: {count: 1}}
"""
FEW = """
params: {times: {type: integer, default: 1}}
tasks:
  - {id: one, uses: steps.one}
  - {id: fails, uses: steps.fails}
  - {id: ask, uses: http, with: {url: "https://shop.example/ask", method: POST, json: {a: true}, request_retries: null}}
  - {id: ask_db, uses: sql, with: {conn_id: shop, sql: SELECT 1}}
"""
UNUSABLE = """
tests:
  - {name: wrong param, task: one, params: {times: abc}}
  - {name: schema, task: one, given: {tables: {w.public.orders: [{id: 1}]}}}
  - {name: type, task: one, given: {connections: {w: duckdb}, tables: {w.orders: {columns: {id: NOTYPE}}}}}
  - {name: rows, task: one, given: {files: {a.bin: [{id: 1}]}}}
  - {name: away, task: one, given: {files: {../../away.txt: text}}}
  - {name: no connection, task: one, given: {connections: {shop: "http://:hush/hush#c@host"}}}
  - {name: elsewhere, task: ask_db, given: {connections: {shop: "postgres://ada:hush@db.example/shop"}}}
  - {name: no hook, task: ask_db, given: {connections: {shop: duckdb}}}
  - {name: runs nothing, task: one, given: {tasks: {one: 1}}}
  - {name: any error, task: fails, expect: {error: ""}}
  - {name: only that error, task: [fails, one, ask], expect: {error: too large}}
  - name: fixtures
    task: ask
    given:
      http:
        - {request: {url: "https://shop.example/ask", method: post, json: {a: 1}}}
        - {request: {url: "https://shop.example/ask", method: post}, response: {json: {}}, times: 5}
"""
MORE_STEPS = """
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
    (folder / "pipelines").mkdir()
    files = {
        **{"orders.yaml": ORDERS, "orders.test.yaml": PASSING, "leave.yaml": LEAVE, "leave.test.yaml": LEAVES},
        **{"remember.yaml": REMEMBER, "remember.test.yaml": REMEMBERS, "data.yaml": DATA},
        **{"data.test.yaml": DATA_TESTS, "wrong.test.yaml": f"pipeline: orders.yaml{WRONG}"},
        **{"few.yaml": FEW, "few.test.yaml": UNUSABLE, "steps.py": STEPS + MORE_STEPS},
    }
    for name, text in files.items():
        (folder / "pipelines" / name).write_text(text.lstrip())
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
    end = time.monotonic() + 50
    while not all(pid.exists() and pid.read_text() for pid in pids) and time.monotonic() < end:
        time.sleep(0.1)
    started = [psutil.Process(int(pid.read_text())) for pid in pids]
    if alone:
        process.send_signal(number)
    else:
        os.killpg(process.pid, number)

    said, _ = process.communicate(timeout=50)

    assert (process.returncode, said) == (130, "")
    assert psutil.wait_procs(started, timeout=5)[1] == []
    assert list((tmp_path / "temporary").iterdir()) == []


def test_wrong_usage_is_said(project: Path) -> None:
    assert "there is no such file or folder" in ran(project, "none.test.yaml", status=2).stderr
    assert "there is no folder nope" in ran(project, "--junit", "nope/report.xml", status=2).stderr
