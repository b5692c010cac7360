"""`factory test`: fixtures answer, expectations are held against what came, and nothing leaves the machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest

from factory.cli.test import Outcome, _junit
from factory.trial.expectations import equal, of_rows
from factory.trial.updates import fixtures_written, updated
from schemas.model.pipeline_tests import ExpectedRows, PipelineTest
from tests.factory.cli.commands import connected, factory, looked_at
from tests.factory.http.http_server import Server

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
UPDATED = """
    expect:
      tasks: {clean: success}
      output:
        clean:
          count: 2
          rows:
            - {id: 1, amount: 3}
            - {id: 2, amount: 4}  # a comment
      requests: 0
"""
ODD = """
tasks:
  - {id: one, uses: steps.one}
  - {id: rows, uses: steps.some}
  - {id: mixed, uses: steps.mixed}
  - {id: half, uses: steps.half}
"""
ODD_TESTS = """
tests:
  - name: an anchor  # a comment
    task: rows
    given: {tables: {w.o: &rows [{id: 7}]}}
    expect: {output: {rows: {rows: *rows}}}
  - name: nothing is written yet
    task: one
    expect:
      output:
        one:
          value:
  - {name: texts, task: rows, expect: {output: {rows: {rows: rows.csv}}}}
  - {name: a file, task: rows, expect: {output: {rows: {rows: rows.json}}}}
  - {name: no rows, task: mixed, expect: {output: {mixed: {rows: mixed.json}}}}
  - {name: half a character, task: half, expect: {output: {half: {value: x}}}}
"""
RECORDED_STEPS = """
from airflow.sdk import BaseHook

def tells():
    return BaseHook.get_connection("shop").password

def fails():
    raise ValueError(f"no {tells()} for it")
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


def test_what_came_is_written_and_comments_stay(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path, dirs_exist_ok=True)
    pipelines = tmp_path / "pipelines"
    for name, text in {"odd.yaml": ODD, "rows.csv": "id\n9\n", "rows.json": "[]", "mixed.json": "[]"}.items():
        (pipelines / name).write_text(text.lstrip())
    fails = (
        "pipeline: orders.yaml\ntests:\n  - name: fails\n    task: clean\n    given: {tasks: {poll: [{id: 1}]}}\n"
        "    expect: {output: {clean: {value: 3}}, requests: 1, tasks: {clean: success}}\n"
    )
    (pipelines / "fails.test.yaml").write_text(fails)
    (pipelines / "odd.test.yaml").write_bytes(b"\xef\xbb\xbf" + ODD_TESTS.lstrip().replace("\n", "\r\n").encode())

    names = ("wrong", "odd", "fails")
    done = ran(tmp_path, *(f"pipelines/{name}.test.yaml" for name in names), "--update", status=1)

    assert UPDATED.strip("\n") in (pipelines / "wrong.test.yaml").read_text()
    assert "updated: pipelines/wrong.test.yaml:17: expected 1 requests, found 0" in done.stdout
    assert "nobody asked" in done.stdout
    assert "nothing is updated, since a task failed" in done.stdout
    assert (pipelines / "fails.test.yaml").read_text() == fails
    after = ODD_TESTS.lstrip().replace("value:\n", "value: 1\n").replace("\n", "\r\n").encode()
    assert (pipelines / "odd.test.yaml").read_bytes() == b"\xef\xbb\xbf" + after
    kept = {name: (pipelines / name).read_text() for name in ("rows.csv", "mixed.json")}
    assert kept == {"rows.csv": "id\n9\n", "mixed.json": "[]"}
    assert json.loads((pipelines / "rows.json").read_text()) == [{"id": 1}]
    for said in (
        "; it cannot be written here without another change: edit it there",
        "; `rows.csv` would not be read as what came: write the rows as .json",
        "; `mixed.json` cannot hold what came: ",
    ):
        assert said in done.stdout, done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("a: [1, 2]  # x\n", [1, 3], "a: [1, 3]  # x\n"),
        ("a:\n  - 1  # x\n  - 2\nb: 1\n", [1], "a:\n  - 1  # x\nb: 1\n"),
        ("a:\n- 1  # x\nb: 1\n", [1, {"x": "no: 1"}], 'a:\n- 1  # x\n- {x: "no: 1"}\nb: 1\n'),
        ("a:\n- 1\n", [], "a:\n  []\n"),
        ("a:\n  x: 1  # one\n  y: 2\n", {"x": 1.0, "y": "1e5"}, 'a:\n  x: 1  # one\n  y: "1e5"\n'),
        ("a: |\n  text\nb: 1\n", "other", "a: other\nb: 1\n"),
        ("b: 1\n", {"c": None}, "a: {c: null}\nb: 1\n"),
        ("{b: 1}\n", [], "{a: [], b: 1}\n"),
    ],
)
def test_a_value_is_written_in_its_place(before: str, value: object, after: str) -> None:
    assert updated(before, [(("a",), value)]) == after


