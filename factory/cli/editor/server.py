"""The language server: what an editor asks, answered from the text as it is typed.

Protocol: LSP 3.17. Positions are converted here; everything behind it counts code points.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.uris import from_fs_path
from pygls.workspace import TextDocument

from factory.cli.editor.outline import Outline
from factory.cli.editor.workspace import Place, Workspace, file_of, place_of
from schemas.findings.codes import Severity
from schemas.findings.diagnostics import Diagnostic, Span

PAUSE = 0.02
"""Seconds without a key before what is typed is checked."""
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}


class _Protocol(LanguageServerProtocol):
    """pygls 2.1 keeps a future of each notification, so of each key typed, for good."""

    def _handle_notification(self, method_name: str, params: Any) -> None:
        super()._handle_notification(method_name, params)
        for name in [name for name, future in self._request_futures.items() if future.done()]:
            del self._request_futures[name]


class EditorServer(LanguageServer):
    """One server for all folders that an editor opens; checks run one after the other, in a thread of their own."""

    def __init__(self) -> None:
        super().__init__(
            "pipeline-factory",
            version("airflow-pipeline-factory"),
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=_Protocol,
        )
        self.folders: dict[Path, Workspace] = {}
        self.worker = ThreadPoolExecutor(1, "check")
        self._changed: defaultdict[Path, set[str]] = defaultdict(set)
        self._waiting: dict[Path, asyncio.Task[None]] = {}
        self._shown: dict[Path, list[Diagnostic]] = {}
        self._outlines: dict[str, Outline] = {}

    def place(self, uri: str) -> tuple[Workspace, Place] | None:
        """The folder and the place of a file; None where it is none of ours."""
        file = file_of(uri)
        place = place_of(file) if file is not None else None
        if place is None:
            return None
        return self.folders.setdefault(place.folder, Workspace(place.folder)), place

    def document(self, uri: str) -> TextDocument:
        """The text of a file as it is typed."""
        return self.workspace.get_text_document(uri)

    def text(self, uri: str) -> str:
        """The text itself; empty for a file that is gone or no text."""
        try:
            return self.document(uri).source
        except (OSError, UnicodeDecodeError):
            return ""

    def changed(self, uri: str, *, closed: bool = False) -> None:
        """Note what is typed, and check it once there is a pause."""
        found = self.place(uri)
        if found is None:
            return
        workspace, place = found
        if closed:
            workspace.texts.pop(place.path, None)
            self._outlines.pop(uri, None)
            self._show(place.file, [])
        else:
            workspace.texts[place.path] = self.text(uri)
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
        asked = Workspace(workspace.folder, dict(workspace.texts), workspace.facts)
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
        uri = from_fs_path(str(file)) or ""
        before, self._shown[file] = self._shown.get(file), list(findings)  # equal ones may be of another text
        if before == self._shown[file]:
            return
        shown = [self._diagnostic(uri, file, finding) for finding in findings]
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, shown))

    def _diagnostic(self, uri: str, file: Path, finding: Diagnostic) -> types.Diagnostic:
        message = finding.message + (f"; {finding.caret}" if finding.caret else "")
        related = [
            types.DiagnosticRelatedInformation(
                types.Location(from_fs_path(str(self._beside(file, r.file))) or "", self.range(uri, r.span)), r.message
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
        file, text = file_of(uri), self.text(uri).removeprefix("\ufeff")
        shown = self._shown.get(file, ()) if file is not None else ()
        return [one for one in shown if one.fix is not None and one.text == text]

    # -- positions ------------------------------------------------------------------------------------------

    def range(self, uri: str, span: Span) -> types.Range:
        """A span, lines and columns from 1, as the editor counts: from 0, and by default in UTF-16 units."""
        start = types.Position(span.line - 1, span.column - 1)
        end = types.Position(span.end_line - 1, span.end_column - 1)
        lines = self.text(uri).splitlines(keepends=True)
        return self.document(uri).position_codec.range_to_client_units(lines, types.Range(start, end))

    def position(self, uri: str, position: types.Position) -> tuple[int, int]:
        """Line and column in code points, from 0."""
        lines = self.text(uri).splitlines(keepends=True)
        found = self.document(uri).position_codec.position_from_client_units(lines, position)
        return found.line, found.character

    def outline(self, uri: str) -> Outline:
        """What the text says line by line; read once for each text."""
        text, known = self.text(uri), self._outlines.get(uri)
        if known is None or known.text != text:
            known = self._outlines[uri] = Outline(text)
        return known
