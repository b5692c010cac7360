"""`factory init` and `factory schema`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from .commands import factory

ROOT = Path(__file__).resolve().parents[3]
TAG = f"v{version('airflow-pipeline-factory')}"


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
    in_this_checkout = json.loads(
        (ROOT / "docs/ci/vscode-settings.json").read_text().replace('"schemas/', '".factory/')
    )
    assert settings == in_this_checkout


CHECKS = {
    "a tag": (
        {"url": "https://git.example/a/f.git", "vcs_info": {"requested_revision": TAG, "commit_id": "1a2b"}},
        TAG,
    ),
    "a branch": (
        {"url": "https://git.example/a/f.git", "vcs_info": {"requested_revision": "main", "commit_id": "1a2b"}},
        "1a2b",
    ),
}


@pytest.mark.parametrize("origin", CHECKS)
def test_checks_install_what_is_installed(origin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pip writes down what it installed from Git."""
    direct_url, revision = CHECKS[origin]
    package = tmp_path / "site" / "airflow_pipeline_factory-9.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: airflow-pipeline-factory\nVersion: {TAG[1:]}\n")
    (package / "direct_url.json").write_text(json.dumps(direct_url))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    assert factory("init", "mine", cwd=tmp_path).returncode == 0
    assert checks(tmp_path / "mine") == ("https://git.example/a/f.git", revision)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("git@git.example:a/f.git", "https://git.example/a/f.git"),
        ("ssh://git@git.example/a/f.git", "https://git.example/a/f.git"),
        ("https://me:secret@git.example/a/f.git", "https://git.example/a/f.git"),
    ],
)
def test_a_source_is_written_without_a_login(source: str, written: str, tmp_path: Path) -> None:
    assert factory("init", "--source", source, "--revision", TAG, cwd=tmp_path).returncode == 0
    assert checks(tmp_path) == (written, TAG)


def checks(folder: Path) -> tuple[str, str]:
    """Repository and revision of the hook; the workflow has the same."""
    (hooks,) = yaml.safe_load((folder / ".pre-commit-config.yaml").read_text())["repos"]
    (step,) = [
        step["run"]
        for step in yaml.safe_load((folder / ".github/workflows/pipelines.yaml").read_text())["jobs"]["lint"]["steps"]
        if "run" in step
    ]
    assert step == f'pipx run --spec "git+{hooks["repo"]}@{hooks["rev"]}" factory lint pipelines'
    assert hooks["hooks"] == [{"id": "factory-lint"}]
    return hooks["repo"], hooks["rev"]


@pytest.mark.soak
def test_a_repository_of_ones_own_with_nothing_but_a_tag(tmp_path: Path) -> None:
    """The real pre-commit, pipx and uv, and a clone with a tag in place of the published repository."""
    clone, mine, tools = tmp_path / "factory", tmp_path / "mine", tmp_path / "tools"
    environment = {**os.environ, "PATH": f"{tools / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}

    def run(*command: str | Path, cwd: Path = mine) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)

    def done(*command: str | Path, cwd: Path = mine) -> str:
        found = run(*command, cwd=cwd)
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    mine.mkdir()
    done("git", "clone", "-q", ROOT, clone)
    done("git", "-c", "user.name=a", "-c", "user.email=a@b", "tag", "-a", TAG, "-m", TAG, cwd=clone)
    done(sys.executable, "-m", "venv", tools)
    done("pip", "install", "-q", "pre-commit", "pipx", "uv", "build")
    source = f"git+{clone.as_uri()}@{TAG}"
    done("pipx", "run", "--spec", source, "factory", "init")
    assert checks(mine) == (clone.as_uri(), TAG)
    done("git", "init", "-q")
    done("git", "add", ".")
    assert "Passed" in done("pre-commit", "run", "--all-files")
    workflow = yaml.safe_load((mine / ".github/workflows/pipelines.yaml").read_text())["jobs"]["lint"]["steps"][-1][
        "run"
    ]
    done("bash", "-c", workflow)
    (mine / "pipelines/hello.yaml").write_text("schedul: null\n")
    refused = run("pre-commit", "run", "--all-files")
    assert (refused.returncode, "unknown key `schedul`" in refused.stdout) == (1, True), refused.stdout
    assert run("bash", "-c", workflow).returncode == 1
    done("python", "-m", "build", "-q", cwd=clone)
    (wheel,) = (clone / "dist").glob("*.whl")
    assert "PF102" in run("uvx", "--from", wheel, "factory", "lint").stdout
    assert "PF102" in run("pipx", "run", "--spec", wheel, "factory", "lint").stdout


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


