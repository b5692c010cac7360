"""Pipelines out of another Airflow bundle: a Git repository, with commits that people can look up."""

from __future__ import annotations

import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.git.bundles.git import GitDagBundle

from factory.bundle.records import content_version
from factory.bundle.store import BundleError
from tests.factory.http.http_server import Server

from .bundles import Bench, contents, version_of

GIT = "airflow.providers.git.bundles.git.GitDagBundle"


class Repository:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "team@example.com")
        self.git("config", "user.name", "Team")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            (self.path / "flows").mkdir(exist_ok=True)
            (self.path / "flows" / f"{name}.yaml").write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "edit")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("AIRFLOW_CONN_GIT_DEFAULT", f"git://{tmp_path}")
    return Repository(tmp_path / "repository")


def source(repository: Repository, **more: Any) -> dict[str, Any]:
    arguments = {"repo_url": str(repository.path), "tracking_ref": "main", "subdir": "flows", "refresh_interval": 0}
    return {"classpath": GIT, "kwargs": {**arguments, **more}}


def test_a_version_begins_with_the_commit_it_came_from(bench: Bench, repository: Repository) -> None:
    first = repository.commit(orders="one")
    bundle = bench.bundle(source=source(repository), folder=None)
    bundle.initialize()
    version = version_of(bundle)
    assert version == f"{first}.{content_version(version)}"
    assert "orders.yaml.py" in contents(bundle.path)

    repository.commit()
    bundle.refresh()
    assert version_of(bundle) == version, "a commit that changes no pipeline is no new version"

    second = repository.commit(orders="two")
    bundle.refresh()
    assert version_of(bundle).startswith(second)
    pinned = bench.bundle(version, source=source(repository), folder=None)
    pinned.initialize()
    assert b"one" in contents(pinned.path)["orders.yaml"]


def test_a_version_leads_to_its_commit(bench: Bench, repository: Repository) -> None:
    commit = repository.commit(orders="one")
    template = "https://git.example.com/team/tree/{version}/{subdir}"
    bundle = bench.bundle(source=source(repository, view_url_template=template), folder=None)
    bundle.initialize()
    ours = bundle.view_url_template()

    assert ours is not None
    assert ours.format(version=version_of(bundle)) == f"https://git.example.com/team/tree/{commit}/flows"


def test_a_source_that_cannot_be_read_is_named_and_changes_nothing(bench: Bench, repository: Repository) -> None:
    repository.commit(orders="one")
    bundle = bench.bundle(source=source(repository), folder=None)
    bundle.initialize()
    before = contents(bundle.path)
    repository.path.rename(repository.path.with_name("gone"))
    with pytest.raises(BundleError, match=f"the source {GIT} cannot be read: "):
        bundle.refresh()

    assert contents(bundle.path) == before


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("robot:to-ken", "Authentication failed"),
        ("to-ken", "could not read Password"),
        ("robot:p@to-ken", "Authentication failed"),
        ("robot:p/to-ken", "cloning"),
    ],
)
def test_gits_own_words_are_told_without_a_password(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, login: str, words: str
) -> None:
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    monkeypatch.setenv("AIRFLOW_CONN_GIT_DEFAULT", f"git://{tmp_path}")
    server = Server()
    server.answers("/pipelines.git/info/refs", b"who are you?", status=401)
    url = server.url("/pipelines.git").replace("//", f"//{login}@")
    with pytest.raises(BundleError, match="cannot be read: ") as failed:
        bench.bundle(
            source={"classpath": GIT, "kwargs": {"repo_url": url, "tracking_ref": "main"}}, folder=None
        ).refresh()

    server.close()
    assert words in str(failed.value)
    assert "to-ken" not in str(failed.value)


@pytest.mark.parametrize("was_there", [True, False])
def test_a_source_that_fails_is_not_asked_more_often_than_one_that_does_not(
    was_there: bool, bench: Bench, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow comes back every second to a bundle that failed."""
    repository.commit(orders="one")
    bundle = bench.bundle(source=source(repository, refresh_interval=300), folder=None)
    if was_there:
        bundle.initialize()
        bundle._upstream._next_refresh = 0.0  # type: ignore[union-attr] # the interval is over
    repository.path.rename(repository.path.with_name("gone"))
    asked: list[str] = []
    for method in ("refresh", "initialize"):
        real = getattr(GitDagBundle, method)
        monkeypatch.setattr(GitDagBundle, method, lambda self, real=real: (asked.append(""), real(self)))
    with pytest.raises(BundleError, match=f"the source {GIT} cannot be read: "):
        bundle.refresh()
    for _ in range(3):
        with nullcontext() if was_there else pytest.raises(BundleError, match="cannot be read: "):
            bundle.refresh()

    assert len(asked) == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"classpath": "no.such.Bundle"}, "the source no.such.Bundle cannot be used: ModuleNotFoundError"),
        ({"kwargs": {}}, "`source` needs the keys `classpath` and `kwargs`"),
        ({"classpath": GIT, "arguments": {}}, "`source` needs the keys `classpath` and `kwargs`"),
    ],
)
def test_a_wrong_source_is_said(wrong: dict[str, Any], message: str, bench: Bench) -> None:
    with pytest.raises(BundleError, match=message):
        bench.bundle(source=wrong, folder=None).initialize()


def test_a_source_beside_a_folder_is_said(bench: Bench) -> None:
    with pytest.raises(BundleError, match="both `folder` and `source`"):
        bench.bundle(source={"classpath": GIT, "kwargs": {}})


@pytest.mark.parametrize("wrong", [{"refresh_interval": "abc"}, {"store_timeout": None}, {"keep_days": -1}])
def test_a_setting_that_is_no_number_is_said(wrong: dict[str, Any], bench: Bench) -> None:
    with pytest.raises(BundleError, match=f"`{next(iter(wrong))}` must be a number, 0 or more"):
        bench.bundle(**wrong)
