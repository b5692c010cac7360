"""`factory convert --to python`: names of any kind give modules that a process of their own imports."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .commands import factory
from .test_convert import project

CASE = Path(__file__).parents[2] / "cases" / "valid" / "names-that-are-keywords"


def imports(folder: Path, file: str) -> str:
    """What the import of a file below a DAGs folder says, in a process that has that folder behind all else."""
    code = (
        f"import runpy, sys; sys.path.append({str(folder)!r}); runpy.run_path({str(folder / file)!r}, run_name='dag')"
    )
    environ = os.environ | {"AIRFLOW_HOME": str(folder.parent / "home")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False, timeout=120, env=environ
    )
    return "" if done.returncode == 0 else done.stderr[-2000:]


def copied(source: Path, target: Path) -> None:
    """The Python files of a folder, in the same places."""
    for file in source.rglob("*.py"):
        place = target / file.relative_to(source)
        assert not place.exists()
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)


def test_names_that_are_keywords_give_a_module(tmp_path: Path) -> None:
    shutil.copytree(CASE, tmp_path / "pipelines")

    done = factory("convert", "--to", "python", "pipelines", "--output", "dags", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    copied(tmp_path / "pipelines", tmp_path / "dags")
    assert imports(tmp_path / "dags", "names.py") == ""


def test_a_module_of_the_dags_name_keeps_its_place(tmp_path: Path) -> None:
    root = project(tmp_path, "tasks: [{id: a, uses: team.shop.run}, {id: b, uses: shop.run}]\n")
    inside = root / "pipelines" / "team"
    inside.mkdir()
    (inside / "other.yaml").write_text("dag_id: shop_again\ntasks: [{id: a, uses: team.shop.run}]\n")
    (inside / "shop.yaml").write_text("dag_id: team\ntasks: [{id: a, uses: team.shop.run}]\n")
    (root / "pipelines" / "team.yaml").write_text("dag_id: shop_of_team\ntasks: [{id: a, uses: team.shop.run}]\n")
    (root / "pipelines" / "top.yaml").write_text("dag_id: deep\ntasks: [{id: a, uses: deep.shop.run}]\n")
    (root / "pipelines" / "deep").mkdir()
    for folder in ("", "team/", "deep/"):
        (root / "pipelines" / f"{folder}shop.py").write_text("def run():\n    return 1\n")

    done = factory("convert", "--to", "python", "pipelines", "--output", "dags", cwd=root)

    assert (done.returncode, done.stderr) == (0, "")
    written = ["deep_dag.py", "shop_dag.py", "shop_of_team.py", "team/shop_again.py", "team/team.py"]
    assert sorted(done.stdout.split()) == [f"dags/{one}" for one in written]
    copied(root / "pipelines", root / "dags")
    assert [imports(root / "dags", one) for one in written[:2]] == ["", ""]


@pytest.mark.parametrize("name", ["a\\new", 'q"""', "é"])
def test_a_folder_of_any_name_gives_a_module(tmp_path: Path, name: str) -> None:
    root = project(tmp_path, "dag_id: shop\ntasks: [{id: a, uses: empty}]\n")
    (root / "pipelines" / name).mkdir()
    (root / "pipelines" / "shop.yml").rename(root / "pipelines" / name / "shop.yml")

    done = factory("convert", "--to", "python", "pipelines", cwd=root)

    assert (done.returncode, done.stderr) == (0, "")
    made: dict[str, str] = {}
    exec(done.stdout.partition("\n\nfrom")[0], made)  # noqa: S102 # the docstring
    assert f"Its place is the folder {name}/ below" in made["__doc__"]


def test_a_folder_that_is_a_keyword_is_said(tmp_path: Path) -> None:
    root = project(tmp_path, "tasks: [{id: a, uses: class.steps.run}]\n")
    (root / "pipelines" / "class").mkdir()
    (root / "pipelines" / "class" / "steps.py").write_text("def run():\n    return 1\n")

    done = factory("convert", "--to", "python", "pipelines", cwd=root)

    assert (done.returncode, done.stdout) == (1, "")
    assert "`class.steps.run` cannot be imported by name: `class` is no name in Python code" in done.stderr
