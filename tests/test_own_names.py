"""Whatever else owns `factory` or `schemas`: one clear line from the command, the bundle and the plug-in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WAYS_IN = {
    "command": "import sys, pipeline_factory; sys.exit(pipeline_factory.main())",
    "bundle": "import factory.bundle",
    "plug-in": "from importlib.metadata import EntryPoint\n"
    "EntryPoint('x', 'pipeline_factory:PipelineFactoryPlugin', 'airflow.plugins').load()",
}


def run(code: str, path: Path, *more: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """`code` with these folders first on the path, and the packages of the tests' own environment last."""
    folders = [str(path), *map(str, more), sysconfig.get_path("purelib")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "AIRFLOW_HOME": str(home)}
    command = [sys.executable, "-S", "-c", code, "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=home, timeout=600)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as pip leaves it, with both packages in it."""
    folder = tmp_path / "site"
    for name in ("factory", "schemas"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pipeline_factory.py", folder)
    return folder


@pytest.mark.parametrize("way_in", WAYS_IN)
@pytest.mark.parametrize("name", ["factory", "schemas"])
def test_a_package_merged_into_ours_is_named(name: str, way_in: str, site: Path, tmp_path: Path) -> None:
    (site / name / "base.py").write_text("")
    found = run(WAYS_IN[way_in], site, home=tmp_path)

    assert found.returncode in (1, 2)
    assert f"something else also has a package `{name}`, and both are installed into {site / name}" in found.stderr


@pytest.mark.parametrize("way_in", ["command", "plug-in"])
@pytest.mark.parametrize("name", ["factory", "schemas"])
def test_a_package_before_ours_is_named(name: str, way_in: str, site: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / name
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise SystemExit('was imported')\n")
    found = run(WAYS_IN[way_in], other.parent, site, home=tmp_path)

    assert f"`import {name}` finds {other}, not the package of airflow-pipeline-factory in {site}" in found.stderr


@pytest.mark.parametrize("text", [None, "from factory.base import Factory\n"])
def test_our_first_file_removed_or_replaced_is_named(text: str | None, site: Path, tmp_path: Path) -> None:
    (site / "factory" / "__init__.py").unlink()
    if text is not None:
        (site / "factory" / "__init__.py").write_text(text)
    found = run(WAYS_IN["command"], site, home=tmp_path)

    assert found.returncode == 2
    assert found.stderr.startswith("factory: ")
    assert f"pip install --force-reinstall --no-deps --editable '{ROOT.as_uri()}'" in found.stderr
    assert found.stderr.count("\n") == 1


COMMIT = {"vcs_info": {"vcs": "git", "commit_id": "1a2b"}, "url": "https://git.example/a/f.git"}
ORIGINS = {
    "git+https://git.example/a/f.git@1a2b": COMMIT,
    "git+https://git.example/a/f.git@v1": {**COMMIT, "vcs_info": {**COMMIT["vcs_info"], "requested_revision": "v1"}},
    "file:///tmp/f.whl": {"archive_info": {}, "url": "file:///tmp/f.whl"},
    "file:///tmp/f": {"dir_info": {}, "url": "file:///tmp/f"},
    "": {},
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_remedy_installs_from_where_it_came_from(origin: str, site: Path, tmp_path: Path) -> None:
    (site / "airflow_pipeline_factory-9.dist-info").mkdir()
    (site / "airflow_pipeline_factory-9.dist-info" / "METADATA").write_text(
        "Name: airflow-pipeline-factory\nVersion: 9\n"
    )
    if origin:
        (site / "airflow_pipeline_factory-9.dist-info" / "direct_url.json").write_text(json.dumps(ORIGINS[origin]))
    (site / "factory" / "stub_loader.py").unlink()
    found = run(WAYS_IN["command"], site, home=tmp_path)

    asked = f"'airflow-pipeline-factory @ {origin}'" if origin else "airflow-pipeline-factory"
    asked = f"'{origin}'" if origin.startswith("git+") else asked
    assert found.stderr.endswith(f": run `pip install --force-reinstall --no-deps {asked}`\n")


@pytest.mark.parametrize("way_in", WAYS_IN)
def test_ours_alone_are_fine(way_in: str, site: Path, tmp_path: Path) -> None:
    assert run(WAYS_IN[way_in], site, home=tmp_path).returncode == 0


@pytest.mark.soak
@pytest.mark.parametrize("order", [("factory_boy", str(ROOT)), (str(ROOT), "factory_boy")])
def test_factory_boy_itself_is_named(order: tuple[str, str], tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    for each in order:
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "Faker", each], check=True)
    command = subprocess.run([python.parent / "factory", "lint"], capture_output=True, text=True, check=False)

    assert command.returncode == 2
    assert command.stderr.startswith("factory: the distribution factory_boy also has a package `factory`, and both are")
    assert command.stderr.count("\n") == 1
    subprocess.run([python, "-m", "pip", "uninstall", "-q", "-y", "factory_boy"], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "--force-reinstall", "--no-deps", ROOT], check=True)
    subprocess.run([python.parent / "factory", "--version"], check=True)
