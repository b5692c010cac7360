"""The language server: what an editor asks, answered from the text as it is typed.

Protocol: LSP 3.17. Positions are converted here; everything behind it counts code points.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from logging import LogRecord, getLogger
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.uris import from_fs_path
from pygls.workspace import PositionCodec

from factory.cli.editor.outline import Outline
from factory.cli.editor.workspace import Place, Workspace, file_of, place_of
from schemas.findings.codes import Severity
from schemas.findings.diagnostics import Diagnostic, Span
from schemas.text.lines import TextLines

PAUSE = 0.02
"""Seconds without a key before what is typed is checked."""
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}


@dataclass(frozen=True)
class Text:
    """A text as it is typed, or saved, with its positions as the editor counts them.

    pygls cuts lines at every character that Unicode calls a line break; editors do not.
    """

    uri: str
    text: str

    @cached_property
    def lines(self) -> TextLines:
        """Its lines, cut where editors cut them."""
        return TextLines(self.text)

    @cached_property
    def outline(self) -> Outline:
        """What it says line by line."""
        return Outline(self.text)

    def place(self, position: types.Position, codec: PositionCodec) -> tuple[int, int]:
        """Line and column in code points, from 0; behind the end of a line it is that end."""
        if position.line >= self.lines.count:
            return self.lines.count - 1, len(self.lines.line_text(self.lines.count))
        line, left, column = self.lines.line_text(position.line + 1), position.character, 0
        while column < len(line) and left >= (units := codec.client_num_units(line[column])):
            left, column = left - units, column + 1
        return position.line, column

    def position(self, line: int, column: int, codec: PositionCodec) -> types.Position:
        """The other way, from lines and columns that count from 1."""
        before = self.lines.line_text(line)[: column - 1]
        return types.Position(line - 1, len(before) if before.isascii() else codec.client_num_units(before))

    def changed(self, change: types.TextDocumentContentChangeEvent, codec: PositionCodec) -> Text:
        """The text after a change."""
        if not isinstance(change, types.TextDocumentContentChangePartial):
            return Text(self.uri, change.text)
        places = (self.place(one, codec) for one in (change.range.start, change.range.end))
        start, end = (self.lines.line_start(line + 1) + column for line, column in places)
        return Text(self.uri, self.text[:start] + change.text + self.text[end:])


class _Protocol(LanguageServerProtocol):
    """pygls 2.1 keeps a future of each notification, so of each key typed, for good."""

    def _handle_notification(self, method_name: str, params: Any) -> None:
        super()._handle_notification(method_name, params)
        for name in [name for name, future in self._request_futures.items() if future.done()]:
            del self._request_futures[name]


def _is_ours(record: LogRecord) -> bool:
    """A refusal is for whoever asked, who is told why; its traceback is no news."""
    return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcInvalidParams))


class EditorServer(LanguageServer):
    """One server for all folders that an editor opens; checks run one after the other, in a thread of their own."""

    def __init__(self) -> None:
        super().__init__(
            "pipeline-factory",
            version("airflow-pipeline-factory"),
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=_Protocol,
        )
        getLogger("pygls.protocol.json_rpc").addFilter(_is_ours)
        self.folders: dict[Path, Workspace] = {}
        self.worker = ThreadPoolExecutor(1, "check")
        self._changed: defaultdict[Path, set[str]] = defaultdict(set)
        self._waiting: dict[Path, asyncio.Task[None]] = {}
        self._shown: dict[Path, list[Diagnostic]] = {}
        self._open: dict[Path, Text] = {}

    def place(self, uri: str) -> tuple[Workspace, Place] | None:
        """The folder and the place of a file; None where it is none of ours."""
        file = file_of(uri)
        place = place_of(file) if file is not None else None
        if place is None:
            return None
        return self.folders.setdefault(place.folder, Workspace(place.folder)), place

    def document(self, uri: str) -> Text:
        """The text of a file as it is typed, else as it was saved; empty for one that is gone or no text."""
        file = file_of(uri)
        if file is None:
            return Text(uri, "")
        try:
            return self._open.get(file) or Text(uri, file.read_bytes().decode("utf-8-sig"))
        except (OSError, UnicodeDecodeError):
            return Text(uri, "")

    def uri(self, file: Path) -> str:
        """The address of a file, in the words of the editor that has it open."""
        opened = self._open.get(file)
        return opened.uri if opened is not None else from_fs_path(str(file)) or ""

    def typed(self, uri: str, text: str | Sequence[types.TextDocumentContentChangeEvent] | None) -> None:
        """Note what is typed, None where it is closed, and check it once there is a pause."""
        found = self.place(uri)
        if found is None:
            return
        workspace, place = found
        if text is None:
            workspace.texts.pop(place.path, None)
            self._show(place.file, [])
            self._open.pop(place.file, None)
        else:
            now = Text(uri, text) if isinstance(text, str) else self.document(uri)
            for change in () if isinstance(text, str) else text:
                now = now.changed(change, self.workspace.position_codec)
            self._open[place.file] = now
            workspace.texts[place.path] = now.text
        self.check(workspace, {place.path})

    def check(self, workspace: Workspace, changed: Iterable[str]) -> None:
        """Check all that is open, all that `changed` files reach, and what has findings, once there is a pause."""
        self._changed[workspace.folder].update(changed)
        waiting = self._waiting.get(workspace.folder)
        if waiting is not None:
            waiting.cancel()
        self._waiting[workspace.folder] = asyncio.ensure_future(self._check(workspace))

    async def _check(self, workspace: Workspace) -> None:
        await asyncio.sleep(PAUSE)
        changed = frozenset(self._changed.pop(workspace.folder, ()))
        asked = Workspace(workspace.folder, dict(workspace.texts), workspace.kept)
        # Not to be cancelled any more: what was begun is shown, and what is typed meanwhile is checked after it.
        self._waiting.pop(workspace.folder, None)
        files = [file for file, findings in self._shown.items() if findings and file.is_relative_to(workspace.folder)]
        shown = [file.relative_to(workspace.folder).as_posix() for file in files]
        found = await asyncio.get_running_loop().run_in_executor(self.worker, asked.findings, changed, shown)
        for path, findings in found.items():
            typed = workspace.texts.get(path)
            if typed == asked.texts.get(path):  # else its positions are of yesterday, and a newer check is under way
                self._show(workspace.folder / path, findings)

    def _show(self, file: Path, findings: Sequence[Diagnostic]) -> None:
        uri = self.uri(file)
        before, self._shown[file] = self._shown.get(file), list(findings)  # equal ones may be of another text
        if before == self._shown[file]:
            return
        shown = [self._diagnostic(uri, file, finding) for finding in findings]
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, shown))

    def _diagnostic(self, uri: str, file: Path, finding: Diagnostic) -> types.Diagnostic:
        message = finding.message + (f"; {finding.caret}" if finding.caret else "")
        related = [
            types.DiagnosticRelatedInformation(
                types.Location((there := self.uri(self._beside(file, r.file))), self.range(there, r.span)), r.message
            )
            for r in finding.related
        ]
        return types.Diagnostic(
            self.range(uri, finding.span),
            f"{message}\n{finding.help}" if finding.help else message,
            _SEVERITIES[finding.severity],
            code=finding.code.id,
            source="factory",
            related_information=related,
        )

    def _beside(self, file: Path, shown: str) -> Path:
        found = place_of(file)
        return found.folder / shown if found is not None else file

    def fixes(self, uri: str) -> list[Diagnostic]:
        """The findings last shown for a file that can be fixed; none where they are those of another text."""
        file, text = file_of(uri), self.document(uri).text.removeprefix("\ufeff")
        shown = self._shown.get(file, ()) if file is not None else ()
        return [one for one in shown if one.fix is not None and one.text == text]

    async def kept_fixes(self, uri: str, findings: Sequence[Diagnostic]) -> Sequence[Diagnostic]:
        """Those of a file's findings whose fix makes nothing worse."""
        found = self.place(uri) if findings else None
        if found is None:
            return ()
        workspace = Workspace(found[0].folder, dict(found[0].texts), found[0].kept)
        return await asyncio.get_running_loop().run_in_executor(
            self.worker, workspace.kept_fixes, found[1].path, findings
        )

    # -- positions ------------------------------------------------------------------------------------------

    def range(self, uri: str, span: Span) -> types.Range:
        """A span, lines and columns from 1, as the editor counts: from 0, and by default in UTF-16 units."""
        text, codec = self.document(uri), self.workspace.position_codec
        start = text.position(span.line, span.column, codec)
        return types.Range(start, text.position(span.end_line, span.end_column, codec))

    def position(self, uri: str, position: types.Position) -> tuple[int, int]:
        """Line and column in code points, from 0."""
        return self.document(uri).place(position, self.workspace.position_codec)

    def outline(self, uri: str) -> Outline:
        """What the text says line by line; read once for each text that is open."""
        return self.document(uri).outline