def test_another_source_is_written_where_nobody_changed_the_file(tmp_path: Path) -> None:
    factory("init", "--source", "https://git.example/a/f", "--revision", "v1", cwd=tmp_path)
    with (tmp_path / ".pre-commit-config.yaml").open("a") as file:
        file.write("# mine\n")
    done = factory("init", "--source", "https://git.example/b/f", "--revision", "v2", cwd=tmp_path)
    assert {"- repo: https://git.example/b/f", "rev: v2"} <= {line.strip() for line in done.stdout.splitlines()}
    assert "git.example/a/f" in (tmp_path / ".pre-commit-config.yaml").read_text()
    assert "git.example/b/f@v2" in (tmp_path / ".github/workflows/pipelines.yaml").read_text()


@pytest.mark.parametrize(
    "arguments",
    [("--source", "not a url; rm -rf"), ("--source", "https://git.example/a", "--revision", "a b"), ("no/folder",)],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = factory("init", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n"), list(tmp_path.iterdir())) == (2, 1, [])


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = factory("init", "file", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_the_schema_is_printed_or_named(tmp_path: Path) -> None:
    path = Path(factory("schema", "--path", cwd=tmp_path).stdout.strip())
    assert json.loads(factory("schema", cwd=tmp_path).stdout) == json.loads(path.read_text())
    assert factory("schema", "--defaults", "--path", cwd=tmp_path).stdout.strip().endswith("defaults.schema.json")


def test_what_other_people_s_files_lack_is_said(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\n.venv/\n")
    (tmp_path / ".pre-commit-config.yaml").write_text("repos: []\n")
    (tmp_path / ".vscode").mkdir()
    (tmp_path / ".vscode/settings.json").write_text('{"editor.tabSize": 2}\n')
    done = factory("init", "--source", "https://git.example/a/f", "--revision", TAG, cwd=tmp_path)
    said = [line.strip() for line in done.stdout.splitlines()]
    assert {"kept     .gitignore", ".airflow/", "- id: factory-lint"} <= set(said)
    assert ".venv/" not in said
    assert any(line.startswith('".factory/pipeline.schema.json": [') for line in said)
    assert (tmp_path / ".gitignore").read_text() == "*.log\n.venv/\n"


def test_the_source_that_the_checks_name_is_kept(tmp_path: Path) -> None:
    mirror = "https://mirror.example/a/f.git"
    assert factory("init", "--source", mirror, "--revision", "v1", cwd=tmp_path).returncode == 0

    again = factory("init", cwd=tmp_path)
    newer = factory("init", "--revision", "v2", cwd=tmp_path)

    assert checks(tmp_path) == (mirror, "v2")
    assert "it takes v1; for this one: `factory init --revision" in again.stdout
    assert "it takes" not in newer.stdout
    assert "Only this machine" not in again.stdout + newer.stdout
    local = tmp_path / "clone"
    local.mkdir()
    told = factory("init", "--source", str(local), cwd=tmp_path)
    assert "Only this machine" in told.stdout
    assert "Only this machine" in factory("init", cwd=tmp_path).stdout


def test_below_the_top_of_a_repository_it_says_what_is_read_nowhere(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "sub").mkdir()
    below = factory("init", "--source", "https://git.example/a/f", "sub", cwd=tmp_path)
    top = factory("init", "--source", "https://git.example/a/f", cwd=tmp_path)
    assert "let them check `sub/pipelines`" in below.stdout
    assert "let them check" not in top.stdout
