"""Ways through the files: what a name leads to, and a new id for a task everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from factory.cli.editor.outline import Outline
from factory.cli.editor.workspace import Place, Workspace
from schemas.compose.merging import ENVIRONMENTS
from schemas.expressions.reading import TaskReference, run_references
from schemas.findings.diagnostics import Fix, Span
from schemas.findings.paths import DataPath, Scope, task_path, walk
from schemas.folder.project import FolderFiles
from schemas.model.task import TEMPLATE
from schemas.model.task_base import LONGEST_ID, TASK_ID_PATTERN
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView, task_views
from schemas.source import Class, Function, TaskDecorated
from schemas.text.document import Document, document_from_text
from schemas.text.edits import EditedText
from schemas.text.lines import span_inside


class Target(NamedTuple):
    """A place in a file; lines and columns count from 1, as in `Span`."""

    file: Path
    span: Span


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
    expression = outline.expression_at(line, column)
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
    for test in workspace.tests_of(place):
        tested = Outline(workspace.text(test.path))
        name = outline.value(path) if path[-1] == "id" else None
        lines = [e.line for e in tested.entries if e.path[-1] == "task" and name in re.findall(r"[\w-]+", e.value)]
        if name is None or lines:
            line = lines[0] + 1 if lines else 1
            return Target(test.file, Span(line, 1, line, 2))
    return None


def _subject(workspace: Workspace, place: Place) -> Subject | None:
    return next((Subject(v.path, v.effective) for v in workspace.variants(place)), None)


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
    tested = workspace.tested(place)
    subject = _subject(workspace, tested) if tested is not None else None
    if tested is None or subject is None:
        return None
    for view in subject.tasks:
        if view.full_id == word:
            file, _, span = subject.value_span(view.id_path)
            return Target(workspace.folder / file, span)
    return Target(tested.file, Span(1, 1, 1, 2))


# -- rename -----------------------------------------------------------------------------------------------------


class Mention(NamedTuple):
    """Where the id of a task or a group is written, by itself or as a part of a longer name. `task` is its full id, and
    `span` None where the text there is another one: an alias, or one with escapes."""

    task: str
    id: str
    file: Path
    line: int
    span: Span | None


class _Name(NamedTuple):
    """A name of a task in a document: in the text of the value, or of the key, at a path, from `start`."""

    path: DataPath
    start: int
    name: str
    scope: Scope = Scope()
    is_key: bool = False


_PROPERTIES = re.compile(r"(?:[&!][^\s\[\]{},]*[ \t]+)+")
"""An anchor or a tag before a value."""
_NAMED_IN_TESTS = (("given", "tasks"), ("expect", "tasks"), ("expect", "output"), ("expect", "state"), ("state",))
"""Mappings of a test whose keys are tasks."""


def mention_at(workspace: Workspace, place: Place, line: int, column: int) -> Mention | None:
    """The task or the group whose id is written at a place of a pipeline."""
    for one in mentions(workspace, place) if place.is_pipeline else ():
        span = one.span
        if one.file == place.file and span and span.line == line + 1 and span.column <= column + 1 <= span.end_column:
            return one
    return None


def id_problem(mention: Mention) -> str | None:
    """Why a task's id cannot be changed at all; None where it can."""
    return f"`{mention.id}` is made of an expression: write the id in its place" if "${" in mention.id else None


def name_problem(workspace: Workspace, place: Place, mention: Mention, name: str) -> str | None:
    """Why a task cannot have this id; None where it can."""
    full_id = mention.task.removesuffix(mention.id) + name
    if re.search(TASK_ID_PATTERN, name) is None:
        return f"`{name}` is no id: use letters, digits, `_` and `-`"
    if document_from_text(name, "").data != name:
        return f"`{name}` is no id: YAML reads it as something else than a text"
    if len(full_id) > LONGEST_ID:
        return f"the id is longer than {LONGEST_ID} characters"
    found = mentions(workspace, place)
    variants = workspace.variants(place)
    made = {view.full_id for variant in variants for view in Subject(variant.path, variant.effective).entries}
    if full_id in made | {one.task for one in found}:
        return f"there is already a task `{name}`"
    for variant in variants:
        for layer in variant.effective.layers[:-1]:
            if mention.task in {view.full_id for view in _written_tasks(layer.data)}:
                return f"`{mention.task}` is in {layer.file}, too, which other pipelines share"
    for one in found:
        if one.task == mention.task and one.span is None:
            return f"line {one.line} of {one.file.name} names it by an alias or with escapes: write `{one.id}` there"
    return id_problem(mention) or _taken_for_another(workspace, place, mention.task, full_id)


