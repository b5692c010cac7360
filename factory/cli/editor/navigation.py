"""Ways through the files: what a name leads to, a new id for a task everywhere, the tasks as an outline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from factory.cli.editor.outline import Entry, Outline
from factory.cli.editor.workspace import Place, Workspace
from schemas.check.test_files import tested_pipeline
from schemas.compose.variants import Variant
from schemas.expressions.reading import Expression, TaskReference, expressions
from schemas.findings.diagnostics import Span
from schemas.findings.paths import DataPath, task_path
from schemas.folder.discovery import test_paths
from schemas.folder.project import FolderFiles
from schemas.model.task import TEMPLATE
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.source import Class, Function, TaskDecorated

TASK_ID = re.compile(r"[\w-]+")


class Target(NamedTuple):
    """A place in a file; lines and columns count from 1, as in `Span`."""

    file: Path
    span: Span


class Item(NamedTuple):
    """A task or a group in the outline. Lines count from 0; the last one belongs to it."""

    name: str
    detail: str
    entry: Entry
    last_line: int
    inside: tuple[Item, ...]


def variants_of(workspace: Workspace, place: Place) -> tuple[Variant, ...]:
    """The DAGs of a file as it is typed; none where it cannot be read now."""
    if not place.is_pipeline:
        return ()
    return workspace.checker().variants(place.path)


def expression_at(line: str, column: int) -> Expression | None:
    """The `${…}` at a column of a line."""
    return next((e for e in expressions(line) if e.start <= column < e.end), None)


# -- go to ------------------------------------------------------------------------------------------------------


def definition(workspace: Workspace, place: Place, outline: Outline, line: int, column: int) -> Target | None:
    """Where the thing is that is named at a place: a function, a file, a task, a value."""
    found = outline.path_at(line, column)
    if found is None:
        return None
    path, _ = found
    word = _word(outline.lines[line], column)
    if place.is_test:
        return _in_pipeline(workspace, place, word)
    subject = _subject(workspace, place)
    expression = expression_at(outline.lines[line], column)
    if expression is not None and isinstance(expression.meaning, TaskReference) and subject is not None:
        return _task(subject, workspace, path, expression.meaning.task_id)
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if key in ("needs", "teardown") and subject is not None:
        return _task(subject, workspace, path, word)
    if key == TEMPLATE and (template := workspace.checker().layers.template_place(word)) is not None:
        return Target(template, Span(1, 1, 1, 2))
    source = workspace.reader().find(word) if "." in word else None
    if isinstance(source, Function | Class | TaskDecorated):
        return Target(source.file, Span(source.line, 1, source.line, 2))
    named = _file(workspace, place, word)
    if named is not None:
        return Target(named, Span(1, 1, 1, 2))
    test = _test(workspace, place, outline, path)
    return test or (_origin(workspace, subject, path) if subject is not None else None)


def _test(workspace: Workspace, place: Place, outline: Outline, path: DataPath) -> Target | None:
    """From a task's own id to the first test of it, from `tasks`, `poll` or `dag_id` to the pipeline's tests."""
    if not place.is_pipeline or path not in (("tasks",), ("poll",), ("dag_id",), (*task_path(path), "id")):
        return None
    for test in tests_of(workspace, place):
        tested = Outline(workspace.text(test.path))
        name = outline.value(path) if path[-1] == "id" else None
        lines = [e.line for e in tested.entries if e.path[-1] == "task" and name in _ids_in(e.value)]
        if name is None or lines:
            line = lines[0] + 1 if lines else 1
            return Target(test.file, Span(line, 1, line, 2))
    return None


def _ids_in(text: str) -> list[str]:
    """`load`, or what is in `[extract, load]`; of groups' tasks the last part."""
    return [name.rpartition(".")[2] for name in re.findall(r"[\w.-]+", text)]


def _subject(workspace: Workspace, place: Place) -> Subject | None:
    return next((Subject(v.path, v.effective) for v in variants_of(workspace, place)), None)


def _word(line: str, column: int) -> str:
    """The text without spaces, quotes and brackets around a column."""
    start = max((line.rfind(mark, 0, column) for mark in " \"'[{,"), default=-1) + 1
    found = re.compile(r"[^\s\"'\]},]*").match(line, start)
    return found.group().rstrip(":") if found is not None else ""


def _task(subject: Subject, workspace: Workspace, path: DataPath, name: str) -> Target | None:
    view = subject.entry_at(path)
    known = {one.full_id: one for one in subject.entries if one.full_id is not None}
    found = known.get((view.scope.find(name, known) if view is not None else name) or "")
    if found is None:
        return None
    file, _, span = subject.value_span(found.id_path)
    return Target(workspace.folder / file, span)


def _file(workspace: Workspace, place: Place, name: str) -> Path | None:
    own = place.path.rpartition("/")[0]
    files = FolderFiles(workspace.folder).paths if "." in name and name.strip(".") else frozenset()
    path = next((path for path in (f"{own}/{name}".lstrip("/"), name.lstrip("/")) if path in files), None)
    return workspace.folder / path if path is not None else None


def _origin(workspace: Workspace, subject: Subject, path: DataPath) -> Target | None:
    """The default, the `vars` or the row that the value in force comes from."""
    with suppress(KeyError, IndexError, TypeError):  # what is typed may not be in the document
        file, _, span = subject.value_span(path)
        return Target(workspace.folder / file, span)
    return None


def _in_pipeline(workspace: Workspace, place: Place, word: str) -> Target | None:
    """The task that a test names."""
    tested = _tested(workspace, place)
    subject = _subject(workspace, tested) if tested is not None else None
    if tested is None or subject is None:
        return None
    for view in subject.tasks:
        if view.full_id == word:
            file, _, span = subject.value_span(view.id_path)
            return Target(workspace.folder / file, span)
    return Target(tested.file, Span(1, 1, 1, 2))


