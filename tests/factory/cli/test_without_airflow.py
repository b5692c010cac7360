"""`factory lint` where only what the project declares without extras is installed: no Airflow, no dag-factory."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from factory.cli import COMMANDS
from tests.factory.cli.commands import BAD, GOOD

ROOT = Path(__file__).resolve().parents[3]


def core_distributions() -> dict[str, Distribution]:
    """The project's declared dependencies without extras, and theirs, as installed here."""
    found: dict[str, Distribution] = {}
    waiting = ["airflow-pipeline-factory"]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        found[name] = distribution(name)
        requirements = [Requirement(text) for text in found[name].requires or ()]
        waiting += [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with links to just these distributions' files."""
    site = tmp_path_factory.mktemp("site")
    for name in ("schemas", "factory", "pipeline_factory.py"):
        (site / name).symlink_to(ROOT / name)
    (site / "airflow_pipeline_factory-0.dist-info").mkdir()
    (site / "airflow_pipeline_factory-0.dist-info" / "METADATA").write_text(
        "Name: airflow-pipeline-factory\nVersion: 0\n"
    )
    for name, found in core_distributions().items():
        for top in {file.parts[0] for file in found.files or () if name != "airflow-pipeline-factory"}:
            source = Path(str(found.locate_file(top)))
            if top not in ("..", "__pycache__") and source.exists() and not (site / top).exists():
                (site / top).symlink_to(source)
    return site


def run(site: Path, code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = f"import sys; sys.path.insert(0, {str(site)!r}); {code}"
    command = [sys.executable, "-I", "-S", "-c", program]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=600)


def test_the_environment_has_no_airflow(site: Path, tmp_path: Path) -> None:
    for name in ("airflow", "dagfactory"):
        result = run(site, f"import {name}", tmp_path)
        assert f"No module named '{name}'" in result.stderr


def test_lint_and_list_work_in_it(site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "good.yaml").write_text(GOOD)
    (folder / "steps.py").write_text("def run(n): ...\n")
    (folder / "code.yaml").write_text("tasks:\n  - {id: a, uses: steps.run, with: {m: 1}}\n")
    (folder / "bad.yaml").write_text(BAD)
    lint = run(site, "from factory.cli import main; sys.exit(main(['lint', '--format', 'concise']))", tmp_path)
    assert lint.returncode == 1, lint.stderr
    assert [line.split(" ")[:2] for line in lint.stdout.splitlines()] == [
        ["pipelines/bad.yaml:1:1:", "PF102"],
        ["pipelines/code.yaml:2:30:", "PF310"],
        ["pipelines/code.yaml:2:37:", "PF309"],
    ]
    listed = run(site, "from factory.cli import main; sys.exit(main(['list']))", tmp_path)
    assert listed.returncode == 1, listed.stderr
    assert "@daily" in listed.stdout


NEED_AIRFLOW = {
    "airflow": ["dags", "list"],
    "convert": ["dag.py"],
    "doctor": [],
    "run": [],
    "test": ["pipelines"],
    "try": ["pipelines/good.yaml"],
}
DO_WITHOUT = {
    "build": ["--output", "dags"],
    "convert": ["old.yml"],
    "init": [".", "--source", "https://git.example/a/f"],
    "lint": [],
    "list": [],
    "new": ["empty", "orders"],
    "plan": ["pipelines"],
    "rule": ["PF102"],
    "schedule": [],
    "schema": ["--path"],
    "show": ["pipelines/good.yaml"],
}


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"editor"}))
def test_commands_name_the_extra_or_do_without(command: str, site: Path, tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "good.yaml").write_text(GOOD)
    (tmp_path / "pipelines" / "good.test.yaml").write_text(
        "tests:\n  - {name: it runs, expect: {tasks: {a: success}}}\n"
    )
    (tmp_path / "dag.py").write_text("")
    (tmp_path / "old.yml").write_text(
        "a:\n  default_args: {start_date: 2026-01-01}\n  schedule: '@daily'\n  tasks:\n"
        "    - {task_id: a, operator: airflow.providers.standard.operators.bash.BashOperator, bash_command: date}\n"
    )
    assert NEED_AIRFLOW.keys() | DO_WITHOUT.keys() == COMMANDS.keys() - {"editor"}, "its own extra, and its own test"
    for needs, commands in ((True, NEED_AIRFLOW), (False, DO_WITHOUT)):
        for arguments in [commands[command]] if command in commands else []:
            result = run(site, f"from factory.cli import main; sys.exit(main({[command, *arguments]}))", tmp_path)
            assert "Traceback" not in result.stderr
            if needs:
                assert result.returncode == 2
                assert result.stderr.startswith(f"factory {command}: Airflow is not installed here: pip install ")
                assert "airflow-pipeline-factory[airflow]" in result.stderr
                assert result.stderr.count("\n") == 1
            else:
                assert result.returncode == 0, result.stderr


def test_lint_knows_paths_of_airflow_2_in_it(site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    task = "{id: a, uses: airflow.operators.bash.BashOperator, with: {bash_command: date}}"
    (folder / "old.yaml").write_text(f"tasks:\n  - {task}\n")

    linted = run(site, "from factory.cli import main; sys.exit(main(['lint', '--format', 'concise']))", tmp_path)

    assert linted.returncode == 0, linted.stderr
    assert "PF382" in linted.stdout
    assert "airflow.providers.standard.operators.bash.BashOperator" in linted.stdout
    assert "PF320" not in linted.stdout
