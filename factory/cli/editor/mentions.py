"""Where the ids of tasks and groups are written: in pipelines, in templates and what takes them, and in tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from factory.cli.editor.workspace import Place, Workspace
from schemas.compose.merging import ENVIRONMENTS
from schemas.compose.task_rows import of_template
from schemas.expressions.reading import TaskReference, run_references
from schemas.findings.diagnostics import Span
from schemas.findings.paths import DataPath, Scope, task_path, walk
from schemas.model.task import TEMPLATE
from schemas.rules.task_view import TaskView, task_views
from schemas.text.document import Document, document_from_text
from schemas.text.lines import span_inside


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
NAMED_IN_TESTS = (("given", "tasks"), ("expect", "tasks"), ("expect", "output"), ("expect", "state"), ("state",))
"""Mappings of a test whose keys are tasks."""


def names_task(path: DataPath) -> bool:
    """Whether a value, or a key, at a path of a test file is the name of a task."""
    below = path[2:]
    return below[:1] == ("task",) or any(below[:-1] == keys for keys in NAMED_IN_TESTS)


def renamed_in(workspace: Workspace, place: Place) -> Place | None:
    """The pipeline or the template whose tasks are named in a file; None where it names none."""
    owner = workspace.tested(place) if place.is_test else place
    return owner if owner is not None and (owner.is_pipeline or owner.is_template) else None


def mention_at(workspace: Workspace, owner: Place, file: Path, line: int, column: int) -> Mention | None:
    """The task or the group of `owner` whose id is written at a place of a file."""
    for one in _own_mentions(workspace, owner):
        span = one.span
        if one.file == file and span and span.line == line + 1 and span.column <= column + 1 <= span.end_column:
            return one
    return None


def mentions(workspace: Workspace, place: Place) -> tuple[Mention, ...]:
    """Every place where the id of one of the tasks of a pipeline or a template is written: in its own file, in its
    tests, and of a template in the files that take it and their tests."""
    found = dict.fromkeys(_own_mentions(workspace, place))
    for taker in takers(workspace, place):
        for one in _own_mentions(workspace, taker.place, taker.known):
            if one.task in taker.made:
                found[one._replace(task=taker.made[one.task])] = None
    return tuple(found)


class Taker(NamedTuple):
    """A file that takes a template. `known`: all its tasks by full ids; `made`: those that are the template's, with
    their full ids there."""

    place: Place
    known: Mapping[str, TaskView]
    made: Mapping[str, str]


def takers(workspace: Workspace, template: Place) -> Iterator[Taker]:
    checker, layers = workspace.checker(), workspace.checker().layers
    document = layers.template_file(template.path) if template.is_template else None
    if document is None:
        return
    own = {view.id_path: view.full_id for view in written_tasks(document.data) if view.full_id is not None}
    others = [path for path in checker.template_paths() if path != template.path]
    wholes = {path: [of_template(one, layers)] for path in others if (one := layers.template_file(path)) is not None}
    for path in dict.fromkeys(checker.takers(template.path)):
        environments = (None, *checker.environments_of(path))
        wholes[path] = [one.effective for chosen in environments for one in checker.variants_in(path, chosen)]
    for path, effectives in wholes.items():
        known, made = dict[str, TaskView](), dict[str, str]()
        for effective in effectives:
            for view in task_views(effective.data.get("tasks")):
                at, place = effective.key_origin(view.id_path)
                if view.full_id is not None:
                    known[view.full_id] = view
                    made |= {view.full_id: own[place]} if at.file == document.file and place in own else {}
        if made:
            yield Taker(Place(workspace.folder, path), known, made)


def _own_mentions(
    workspace: Workspace, place: Place, taken: Mapping[str, TaskView] = MappingProxyType({})
) -> Iterator[Mention]:
    """Every place of a file, and of its tests, where the id of one of its tasks is written, or of those that it takes
    from templates.

    They are looked for in the texts alone: nothing is filled in, and defaults are no part of them.
    """
    document = document_from_text(workspace.text(place.path), place.path)
    entries = {view.path: view for view in written_tasks(document.data)}
    known = {**taken, **{view.full_id: view for view in entries.values() if view.full_id is not None}}
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
    yield from _mentions(document, place.file, names, known)
    for test in workspace.tests_of(place) if known else ():
        document = document_from_text(workspace.text(test.path), test.path)
        yield from _mentions(document, test.file, list(names_in_tests(document)), known)


def written_tasks(data: Any) -> Iterator[TaskView]:
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


def names_in_tests(document: Document) -> Iterator[_Name]:
    tests = document.at(("tests",))
    for index in range(len(tests) if isinstance(tests, list) else 0):
        path: DataPath = ("tests", index)
        named = document.at((*path, "task"))
        ids = {("task", at): name for at, name in enumerate(named)} if isinstance(named, list) else {("task",): named}
        yield from (_Name((*path, *at), 0, name) for at, name in ids.items() if isinstance(name, str))
        for keys in NAMED_IN_TESTS:
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
