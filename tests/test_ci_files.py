"""The GitHub Action, the pre-commit hooks and the CI examples: they run, are pinned, and ask for few rights."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import unquote_plus

import pytest
import yaml

from tests.factory.http.http_server import Server

ROOT = Path(__file__).resolve().parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
WORKFLOWS = [*sorted((ROOT / ".github/workflows").glob("*.yaml")), ROOT / "docs/ci/github.yaml"]
WRONG = "schedul: '@daily'\ntasks:\n  - {id: a, uses: empty}\n"
RIGHT = "tasks:\n  - {id: a, uses: empty}\n"


def used(value: Any) -> Iterator[str]:
    """Every `uses` in a workflow or an action."""
    if isinstance(value, dict):
        for key, child in value.items():
            if key == "uses" and isinstance(child, str):
                yield child
            yield from used(child)
    elif isinstance(value, list):
        for child in value:
            yield from used(child)


@pytest.mark.parametrize("file", [ROOT / "action.yml", ROOT / "docs/ci/plan.yaml", *WORKFLOWS], ids=lambda p: p.name)
def test_what_is_used_is_pinned_to_a_commit(file: Path) -> None:
    for name in used(yaml.safe_load(file.read_text())):
        assert name in ("./", "OWNER/REPOSITORY@COMMIT") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", name), name


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda p: p.name)
def test_workflows_may_read_and_little_else(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    more = {"id-token": "write"} if file.name == "release.yaml" else {"security-events": "write"}

    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job.get("permissions", {}).items() <= {"contents": "read", **more}.items()


@pytest.mark.parametrize(
    ("tag", "changelog", "said"),
    [
        ("v1.2.3", "## [1.2.3] - 2026-11-29\n", ""),
        ("v1.2.4", "## [1.2.3] - 2026-11-29\n", "the tag is v1.2.4, the version is 1.2.3"),
        ("v1.2.3", "## [Unreleased]\n", 'there is no section "## [1.2.3] - DATE"'),
    ],
)
def test_a_release_compares_tag_version_and_changelog(tmp_path: Path, tag: str, changelog: str, said: str) -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/release.yaml").read_text())["jobs"]["build"]["steps"]
    script = next(step["run"] for step in steps if step.get("name") == "Compare tag, version and changelog")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{changelog}")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "GITHUB_REF_NAME": tag, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, said in done.stdout) == (int(bool(said)), True), done.stderr


def test_the_changelog_has_this_version() -> None:
    assert f"\n## [{version('airflow-pipeline-factory')}] - 20" in (ROOT / "CHANGELOG.md").read_text()


def run_step(name: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A step of the action as GitHub runs it, with this environment's `factory` in place of the installed one."""
    step = next(step for step in ACTION["runs"]["steps"] if step.get("name") == name)
    bin_ = folder / "temp" / "factory-lint" / "bin"
    bin_.mkdir(parents=True, exist_ok=True)
    (bin_ / "factory").unlink(missing_ok=True)
    (bin_ / "factory").symlink_to(Path(sys.executable).parent / "factory")
    given = {"ARGS": "--require-env", "LINTED": "pipelines", "RUNNER_TEMP": str(folder / "temp")}
    environment = {**os.environ, **given, **more, "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(folder)}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("text", "status"), [(WRONG, 1), (RIGHT, 0)], ids=["wrong", "right"])
def test_the_steps_of_the_action(tmp_path: Path, text: str, status: int) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "orders.yaml").write_text(text)

    assert run_step("Write SARIF", tmp_path).returncode == 0
    results = json.loads((tmp_path / "factory-lint.sarif").read_text())["runs"][0]["results"]
    lint = run_step("Lint", tmp_path)

    assert len(results) == status
    assert lint.returncode == status, lint.stderr
    assert ("::error file=pipelines/orders.yaml,line=1" in lint.stdout) == bool(status)


def test_the_action_fails_where_there_is_nothing_to_lint(tmp_path: Path) -> None:
    assert run_step("Write SARIF", tmp_path).returncode == 1
    assert run_step("Lint", tmp_path).returncode == 2


