"""`factory test`: fixtures answer, expectations are held against what came, and nothing leaves the machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.factory.cli.commands import factory
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
TESTS = """
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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "orders.yaml").write_text(ORDERS.lstrip())
    (tmp_path / "pipelines" / "steps.py").write_text(STEPS)
    (tmp_path / "pipelines" / "orders.test.yaml").write_text(TESTS.lstrip())
    return tmp_path


def ran(folder: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = factory("test", *arguments, cwd=folder)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def with_tests(folder: Path, text: str) -> None:
    (folder / "pipelines" / "orders.test.yaml").write_text(text.lstrip())


def test_a_pipeline_passes_its_tests_and_leaves_nothing(project: Path) -> None:
    before = sorted(path for path in project.rglob("*"))

    done = ran(project, "--junit", "../report.xml")

    assert "✓ pipelines/orders.test.yaml: a second page is followed, and refunds are left out" in done.stdout
    assert "1 passed, 0 failed" in done.stdout
    assert sorted(path for path in project.rglob("*") if "__pycache__" not in path.parts) == before
    report = (project.parent / "report.xml").read_text()
    assert '<testsuite name="factory test" tests="1" failures="0">' in report


def test_a_test_file_is_no_pipeline(project: Path) -> None:
    assert "1 pipeline checked: all good" in factory("lint", cwd=project).stderr


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
            - {id: 9, amount: 4}
      requests: 1
"""


def test_differences_are_shown_at_their_places(project: Path) -> None:
    with_tests(project, WRONG)

    done = ran(project, status=1)

    for line in (
        "orders.test.yaml:7:9: nobody asked for the fixture of GET https://shop.example/never",
        "orders.test.yaml:9:22: `clean` is success, expected failed",
        "orders.test.yaml:12:18: expected 3 rows, found 2 rows",
        'orders.test.yaml:15:15: row 2: expected {"id": 9, "amount": 4}, found {"id": 2, "amount": 4}',
        "orders.test.yaml:16:17: expected 1 requests, found 0",
    ):
        assert line in done.stdout, done.stdout


UNANSWERED = """
tests:
  - name: a request without a fixture names the nearest
    task: poll
    given:
      http:
        - request: {url: "https://shop.example/orders", params: {page: 7}}
    expect:
      tasks: {poll: failed}
"""


def test_a_request_that_no_fixture_answers_fails_the_test(project: Path) -> None:
    with_tests(project, UNANSWERED)

    done = ran(project, status=1)

    assert "no fixture answers GET https://shop.example/orders" in done.stdout
    assert "the nearest fixture is for GET https://shop.example/orders; `page` is missing" in done.stdout


LEAVES = """
tests:
  - name: a connection that leaves the machine is refused
    task: leave
    expect:
      tasks: {leave: failed}
      error: "a test may not connect to 192.0.2.1"
"""


def test_nothing_leaves_the_machine(project: Path) -> None:
    leave = '  - {id: leave, uses: steps.leave, with: {host: "192.0.2.1"}}\n'
    (project / "pipelines" / "orders.yaml").write_text(ORDERS.lstrip() + leave)
    with_tests(project, LEAVES)

    ran(project)


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


def test_what_a_poll_remembers_is_given_and_expected(project: Path) -> None:
    (project / "pipelines" / "orders.yaml").write_text(
        "schedule: '@hourly'\npoll:\n  url: https://shop.example/orders\n"
        "  incremental: {cursor_path: at, start_param: since, initial_value: 2026-01-01T00:00:00Z}\n"
    )
    with_tests(project, REMEMBERS)

    ran(project)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tests:\n  - nam: x\n", "PF102"),
        ("tests:\n  - name: x\n    task: claen\n", "the pipeline has no task `claen` (did you mean `clean`?)"),
        ("tests:\n  - name: x\n    environment: prd\n", "the pipeline declares no environment `prd`"),
        ("tests:\n  - name: x\n    given: {tables: {orders: []}}\n", "`orders` names no connection"),
        ("tests:\n  - name: x\n    given: {http: none.yaml}\n", "there is no file `none.yaml` beside the test"),
        ("pipeline: other.yaml\ntests:\n  - name: x\n", "there is no pipeline `other.yaml` to test"),
        ("tests: [\n", "PF001"),
    ],
)
def test_a_wrong_test_file_is_a_finding(project: Path, text: str, said: str) -> None:
    with_tests(project, text)

    done = factory("lint", "--format", "concise", cwd=project)

    assert done.returncode == 1
    assert said in done.stdout


def test_answers_of_a_real_server_are_recorded_without_secrets(project: Path) -> None:
    server = Server()
    server.answers("/orders", b'[{"id": 1}]', headers={"Content-Type": "application/json", "Set-Cookie": "id=1"})
    asked = f"poll:\n  url: {server.url('/orders')}\n  params: {{api_key: '{{{{ var.value.key }}}}'}}\n"
    (project / "pipelines" / "orders.yaml").write_text(asked)
    with_tests(project, "tests:\n  - name: recorded\n    given: {http: fixtures/orders.yaml, variables: {key: hush}}\n")
    (project / "pipelines" / "fixtures").mkdir()
    (project / "pipelines" / "fixtures" / "orders.yaml").write_text("")

    done = ran(project, "--record")
    server.close()

    assert "recorded: 1 answers in pipelines/fixtures/orders.yaml" in done.stdout
    recorded = (project / "pipelines" / "fixtures" / "orders.yaml").read_text()
    assert "id: 1" in recorded
    assert "hush" not in recorded
    assert "Cookie" not in recorded
    ran(project)


def test_wrong_usage_is_said(project: Path) -> None:
    assert "no test has `zzz` in its name" in ran(project, "-k", "zzz", status=2).stderr
    assert "there is no such file or folder" in ran(project, "none.test.yaml", status=2).stderr
