"""Prepare a repository for pipelines: a folder with a first one, schemas for editors, checks before a commit and in CI.

Files that are there stay as they are, but for the two schemas in `.factory/`, which are those of this version.
Exit status: 0 prepared, 2 the folder cannot be written.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

from factory.cli import UsageError
from factory.cli.schema import DEFAULTS, PIPELINE, schema_path

PACKAGE = "airflow-pipeline-factory"
SCHEMAS = ".factory"

FIRST = f"""\
# yaml-language-server: $schema=../{SCHEMAS}/{PIPELINE}
description: A first pipeline. Its name is the file's.
schedule: "0 7 * * 1-5"
timezone: Europe/Berlin
tasks:
  - id: hello
    uses: bash
    with: {{bash_command: echo hello}}
"""
EDITOR = f"""\
{{
  "yaml.schemas": {{
    "{SCHEMAS}/{PIPELINE}": ["pipelines/**/[!_]*.yaml", "pipelines/**/[!_]*.yml"],
    "{SCHEMAS}/{DEFAULTS}": ["pipelines/**/_defaults.yaml", "pipelines/**/_defaults.yml"]
  }},
  "yaml.schemaStore.enable": false
}}
"""
PRE_COMMIT = """\
repos:
  - repo: local
    hooks:
      - id: factory-lint
        name: lint pipelines
        entry: factory lint pipelines
        language: python
        additional_dependencies: ["{package}"]
        files: ^(pipelines/|factory\\.toml$|pyproject\\.toml$)
        pass_filenames: false
"""
WORKFLOW = """\
name: pipelines
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  lint:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - run: pipx run --spec "{package}" factory lint pipelines
"""
IGNORED = """\
.airflow/
.venv/
__pycache__/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory init`."""
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="the repository (the current folder)")


def run(arguments: argparse.Namespace) -> int:
    """Write the files, and print the name of each; returns the exit status. Raises UsageError."""
    folder: Path = arguments.folder
    package = f"{PACKAGE}=={version(PACKAGE)}"
    has_pipelines = any((folder / "pipelines").rglob("*.y*ml"))
    files = {
        "pipelines/hello.yaml": "" if has_pipelines else FIRST,
        ".vscode/settings.json": EDITOR,
        ".pre-commit-config.yaml": PRE_COMMIT.format(package=package),
        ".github/workflows/pipelines.yaml": WORKFLOW.format(package=package),
        ".gitignore": IGNORED,
        **{f"{SCHEMAS}/{name}": schema_path(name).read_text(encoding="utf-8") for name in (PIPELINE, DEFAULTS)},
    }
    try:
        for name, text in files.items():
            if text:
                _write(folder / name, text, replace=name.startswith(SCHEMAS))
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {(error.strerror or type(error).__name__).lower()}") from error
    print("Next: `factory lint`, and `pre-commit install`.")
    return 0


def _write(path: Path, text: str, *, replace: bool) -> None:
    """Raises OSError."""
    if path.exists() and not replace:
        print(f"kept     {path}")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"written  {path}")
