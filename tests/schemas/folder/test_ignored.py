"""`.airflowignore` switches pipelines off, as it does for dag-factory's loader."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.folder.discovery import pipeline_paths

FILES = ("a.yml", "b.yaml", "team/a.yml", "team/old/a.yml", "team/old/deep/a.yml", "old/a.yml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("tasks: [{id: a, uses: empty}]\n")
    return tmp_path


PATTERNS = [
    {"": "a.yml"},
    {"": "/a.yml"},
    {"": "old/"},
    {"": "team/old"},
    {"": "*.yml\n!team/**"},
    {"": "*.yml # all\n\n# of them\n!b.yaml"},
    {"": "**/deep/*.yml"},
    {"team": "a.yml"},
    {"": "a.yml", "team": "!a.yml"},
    {"": "team/", "team": "!a.yml"},
    {"team/old": "*"},
    {"": "nothing"},
]


@pytest.mark.parametrize("patterns", PATTERNS, ids=str)
def test_what_is_ignored(folder: Path, patterns: dict[str, str]) -> None:
    loader = pytest.importorskip("dagfactory.dagfactory", reason="dag-factory is not installed")
    for place, text in patterns.items():
        (folder / place / ".airflowignore").write_text(text)

    walked = [f"{root}/{name}" for root, _, names in loader._iter_dags_folder_contents(folder) for name in names]
    ignored = loader._load_airflowignore(str(folder))
    theirs = {
        Path(path).relative_to(folder).as_posix()
        for path in walked
        if path.endswith((".yml", ".yaml")) and not loader._should_ignore_file(Path(path), folder, ignored)
    }
    assert set(pipeline_paths(folder)) == theirs


@pytest.mark.parametrize("text", ["*\n!*/\n!*.yaml.py\n!*.yml.py\n", "^(?!(?:.*\\.[yY][aA]?[mM][lL]\\.py)$)\n"])
def test_the_file_that_the_bundle_writes_is_for_airflow_only(folder: Path, text: str) -> None:
    (folder / ".airflowignore").write_text(text)

    assert set(pipeline_paths(folder)) == set(FILES)