def changed_repository(folder: Path) -> str:
    """A repository whose last commit changes one pipeline and breaks another one; returns the commit before."""

    def git(*words: str) -> str:
        named = ["git", "-c", "user.name=ci", "-c", "user.email=ci@example.com", *words]
        return subprocess.run(named, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()

    (folder / "pipelines").mkdir()
    pipeline = folder / "pipelines" / "orders.yaml"
    pipeline.write_text("schedule: '@daily'\n" + RIGHT)
    git("init", "--quiet")
    git("add", "pipelines")
    git("commit", "--quiet", "--message", "before")
    base = git("rev-parse", "HEAD")
    pipeline.write_text("schedule: '@hourly'\n" + RIGHT)
    (folder / "pipelines" / "broken.yaml").write_text(WRONG)
    git("add", "pipelines")
    git("commit", "--quiet", "--message", "after")
    return base


GH = """#!/bin/sh
echo "$@" >> "$CALLS"
while [ $# -gt 1 ]; do [ "$1" = --jq ] && filter=$2; shift; done
case "$filter $CALLS" in
  *.id*) jq --raw-output "$filter" "$COMMENTS" ;;
  *) [ -z "$READ_ONLY" ] || { echo "HTTP 403" >&2; exit 1; }; cp "$AFTER" "$COMMENTS" ;;
esac
"""
"""In place of GitHub's own: after the first write it has the comments of `AFTER`; a fork's token may only read."""
OTHERS = [{"id": 3, "body": "<!-- factory plan --> by hand", "user": {"login": "ada"}}]
OURS = [*OTHERS, {"id": 17, "body": "<!-- factory plan --> old", "user": {"login": "github-actions[bot]"}}]


@pytest.mark.skipif(not which("jq"), reason="gh has it built in")
def test_a_token_that_may_only_read_fails_no_job(tmp_path: Path) -> None:
    given = comments(tmp_path)
    (tmp_path / "factory-plan.md").write_text("plan")

    done = run_step("Comment", tmp_path, **given, READ_ONLY="yes")

    assert (done.returncode, "::warning::No comment" in done.stdout) == (0, True), done.stderr


def comments(folder: Path) -> dict[str, str]:
    """What the step for comments needs: a `gh` before GitHub's own, and what is on the pull request."""
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    for name, there in (("comments", OTHERS), ("after", OURS)):
        (folder / name).write_text(json.dumps(there))
    return {
        "CALLS": str(folder / "calls"),
        "COMMENTS": str(folder / "comments"),
        "AFTER": str(folder / "after"),
        "REPOSITORY": "shop/pipelines",
        "NUMBER": "7",
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
    }


@pytest.mark.skipif(not which("jq"), reason="gh has it built in")
def test_the_action_plans_a_pull_request_and_keeps_one_comment(tmp_path: Path) -> None:
    base = changed_repository(tmp_path)
    given = {"BASE": base, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), **comments(tmp_path)}

    for step in ("Plan", "Comment", "Comment"):
        done = run_step(step, tmp_path, **given)
        assert done.returncode == 0, done.stderr

    summary = (tmp_path / "summary").read_text()
    assert summary.startswith("<!-- factory plan -->\n### Pipelines: 1 broken, 1 changed\n")
    assert "next runs after" in summary
    asked = "api --paginate repos/shop/pipelines/issues/7/comments"
    calls = (tmp_path / "calls").read_text()
    sent = [line for line in calls.splitlines() if line.startswith("api --method")]
    assert calls.count(asked) == 2
    assert sent == [
        "api --method POST repos/shop/pipelines/issues/7/comments --field body=@factory-plan.md",
        "api --method PATCH repos/shop/pipelines/issues/comments/17 --field body=@factory-plan.md",
    ]


@pytest.mark.parametrize("hook", yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()), ids=lambda h: h["id"])
def test_hooks_run_and_fail_for_errors(tmp_path: Path, hook: dict[str, Any]) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "orders.yaml").write_text("schedule: '@daily'\n")
    command = [*shlex.split(hook["entry"]), *hook["args"]]

    found = subprocess.run(
        [sys.executable, "-m", "factory.cli", *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert command[0] == "factory"
    assert found.returncode == 1
    assert "PF101" in found.stdout
    assert hook["language"] == "python"
    judged = ("pipelines/sales/orders.py", "factory.toml", "pyproject.toml")
    if not hook.get("always_run"):
        assert all(re.search(hook["files"], name) for name in judged)
        assert not any(re.search(hook["files"], name) for name in ("docs/pipelines/orders.md", "src/factory.toml"))


@pytest.mark.skipif(not (which("jq") and which("curl")), reason="the job installs jq and curl")
@pytest.mark.parametrize(
    ("notes", "sent"),
    [
        ("[]", ("POST", "/notes")),
        ('[{"id": 4, "author": {"id": 8}, "body": "<!-- factory plan --> by hand"}]', ("POST", "/notes")),
        (
            '[{"id": 3, "author": {"id": 9}, "body": "hello"},'
            ' {"id": 4, "author": {"id": 8}, "body": "<!-- factory plan --> by hand"},'
            ' {"id": 5, "author": {"id": 9}, "body": "<!-- factory plan --> old"}]',
            ("PUT", "/notes/5"),
        ),
    ],
    ids=["first", "others", "again"],
)
def test_the_gitlab_job_keeps_one_note(tmp_path: Path, notes: str, sent: tuple[str, str]) -> None:
    (job,) = yaml.safe_load((ROOT / "docs/ci/plan.gitlab-ci.yaml").read_text()).values()
    script = "\n".join(line for line in job["script"] if not line.startswith(("pip ", "apt-get ")))
    server = Server()
    server.answers("/notes", notes.encode())
    server.answers("/notes/5", b"{}")
    server.answers("/user", b'{"id": 9}')
    environment = {
        **os.environ,
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": changed_repository(tmp_path),
        "NOTES": server.url("/notes"),
        "CI_API_V4_URL": server.url(""),
        "PLAN_TOKEN": "hush",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = ["bash", "-eo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    server.close()

    assert done.returncode == 0, done.stderr
    request = server.received[-1]
    assert (request.method, request.path) == sent
    assert request.headers["PRIVATE-TOKEN"] == "hush"
    assert unquote_plus(request.body.decode()).startswith("body=<!-- factory plan -->")
    environment["PLAN_TOKEN"] = ""
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "1 changed" in done.stdout) == (0, True), done.stderr


def test_the_gitlab_job_calls_lint_as_it_is() -> None:
    (job,) = yaml.safe_load((ROOT / "docs/ci/gitlab-ci.yml").read_text()).values()
    calls = [line.removesuffix(" || true") for line in job["script"] if line.startswith("factory")]

    report = job["artifacts"]["reports"]["codequality"]
    assert calls == [f"factory lint --format gitlab --output {report} pipelines", "factory lint pipelines"]
    for call in calls:
        arguments = [word.replace(report, os.devnull) for word in shlex.split(call)[1:]]
        found = subprocess.run(
            [sys.executable, "-m", "factory.cli", *arguments], cwd=ROOT, capture_output=True, check=False
        )
        assert found.returncode == 0, found.stderr


def test_the_editors_settings_name_schemas_that_are_there() -> None:
    settings = json.loads((ROOT / "docs/ci/vscode-settings.json").read_text())

    for schema in settings["yaml.schemas"]:
        assert json.loads((ROOT / schema).read_text())["$schema"]
