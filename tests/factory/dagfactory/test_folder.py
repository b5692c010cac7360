"""A folder of documents, loaded by dag-factory's own loader and by this project's."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagfactory import load_yaml_dags

from factory.loading.pipelines import load_pipelines

GOOD = """\
{id}:
  tasks:
    load: {{operator: airflow.providers.standard.operators.empty.EmptyOperator, owner: {owner}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yml").write_text(GOOD.format(id="good", owner="a"))
    return tmp_path


def of_dag_factory(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    load_yaml_dags(found, dags_folder=str(folder), defaults_config_path=str(folder))
    return found


def test_a_broken_file_is_hidden_by_dag_factory_and_said_here(folder: Path) -> None:
    (folder / "broken.yml").write_text(GOOD.format(id="broken", owner="a").replace("EmptyOperator", "EmptyOperater"))

    assert list(of_dag_factory(folder)) == ["good"]
    found = load_pipelines(folder)
    assert "good" in found.dags
    assert [(d.file, d.span.line, d.code.id) for d in found.diagnostics] == [("pipelines/broken.yml", 3, "PF308")]


def test_one_id_in_two_files_is_the_last_ones_with_dag_factory_and_said_here(folder: Path) -> None:
    (folder / "other.yml").write_text(GOOD.format(id="same", owner="other"))
    (folder / "second.yml").write_text(GOOD.format(id="same", owner="second"))

    theirs = of_dag_factory(folder)
    assert theirs.keys() == {"good", "same"}
    assert theirs["same"].get_task("load").owner == "second"  # type: ignore[attr-defined] # a DAG
    found = load_pipelines(folder)
    assert "good" in found.dags
    assert "same" not in found.dags
    assert [(d.file, d.code.id) for d in found.diagnostics] == [
        ("pipelines/other.yml", "PF314"),
        ("pipelines/second.yml", "PF314"),
    ]


def test_one_broken_dag_keeps_no_other_one_from_being_built(folder: Path) -> None:
    (folder / "two.yml").write_text(GOOD.format(id="sound", owner="a") + "broken:\n  tasks: {load: {}}\n")

    found = load_pipelines(folder)
    assert found.dags.keys() == {"good", "sound", "pipelines_with_errors"}
    assert [(d.file, d.span.line, d.code.id) for d in found.diagnostics] == [("pipelines/two.yml", 5, "PF101")]


def test_files_are_found_from_a_relative_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    team = tmp_path / "pipelines" / "team"
    team.mkdir(parents=True)
    (team / "local.py").write_text("def work() -> None: ...\n")
    (team / "run.sh").write_text("echo run\n")
    operators = "airflow.providers.standard.operators"
    (team / "shop.yml").write_text(
        "shop:\n  tasks:\n"
        f"    by_file: {{operator: {operators}.python.PythonOperator, python_callable_name: work,\n"
        "      python_callable_file: team/local.py}\n"
        f"    script: {{operator: {operators}.bash.BashOperator, bash_command: run.sh}}\n"
    )
    monkeypatch.chdir(tmp_path)

    found = load_pipelines(Path("pipelines"))

    assert found.diagnostics == ()
    assert found.dags["shop"].get_template_env().get_template("run.sh").render() == "echo run"
