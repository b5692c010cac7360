"""Texts that are not complete: every start of every case is read, and something can be proposed everywhere."""

from __future__ import annotations

import random
from pathlib import Path

from factory.cli.editor.completion import Completion
from factory.cli.editor.outline import Outline, foldable, items
from factory.cli.editor.workspace import Place, Workspace
from schemas.text.document import document_from_text

CASES = sorted((Path(__file__).parents[3] / "cases" / "valid").rglob("*.yaml"))


def cuts(text: str, chance: random.Random, count: int) -> list[int]:
    return [chance.randint(0, len(text)) for _ in range(count)]


def test_any_start_of_a_text_is_read_and_completed(tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311
    workspace = Workspace(tmp_path)
    proposed = 0
    for case in chance.sample(CASES, 60):
        text = case.read_bytes().decode()
        for cut in cuts(text, chance, 3):
            outline = Outline(text[:cut])
            line = len(outline.lines) - 1
            column = len(outline.lines[-1])
            proposed += len(Completion(workspace, Place(tmp_path, "a.yaml"), outline, line, column).proposals())
            list(foldable(outline))
            items(outline)
    assert proposed > 500


def test_the_outline_agrees_with_the_parser() -> None:
    """Every key of a plain document that is on a line of its own has the path that the parser gives it."""
    compared = 0
    for case in CASES:
        text = case.read_bytes().decode()
        document = document_from_text(text, case.name)
        if document.diagnostics or any(mark in text for mark in ("<<", "&", "? ", "\t", "\\", "\r")):
            continue
        for entry in Outline(text).entries:
            key = isinstance(entry.path[-1], str)
            span = document.key_span(entry.path) if key else None
            if span is not None:
                assert (span.line, span.column) == (entry.line + 1, entry.column + 1), (case, entry)
                compared += 1
    assert compared > 1000