def _taken_for_another(workspace: Workspace, place: Place, old: str, new: str) -> str | None:
    """Where a name would mean another task than before, such as one of a group nearer to it."""
    before, texts, name = mentions(workspace, place), dict(workspace.texts), new.rpartition(".")[2]
    for file in {one.file for one in before}:
        path = file.relative_to(workspace.folder).as_posix()
        fixes = [Fix(one.span, name) for one in before if one.file == file and one.task == old and one.span is not None]
        texts[path] = EditedText.of(workspace.text(path)).edited(fixes).text
    after = {(one.file, one.line, one.task) for one in mentions(Workspace(workspace.folder, texts), place)}
    for one in before:
        task = new + one.task[len(old) :] if f"{one.task}.".startswith(f"{old}.") else one.task
        if (one.file, one.line, task) not in after:
            return f"in line {one.line} of {one.file.name} `{name}` would be another task"
    return None


def mentions(workspace: Workspace, place: Place) -> tuple[Mention, ...]:
    """Every place of a pipeline's own file, and of its tests, where the id of one of its tasks is written.

    They are looked for in the texts alone: nothing is filled in, and neither defaults nor templates are a part of them.
    """
    document = document_from_text(workspace.text(place.path), place.path)
    entries = {view.path: view for view in _written_tasks(document.data)}
    known = {view.full_id: view for view in entries.values() if view.full_id is not None}
    names = []
    for view in entries.values():
        if view.id is not None:
            names.append(_Name(view.id_path, 0, view.id, Scope(view.scope.prefixes[:1])))
        names += [_Name(path, 0, written, view.scope) for path, written in (*view.needs, *view.teardown)]
    for path, text in walk(document.data).texts:
        around = entries.get(_entry_path(path))
        for expression, meaning in run_references(text):
            if isinstance(meaning, TaskReference):
                start = expression.start + len("${tasks.")
                names.append(_Name(path, start, meaning.task_id, around.scope if around is not None else Scope()))
    found = list(_mentions(document, place.file, names, known))
    for test in workspace.tests_of(place) if known else ():
        document = document_from_text(workspace.text(test.path), test.path)
        found += _mentions(document, test.file, list(_names_in_tests(document)), known)
    return tuple(dict.fromkeys(found))


def _written_tasks(data: Any) -> Iterator[TaskView]:
    """The tasks of a text, and those of its environments, which change them."""
    if isinstance(data, dict):
        yield from task_views(data.get("tasks"))
        overlays = data.get(ENVIRONMENTS)
        for name, overlay in overlays.items() if isinstance(overlays, dict) else ():
            if isinstance(overlay, dict):
                yield from task_views(overlay.get("tasks"), (ENVIRONMENTS, name, "tasks"))


def _entry_path(path: DataPath) -> DataPath:
    above = path[:2] if path[:1] == (ENVIRONMENTS,) else ()
    return (*above, *task_path(path[len(above) :]))


def _names_in_tests(document: Document) -> Iterator[_Name]:
    tests = document.at(("tests",))
    for index in range(len(tests) if isinstance(tests, list) else 0):
        path: DataPath = ("tests", index)
        named = document.at((*path, "task"))
        ids = {("task", at): name for at, name in enumerate(named)} if isinstance(named, list) else {("task",): named}
        yield from (_Name((*path, *at), 0, name) for at, name in ids.items() if isinstance(name, str))
        for keys in _NAMED_IN_TESTS:
            mapping = document.at((*path, *keys))
            for name in mapping if isinstance(mapping, dict) else ():
                yield _Name((*path, *keys, name), 0, name, is_key=True)


def _mentions(
    document: Document, file: Path, names: Sequence[_Name], known: Mapping[str, TaskView]
) -> Iterator[Mention]:
    """The tasks and groups that names lead through. An alias is one only where its text is no name by itself."""
    templates = [f"{full_id}." for full_id, view in known.items() if TEMPLATE in view.entry]
    aliases, own = [], set[Span | None]()
    for one in names:
        full_ids = (prefix + one.name for prefix in one.scope.prefixes)
        full_id = next((full for full in full_ids if full in known or full.startswith(tuple(templates))), "")
        for task in (full_id[:end] for end in range(len(full_id) + 1) if full_id[end : end + 1] in (".", "")):
            view = known.get(task)
            end = one.start + len(task) - len(full_id) + len(one.name)
            start = end - len(view.id or "") if view is not None else -1
            if view is not None and start >= one.start:
                last = max(place for place, key in enumerate(one.path, start=1) if isinstance(key, str))
                key = document.key_span(one.path[:last])
                span = _exact(document, one, start, end)
                mention = Mention(task, view.id or "", file, key.line, span)
                if span is not None and span[:2] < key[:2]:
                    aliases.append(mention)
                else:
                    own.add(span)
                    yield mention
    yield from (mention._replace(span=None) for mention in aliases if mention.span not in own)


def _exact(document: Document, name: _Name, start: int, end: int) -> Span | None:
    """Where a part of a text is written just as it is read."""
    whole = document.key_span(name.path) if name.is_key else document.value_span(name.path)
    text = str(name.path[-1] if name.is_key else document.at(name.path))
    properties = _PROPERTIES.match(document.lines.line_text(whole.line), whole.column - 1)
    whole = whole._replace(column=properties.end() + 1) if properties is not None else whole
    span = span_inside(whole, document.lines, document.text, text, (start, end))
    return span if document.written(span) == text[start:end] else None
