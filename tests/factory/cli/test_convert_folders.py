"""`factory convert` of a folder: each file that is left out is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factory.cli.commands import factory
from tests.factory.cli.test_convert import AIRFLOW, TWO, project


@pytest.mark.parametrize("to", ["python", "airflow-3.4"])
def test_a_folder_leaves_nothing_out_without_a_word(tmp_path: Path, to: str) -> None:
    root = project(tmp_path, TWO)
    (root / "pipelines" / "new.yaml").write_text(AIRFLOW)
    (root / "pipelines" / "ours.yaml").write_text("tasks:\n  - {id: a, uses: empty}\n")

    done = factory("convert", "--to", to, "pipelines", "--output", "out", cwd=root)

    why = "this is not a pipeline of this project's format: convert it to one first, without --to"
    assert [f"factory convert: pipelines/{name}: {why}" for name in ("new.yaml", "shop.yml")] == sorted(
        line for line in done.stderr.splitlines() if line.startswith("factory convert:")
    )
    assert (done.returncode, len(list((root / "out").iterdir()))) == (1, 1)


def test_a_file_that_is_converted_by_hand_is_named_in_a_folder(tmp_path: Path) -> None:
    root = project(tmp_path, TWO)
    (root / "pipelines" / "gusty.yml").write_text("operator: airflow.operators.bash.BashOperator\nbash_command: ls\n")

    done = factory("convert", "pipelines", "--output", "out", cwd=root)

    assert done.returncode == 1
    assert "pipelines/gusty.yml: " in done.stderr
    assert "it is converted by hand, and docs/migrating.md shows how" in done.stderr


def test_a_comment_names_the_file_of_its_line_where_it_is_another(tmp_path: Path) -> None:
    (tmp_path / "pipelines" / "_templates").mkdir(parents=True)
    (tmp_path / "pipelines" / "_templates" / "t.yaml").write_text("tasks:\n  - {id: count, uses: os.getcwd}\n")
    text = "tasks:\n  - {id: t, template: t}\n  - {id: own, uses: os.getcwd}\n"
    (tmp_path / "pipelines" / "shop.yaml").write_text(text)

    done = factory("convert", "--to", "airflow-3.4", "pipelines/shop.yaml", cwd=tmp_path)

    comments = [line for line in done.stdout.splitlines() if line.startswith("# Not converted")]
    assert [line.partition(": ")[0] for line in comments] == [
        "# Not converted, pipelines/_templates/t.yaml, line 2",
        "# Not converted, line 3",
    ]


@pytest.mark.parametrize("target", ["_templates", "_templates/t.yaml"])
def test_templates_are_templates_in_a_folder_of_another_name(tmp_path: Path, target: str) -> None:
    (tmp_path / "_templates").mkdir()
    text = 'params: {x: 1}\ntasks:\n  - {id: a, uses: bash, with: {bash_command: "echo ${params.x}"}}\n'
    (tmp_path / "_templates" / "t.yaml").write_text(text + 'outputs: {a: "${tasks.a.output}"}\n')

    done = factory("lint", target, cwd=tmp_path)
    inside = factory("lint", "t.yaml", cwd=tmp_path / "_templates")

    assert (done.returncode, inside.returncode) == (0, 0)
    assert "1 template checked" in done.stderr
    assert "1 template checked" in inside.stderr


def test_files_of_gusty_with_a_head_are_recognised(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines" / "shop"
    folder.mkdir(parents=True)
    (folder / "rows.sql").write_text("---\noperator: path.SqlOperator\ndependencies: [a]\n---\n\nSELECT 1\n")
    (folder / "count.py").write_text("# ---\n# dependencies: [rows]\n# operator: path.Op\n# ---\n\nprint(1)\n")
    (folder / "load.py").write_text("# ---\n# python_callable: load\n# ---\n\ndef load(): ...\n")
    (folder / "book.py").write_text("# ---\n# jupyter:\n#   kernelspec: {name: python3}\n# ---\n")
    (folder / "plain.sql").write_text("---\nname: x\n---\nSELECT 1 -- operator: 1\n")
    (folder / "banner.py").write_text("# ---\n# an operator\n# ---\n\n\ndef operator(): ...\n")

    done = factory("lint", "pipelines", "--format", "concise", cwd=tmp_path)

    text = "PF106 this is a task of gusty, not this project's"
    assert done.stdout.splitlines() == [
        f"pipelines/shop/{name}:1:1: {text}" for name in ("count.py", "load.py", "rows.sql")
    ]
    assert done.returncode == 1
    shown = factory("lint", "pipelines", cwd=tmp_path).stdout
    assert "(docs/migrating.md)" in " ".join(shown.split())


MANY = """\
import shoplib
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

for name in ("a", "b"):
    with DAG(name, schedule=None):
        for table in ("x", "y"):
            PythonOperator(task_id=table, python_callable=shoplib.count)
"""


def test_a_module_that_is_missing_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "shoplib.py").write_text("def count():\n    return 1\n")
    (tmp_path / "sales.py").write_text(MANY)

    done = factory("convert", "sales.py", "--output", "new", cwd=tmp_path)

    assert done.stderr.count("PF307") == 1
    assert (
        "`shoplib` below the pipelines folder or among the installed packages, here and in 3 more places" in done.stderr
    )
