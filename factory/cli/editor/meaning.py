"""What a place in a file means, which hovering over it says: the help of a key, what holds there and where that is
written, a schedule in words, the signature behind a dotted path."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from factory.cli.editor.completion import output_keys, schema_of
from factory.cli.editor.mentions import names_task
from factory.cli.editor.outline import Outline
from factory.cli.editor.schema_help import SchemaHelp, published
from factory.cli.editor.workspace import Name, Place, Workspace, effective_paths
from factory.plan.schedule import shown_moment, timing
from factory.reporters import in_force
from schemas.compose.effective import Effective
from schemas.compose.task_rows import of_template
from schemas.compose.templates import params_of
from schemas.compose.variants import Variant
from schemas.expressions.reading import EnvReference, Expression, TaskReference, ValueReference
from schemas.findings.paths import DataPath, task_path
from schemas.folder.project import template_name
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.task import TEMPLATE
from schemas.rules.subject import Subject
from schemas.shape.places import value_at
from schemas.source import Class, Function
from schemas.text.nodes import scalar

_LONGEST = 200
_MOST_LINES = 25
_MOST_VALUES = 8
"""Of the DAGs of one file: a matrix may make hundreds."""
_RUNS = 3


def hover(workspace: Workspace, place: Place, outline: Outline, line: int, column: int) -> str:
    """Markdown for a place of a text; empty where there is nothing to say."""
    found = outline.path_at(line, column)
    if found is None:
        return ""
    path, is_value = found
    if place.is_test:
        parts = list(_of_tested(workspace, place, path, word_at(outline.lines[line], column)))
    else:
        expression = outline.expression_at(line, column) if is_value else None
        parts = list(_on_value(workspace, place, outline, path, expression)) if is_value else []
    parts = parts or list(_on_key(workspace, place, outline, path))
    return "\n\n".join(part for part in parts if part)


def _on_key(workspace: Workspace, place: Place, outline: Outline, path: DataPath) -> Iterator[str]:
    yield SchemaHelp(published(schema_of(place)), outline).description(path)
    task = task_path(path)
    if path[len(task) : -1] == ("with",) and (template := outline.value((*task, TEMPLATE))):
        yield _param(workspace, template, str(path[-1]))
    if not place.is_test:
        yield from _in_force(workspace, place, path)
    if path[-1:] == ("schedule",):
        yield from _runs(workspace, place)


def _in_force(workspace: Workspace, place: Place, path: DataPath) -> Iterator[str]:
    """What holds after defaults, environments, `vars` and the matrix, and where it is written: once, where it is the
    same in all DAGs of the file. Of a mapping or a list that is all written here, there is nothing to tell."""
    told: dict[str, dict[Name, None]] = {}
    among = []
    taken = False
    for name, effective in workspace.composed(place):
        among.append(name)
        for at in effective_paths(effective, path, name.environment):
            taken = taken or not _is_written_here(effective, at)
            if text := _told(effective, at):
                told.setdefault(text, {})[name] = None
    if not taken:
        return
    for text, having in list(told.items())[:_MOST_VALUES]:
        where = _where(having, among)
        yield f"In force{f' ({where})' if where else ''}: {text}"


def _where(having: Collection[Name], among: Sequence[Name]) -> str:
    """The DAGs that have something, by their environments, or else by their rows of the matrix."""
    if len(having) == len(among):
        return ""
    environments = dict.fromkeys(one.environment_text for one in having)
    rows = dict.fromkeys(one.row for one in having)
    if all(one in having for one in among if one.environment_text in environments):
        names = list(environments)
    elif all(one in having for one in among if one.row in rows):
        names = list(rows)
    else:
        names = [f"{one.environment_text}, {one.row}" for one in having]
    return f"{'; '.join(names[:3])}{'; …' if names[3:] else ''}"


def _told(effective: Effective, path: DataPath) -> str:
    """A value with the places that it comes from; of a task, what defaults add."""
    value = value_at(effective.data, path)
    if path[-1:] == ("id",) or path == ("poll",):
        return _block(effective, list(_inherited(effective, task_path(path) or path)))
    if isinstance(value, dict | list):
        return _block(effective, in_force.lines_at(effective, path))
    if value is None:
        return ""
    document, origin = effective.origin(path)
    return f"`{scalar(value)[:_LONGEST]}` ({document.file}:{document.value_span(origin).line})"


def _is_written_here(effective: Effective, path: DataPath) -> bool:
    value, own = value_at(effective.data, path), effective.layers[-1]
    lines = in_force.lines_at(effective, path) if isinstance(value, dict | list) else [("", None)]
    parts = [at for _, at in lines if at is not None]
    return bool(parts) and all(effective.origin(at)[0] is own and effective.used_at(at) is None for at in parts)


def _block(effective: Effective, lines: list[in_force.Line]) -> str:
    text = in_force.commented(effective, lines[:_MOST_LINES]) + ("…\n" if lines[_MOST_LINES:] else "")
    return f"\n```yaml\n{text}```" if lines else ""


def _inherited(effective: Effective, task: DataPath) -> Iterator[in_force.Line]:
    """The settings that a task has from `default_args`: those of its groups, the nearest first, and the pipeline's."""
    known = set(value_at(effective.data, task) or ())
    for end in range(len(task) - 2, -1, -2):
        holder = (*task[:end], "default_args")
        given = value_at(effective.data, holder)
        for key in given if isinstance(given, dict) else ():
            if key not in known:
                known.add(key)
                yield from in_force.lines_at(effective, (*holder, key))


