"""The JSON Schema against files that are sound: no editor may mark what lint has nothing against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from schemas.check import Checker, CheckOptions
from schemas.check.layers import LayerReader
from schemas.folder.discovery import pipeline_paths
from schemas.published.json_schema import pipeline_json_schema
from tests.case_files import Case, cases

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "docs" / "examples"
JUDGE = Draft7Validator(pipeline_json_schema())


def objections(folder: Path, path: str) -> list[str]:
    layers = LayerReader(folder, "", {}, {})
    document = layers.document(path)
    assert document is not None
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in JUDGE.iter_errors(document.data)]


def examples() -> Iterator[object]:
    for folder in [ROOT / "pipelines", *sorted(p for p in EXAMPLES.rglob("*") if p.is_dir())]:
        checker = Checker(folder, CheckOptions(environ={}, read_sources=False))
        for path in pipeline_paths(folder):
            in_folder = "/" not in path and not checker.dialect(path)
            if in_folder and not checker.file(path).has_errors:
                yield pytest.param(folder, path, id=f"{folder.name}/{path}")


@pytest.mark.parametrize(("folder", "path"), [*examples()])
def test_a_sound_example_fits(folder: Path, path: str) -> None:
    assert objections(folder, path) == []


@pytest.mark.parametrize("case", [c for c in cases("valid") if not c.is_folder], ids=lambda case: str(case.name))
def test_a_valid_case_of_one_file_fits(case: Case) -> None:
    assert objections(case.folder, case.files[0]) == []
