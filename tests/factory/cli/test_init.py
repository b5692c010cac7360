"""`factory init` and `factory schema`."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from .commands import factory


def test_a_new_repository_lints_and_its_schema_resolves(tmp_path: Path) -> None:
    done = factory("init", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    linted = factory("lint", cwd=tmp_path)
    assert (linted.returncode, linted.stderr) == (0, "1 pipeline checked: all good\n")
    first = (tmp_path / "pipelines/hello.yaml").read_text().splitlines()[0]
    schema = (tmp_path / "pipelines" / first.partition("$schema=")[2]).resolve()
    assert json.loads(schema.read_text())["properties"]["schedule"]
    settings = json.loads((tmp_path / ".vscode/settings.json").read_text())
    assert all((tmp_path / name).is_file() for name in settings["yaml.schemas"])
    hook = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"][0]
    assert hook["additional_dependencies"][0].startswith("airflow-pipeline-factory==")
    assert "lint" in yaml.safe_load((tmp_path / ".github/workflows/pipelines.yaml").read_text())["jobs"]


def test_what_is_there_stays_but_for_the_schemas(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/orders.yaml").write_text("tasks: [{id: a, uses: empty}]\n")
    (tmp_path / ".gitignore").write_text("mine\n")
    (tmp_path / ".factory").mkdir()
    (tmp_path / ".factory/pipeline.schema.json").write_text("old")
    assert factory("init", ".", cwd=tmp_path).returncode == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert not (tmp_path / "pipelines/hello.yaml").exists()
    assert (tmp_path / ".factory/pipeline.schema.json").read_text() != "old"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = factory("init", "file", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_the_schema_is_printed_or_named(tmp_path: Path) -> None:
    path = Path(factory("schema", "--path", cwd=tmp_path).stdout.strip())
    assert json.loads(factory("schema", cwd=tmp_path).stdout) == json.loads(path.read_text())
    assert factory("schema", "--defaults", "--path", cwd=tmp_path).stdout.strip().endswith("defaults.schema.json")
