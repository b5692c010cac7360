"""Which files are pipelines, on real folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.discovery import default_dag_id, defaults_paths, is_defaults_path, is_pipeline_path, pipeline_paths


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


def test_links_to_files_and_folders_are_followed(tmp_path: Path) -> None:
    plant(tmp_path / "elsewhere", "orders.yaml", "team/a.yaml")
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "linked.yaml").symlink_to(tmp_path / "elsewhere" / "orders.yaml")
    (folder / "linked").symlink_to(tmp_path / "elsewhere" / "team")

    assert list(pipeline_paths(folder)) == ["linked.yaml", "linked/a.yaml"]


def test_a_link_to_a_folder_above_ends(tmp_path: Path) -> None:
    plant(tmp_path, "a.yaml", "team/b.yaml")
    (tmp_path / "team" / "up").symlink_to(tmp_path)

    assert list(pipeline_paths(tmp_path)) == ["a.yaml", "team/b.yaml"]


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
