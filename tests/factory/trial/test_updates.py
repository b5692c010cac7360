"""`factory test --update` and `--record`: what a run brought is written, and nothing is lost."""

from __future__ import annotations

import json
import shutil
from base64 import b64encode
from pathlib import Path

import pytest

from factory.trial.updates import fixtures_written, updated
from schemas.model.pipeline_tests import PipelineTest
from tests.factory.cli.commands import factory
from tests.factory.http.http_server import Server
from tests.factory.trial.test_pipeline_tests import ORDERS, PIPELINES, STEPS, ran

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


def test_what_came_is_written_and_comments_stay(tmp_path: Path) -> None:
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    shutil.copy(PIPELINES / "wrong.test.yaml", pipelines)
    files = {"orders.yaml": ORDERS, "steps.py": STEPS, "odd.yaml": ODD}
    for name, text in {**files, "rows.csv": "id\n9\n", "rows.json": "[]", "mixed.json": "[]"}.items():
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
