"""The JSON Schema against files that are sound: no editor may mark what lint has nothing against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from jsonschema.protocols import Validator

from schemas.check import Checker, CheckOptions
from schemas.check.layers import LayerReader
from schemas.folder.discovery import pipeline_paths
from tests.case_files import Case, cases
from tests.schemas.published.committed import committed

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture(scope="module")
def judge() -> Validator:
    return Draft7Validator(committed("pipeline"))


def objections(judge: Validator, folder: Path, path: str) -> list[str]:
    layers = LayerReader(folder, "", {}, {})
    document = layers.document(path)
    assert document is not None
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in judge.iter_errors(document.data)]


def sound_examples() -> Iterator[tuple[Path, str]]:
    for folder in [ROOT / "pipelines", *sorted(p for p in EXAMPLES.rglob("*") if p.is_dir())]:
        checker = Checker(folder, CheckOptions(environ={}, read_sources=False))
        for path in pipeline_paths(folder):
            in_folder = "/" not in path and not checker.dialect(path)
            if in_folder and not checker.file(path).has_errors:
                yield folder, path


def test_sound_examples_fit(judge: Validator) -> None:
    found = {f"{folder}/{path}": objections(judge, folder, path) for folder, path in sound_examples()}
    assert len(found) > 20
    assert {path: said for path, said in found.items() if said} == {}


@pytest.mark.parametrize("case", [c for c in cases("valid") if not c.is_folder], ids=lambda case: str(case.name))
def test_a_valid_case_of_one_file_fits(judge: Validator, case: Case) -> None:
    assert objections(judge, case.folder, case.files[0]) == []
