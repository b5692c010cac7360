"""Findings while one types, and their quick fixes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from tests.factory.cli.editor.client import BASH, PIPELINE, Editor, Run, applied, editor


def test_other_yaml_files_are_left_alone(tmp_path: Path, run: Run) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "_defaults.yaml").write_text("vars: {a: 1}\n")

    async def session(e: Editor) -> None:
        e.open("docker-compose.yaml", "services: {}\n")
        e.open("charts/values.yaml", "tasks: 1\n")
        for path in ("pipelines/a.yaml", "team/b.yaml"):
            e.open(path, "tasks: 1\n")
            await e.findings(path, {"PF103"})
        assert await e.completions("docker-compose.yaml", "s|") == []
        assert e.shown == {e.uri("pipelines/a.yaml"), e.uri("team/b.yaml")}

    run(tmp_path, session)


def test_findings_come_and_go_while_one_types(folder: Path, run: Run) -> None:
    async def session(e: Editor) -> None:
        e.open("hello_etl.yaml")
        e.open("other.yaml", "poll: {url: 'http://localhost/'}\n")
        e.type("hello_etl.yaml", PIPELINE.replace("needs", "nedes"))
        (found,) = await e.findings("hello_etl.yaml", {"PF102"})
        assert found.range.start == types.Position(6, 4)
        assert "did you mean `needs`?" in found.message
        e.type("hello_etl.yaml", PIPELINE)
        await e.findings("hello_etl.yaml", set())
        e.type("other.yaml", "dag_id: hello_etl\npoll: {url: 'http://localhost/'}\n")
        await e.findings("hello_etl.yaml", {"PF314"})
        e.type("other.yaml", "poll: {url: 'http://localhost/'}\n")
        await e.findings("hello_etl.yaml", set())

    run(folder, session)


def test_a_default_is_checked_in_all_that_it_reaches(folder: Path, run: Run) -> None:
    async def session(e: Editor) -> None:
        e.open("_defaults.yaml")
        e.open("hello_etl.yaml", PIPELINE.replace("rows: ", "table: '${vars.region}', rows: "))
        await e.findings("hello_etl.yaml", set())
        e.type("_defaults.yaml", "vars: {}\n")
        await e.findings("hello_etl.yaml", {"PF112"})
        e.type("_defaults.yaml", "default_args:\n  retires: 2\n")
        await e.findings("_defaults.yaml", {"PF102"})
        e.type("_defaults.yaml", "default_args:\n  retries: 2\n")
        await e.findings("_defaults.yaml", set())

    run(folder, session)


def test_findings_of_files_that_are_not_open_go_with_the_mistake(folder: Path, run: Run) -> None:
    user = "tasks: [{id: a, uses: bash, with: {bash_command: '${vars.region}'}}]\n"
    for name in ("one", "two"):
        (folder / f"{name}.yaml").write_text(user)

    async def session(e: Editor) -> None:
        e.open("_defaults.yaml", "vars: {}\n")
        for name in ("one", "two"):
            await e.findings(f"{name}.yaml", {"PF112"})
        (folder / "one.yaml").write_text(user.replace("${vars.region}", "date"))
        (folder / "two.yaml").unlink()
        events = [
            types.FileEvent(e.uri("one.yaml"), types.FileChangeType.Changed),
            types.FileEvent(e.uri("two.yaml"), types.FileChangeType.Deleted),
        ]
        e.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(events))
        for name in ("one", "two"):
            await e.findings(f"{name}.yaml", set())

    run(folder, session)


def test_tests_and_dag_factory_documents_are_checked_too(folder: Path, run: Run) -> None:
    async def session(e: Editor) -> None:
        e.open("hello_etl.test.yaml", "tests:\n- name: loads\n  task: laod\n")
        found = await e.findings("hello_etl.test.yaml", {"PF302"})
        assert found
        lenses = await e.client.text_document_code_lens_async(
            types.CodeLensParams(types.TextDocumentIdentifier(e.uri("hello_etl.test.yaml")))
        )
        assert [list(one.command.arguments or ()) for one in lenses or () if one.command] == [
            ["test", str(folder / "hello_etl.test.yaml"), "-k", "loads"]
        ]
        e.open(
            "old.yml", "old:\n  schedule: '@daily'\n  tasks:\n    a: {operator: airflow.operatrs.bash.BashOperator}\n"
        )
        await e.findings("old.yml", {"PF307"})
        text = (
            "old:\n  dagrun_timeout: {__type__: datetime.timedelta, hours: 1}\n  dagrun_timeout_sec: 7200\n"
            f"  tasks:\n    a: {{operator: {BASH}, bash_command: date}}\n"
        )
        e.type("old.yml", text)
        assert [one.code for one in await e.findings("old.yml", {"PF121"})] == ["PF121"]
        whole = types.Range(types.Position(0, 0), types.Position(9, 0))
        asked = types.CodeActionParams(
            types.TextDocumentIdentifier(e.uri("old.yml")), whole, types.CodeActionContext([])
        )
        assert not await e.client.text_document_code_action_async(asked)

    run(folder, session)


def test_positions_count_as_the_editor_does(folder: Path, run: Run) -> None:
    """An emoji is two units of UTF-16, which editors count in, and one character here."""

    async def session(e: Editor) -> None:
        e.open("wide.yaml", "tasks: [{id: a, uses: bash, with: {bash_command: 📦📦}, nedes: []}]\n")
        (found,) = await e.findings("wide.yaml", {"PF102"})
        assert found.range.start.character == len("tasks: [{id: a, uses: bash, with: {bash_command: 📦📦}, ") + 2

    run(folder, session)


def test_a_fix_is_for_the_text_that_was_checked(folder: Path, run: Run) -> None:
    """Lines that come in above a mistake: until the next check, there is no fix at its old place."""
    wrong = PIPELINE.replace("needs", "nedes")

    async def session(e: Editor) -> None:
        e.open("hello_etl.yaml", wrong)
        (found,) = await e.findings("hello_etl.yaml", {"PF102"})
        document = types.TextDocumentIdentifier(e.uri("hello_etl.yaml"))
        asked = types.CodeActionParams(document, found.range, types.CodeActionContext([found]))
        assert await e.client.text_document_code_action_async(asked)
        e.type("hello_etl.yaml", f"# one\n# two\n{wrong}")
        for action in await e.client.text_document_code_action_async(asked) or ():
            assert isinstance(action, types.CodeAction)
            assert action.edit is not None
            assert "    needs: [extract]" in applied(action.edit, document.uri, f"# one\n# two\n{wrong}").split("\n")

    run(folder, session)


def test_there_are_quick_fixes_in_every_kind_of_file(folder: Path, run: Run) -> None:
    (folder / "_templates").mkdir()
    old = f"old:\n  schedule_interval: '@daily'\n  tasks: {{a: {{operator: {BASH}, bash_command: date}}}}\n"

    async def session(e: Editor) -> None:
        for path, wrong, right, codes in (
            ("_defaults.yaml", "default_args:\n  retires: 2\n", "default_args:\n  retries: 2\n", {"PF102"}),
            (
                "hello_etl.test.yaml",
                "tests:\n- name: a\n  tsak: load\n  expect: {tasks: {load: sucess}}\n",
                "tests:\n- name: a\n  task: load\n  expect: {tasks: {load: success}}\n",
                {"PF102", "PF104"},
            ),
            ("hello_etl.test.yaml", "tests: [{name: a, task: laod}]\n", "tests: [{name: a, task: load}]\n", {"PF302"}),
            ("_templates/t.yaml", f"parms: {{}}\n{USER}", f"params: {{}}\n{USER}", {"PF102"}),
            ("old.yml", old, old.replace("schedule_interval", "schedule"), {"PF122"}),
        ):
            e.open(path, "")
            assert await e.fixed(path, wrong, codes) == right

    run(folder, session)


USER = "tasks: [{id: a, uses: empty}]\n"


def test_a_file_that_is_not_there_has_nothing(folder: Path, run: Run) -> None:
    async def session(e: Editor) -> None:
        (folder / "latin.yaml").write_bytes(b"# \xe9\n")
        for path in ("gone.yaml", "latin.yaml"):
            document = types.TextDocumentIdentifier(e.uri(path))
            at = {"text_document": document, "position": types.Position(3, 3)}
            symbols = await e.client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
            assert list(symbols or ()) == []
            assert await e.client.text_document_hover_async(types.HoverParams(**at)) is None
            assert await e.client.text_document_definition_async(types.DefinitionParams(**at)) is None
            assert await e.client.text_document_prepare_rename_async(types.PrepareRenameParams(**at)) is None
            assert await e.client.text_document_completion_async(types.CompletionParams(**at)) is not None
            whole = types.Range(types.Position(0, 0), types.Position(3, 0))
            asked = types.CodeActionParams(document, whole, types.CodeActionContext([]))
            assert not await e.client.text_document_code_action_async(asked)
            await e.client.text_document_code_lens_async(types.CodeLensParams(document))
            assert not await e.client.text_document_folding_range_async(types.FoldingRangeParams(document))

    run(folder, session)


@pytest.mark.parametrize("character", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_what_editors_call_a_line_break_ends_a_line(folder: Path, run: Run, character: str) -> None:
    text = f"description: 'a{character}b 📦'\nschedul: '@daily'\ntasks: [{{id: a, uses: empty}}]\n"

    async def session(e: Editor) -> None:
        e.open("half.yaml", "")
        fixed = await e.fixed("half.yaml", text, {"PF001", "PF102"})
        assert fixed in (text, text.replace("schedul:", "schedule:"))
        e.change("half.yaml", (2, 0), (2, 0), "# 📦 one\r\n# two\n")
        e.change("half.yaml", (2, 5), (2, 9), "")
        e.change("half.yaml", (0, 15), (0, 16), "")  # the character
        e.change("half.yaml", (1, 0), (2, 0), "schedule: '@dailyy'\n")
        (finding,) = await e.findings("half.yaml", {"PF202"})
        assert finding.range.start == types.Position(1, 10)
        e.change("half.yaml", (9, 9), (9, 9), "catchupp: true\n")
        found = await e.findings("half.yaml", {"PF202", "PF102"})
        assert found[1].range.start == types.Position(5, 0)

    run(folder, session)


def test_a_fix_that_lint_would_not_keep_is_not_offered(folder: Path, run: Run) -> None:
    wrong = "tasks:\n- {id: a, uses: airflow.providers.amazon.operatrs.s3.S3NoSuchOperator}\n"

    async def session(e: Editor) -> None:
        e.open("half.yaml", "")
        assert await e.fixed("half.yaml", wrong, {"PF307"}) == wrong

    run(folder, session)


def test_an_address_stays_as_the_editor_spells_it(folder: Path, run: Run) -> None:
    async def session(e: Editor) -> None:
        uri = f"{e.folder.as_uri()}/%c3%bc,a.yaml"
        item = types.TextDocumentItem(uri, "yaml", 0, "tasks: 1\n")
        e.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        await e.findings(uri, {"PF103", "PF104"})

    run(folder, session)


def test_a_file_on_disk_that_changes_is_read_again(folder: Path, run: Run) -> None:
    async def session(e: Editor) -> None:
        e.open("hello_etl.yaml")
        await e.findings("hello_etl.yaml", set())
        other = folder / "other.yaml"
        for text, codes in ((f"dag_id: hello_etl\n{USER}", {"PF314"}), (f"dag_id: hello_abc\n{USER}", set[str]())):
            other.write_text(text)
            event = types.FileEvent(e.uri("other.yaml"), types.FileChangeType.Changed)
            e.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
            await e.findings("hello_etl.yaml", codes)

    run(folder, session)


UTF_8 = types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf8])
PULLED = types.TextDocumentClientCapabilities(diagnostic=types.DiagnosticClientCapabilities(dynamic_registration=True))
WATCHED = types.WorkspaceClientCapabilities(
    did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=False),
    workspace_folders=True,
    configuration=True,
)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("asked", "units"),
    [
        ({"capabilities": types.ClientCapabilities(general=UTF_8), "client_info": types.ClientInfo("helix")}, 4),
        ({"capabilities": types.ClientCapabilities(text_document=PULLED), "workspace_folders": None}, 2),
        ({"capabilities": types.ClientCapabilities(workspace=WATCHED), "root_uri": None}, 2),
    ],
)
def test_other_editors_say_other_things_of_themselves(folder: Path, asked: dict[str, Any], units: int) -> None:
    """Helix counts in UTF-8, LSP4IJ would rather ask for findings, Zed names no root."""

    async def main() -> None:
        async with editor(folder, **asked) as e:
            e.open("wide.yaml", "tasks: [{id: a, uses: bash, with: {bash_command: 📦}, nedes: []}]\n")
            (found,) = await e.findings("wide.yaml", {"PF102"})
            assert found.range.start.character == len("tasks: [{id: a, uses: bash, with: {bash_command: }, ") + units

    asyncio.run(main())