def test_several_new_keys_are_written_once() -> None:
    updates = [(("a", "b", "x"), 1), (("a", "b", "y"), 2), (("a", "c"), 3)]

    assert updated("name: n\n", updates) == "name: n\na: {b: {x: 1, y: 2}, c: 3}\n"
    assert updated("a: {}\n", updates) == "a: {b: {x: 1, y: 2}, c: 3}\n"


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


def test_a_test_file_is_no_pipeline(project: Path) -> None:
    assert "5 pipelines checked" in factory("lint", cwd=project).stderr
    assert "1 pipeline checked" in factory("lint", "pipelines/leave.test.yaml", cwd=project).stderr


FINDINGS = [
    ("tests:\n  - nam: x\n", "PF102"),
    ("tests:\n  - name: x\n    task: claen\n", "the pipeline has no task `claen` (did you mean `clean`?)"),
    ("tests:\n  - name: x\n    params: {dy: 1}\n", "the pipeline has no param `dy` (did you mean `day`?)"),
    (
        "tests:\n  - name: x\n    given: {tasks: {sent: 1}}\n",
        "`sent` is a group of tasks, and no task (name a task inside: `sent.mail`, `sent.sms`)",
    ),
    (
        "pipeline: kept.yaml\ntests:\n  - name: x\n    state: {poll: {cursr: 1}}\n",
        "`poll` remembers its `cursor`, and no `cursr`",
    ),
    ("tests:\n  - name: x\n    expect: {state: {clean: {cursor: 1}}}\n", "`clean` remembers nothing: only a poll"),
    ("tests:\n  - name: x\n    task: []\n", "`task` must be a list of at least 1 item"),
    ("tests:\n  - name: x\n    expect: {tasks: {poll_commit: success}}\n", "no task `poll_commit`"),
    ("tests:\n  - name: x\n    given: {http: text.json}\n", "text.json:1:1: PF103 fixtures are a list"),
    ("tests:\n  - name: x\n    given: {http: body.json}\n", "body.json:1:75: PF011 there is no file `none.bin`"),
    ("tests:\n  - name: x\n    given: {http: [{request: {url: /x}}]}\n", "`url` must be an absolute URL"),
    (
        "tests:\n  - name: x\n    given: {http: [{request: {url: 'http://a/'}, response: {json: 1, text: a}}]}\n",
        "an answer has one body: `json` and `text` exclude each other",
    ),
    (
        "tests:\n  - name: x\n    given: {http: [{request: {url: 'http://a/'}, response: {headers: {a: 가}}}]}\n",
        "a header field has no line ends, and no characters but those of Latin-1",
    ),
    (
        "tests:\n  - name: x\n    given: {http: [{request: {url: 'http://a/'}, response: {status: 100}}]}\n",
        "`status` must be at least 200",
    ),
    ("tests:\n  - name: x\n    environment: prd\n", "the pipeline declares no environment `prd`"),
    ("tests:\n  - name: x\n    dag_id: order\n", "the pipeline makes no DAG `order` (did you mean `orders`?)"),
    ("pipeline: rows.yaml\ntests:\n  - name: x\n", "the pipeline makes 2 DAGs, and the test names none of them"),
    ("tests:\n  - name: x\n    now: yesterday\n", "PF104 `now` is not a date"),
    ("tests:\n  - name: x\n    given: {tables: {orders: []}}\n", "`orders` names no connection"),
    ("tests:\n  - name: x\n    given: {http: none.yaml}\n", "there is no file `none.yaml` beside the test"),
    ("tests:\n  - name: x\n    given: {http: wrong.json}\n", "wrong.json:1:4: PF102"),
    ("tests:\n  - name: x\n    given: {tasks: {poll: none.csv}}\n", "there is no file `none.csv` beside the test"),
    ("tests:\n  - name: x\n    expect: {output: {clean: {rows: [{}]}}}\n", "this row names no column"),
    ("tests:\n  - name: x\n    expect: {output: {clean: {}}}\n", "this expects nothing"),
    (
        "tests:\n  - name: x\n    expect: {output: {clean: {rows: [nut, bolt]}}}\n",
        "4:31: PF103 `rows` must be a list of mappings, each a row; an output of any other shape is a `value`",
    ),
    ("tests:\n  - name: x\n    expect: {output: {clean: {rows: [], match: subset}}}\n", "all rows have these"),
    ("tests:\n  - name: x\n    expect: {files: {a.csv: {rows: [], match: subset}}}\n", "all rows have these"),
    ("pipeline: other.yaml\ntests:\n  - name: x\n", "there is no pipeline `other.yaml` to test"),
    ("tests: [\n", "PF001"),
]
"""Texts of test files, and what lint says of each."""


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("linted") / "pipelines"
    folder.mkdir()
    rows = "dag_id: r_${matrix.r}\nmatrix: {r: [eu, us]}\ntasks:\n  - {id: a, uses: empty}\n"
    group = "  - {id: sent, tasks: [{id: mail, uses: empty}, {id: sms, uses: empty}]}\nparams: {day: a}\n"
    files = {"orders.yaml": ORDERS + group, "steps.py": STEPS, "wrong.json": "- {requets: {}}\n", "rows.yaml": rows}
    files |= {"kept.yaml": REMEMBER, "text.json": '"none.json"'}
    files["body.json"] = '[{"request": {"url": "https://shop.example/orders"}, "response": {"file": "none.bin"}}]'
    for number, (text, _) in enumerate(FINDINGS):
        files[f"t{number}.test.yaml"] = text if text.startswith("pipeline") else f"pipeline: orders.yaml\n{text}"
    for name, content in files.items():
        (folder / name).write_text(content.lstrip())
    done = factory("lint", "--format", "concise", cwd=folder.parent)
    assert done.returncode == 1
    assert "must be text, not a list" not in done.stdout  # of a union's other member
    return done.stdout


