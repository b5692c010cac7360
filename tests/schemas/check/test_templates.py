"""Templates in the files of a folder: who uses them, what is said of them, and what is fixed in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.cli import main
from schemas.check import Checker, CheckOptions
from schemas.check.dependencies import pipeline_files
from schemas.check.fixing import repair

FILES = {
    "_templates/load.yaml": "params: {table: {type: string}}\n"
    "tasks: [{id: load, uses: bash, with: {bash_comand: 'echo ${params.table}'}}]\n",
    "_templates/both.yaml": "tasks: [{id: stock, template: load, with: {table: stock}}]\n",
    "_templates/unused.yaml": "tasks: [{id: a, uses: empty, needs: [b]}]\n",
    "direct.yaml": "tasks: [{id: orders, template: load, with: {table: orders}}]\n",
    "deep/nested.yaml": "tasks: [{id: all, tasks: [{id: both, template: both}]}]\n",
    "in_prod.yaml": "tasks: [{id: a, uses: empty}]\n"
    "environments: {prod: {tasks: [{id: g, template: load, with: {table: x}}]}}\n",
    "other.yaml": "tasks: [{id: a, uses: empty}] # no template: load\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pipelines"
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def checker(folder: Path) -> Checker:
    return Checker(folder, CheckOptions(environ={}, environment="", every_environment=True, shown_folder=""))


def test_who_uses_a_template(folder: Path) -> None:
    assert list(checker(folder).takers("_templates/load.yaml")) == ["deep/nested.yaml", "direct.yaml", "in_prod.yaml"]
    depends = {file.path: file.depends_on for file in pipeline_files(folder)}
    assert {"_templates/load.yaml", "_templates/both.yaml"} <= depends["deep/nested.yaml"]
    assert "_templates/both.yaml" not in depends["direct.yaml"]
    assert not [path for path in depends["other.yaml"] if path.startswith("_templates/")]


def test_a_finding_in_a_template_is_said_once_and_names_a_user(folder: Path) -> None:
    found = checker(folder).folder().diagnostics

    assert [(d.file, d.span.line, d.code.id, d.severity.value) for d in found] == [
        ("_templates/load.yaml", 2, "PF102", "error"),
        ("_templates/unused.yaml", 1, "PF302", "warning"),
    ]
    assert [(r.file, r.span.line) for r in found[0].related] == [("_templates/both.yaml", 1), ("deep/nested.yaml", 1)]
    alone = checker(folder).file("direct.yaml").diagnostics
    assert [(r.file, r.span.line) for r in alone[0].related] == [("direct.yaml", 1)]


def test_a_template_is_fixed(folder: Path) -> None:
    options = CheckOptions(environ={}, shown_folder="")
    repaired = repair(folder, {"_templates/load.yaml": "_templates/load.yaml"}, options)

    assert b"bash_command" in repaired.texts["_templates/load.yaml"]
    assert repaired.fixed == 1


def test_a_template_by_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def lint(path: Path) -> tuple[int, str, str]:
        status = main(["lint", "--format", "concise", str(path)])
        return status, *capsys.readouterr()

    status, out, summary = lint(folder / "_templates" / "unused.yaml")
    assert (status, summary) == (0, "0 pipelines and 1 template checked: 1 warning\n")
    assert "PF302 `needs` names `b`, which does not exist" in out
    status, out, summary = lint(folder / "_templates" / "load.yaml")
    assert (status, summary) == (1, "3 pipelines and 1 template checked: 1 error\n")
    assert "[used at " in out
    assert main(["list", str(folder)]) == 1
    assert "_templates" not in capsys.readouterr().out


INSIDE = """\
params: {method: {default: any}, rows: {default: []}}
tasks:
  - {id: a, uses: empty, doc: "${tasks.nope.output}", needs: [nope]}
  - {id: b, tasks: [{id: c, uses: empty, needs: [nope]}]}
  - {id: d, uses: http, with: {url: "https://x.org", method: "${params.method}", json: "${params.rows}"}}
"""
OUTSIDE = """\
tasks:
  - {id: t, template: t, with: {rows: ["${tasks.nope.output}"]}, needs: [nope]}
  - {id: u, uses: empty}
"""


def test_names_are_those_of_where_they_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pipelines" / "_templates").mkdir(parents=True)
    (tmp_path / "pipelines" / "_templates" / "t.yaml").write_text(INSIDE)
    (tmp_path / "pipelines" / "a.yaml").write_text(OUTSIDE)
    found = checker(tmp_path / "pipelines").folder().diagnostics

    named = {(d.file, d.span.line, d.span.column): d.allowed for d in found if d.code.id == "PF302"}
    assert list(named.values()) == [("b", "b.c", "d"), ("a", "d"), ("u",), ("u",)]
    assert [(file, line) for file, line, _ in named] == [
        *(("_templates/t.yaml", 3), ("_templates/t.yaml", 4), ("a.yaml", 2), ("a.yaml", 2)),
    ]
    assert main(["lint", "--format", "concise", str(tmp_path / "pipelines")]) == 1
    (default,) = (line for line in capsys.readouterr().out.splitlines() if "`method` cannot be" in line)
    assert default.endswith("_templates/t.yaml:5, " + default.partition("_templates")[0] + "a.yaml:2]")