def _on_value(
    workspace: Workspace, place: Place, outline: Outline, path: DataPath, expression: Expression | None
) -> Iterator[str]:
    if path[-1:] == ("uses",):
        yield _signature(workspace, outline.value(path) or "")
    match expression.meaning if expression is not None else None:
        case EnvReference(name, _):
            yield f"The environment variable `{name}`, read when the pipeline is built or the task runs."
        case TaskReference(task_id):
            keys = ", ".join(f"`{key}`" for key in output_keys(workspace, outline, task_id))
            yield f"What the task `{task_id}` gave{f': {keys}' if keys else ''}."
            yield from _in_force(workspace, place, path)
        case ValueReference("params", keys) if place.is_template:
            yield _param(workspace, template_name(place.path), keys[0])
        case ValueReference("vars", keys):
            yield from _in_force(workspace, place, ("vars", *keys))
        case None:
            pass
        case _:
            yield from _in_force(workspace, place, path)
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if key in ("schedule", "cron", "timezone"):
        yield from _in_force(workspace, place, path)
        yield from _runs(workspace, place)


def _param(workspace: Workspace, template: str, name: str) -> str:
    document = workspace.checker().layers.template(template)
    params = params_of(document) if document is not None else {}
    schema = params.get(name)
    shown = schema if isinstance(schema, dict) else {"default": schema} if name in params else {}
    facts = "\n".join(f"- {key}: `{value}`" for key, value in shown.items())
    return f"A param of the template `{template}`.\n\n{facts}" if name in params else ""


def _of_tested(workspace: Workspace, test: Place, path: DataPath, word: str) -> Iterator[str]:
    """Of a task that a test names: what it does, and what holds for it."""
    tested = workspace.tested(test) if names_task(path) else None
    subject = subject_of(workspace, tested) if tested is not None else None
    view = next((one for one in subject.entries if one.full_id == word), None) if subject is not None else None
    if tested is not None and subject is not None and view is not None:
        yield f"`{word}` in {tested.path}"
        yield _signature(workspace, view.uses or "")
        yield _block(subject.effective, [*in_force.lines_at(subject.effective, view.path)])


def _signature(workspace: Workspace, uses: str) -> str:
    if uses in BUILT_INS:
        return f"**{uses}**: {(built_in(uses).__doc__ or '').strip()}"
    found = workspace.reader().find(uses) if uses else None
    if not isinstance(found, Function | Class):
        return ""
    parameters = ", ".join(
        f"{p.name}{f': {p.annotation}' if p.annotation else ''}{'' if p.required else ' = …'}"
        for p in found.parameters or ()
    )
    name = found.path.rpartition(".")[2]
    return f"```python\n{'class' if isinstance(found, Class) else 'def'} {name}({parameters})\n```\n{found.path}"


def _runs(workspace: Workspace, place: Place) -> Iterator[str]:
    """The schedule in words, and its next runs."""
    for variant in workspace.variants(place)[:1]:
        yield schedule_text(variant)


def schedule_text(variant: Variant) -> str:
    """A DAG's schedule in words with its next runs, as Markdown."""
    when = timing(variant.effective.data)
    runs = [shown_moment(run, when.zone) for run in when.next_runs(datetime.now(UTC), _RUNS)]
    listed = "".join(f"\n- {run}" for run in runs)
    return f"Runs {when.words()}.{f' Next:{chr(10)}{listed}' if listed else ''}"


def subject_of(workspace: Workspace, place: Place) -> Subject | None:
    """What rules see of a file: of the first DAG of a pipeline, or of a template by itself; None while it cannot be
    read."""
    if place.is_template:
        layers = workspace.checker().layers
        document = layers.template_file(place.path)
        is_readable = document is not None and isinstance(document.data, dict) and not document.diagnostics
        return Subject(place.path, of_template(document, layers)) if document is not None and is_readable else None
    return next((Subject(v.path, v.effective) for v in workspace.variants(place)), None)


def word_at(line: str, column: int) -> str:
    """The text without spaces, quotes and brackets around a column."""
    start = max((line.rfind(mark, 0, column) for mark in " \"'[{,"), default=-1) + 1
    found = re.compile(r"[^\s\"'\]},]*").match(line, start)
    return found.group().rstrip(":") if found is not None else ""
