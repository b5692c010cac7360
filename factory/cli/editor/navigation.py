"""Ways through the files: what a name leads to, and whether a task can have another id."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from factory.cli.editor.meaning import subject_of, word_at
from factory.cli.editor.mentions import Mention, mentions, names_in_tests, takers, written_tasks
from factory.cli.editor.outline import Outline
from factory.cli.editor.workspace import Name, Place, Workspace, effective_paths
from factory.reporters import in_force
from schemas.compose.effective import Effective
from schemas.compose.task_rows import of_template
from schemas.compose.templates import params_of
from schemas.expressions.reading import TaskReference, ValueReference, run_references
from schemas.findings.diagnostics import Fix, Span
from schemas.findings.paths import DataPath, task_path, walk
from schemas.folder.project import FolderFiles
from schemas.model.task import TEMPLATE
from schemas.model.task_base import LONGEST_ID, TASK_ID_PATTERN
from schemas.rules.subject import Subject
from schemas.source import Class, Function, TaskDecorated
from schemas.text.document import Document, document_from_text
from schemas.text.edits import EditedText

# -- go to ------------------------------------------------------------------------------------------------------


class Target(NamedTuple):
    """A place in a file; lines and columns count from 1, as in `Span`."""

    file: Path
    span: Span


def definition(workspace: Workspace, place: Place, outline: Outline, line: int, column: int) -> Target | None:
    """Where the thing is that is named at a place: a function, a file, a task, a value."""
    found = outline.path_at(line, column)
    if found is None:
        return None
    path, _ = found
    word = word_at(outline.lines[line], column)
    if place.is_test:
        return _in_pipeline(workspace, place, word)
    subject = subject_of(workspace, place)
    inside = next(iter(effective_paths(subject.effective, path)), path) if subject is not None else path
    expression = outline.expression_at(line, column)
    if expression is not None and isinstance(expression.meaning, TaskReference) and subject is not None:
        return _task(subject, workspace, inside, expression.meaning.task_id)
    if place.is_template and expression is not None and isinstance(expression.meaning, ValueReference):
        document, name = workspace.checker().layers.template_file(place.path), expression.meaning.keys[0]
        is_known = document is not None and name in params_of(document)
        return Target(place.file, document.key_span(("params", name))) if document is not None and is_known else None
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if key in ("needs", "teardown") and subject is not None:
        return _task(subject, workspace, inside, word)
    if key == TEMPLATE and (template := workspace.checker().layers.template_place(word)) is not None:
        return Target(template, Span(1, 1, 1, 2))
    source = workspace.reader().find(word) if "." in word else None
    if isinstance(source, Function | Class | TaskDecorated):
        return Target(source.file, Span(source.line, 1, source.line, 2))
    named = _file(workspace, place, word)
    if named is not None:
        return Target(named, Span(1, 1, 1, 2))
    test = _test(workspace, place, outline, path)
    return test or (_origin(workspace, subject, inside) if subject is not None else None)


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
    subject = subject_of(workspace, tested) if tested is not None else None
    if tested is None or subject is None:
        return None
    for view in subject.tasks:
        if view.full_id == word:
            file, _, span = subject.value_span(view.id_path)
            return Target(workspace.folder / file, span)
    return Target(tested.file, Span(1, 1, 1, 2))


# -- rename -----------------------------------------------------------------------------------------------------


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
    for taker in takers(workspace, place):
        new = (full_id[: -len(mention.id)] + name for full_id, own in taker.made.items() if own == mention.task)
        if not taker.known.keys().isdisjoint(new):
            return f"there is already a task `{name}` in {taker.place.path}"
    made = {view.full_id for variant in variants for view in Subject(variant.path, variant.effective).entries}
    if full_id in made | {one.task for one in found}:
        return f"there is already a task `{name}`"
    for variant in variants:
        for layer in variant.effective.layers[:-1]:
            if mention.task in {view.full_id for view in written_tasks(layer.data)}:
                return f"`{mention.task}` is in {layer.file}, too, which other pipelines share"
    for one in found:
        if one.task == mention.task and one.span is None:
            return f"line {one.line} of {one.file.name} names it by an alias or with escapes: write `{one.id}` there"
    return id_problem(mention) or _other_meaning(workspace, place, found, mention.task, name)


def unreadable(workspace: Workspace, owner: Place) -> str | None:
    """Why nothing can be renamed: a file cannot be read as YAML, so nobody knows what it names."""
    for one in (owner, *workspace.tests_of(owner)):
        for finding in document_from_text(workspace.text(one.path), one.path).diagnostics:
            return f"{one.path} cannot be read: fix line {finding.span.line} first"
    return None


def _other_meaning(workspace: Workspace, place: Place, found: Sequence[Mention], task: str, name: str) -> str | None:
    """Where more than a name would change: another task is meant then, or a text that is no name of one."""
    texts = dict(workspace.texts)
    for file in {one.file for one in found}:
        path = file.relative_to(workspace.folder).as_posix()
        fixes = [Fix(one.span, name) for one in found if one.file == file and one.task == task and one.span is not None]
        texts[path] = EditedText.of(workspace.text(path)).edited(fixes).text
    renamed = {(place.path, task)}
    for taker in takers(workspace, place):
        renamed |= {(taker.place.path, full_id) for full_id, own in taker.made.items() if own == task}
    before = _meanings(workspace, place, renamed, name)
    after = _meanings(Workspace(workspace.folder, texts, workspace.kept), place, {}, name)
    for what in dict.fromkeys((*before, *after)):
        old, new = before.get(what, {}), after.get(what, {})
        for at in dict.fromkeys((*old, *new)):
            was, now = old.get(at, _NOTHING), new.get(at, _NOTHING)
            if was[0] != now[0]:
                return f"{was[1] or now[1]} would mean something else"
    return None


_Meaning = dict[DataPath, tuple[str, str]]
"""What each text means: of the name of a task its full id. With the words for the place."""
_NOTHING = ("", "")


def _meanings(
    workspace: Workspace, place: Place, renamed: Collection[tuple[str, str]], name: str
) -> dict[tuple[object, ...], _Meaning]:
    """What all says that names the tasks of a file: each DAG of it or of those that take it, and their tests. The tasks
    of `renamed` are called as if they had the new name."""
    found: dict[tuple[object, ...], _Meaning] = {}
    for one in (place, *(taker.place for taker in takers(workspace, place))):
        old = [full_id for path, full_id in renamed if path == one.path]
        layers = workspace.checker().layers
        template = layers.template_file(one.path) if one.is_template else None
        alone = [(Name(None), of_template(template, layers))] if template is not None else []
        for which, effective in (*alone, *workspace.composed(one)):
            found[(one.path, *which)] = _meaning(effective, which, old, name)
        for test in workspace.tests_of(one):
            document = document_from_text(workspace.text(test.path), test.path)
            found[(test.path,)] = dict(_meaning_of_test(document, old, name))
    return found


def _meaning(effective: Effective, which: Name, old: Sequence[str], new: str) -> _Meaning:
    subject = Subject("", effective)
    known = {view.full_id: view for view in subject.entries if view.full_id is not None}
    names: dict[DataPath, str | None] = {view.id_path: view.full_id for view in subject.entries}
    for view in subject.entries:
        names |= {path: view.scope.find(written, known) for path, written in (*view.needs, *view.teardown)}
    told: _Meaning = {}
    for path, text in walk({key: value for key, value in effective.data.items() if key not in in_force.SPENT}).texts:
        document, at = effective.origin(path)
        where = f"line {document.value_span(at).line} of {document.file}"
        where += f" in {which.environment_text}" if which.environment is not None else ""
        full_id = names.get(path)
        if full_id is not None:
            told[path] = (f"{_called(full_id, old, new)} ", where)
            continue
        around, meant, end = subject.entry_at(path), "", 0
        for expression, meaning in run_references(text):
            if isinstance(meaning, TaskReference) and around is not None:
                full_id = around.scope.find(meaning.task_id, known)
                start = expression.start + len("${tasks.")
                meant += text[end:start] + (f"{_called(full_id, old, new)} " if full_id else meaning.task_id)
                end = start + len(meaning.task_id)
        told[path] = (meant + text[end:], where)
    return told


def _meaning_of_test(document: Document, old: Sequence[str], new: str) -> Iterator[tuple[DataPath, tuple[str, str]]]:
    names = {(one.path, one.is_key) for one in names_in_tests(document)}
    for path, text in walk(document.data).texts:
        starts = (path[: end + 1] for end in range(len(path)))
        shown = tuple(_called(str(at[-1]), old, new) if (at, True) in names else at[-1] for at in starts)
        where = f"line {document.value_span(path).line} of {document.file}"
        yield shown, (_called(text, old, new) if (path, False) in names else text, where)


def _called(full_id: str, old: Sequence[str], new: str) -> str:
    """The full id after tasks got a new id."""
    for one in old:
        if f"{full_id}.".startswith(f"{one}."):
            above, dot, _ = one.rpartition(".")
            return above + dot + new + full_id[len(one) :]
    return full_id
