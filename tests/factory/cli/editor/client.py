"""A language client over standard input and output, as an editor is one."""

from __future__ import annotations

import asyncio
import copy
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

WAIT = 60
PIPELINE = """schedule: "0 6 * * *"
tasks:
  - id: extract
    uses: hello.extract
  - id: load
    uses: hello.load
    needs: [extract]
    with: {rows: "${tasks.extract.output}"}
"""
LOAD = """params: {table: {type: string}}
tasks:
  - id: load
    uses: bash
    with: {bash_command: "echo ${params.table}"}
"""
BASH = "airflow.providers.standard.operators.bash.BashOperator"
Run = Callable[[Path, Callable[["Editor"], Coroutine[Any, Any, None]]], None]
"""Runs a session of an editor in a folder."""


class Editor:
    """Opens files, types into them, and asks. `|` in a text, or `¦` where it holds others, is where the cursor is."""

    def __init__(self, client: LanguageClient, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self._version = 0
        self._published: dict[str, list[types.Diagnostic]] = {}
        self._arrived = asyncio.Condition()

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        async def published(params: types.PublishDiagnosticsParams) -> None:
            async with self._arrived:
                self._published[params.uri] = list(params.diagnostics)
                self._arrived.notify_all()

    def at(self, folder: Path) -> Editor:
        """The same editor, in another folder."""
        opened = copy.copy(self)
        opened.folder = folder
        return opened

    @property
    def shown(self) -> set[str]:
        """The files of the folder that findings were sent of, be it none."""
        return {uri for uri in self._published if uri.startswith(f"{self.folder.as_uri()}/")}

    def uri(self, path: str) -> str:
        return (self.folder / path).as_uri()

    def open(self, path: str, text: str | None = None) -> None:
        content = (self.folder / path).read_text() if text is None else text
        item = types.TextDocumentItem(self.uri(path), "yaml", 0, content)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def type(self, path: str, text: str) -> None:
        """Replace the whole text."""
        self._version += 1
        document = types.VersionedTextDocumentIdentifier(self._version, self.uri(path))
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    def change(self, path: str, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        """Replace a part of the text; lines and columns count from 0, columns in UTF-16."""
        self._version += 1
        document = types.VersionedTextDocumentIdentifier(self._version, self.uri(path))
        part = types.Range(types.Position(*start), types.Position(*end))
        change = types.TextDocumentContentChangePartial(part, text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    async def findings(self, path: str, codes: set[str]) -> list[types.Diagnostic]:
        """The findings of a file, once they have these codes."""

        uri = path if path.startswith("file:") else self.uri(path)

        def as_wished() -> bool:
            shown = self._published.get(uri)
            return {str(one.code) for one in shown or ()} == codes and (shown is not None or not codes)

        async with self._arrived:
            try:
                await asyncio.wait_for(self._arrived.wait_for(as_wished), WAIT)
            except TimeoutError:
                raise AssertionError(f"{path} has {self._published.get(uri)}, not {codes}") from None
            return self._published.get(uri, [])

    def put(self, path: str, marked: str) -> dict[str, Any]:
        """Type a text with a `|` where the cursor is; returns document and position for a request."""
        before, _, after = marked.partition("¦" if "¦" in marked else "|")
        self.type(path, before + after)
        line = before.count("\n")
        character = len(before.rpartition("\n")[2].encode("utf-16-le")) // 2
        return {
            "text_document": types.TextDocumentIdentifier(self.uri(path)),
            "position": types.Position(line, character),
        }

    async def fixed(self, path: str, text: str, codes: set[str]) -> str:
        """The text after all quick fixes, once it has these findings."""
        self.type(path, text)
        await self.findings(path, codes)
        document = types.TextDocumentIdentifier(self.uri(path))
        whole = types.Range(types.Position(0, 0), types.Position(text.count("\n"), 0))
        asked = types.CodeActionParams(document, whole, types.CodeActionContext([]))
        for action in await self.client.text_document_code_action_async(asked) or ():
            assert isinstance(action, types.CodeAction)
            assert action.edit is not None
            text = applied(action.edit, self.uri(path), text)
        return text

    async def completions(self, path: str, marked: str) -> list[str]:
        at = self.put(path, marked)
        found = await self.client.text_document_completion_async(types.CompletionParams(**at))
        assert isinstance(found, types.CompletionList)
        return [item.label for item in found.items]

    async def hover(self, path: str, marked: str) -> str:
        found = await self.client.text_document_hover_async(types.HoverParams(**self.put(path, marked)))
        if found is None:
            return ""
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value

    async def definition(self, path: str, marked: str) -> tuple[str, int] | None:
        """File below the folder, and line from 1."""
        found = await self.client.text_document_definition_async(types.DefinitionParams(**self.put(path, marked)))
        if found is None:
            return None
        assert isinstance(found, types.Location)
        return found.uri.removeprefix(f"{self.folder.as_uri()}/"), found.range.start.line + 1


@asynccontextmanager
async def editor(folder: Path, **asked: Any) -> AsyncIterator[Editor]:
    """A server and its client on a folder; `asked` is what another client says of itself."""
    client = LanguageClient("test-editor", "1")
    opened = Editor(client, folder)
    await client.start_io(sys.executable, "-m", "factory.cli", "editor", "--stdio")
    said = {"capabilities": types.ClientCapabilities(), "root_uri": folder.as_uri(), **asked}
    await client.initialize_async(types.InitializeParams(**said))
    client.initialized(types.InitializedParams())
    try:
        yield opened
    finally:
        await client.shutdown_async(None)
        client.exit(None)
        await asyncio.wait_for(client.stop(), WAIT)
        assert client._server is not None
        assert client._server.returncode == 0


def applied(edit: types.WorkspaceEdit, uri: str, text: str) -> str:
    """A text after the edits of its file; columns are ASCII here."""
    lines = text.split("\n")
    for one in sorted(
        (edit.changes or {}).get(uri, ()), key=lambda o: (o.range.start.line, o.range.start.character), reverse=True
    ):
        line = lines[one.range.start.line]
        lines[one.range.start.line] = line[: one.range.start.character] + one.new_text + line[one.range.end.character :]
    return "\n".join(lines)
