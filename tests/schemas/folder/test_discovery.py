"""Which files are pipelines, on real folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from schemas.check import Checker, CheckOptions
from schemas.findings.codes import Code
from schemas.folder.discovery import (
    default_dag_id,
    defaults_paths,
    is_defaults_path,
    is_pipeline_path,
    path_problem,
    pipeline_paths,
)


def plant(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")


def test_yaml_files_of_all_folders_sorted(tmp_path: Path) -> None:
    plant(tmp_path, "b.yaml", "a.yml", "team/orders.yaml", "team/deep/x.yaml", "etl.py", "q.sql", "yaml", "a.yaml.bak")

    assert list(pipeline_paths(tmp_path)) == ["a.yml", "b.yaml", "team/deep/x.yaml", "team/orders.yaml"]


def test_hidden_and_underscored_names_are_none(tmp_path: Path) -> None:
    plant(tmp_path, "_defaults.yaml", ".a.yaml", "_shared/a.yaml", ".git/a.yaml", "team/_a.yaml", "team/a_.yaml")

    assert list(pipeline_paths(tmp_path)) == ["team/a_.yaml"]
    assert [p for p in ("_a.yaml", "_s/a.yaml", "a/.b.yml", "a.py") if is_pipeline_path(p)] == []
    assert is_pipeline_path("team/a_.yml")


def test_a_folder_with_the_ending_of_a_file_is_a_folder(tmp_path: Path) -> None:
    plant(tmp_path, "team.yaml/orders.yaml")

    assert list(pipeline_paths(tmp_path)) == ["team.yaml/orders.yaml"]


def findings(folder: Path) -> list[tuple[str, Code, str]]:
    return [(d.file, d.code, d.message) for d in Checker(folder, CheckOptions(shown_folder="")).folder().diagnostics]


def test_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    plant(tmp_path, "_data/orders.yaml", "_data/team/a.yaml")
    (tmp_path / "linked.yaml").symlink_to(tmp_path / "_data" / "orders.yaml")
    (tmp_path / "linked").symlink_to(tmp_path / "_data" / "team")

    assert list(pipeline_paths(tmp_path)) == ["linked.yaml", "linked/a.yaml"]
    assert [path_problem(tmp_path, path) for path in ("linked.yaml", "linked/a.yaml")] == [None, None]


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    plant(tmp_path, "real/a.yaml")
    (tmp_path / "pipelines").symlink_to(tmp_path / "real")

    assert list(pipeline_paths(tmp_path / "pipelines")) == ["a.yaml"]
    assert path_problem(tmp_path / "pipelines", "a.yaml") is None


def test_links_that_lead_out_are_found_and_not_followed(tmp_path: Path) -> None:
    plant(tmp_path / "elsewhere", "orders.yaml", "team/a.yaml")
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "linked.yaml").symlink_to(tmp_path / "elsewhere" / "orders.yaml")
    (folder / "linked").symlink_to(tmp_path / "elsewhere" / "team")
    (folder / "_defaults.yaml").symlink_to(tmp_path / "elsewhere" / "orders.yaml")
    (folder / "a.yaml").write_text("poll: {url: http://localhost/}")

    out = "is a link out of the pipelines folder; put the file itself there"
    assert list(pipeline_paths(folder)) == ["a.yaml", "linked", "linked.yaml"]
    assert findings(folder) == [
        ("_defaults.yaml", Code.UNREADABLE, f"it {out}"),
        ("linked", Code.UNREADABLE, f"it {out}"),
        ("linked.yaml", Code.UNREADABLE, f"it {out}"),
    ]
    assert path_problem(folder, "linked/a.yaml") == out


@pytest.mark.parametrize("path", ["../outside.yaml", "{}/outside.yaml"])
def test_a_path_that_leads_out_by_itself_is_refused(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (tmp_path / "outside.yaml").write_text("")

    assert "a link out" in str(path_problem(folder, path.format(tmp_path)))


def test_a_link_to_a_folder_above_ends(tmp_path: Path) -> None:
    plant(tmp_path, "a.yaml", "team/b.yaml")
    (tmp_path / "team" / "up").symlink_to(tmp_path)

    assert list(pipeline_paths(tmp_path)) == ["a.yaml", "team/b.yaml", "team/up"]
    assert path_problem(tmp_path, "team/up") == "is a link to a folder that contains it"


def test_what_cannot_be_read_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "dangling.yaml").symlink_to(tmp_path / "nothing.yaml")
    (tmp_path / "itself.yaml").symlink_to("itself.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    os.mkfifo(tmp_path / "pipe")

    assert findings(tmp_path) == [
        ("dangling.yaml", Code.UNREADABLE, "it is a link to a file that does not exist"),
        ("itself.yaml", Code.UNREADABLE, "it is a link to itself"),
        ("pipe.yaml", Code.UNREADABLE, "it is not a regular file"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    plant(tmp_path, "closed/a.yaml")
    (tmp_path / "closed").chmod(0)
    try:
        assert findings(tmp_path) == [("closed", Code.UNREADABLE, "it cannot be listed: permission denied")]
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_folder_that_is_not_there_has_no_pipelines_and_is_named(tmp_path: Path) -> None:
    assert findings(tmp_path / "missing") == [(".", Code.UNREADABLE, "there is no such file")]


def test_names_of_any_script(tmp_path: Path) -> None:
    plant(tmp_path, "주문/수집 📦.yaml")

    assert list(pipeline_paths(tmp_path)) == ["주문/수집 📦.yaml"]


@pytest.mark.parametrize(
    ("path", "dag_id"),
    [
        ("orders.yaml", "orders"),
        ("orders.yml", "orders"),
        ("team/a/orders.yaml", "team.a.orders"),
        ("orders.v2.yaml", "orders.v2"),
        ("orders.yaml.yml", "orders.yaml"),
    ],
)
def test_the_dag_id_of_a_path(path: str, dag_id: str) -> None:
    assert default_dag_id(path) == dag_id


def test_defaults_from_the_root_to_the_file() -> None:
    assert defaults_paths("a/b/c.yaml") == (
        *("_defaults.yaml", "_defaults.yml"),
        *("a/_defaults.yaml", "a/_defaults.yml"),
        *("a/b/_defaults.yaml", "a/b/_defaults.yml"),
    )
    assert is_defaults_path("a/_defaults.yml")
    assert not is_defaults_path("a/defaults.yaml")
    assert not is_defaults_path("_defaults.json")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("orders.YAML", "orders.yaml"),
        ("orders.Yml", "orders.yml"),
        ("orders.yaml.txt", "orders.yaml"),
        ("orders.yaml ", "orders.yaml"),
        ("_default.yaml", "_defaults.yaml"),
        ("_Defaults.yml", "_defaults.yml"),
        ("_defaults.YAML", "_defaults.yaml"),
        ("_defaults.yaml.txt", "_defaults.yaml"),
    ],
)
def test_a_file_that_is_nearly_named_like_one_is_said_to_be_passed_over(tmp_path: Path, name: str, meant: str) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / name).write_text("poll: {url: https://shop.example/}\n")

    (finding,) = Checker(tmp_path, CheckOptions(environ={})).folder().diagnostics

    assert (finding.code, finding.file) == (Code.MISNAMED_FILE, f"pipelines/shop/{name}")
    assert finding.message == f"a file of this name is not read: rename it to `{meant}`"


@pytest.mark.parametrize("path", ["shop/_templates/load.yaml", "_templates/shop/load.yaml"])
def test_a_template_at_another_place_is_said_to_be_passed_over(tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text("tasks: [{id: a, uses: empty}]\n")
    (tmp_path / path).with_name("pod.yaml").write_text("kind: Pod\n")

    (finding,) = Checker(tmp_path, CheckOptions(environ={})).folder().diagnostics

    assert (finding.code, finding.file) == (Code.MISNAMED_FILE, f"pipelines/{path}")
    assert finding.message == "a file of this name is not read: move it to `_templates/load.yaml`"


@pytest.mark.parametrize(
    "name", ["orders.yaml~", "orders.yaml.bak", ".orders.YAML", "_draft.yaml", "_draft.YAML", "README.md", "a.yaml.j2"]
)
def test_other_names_are_passed_over_in_silence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("poll: {url: https://shop.example/}\n")

    assert Checker(tmp_path, CheckOptions(environ={})).folder().diagnostics == ()
