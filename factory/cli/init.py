"""Prepare a repository for pipelines: a folder with a first one, schemas for editors, checks before a commit and in CI.

The checks install this version from the repository that it came from, so that they need no package index. Files
that are there stay as they are, but for the schemas in `.factory/`, which are those of this version, and for the
checks as this command wrote them where `--source` or `--revision` is given.
Exit status: 0 prepared, 2 the folder cannot be written or the repository is not known.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from factory.cli import UsageError, to_path
from factory.cli.schema import ALL, DEFAULTS, PIPELINE, TEMPLATE, TESTS, schema_path

PACKAGE = "airflow-pipeline-factory"
SCHEMAS = ".factory"
_URL = re.compile(r"(?:https?|ssh|git|file)://[\w.~%:/?=@+,\[\]-]+")
_REVISION = re.compile(r"\w[\w./+-]*")

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
    "{SCHEMAS}/{PIPELINE}": ["pipelines/**/[!_]*.yaml", "pipelines/**/[!_]*.yml", "!pipelines/**/*.test.yaml", "!pipelines/**/*.test.yml", "!pipelines/_templates/*"],
    "{SCHEMAS}/{DEFAULTS}": ["pipelines/**/_defaults.yaml", "pipelines/**/_defaults.yml"],
    "{SCHEMAS}/{TEMPLATE}": ["pipelines/_templates/*.yaml", "pipelines/_templates/*.yml"],
    "{SCHEMAS}/{TESTS}": ["pipelines/**/*.test.yaml", "pipelines/**/*.test.yml"]
  }},
  "yaml.schemaStore.enable": false
}}
"""  # noqa: E501 # one line for each schema
PRE_COMMIT = """\
repos:
  - repo: {repository}
    rev: {revision}
    hooks:
      - id: factory-lint
"""
WORKFLOW = """\
name: pipelines
on:
  pull_request:
  push:
    branches: [main, master]
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
      - run: pipx run --spec "git+{repository}@{revision}" factory lint pipelines
"""
IGNORED = """\
.airflow/
.venv/
__pycache__/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory init`."""
    parser.add_argument("folder", nargs="?", type=to_path, default=Path(), help="the repository (the current folder)")
    parser.add_argument(
        "--source",
        metavar="URL",
        help="the repository of the factory (the one that the checks name, else the one that it was installed from)",
    )
    parser.add_argument("--revision", help="its tag or commit (the installed one)")


def run(arguments: argparse.Namespace) -> int:
    """Write the files, and print the name of each; returns the exit status. Raises UsageError."""
    folder: Path = arguments.folder
    if not folder.absolute().parent.is_dir():
        raise UsageError(f"{folder}: there is no folder {folder.absolute().parent}")
    templates = {".pre-commit-config.yaml": PRE_COMMIT, ".github/workflows/pipelines.yaml": WORKFLOW}
    written = {name: _source_in(template, folder / name) for name, template in templates.items()}
    repository, revision = _installed_from()
    repository = arguments.source or next((found[0] for found in written.values() if found), repository)
    revision = arguments.revision or revision
    if not repository:
        raise UsageError("the repository of the factory is not known here: name it, --source https://…")
    source = {"repository": _readable_by_all(repository), "revision": revision}
    if _URL.fullmatch(source["repository"]) is None:
        raise UsageError(f"--source takes the URL of a repository, https://…, not `{repository}`")
    if _REVISION.fullmatch(revision) is None:
        raise UsageError(f"--revision takes a tag or a commit, not `{revision}`")
    has_pipelines = any((folder / "pipelines").rglob("*.y*ml"))
    files = {
        "pipelines/hello.yaml": "" if has_pipelines else FIRST,
        ".vscode/settings.json": EDITOR,
        ".pre-commit-config.yaml": PRE_COMMIT.format(**source),
        ".github/workflows/pipelines.yaml": WORKFLOW.format(**source),
        ".gitignore": IGNORED,
        **{f"{SCHEMAS}/{name}": schema_path(name).read_text(encoding="utf-8") for name in ALL},
    }
    named = bool(arguments.source or arguments.revision)
    try:
        for name, text in files.items():
            is_ours = named and bool(written.get(name))
            if text:
                _write(folder / name, text, replace=is_ours or name.startswith(SCHEMAS))
            if name in {".gitignore", ".vscode/settings.json"} or (name in templates and not written.get(name)):
                _say_what_is_lacking(folder / name, text)
            if not named and (kept := written.get(name)) and kept[1] != revision:
                print(f"         it takes {kept[1]}; for this one: `factory init --revision {revision}`")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {(error.strerror or type(error).__name__).lower()}") from error
    if any("file://" in (folder / name).read_text(encoding="utf-8") for name in templates):
        print(
            "Only this machine has the repository of the factory that the checks use: name another one, --source URL."
        )
    if inside := _git(str(folder), "rev-parse", "--show-prefix"):
        print(
            f"This folder is `{inside}` of a repository, and GitHub and pre-commit read their files at its top only: "
            f"move .github and .pre-commit-config.yaml there, and let them check `{inside}pipelines`."
        )
    print("Next: `factory lint`, and `pre-commit install`.")
    return 0


def _installed_from() -> tuple[str, str]:
    """Repository and revision of this installation; the repository is empty where only an index or a file gave it."""
    package = distribution(PACKAGE)
    tag = f"v{package.version}"
    urls = [url.partition(", ") for url in package.metadata.get_all("Project-URL") or ()]
    published = next((url for name, _, url in urls if name == "Repository"), "")
    # pip, pipx and uv write down where a package came from, when it was no index.
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    if "vcs_info" in origin:
        asked = origin["vcs_info"].get("requested_revision")
        return origin["url"], asked if asked == tag else origin["vcs_info"]["commit_id"]
    if "dir_info" in origin:
        checkout = url2pathname(urlsplit(origin["url"]).path)
        commit = _git(checkout, "describe", "--tags", "--exact-match") or _git(checkout, "rev-parse", "HEAD")
        address = _git(checkout, "config", "remote.origin.url") or published
        return address or (checkout if commit else ""), commit or tag
    return published, tag


def _git(folder: str, *arguments: str) -> str:
    """What git says there; empty where it knows nothing or is not installed."""
    try:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607 # git is found on the path
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _readable_by_all(url: str) -> str:
    """A URL for Git and for pip, without a login: a folder is written as a URL, `git@HOST:PATH` as https."""
    if "://" not in url and Path(url).is_dir():
        return Path(url).resolve().as_uri()
    url = re.sub(r"^(?:ssh://)?git@([^:/]+)[:/]", r"https://\1/", url)
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _source_in(template: str, path: Path) -> tuple[str, str] | None:
    """Repository and revision that a file names which is as a template was written; None where it is not."""
    parts = re.split(r"\{(?:repository|revision)\}", template)
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    found = re.fullmatch(r"([^\s@]+)".join(map(re.escape, parts)), text)
    return (found[1], found[2]) if found is not None else None


def _say_what_is_lacking(path: Path, text: str) -> None:
    """Of a file that somebody else wrote, and that is kept: the lines that are for the reader to put there."""
    there = {line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()}
    lacking = [line for line in text.splitlines() if line.strip() not in there]
    if lacking:
        print(
            "\n".join(
                ["         add to it, where it has nothing like it:", *(f"             {line}" for line in lacking)]
            )
        )


def _write(path: Path, text: str, *, replace: bool) -> None:
    """Raises OSError."""
    if path.exists() and not replace:
        print(f"kept     {path}")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"written  {path}")