def _tested(workspace: Workspace, place: Place) -> Place | None:
    """The pipeline that a test file tests."""
    path = tested_pipeline(place.path, {"pipeline": Outline(workspace.text(place.path)).value(("pipeline",))})
    return Place(workspace.folder, path) if (workspace.folder / path).is_file() else None


def tests_of(workspace: Workspace, place: Place) -> list[Place]:
    """The test files of a pipeline."""
    tests = [Place(workspace.folder, path) for path in test_paths(workspace.folder)]
    return [test for test in tests if _tested(workspace, test) == place]


# -- rename -----------------------------------------------------------------------------------------------------


def task_at(workspace: Workspace, place: Place, outline: Outline, line: int, column: int) -> TaskView | None:
    """The task whose id, or a name of it, is at a place."""
    target = definition(workspace, place, outline, line, column)
    found = outline.path_at(line, column)
    subject = _subject(workspace, place)
    if subject is None or found is None:
        return None
    for view in subject.entries:
        file, _, span = subject.value_span(view.id_path)
        if file != place.path or view.path == ("poll",):
            continue
        is_id = span.line == line + 1 and span.column <= column + 1 <= span.end_column
        if is_id or (target is not None and target == Target(workspace.folder / file, span)):
            return view
    return None


def name_problem(workspace: Workspace, place: Place, view: TaskView, name: str) -> str | None:
    """Why a task cannot have this id; None where it can."""
    if TASK_ID.fullmatch(name) is None:
        return f"`{name}` is no id: use letters, digits, `_` and `-`"
    subject = _subject(workspace, place)
    taken = {one.full_id for one in subject.entries if one.path != view.path} if subject is not None else set()
    return f"there is already a task `{name}`" if view.scope.full_id(name) in taken else None


def renamed(workspace: Workspace, place: Place, view: TaskView, name: str) -> Iterator[tuple[Path, Span, str]]:
    """The edits that give a task another id: in its file, in other tasks' names of it, and in its test."""
    subject = _subject(workspace, place)
    old = view.id
    if subject is None or old is None:
        return
    known = {one.full_id: one for one in subject.entries if one.full_id is not None}

    def means(other: TaskView, written: str) -> bool:
        return known.get(other.scope.find(written, known) or "") == view

    yield _edit(subject, workspace, view.id_path, name)
    for other in subject.entries:
        for path, written in (*other.needs, *other.teardown):
            if means(other, written):
                yield _edit(subject, workspace, path, _with_last(written, name))
    for path, expression in subject.expressions:
        around = subject.entry_at(path)
        reference = expression.meaning
        if isinstance(reference, TaskReference) and around is not None and means(around, reference.task_id):
            file, text, span = subject.value_span(path)
            yield from _inside(workspace.folder / file, text, span, reference.task_id, name)
    yield from _in_tests(workspace, place, view.full_id or old, _with_last(view.full_id or old, name))


def _with_last(written: str, name: str) -> str:
    return ".".join([*written.split(".")[:-1], name])


def _edit(subject: Subject, workspace: Workspace, path: DataPath, text: str) -> tuple[Path, Span, str]:
    file, _, span = subject.value_span(path)
    written = subject.effective.origin(path)[0].written(span)
    quote = written[:1] if written[:1] in "\"'" else ""
    return workspace.folder / file, span, f"{quote}{text}{quote}"


def _inside(file: Path, text: str, span: Span, old: str, name: str) -> Iterator[tuple[Path, Span, str]]:
    """The names in the `${tasks.…}` of a value, which may go over several lines."""
    pattern = re.compile(rf"(?<=\$\{{tasks\.){re.escape(old)}(?=\.)")
    lines = text.split("\n")
    for number in range(span.line, span.end_line + 1):
        line = lines[number - 1]
        first = span.column - 1 if number == span.line else 0
        last = span.end_column - 1 if number == span.end_line and span.end_line > span.line else len(line)
        for match in pattern.finditer(line, first, max(last, first)):
            yield file, Span(number, match.start() + 1, number, match.end() + 1), _with_last(old, name)


def _in_tests(workspace: Workspace, place: Place, old: str, name: str) -> Iterator[tuple[Path, Span, str]]:
    """The names in the tests of the pipeline: what is tested, given and expected."""
    word = re.compile(rf"(?<![\w.-]){re.escape(old)}(?![\w.-])")
    for test in tests_of(workspace, place):
        outline = Outline(workspace.text(test.path))
        for number, line in enumerate(outline.lines):
            for match in word.finditer(line):
                path, is_value = outline.path_at(number, match.start()) or ((), False)
                key = next((part for part in reversed(path) if isinstance(part, str)), "")
                is_key = not is_value and key == old and path[-2:-1] in (("tasks",), ("output",))
                if is_key or (is_value and key == "task"):
                    yield test.file, Span(number + 1, match.start() + 1, number + 1, match.end() + 1), name


# -- outline ----------------------------------------------------------------------------------------------------


def items(outline: Outline, path: DataPath = ()) -> tuple[Item, ...]:
    """The tasks and groups of a file, a group's inside it; also of a text that is half typed."""
    found = []
    inside = (*path, "tasks")
    if not path and (poll := outline.at(("poll",))) is not None:
        found.append(Item("poll", outline.value(("poll", "url")) or "", poll, outline.last_lines[poll], ()))
    for entry in outline.entries:
        if entry.path[:-1] == inside and isinstance(entry.path[-1], int) and task_path(entry.path) == entry.path:
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
