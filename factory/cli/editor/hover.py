"""What a place in a pipeline means: the help of a key, the value in force and where it comes from, a schedule in words,
the signature behind a dotted path."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from factory.cli.editor.completion import schema_of
from factory.cli.editor.outline import Outline
from factory.cli.editor.schema_help import SchemaHelp, published
from factory.cli.editor.workspace import Place, Workspace
from factory.plan.schedule import shown_moment, timing
from schemas.compose.variants import Variant
from schemas.expressions.reading import EnvReference, Expression
from schemas.findings.paths import DataPath
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.shape.places import value_at
from schemas.source import Class, Function
from schemas.text.nodes import scalar

_LONGEST = 200
_RUNS = 3


def hover(workspace: Workspace, place: Place, outline: Outline, line: int, column: int) -> str:
    """Markdown for a place of a text; empty where there is nothing to say."""
    found = outline.path_at(line, column)
    if found is None:
        return ""
    path, is_value = found
    expression = outline.expression_at(line, column) if is_value else None
    parts = list(_on_value(workspace, place, outline, path, expression)) if is_value and not place.is_test else []
    parts = parts or list(_on_key(workspace, place, outline, path))
    return "\n\n".join(part for part in parts if part)


def _on_key(workspace: Workspace, place: Place, outline: Outline, path: DataPath) -> Iterator[str]:
    yield SchemaHelp(published(schema_of(place)), outline).description(path)
    if place.is_pipeline:
        yield from _in_force(workspace, place, path)
    if path[-1:] == ("schedule",):
        yield from _runs(workspace, place)


def _in_force(workspace: Workspace, place: Place, path: DataPath) -> Iterator[str]:
    """The value after defaults, `vars` and the matrix, and where it is written."""
    for variant in workspace.variants(place)[:1]:
        value = value_at(variant.effective.data, path)
        document, origin = variant.effective.origin(path)
        is_elsewhere = document.file != place.path or variant.effective.used_at(path) is not None
        if value is not None and not isinstance(value, dict | list) and is_elsewhere:
            yield f"In force: `{scalar(value)[:_LONGEST]}` ({document.file}:{document.value_span(origin).line})"


def _on_value(
    workspace: Workspace, place: Place, outline: Outline, path: DataPath, expression: Expression | None
) -> Iterator[str]:
    if path[-1:] == ("uses",):
        yield _signature(workspace, outline.value(path) or "")
    if expression is not None and isinstance(expression.meaning, EnvReference):
        yield f"The environment variable `{expression.meaning.name}`, read when the pipeline is built or the task runs."
    elif expression is not None:
        yield from _in_force(workspace, place, path)
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if key in ("schedule", "cron", "timezone"):
        yield from _runs(workspace, place)


def _signature(workspace: Workspace, uses: str) -> str:
    if uses in BUILT_INS:
        return f"**{uses}**: {(built_in(uses).__doc__ or '').strip()}"
    found = workspace.reader().find(uses)
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
