"""A team's policy: where it is found, what its settings take, and what is said of those that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.check import Checker, CheckOptions
from schemas.rules.team_policy import project_policy


def project(folder: Path, text: str, name: str = "factory.toml") -> Path:
    """A project folder with a settings file; returns its pipelines folder."""
    (folder / name).write_text(text, encoding="utf-8")
    (folder / "pipelines").mkdir(exist_ok=True)
    return folder / "pipelines"


def problems(folder: Path, text: str, name: str = "factory.toml") -> list[str]:
    found = project_policy(project(folder, text, name)).diagnostics
    assert all(d.file == str(folder / name) and d.code.id == "PF503" for d in found)
    places = [f"{d.span.line}:{d.span.column}-{d.span.end_column}" for d in found]
    return [f"{place} {d.message}{f' ({d.caret})' if d.caret else ''}" for place, d in zip(places, found, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[policy]\nrequires = ['owner']\n", "2:1-9 there is no setting `requires` (did you mean `require`?)"),
        ("[policy]\nmin_retries = 1\n", "2:1-12 there is no setting `min_retries` (did you mean `min-retries`?)"),
        ("[policies]\nrequire = []\n", "1:2-10 there is no table `policies` (did you mean `policy`?)"),
        (
            '[policy]\nrequire = [\n  "owner",\n  "taggs",\n]\n',
            "4:3-10 `require` names `taggs`, which no pipeline has (did you mean `tags`?)",
        ),
        ("[policy]\nrequire = 'owner'\n", "2:1-8 `require` must be a list of texts"),
        ("policy = 3\n", "1:1-7 `policy` must be a table"),
        ("policy.min-retries = -1\n", "1:1-19 `min-retries` must be a whole number, 0 or more"),
        ("[policy]\nmin-retries = true\n", "2:1-12 `min-retries` must be a whole number, 0 or more"),
        (
            "[policy]\n'dag-id-pattern' = '['\n",
            "2:1-17 `dag-id-pattern` is not a regular expression: unterminated character set",
        ),
        (
            "[policy]\nshortest-interval = '5 minutes'\n",
            "2:1-18 `shortest-interval` must be a duration: 30s, 5m, 2h, 1d, or ISO 8601 such as PT90M",
        ),
        ("[policy]\nshortest-interval = '2d'\n", "2:1-18 `shortest-interval` must be at most 1d"),
        ("[policy]\nallowed-hosts = ['']\n", "2:1-14 `allowed-hosts` must be a list of texts"),
        ("[policy]\nrequire = [\n", "3:1-2 not TOML: invalid value"),
        ("[policy\n", "1:8-9 not TOML: expected ']' at the end of a table declaration"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(text: str, expected: str, tmp_path: Path) -> None:
    assert problems(tmp_path, text) == [expected]


def test_all_that_is_wrong_is_said_and_the_rest_holds(tmp_path: Path) -> None:
    text = '[other]\nrequire = 1\n[tool.pipeline-factory.policy]\nmin-retries = 2\nrequir = []\nallowed-uses = "x"\n'

    assert problems(tmp_path, text, "pyproject.toml") == [
        "5:1-7 there is no setting `requir` (did you mean `require`?)",
        "6:1-13 `allowed-uses` must be a list of texts",
    ]
    policy = project_policy(tmp_path / "pipelines").policy
    assert policy is not None
    assert policy.min_retries == 2


def test_without_a_table_of_ours_there_is_no_policy(tmp_path: Path) -> None:
    folder = project(tmp_path, "[tool.ruff]\nline-length = 120\n", "pyproject.toml")

    assert project_policy(folder).policy is None
    assert project_policy(folder).diagnostics == ()


def test_the_nearest_file_holds_and_the_root_of_the_repository_is_the_last_place(tmp_path: Path) -> None:
    outside = project(tmp_path, "[policy]\nmin-retries = 1\n")
    inner = tmp_path / "repository"
    (inner / ".git").mkdir(parents=True)
    folder = project(inner, "[tool.pipeline-factory.policy]\nmin-retries = 2\n", "pyproject.toml")

    def retries(where: Path) -> int | None:
        policy = project_policy(where).policy
        return policy.min_retries if policy is not None else None

    assert retries(outside) == 1
    assert retries(folder) == 2
    project(inner, "[policy]\nmin-retries = 3\n")
    assert retries(folder) == 3
    (inner / "factory.toml").unlink()
    (inner / "pyproject.toml").unlink()
    assert retries(folder) is None


def test_the_build_knows_no_policy(tmp_path: Path) -> None:
    folder = project(tmp_path, "[policy]\nrequire = ['owner']\n")
    (folder / "orders.yaml").write_text("poll: {url: https://shop.example/}\n")

    assert Checker(folder).folder().diagnostics == ()
    options = CheckOptions(policy=project_policy(folder).policy)
    assert [d.code.id for d in Checker(folder, options).folder().diagnostics] == ["PF504"]
