"""Test files are linted with the pipelines that they test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factory.cli.commands import factory
from tests.factory.trial.test_pipeline_tests import ORDERS, PIPELINES, STEPS


def test_a_test_file_is_no_pipeline(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "leave.yaml").write_text("tasks: [{id: a, uses: empty}]\n")
    (tmp_path / "pipelines" / "leave.test.yaml").write_text("tests: [{name: a}]\n")

    assert "1 pipeline checked" in factory("lint", cwd=tmp_path).stderr
    assert "1 pipeline checked" in factory("lint", "pipelines/leave.test.yaml", cwd=tmp_path).stderr


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
    files |= {"kept.yaml": (PIPELINES / "remember.yaml").read_text(), "text.json": '"none.json"'}
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
