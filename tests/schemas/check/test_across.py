"""What files are to each other: the same for one chosen file as for the whole folder, without reading the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.check import Checker, CheckOptions
from schemas.check.layers import LayerReader
from schemas.findings.codes import Code
from tests.case_files import Case, cases

FOLDERS = [case for kind in ("valid", "invalid", "dag_factory/invalid") for case in cases(kind) if case.is_folder]

STATE = "tasks:\n  - {{id: a, uses: http, with: {{url: https://x.example/, change_detection: etag{}}}}}\n"
WAIT = "tasks:\n  - {id: w, uses: wait_dag, with: {external_dag_id: order}}\n"
FILES = {
    "orders.yaml": STATE.format(""),
    "written.yaml": STATE.format(", state_key: orders/a"),
    "filled.yaml": "vars: {key: orders/a}\n" + STATE.format(", state_key: '${vars.key}'"),
    "escaped.yaml": 'dag_id: "\\x6frders"\ntasks:\n  - {id: a, uses: empty}\n',
    "indented.yaml": "{dag_id: orders, tasks: [{id: a, uses: empty}]}\n",
    "rows.yaml": "dag_id: ${matrix.id}\nmatrix: {id: [orders, other]}\ntasks: [{id: a, uses: empty}]\n",
    "comment.yaml": "# dag_id: orders\ntasks:\n  - {id: a, uses: empty}\n",
    "number.yaml": "dag_id: 5\ntasks:\n  - {id: a, uses: empty}\n",
    "broken.yaml": "dag_id: orders\ntasks: [\n",
    "old.yaml": "orders:\n  tasks:\n    a: {operator: airflow.operators.bash.BashOperator, bash_command: x}\n",
    "waits.yaml": WAIT,
    "asset.yaml": "tasks:\n  - {id: a, uses: empty, outlets: [{name: it''s, uri: 's3://a'}]}\n",
    "alike.yaml": "tasks:\n  - {id: a, uses: empty, outlets: [{name: 'it''s', uri: 's3://b'}, {name: other, uri: 's3://a'}]}\n",
}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in FOLDERS])
def test_a_chosen_file_of_a_case_has_the_findings_that_it_has_among_all(case: Case) -> None:
    assert_same(case.folder, CheckOptions(environ=case.environ, every_environment=True, shown_folder=""))


def test_a_chosen_file_has_its_findings_however_another_is_written(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)

    assert_same(tmp_path, CheckOptions(environ={}, every_environment=True, shown_folder=""))


def assert_same(folder: Path, options: CheckOptions) -> None:
    among_all = Checker(folder, options).folder().diagnostics
    for path in Checker(folder, options).paths():
        alone = Checker(folder, options).folder([path]).diagnostics
        assert [d for d in alone if d.file == path] == [d for d in among_all if d.file == path]


def test_files_that_share_nothing_with_the_chosen_one_are_not_read_as_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        text = f"dag_id: dag-{number}\ntasks:\n  - {{id: a, uses: empty, outlets: [asset-{number}]}}\n"
        (tmp_path / f"{number}.yaml").write_text(text)
    (tmp_path / "x.yaml").write_text("dag_id: dag-3\ntasks:\n  - {id: a, uses: empty, outlets: [asset-5]}\n")
    read: list[str] = []
    parse = LayerReader.parse
    monkeypatch.setattr(LayerReader, "parse", lambda self, text, shown: read.append(shown) or parse(self, text, shown))

    (finding,) = Checker(tmp_path, CheckOptions(environ={}, shown_folder="")).folder(["x.yaml"]).diagnostics

    assert (finding.code, finding.file) == (Code.DUPLICATE_DAG_ID, "x.yaml")
    assert sorted(read) == ["3.yaml", "5.yaml", "x.yaml"]
