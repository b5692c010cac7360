"""Texts that are not complete: every start of every case is read, and something can be proposed everywhere."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from factory.cli.editor.completion import Completion
from factory.cli.editor.features import foldable, items
from factory.cli.editor.outline import Outline
from factory.cli.editor.workspace import Place, Workspace
from schemas.text.document import document_from_text
from tests.factory.cli.editor.client import PIPELINE, Editor, Run, applied

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


HALF = (
    ("half.yaml", PIPELINE),
    ("_defaults.yaml", "default_args:\n  retries: 2\nvars:\n  region: eu\nenvironments:\n  prod: {tags: [a]}\n"),
    ("half.test.yaml", "tests:\n- name: loads\n  task: load\n  expect:\n    tasks:\n      load: success\n"),
    ("old.yml", "old:\n  schedule: '@daily'\n  tasks:\n    a: {operator: airflow.operators.bash.BashOperator}\n"),
)


def test_every_half_typed_file_is_answered(folder: Path, run: Run) -> None:
    """Each kind of file, cut where somebody may be typing; every request has an answer, and none is an error."""

    async def session(e: Editor) -> None:
        for path, text in HALF:
            e.open(path, "")
            document = types.TextDocumentIdentifier(e.uri(path))
            for cut in range(1, len(text), 7):
                at = e.put(path, f"{text[:cut]}|")
                await e.client.text_document_completion_async(types.CompletionParams(**at))
                await e.client.text_document_hover_async(types.HoverParams(**at))
                await e.client.text_document_definition_async(types.DefinitionParams(**at))
                with suppress(JsonRpcInvalidParams):  # which says what is to be fixed first
                    await e.client.text_document_prepare_rename_async(types.PrepareRenameParams(**at))
                await e.client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
                await e.client.text_document_folding_range_async(types.FoldingRangeParams(document))
                await e.client.text_document_code_lens_async(types.CodeLensParams(document))
            e.type(path, text)
        await e.findings("half.yaml", set())

    run(folder, session)


def test_outline_lenses_folding_and_fixes(folder: Path, run: Run) -> None:
    group = "tasks:\n  - id: g\n    tasks:\n      - {id: a, uses: empty}\n  - id: b\n    uses: empty\n    nedes: [g]\n"

    async def session(e: Editor) -> None:
        e.open("group.yaml", group)
        document = types.TextDocumentIdentifier(e.uri("group.yaml"))
        symbols = await e.client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
        assert symbols is not None
        named = [
            (s.name, [inner.name for inner in s.children or ()]) for s in symbols if isinstance(s, types.DocumentSymbol)
        ]
        assert named == [("g", ["a"]), ("b", [])]
        folding = await e.client.text_document_folding_range_async(types.FoldingRangeParams(document))
        assert (1, 3) in [(one.start_line, one.end_line) for one in folding or ()]
        lenses = await e.client.text_document_code_lens_async(types.CodeLensParams(document))
        assert [list(one.command.arguments or ()) for one in lenses or () if one.command] == [
            ["try", str(folder / "group.yaml")],
            ["try", str(folder / "group.yaml"), "--task", "b"],
            ["try", str(folder / "group.yaml"), "--task", "g.a"],
        ]
        (found,) = await e.findings("group.yaml", {"PF102"})
        actions = await e.client.text_document_code_action_async(
            types.CodeActionParams(document, found.range, types.CodeActionContext([found]))
        )
        (action,) = actions or ()
        assert isinstance(action, types.CodeAction)
        assert action.edit is not None
        assert "needs: [g]" in applied(action.edit, e.uri("group.yaml"), group)

    run(folder, session)
