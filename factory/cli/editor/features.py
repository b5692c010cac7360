"""What the server answers: one function for each request of the protocol, registered by `make_server`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from factory.cli.editor import navigation
from factory.cli.editor.completion import Completion
from factory.cli.editor.meaning import hover
from factory.cli.editor.mentions import Mention, mention_at, mentions, renamed_in
from factory.cli.editor.outline import Entry, Outline
from factory.cli.editor.server import EditorServer
from factory.cli.editor.workspace import Place, Workspace
from schemas.findings.diagnostics import Span
from schemas.findings.paths import DataPath, task_path
from schemas.folder.discovery import is_test_path

RUN_TEST, TRY_TASK = "factory.test", "factory.try"
"""Commands that an editor runs in its terminal: `factory` and the arguments."""


def lines_range(first: int, last: int) -> types.Range:
    """Whole lines, both included."""
    return types.Range(types.Position(first, 0), types.Position(last + 1, 0))


def make_server() -> EditorServer:
    """The server with everything that it answers."""
    server = EditorServer()
    _synchronise(server)
    _describe(server)
    _navigate(server)
    _act(server)
    return server


WATCHED = "**/*.{py,sql,sh,yaml,yml}"
"""Files beside the open ones that findings depend on."""


def _synchronise(server: EditorServer) -> None:
    @server.feature(types.INITIALIZED)
    async def started(ls: EditorServer, _: types.InitializedParams) -> None:
        wanted = ls.client_capabilities.workspace
        if wanted and wanted.did_change_watched_files and wanted.did_change_watched_files.dynamic_registration:
            options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(WATCHED)])
            registration = types.Registration("watch", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            await ls.client_register_capability_async(types.RegistrationParams([registration]))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: EditorServer, params: types.DidOpenTextDocumentParams) -> None:
        ls.typed(params.text_document.uri, params.text_document.text)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: EditorServer, params: types.DidChangeTextDocumentParams) -> None:
        ls.typed(params.text_document.uri, params.content_changes)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: EditorServer, params: types.DidCloseTextDocumentParams) -> None:
        ls.typed(params.text_document.uri, None)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def changed_on_disk(ls: EditorServer, params: types.DidChangeWatchedFilesParams) -> None:
        """A function, a SQL file or a default was saved: all that is shown may be right or wrong by it."""
        places = [found[1] for change in params.changes if (found := ls.place(change.uri)) is not None]
        for workspace in list(ls.folders.values()):
            ls.check(workspace, {place.path for place in places if place.folder == workspace.folder})


def _describe(server: EditorServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[".", "{", " ", ":"]))
    def complete(ls: EditorServer, params: types.CompletionParams) -> types.CompletionList:
        uri = params.text_document.uri
        found = ls.place(uri)
        if found is None:
            return types.CompletionList(is_incomplete=False, items=[])
        line, column = ls.position(uri, params.position)
        proposals = Completion(*found, ls.outline(uri), line, column).proposals()
        items = []
        for order, one in enumerate(proposals):
            replaced = ls.range(uri, Span(line + 1, one.column + 1, line + 1, column + 1))
            items.append(
                types.CompletionItem(
                    one.label,
                    kind=types.CompletionItemKind[one.kind],
                    detail=one.detail or None,
                    documentation=types.MarkupContent(types.MarkupKind.Markdown, one.help) if one.help else None,
                    sort_text=f"{order:04}",
                    filter_text=one.label,
                    text_edit=types.TextEdit(replaced, one.text or one.label),
                )
            )
        return types.CompletionList(is_incomplete=True, items=items)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovered(ls: EditorServer, params: types.HoverParams) -> types.Hover | None:
        uri = params.text_document.uri
        found = ls.place(uri)
        text = hover(*found, ls.outline(uri), *ls.position(uri, params.position)) if found is not None else ""
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text)) if text else None

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(ls: EditorServer, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        uri = params.text_document.uri
        return _symbols(items(ls.outline(uri))) if ls.place(uri) is not None else []

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    def foldings(ls: EditorServer, params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        uri = params.text_document.uri
        lines = foldable(ls.outline(uri)) if ls.place(uri) is not None else ()
        return [types.FoldingRange(first, last) for first, last in lines]


class Item(NamedTuple):
    """A task or a group in the outline. Lines count from 0; the last one belongs to it."""

    name: str
    detail: str
    entry: Entry
    last_line: int
    inside: tuple[Item, ...]


def items(outline: Outline, path: DataPath = ()) -> tuple[Item, ...]:
    """The tasks and groups of a file, a group's inside it; also of a text that is half typed."""
    found = []
    inside = (*path, "tasks")
    if not path and (poll := outline.at(("poll",))) is not None:
        found.append(Item("poll", outline.value(("poll", "url")) or "", poll, outline.last_lines[poll], ()))
    for entry in outline.inside.get(inside, ()):
        if isinstance(entry.path[-1], int) and task_path(entry.path) == entry.path:
            name = outline.value((*entry.path, "id")) or f"task {entry.path[-1] + 1}"
            detail = outline.value((*entry.path, "uses")) or "group"
            found.append(Item(name, detail, entry, outline.last_lines[entry], items(outline, entry.path)))
    return tuple(found)


def foldable(outline: Outline) -> Iterator[tuple[int, int]]:
    """First and last lines of what goes over several lines."""
    for entry in outline.entries:
        last = outline.last_lines[entry]
        if last > entry.line:
            yield entry.line, last