@pytest.mark.parametrize(("number", "said"), list(enumerate(said for _, said in FINDINGS)))
def test_a_wrong_test_file_is_a_finding(findings: str, number: int, said: str) -> None:
    places = (f"pipelines/t{number}.test.yaml:", *(f"pipelines/{name}.json:" for name in ("wrong", "text", "body")))
    assert said in "\n".join(line for line in findings.splitlines() if line.startswith(places)), findings


def test_answers_of_a_real_server_are_recorded_without_secrets(tmp_path: Path) -> None:
    server = Server()
    server.answers("/orders", b'[{"id": 1}]', headers={"Content-Type": "application/json", "Set-Cookie": "id=1"})
    basic = b64encode(b"ada:hush-hush").decode()
    told = f'{{"token": "hush", "by": "hush-hush", "sent": "Basic {basic}", "half": "\\\\ud83d"}}'
    headers = {"Content-Type": "application/json", "Location": "https://store.example/a?X-Amz-Signature=hushed&b=1"}
    server.answers("/token", told.encode(), headers=headers)
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    (pipelines / "orders.yaml").write_text(
        f"poll:\n  url: {server.url('/orders')}\n  params: {{api_key: '{{{{ var.value.api_key }}}}'}}\n"
        "tasks:\n  - {id: token, uses: http, with: {conn_id: shop, endpoint: token, method: POST, json: {a: hush}}}\n"
        "  - {id: fails, uses: steps.fails}\n  - {id: tells, uses: steps.tells}\n"
        "  - {id: none, uses: http, with: {url: http://127.0.0.1:1/x, request_retries: null}}\n"
    )
    (pipelines / "steps.py").write_text(RECORDED_STEPS)
    connection = server.url("").replace("http://", "http://ada:hush-hush@") + "?header=hush"
    (pipelines / "orders.test.yaml").write_text(
        "# first\ntests:\n  - name: 기록  # stays here\n"
        "    expect: {tasks: {fails: success}, output: {tells: {value: x}}}\n"
    )
    shell = {"AIRFLOW_CONN_SHOP": connection, "AIRFLOW_VAR_API_KEY": "hush"}

    done = factory("test", "--record", "--junit", "report.xml", cwd=tmp_path, environment=shell)
    server.close()

    assert done.returncode == 1, done.stdout + done.stderr
    assert "`fails` is failed, expected success: no *** for it" in done.stdout
    assert 'expected "x", found "***"' in done.stdout
    assert "hush" not in done.stdout + done.stderr + (tmp_path / "report.xml").read_text()
    assert "given without what is secret in them: shop, api_key" in done.stdout

    assert "recorded: 2 answers" in done.stdout
    assert "http://127.0.0.1:1/x cannot be asked: Connection refused" in done.stdout
    assert "Traceback" not in done.stderr
    recorded = (pipelines / "fixtures" / "orders.http.json").read_text()
    assert f"Basic {basic}" not in recorded
    assert '"id": 1' in recorded
    assert "hush" not in recorded
    assert "Cookie" not in recorded
    test = (pipelines / "orders.test.yaml").read_text()
    assert "기록  # stays here\n    given: {http: fixtures/orders.http.json, connections: {shop: " in test
    assert "hush" not in test
    ran(tmp_path, status=1)


def test_what_was_recorded_before_stays(tmp_path: Path) -> None:
    written = []
    for name in ("첫 번째", "두 번째", "첫 번째"):
        test = PipelineTest(name=name)
        answers = [{"request": {"url": "http://a/"}, "response": {"file": name.encode()}} for _ in range(2)]
        written += fixtures_written(tmp_path / "a.test.yaml", (), test, answers, alone=False)

    names = ("첫-번째", "두-번째", "첫-번째-2")
    assert [target for _, target in written] == [f"fixtures/a.{name}.http.json" for name in names]
    assert len([*(tmp_path / "fixtures").glob("*.bin")]) == 6


def test_wrong_usage_is_said(project: Path) -> None:
    assert "there is no such file or folder" in ran(project, "none.test.yaml", status=2).stderr
    assert "there is no folder nope" in ran(project, "--junit", "nope/report.xml", status=2).stderr