def _symbols(found: Iterable[Item]) -> list[types.DocumentSymbol]:
    return [
        types.DocumentSymbol(
            item.name,
            types.SymbolKind.Namespace if item.inside else types.SymbolKind.Function,
            lines_range(item.entry.line, item.last_line),
            lines_range(item.entry.line, item.entry.line),
            detail=item.detail,
            children=_symbols(item.inside),
        )
        for item in found
    ]


def _navigate(server: EditorServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def defined(ls: EditorServer, params: types.DefinitionParams) -> types.Location | None:
        uri = params.text_document.uri
        found = ls.place(uri)
        if found is None:
            return None
        target = navigation.definition(*found, ls.outline(uri), *ls.position(uri, params.position))
        if target is None:
            return None
        there = ls.uri(target.file)
        return types.Location(there, ls.range(there, target.span))

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def can_be_renamed(ls: EditorServer, params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        asked = _named_at(ls, params)
        if asked is None or asked[2].span is None:
            return None
        problem = navigation.id_problem(asked[2])
        if problem is not None:
            raise JsonRpcInvalidParams(problem)
        return types.PrepareRenamePlaceholder(ls.range(params.text_document.uri, asked[2].span), asked[2].id)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def rename(ls: EditorServer, params: types.RenameParams) -> types.WorkspaceEdit | None:
        asked = _named_at(ls, params)
        if asked is None:
            return None
        workspace, owner, mention = asked
        problem = navigation.name_problem(workspace, owner, mention, params.new_name)
        if problem is not None:
            raise JsonRpcInvalidParams(problem)
        changes: defaultdict[str, list[types.TextEdit]] = defaultdict(list)
        for one in mentions(workspace, owner):
            if one.task == mention.task and one.span is not None:
                there = ls.uri(one.file)
                changes[there].append(types.TextEdit(ls.range(there, one.span), params.new_name))
        return types.WorkspaceEdit(changes=dict(changes))


def _named_at(
    ls: EditorServer, params: types.RenameParams | types.PrepareRenameParams
) -> tuple[Workspace, Place, Mention] | None:
    """The task that is named at a place, in its pipeline or its template, or in one of its tests."""
    found = ls.place(params.text_document.uri)
    owner = renamed_in(*found) if found is not None else None
    if found is None or owner is None:
        return None
    problem = navigation.unreadable(found[0], owner)
    if problem is not None:
        raise JsonRpcInvalidParams(problem)
    position = ls.position(params.text_document.uri, params.position)
    mention = mention_at(found[0], owner, found[1].file, *position)
    return (found[0], owner, mention) if mention is not None else None


_MOST_FIXES = 20
"""Of one request: each is tried."""


def _act(server: EditorServer) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    )
    async def actions(ls: EditorServer, params: types.CodeActionParams) -> list[types.CodeAction]:
        uri = params.text_document.uri
        first, last = params.range.start.line + 1, params.range.end.line + 1
        asked = [one for one in ls.fixes(uri) if one.span.line <= last and one.span.end_line >= first]
        found = []
        for finding in await ls.kept_fixes(uri, asked[:_MOST_FIXES]):
            where = ls.range(uri, finding.span)
            if finding.fix is None:
                continue
            edit = types.TextEdit(ls.range(uri, finding.fix.span), finding.fix.replacement)
            diagnostics = [d for d in params.context.diagnostics if d.code == finding.code.id and d.range == where]
            title = finding.caret or f"fix {finding.code.id}"
            found.append(
                types.CodeAction(
                    f"{title[:1].upper()}{title[1:].rstrip('?')}",
                    types.CodeActionKind.QuickFix,
                    diagnostics,
                    is_preferred=True,
                    edit=types.WorkspaceEdit(changes={uri: [edit]}),
                )
            )
        return found

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def lenses(ls: EditorServer, params: types.CodeLensParams) -> list[types.CodeLens]:
        found = ls.place(params.text_document.uri)
        return _lenses(*found, ls.outline(params.text_document.uri)) if found is not None else []


def _lenses(workspace: Workspace, place: Place, outline: Outline) -> list[types.CodeLens]:
    """*Run this test* above each test, *Try this task* above each task of a pipeline."""

    def lens(line: int, title: str, command: str, arguments: list[Any]) -> types.CodeLens:
        return types.CodeLens(lines_range(line, line), types.Command(title, command, arguments=arguments))

    file = str(place.file)
    if is_test_path(place.path):
        tests = [e for e in outline.entries if len(e.path) == 2 and e.path[0] == "tests"]
        named = [(entry.line, outline.value((*entry.path, "name"))) for entry in tests]
        return [lens(line, "Run this test", RUN_TEST, ["test", file, "-k", name]) for line, name in named if name]
    if not place.is_pipeline:
        return []
    found = [lens(0, "Try this pipeline", TRY_TASK, ["try", file])]
    own_tests = [str(test.file) for test in workspace.tests_of(place)]
    if own_tests:
        found.append(lens(0, "Run its tests", RUN_TEST, ["test", *own_tests]))
    waiting = [(item, "") for item in items(outline)]
    while waiting:
        item, prefix = waiting.pop(0)
        full = f"{prefix}{item.name}"
        if not item.inside:
            found.append(lens(item.entry.line, "Try this task", TRY_TASK, ["try", file, "--task", full]))
        waiting += [(inner, f"{full}.") for inner in item.inside]
    return found
