"""`poll` and `tasks` → operators, task groups and the edges between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator, TaskGroup

from factory.build.arguments import Resolver, build_value, operator_arguments, parameter_names, plain_text, without_file
from factory.build.built_ins import STANDARD, BuildContext, built_in_operator, imported_operator
from factory.build.edges import Placed, Sources, TaskReferences, draw_edges, placed, sources_of
from factory.build.errors import BuildError, BuildErrors
from factory.build.objects import ObjectBuilder, build_callbacks
from factory.build.settings import build_params, build_settings
from factory.operators.functions import FunctionReference, constructed, require_mappable
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.model import task as language
from schemas.model.pipeline import Pipeline
from schemas.model.task import CodeTask
from schemas.model.task_base import TaskBase

if TYPE_CHECKING:
    from airflow.sdk.types import Operator


# Imports inside functions: every process that parses a DAG pays for its imports again.
# ruff: noqa: PLC0415

# Imported when a task needs them: every import is paid again in each process that parses a DAG.
EMPTY_OPERATOR = f"{STANDARD}.empty.EmptyOperator"
PYTHON_OPERATOR = f"{STANDARD}.python.PythonOperator"


@dataclass(frozen=True)
class OperatorBuilder:
    """Builds operators into the DAG of the surrounding `with dag:`.

    `default_args` are the DAG's.
    """

    default_args: Mapping[str, Any]
    objects: ObjectBuilder

    def build(self, task: TaskBase, path: DataPath, references: TaskReferences, pipeline: Pipeline) -> Operator:
        """The operator of a task of a pipeline, at `path`, in the group that its references are about.

        Raises BuildError, or an ExceptionGroup of them.
        """
        # The poll has the request's keys and the task's settings in one mapping.
        inside = path if path == ("poll",) else (*path, "with")
        group = references.group
        defaults = {**self.default_args, **(group.default_args if group is not None else {})}
        settings = build_settings(task, path, defaults, self.objects)
        if (condition := _condition(task, settings.get("pre_execute", defaults.get("pre_execute")))) is not None:
            settings["pre_execute"] = condition
        if isinstance(task, CodeTask):
            operator, arguments = self._code(task, path, inside, references)
        else:
            context = BuildContext(pipeline, self.objects.folder, self.objects.timezone, references)
            operator, arguments = built_in_operator(task, context)
        try:
            place: dict[str, Any] = {"task_group": group} if group is not None else {}
            if task.params is not None:
                params = build_params(task.params, (*path, "params"), needs_defaults=True)
                settings["params"] = {name: one if one.schema else one.value for name, one in params.items()}
            whole = {"task_id": task.id, **place, **settings, **arguments}
            return _with_role(task, self.made(task, path, operator, whole, references))
        except (Exception, SystemExit) as error:  # constructors of operators raise anything
            found = error.subgroup(BuildError) if isinstance(error, ExceptionGroup) else None
            if found is not None:
                raise found from error
            written = task.written_arguments
            places = {name: (*path, name) for name in settings}
            places |= {name: (*inside, name) for name in arguments if name in written}
            raise ExceptionGroup("constructor", _refusals(operator, error, places, path)) from error

    def made(
        self,
        task: TaskBase,
        path: DataPath,
        operator: type[BaseOperator],
        whole: dict[str, Any],
        references: TaskReferences,
    ) -> Operator:
        """The operator, made of all its arguments."""
        if not task.is_mapped:
            return constructed(operator, whole)
        # Only pipelines that map pay for the import.
        from factory.build.mapped import build_mapped

        require_mappable(operator, whole)
        return build_mapped(task, path, operator, whole, references, self.objects.timezone)

    def made_group(self, group: language.TaskGroup, whole: dict[str, Any], references: TaskReferences) -> TaskGroup:
        """The group, made of all its arguments."""
        if group.expand is None and group.expand_kwargs is None:
            return TaskGroup(**whole)
        from factory.build.mapped import mapped_group

        return mapped_group(group.expand, group.expand_kwargs, references, whole)

    def _code(
        self, task: CodeTask, path: DataPath, inside: DataPath, resolver: Resolver
    ) -> tuple[type[BaseOperator], dict[str, Any]]:
        arguments = {name: build_value(value, resolver) for name, value in task.with_.items()}
        operator = self.objects.operator_class(task.uses, (*path, "uses"))
        if operator is None:
            function = FunctionReference(task.uses, self.objects.folder, (*arguments, *task.mapped_names))
            return imported_operator(PYTHON_OPERATOR), {"python_callable": function, "op_kwargs": arguments}
        built = {name: self.objects.value(value, (*inside, name)) for name, value in arguments.items()}
        return operator, operator_arguments(operator, built, inside, self.objects.timezone)


def _condition(task: TaskBase, then: Any) -> Callable[[Any], None] | None:
    """The `pre_execute` that skips a task, and that does what its own would do."""
    if task.run_if is None and task.skip_if is None:
        return None
    from factory.operators.selection import TaskCondition  # only pipelines that ask pay for the import

    if task.run_if is not None:
        return TaskCondition("run_if", plain_text(task.run_if), then)
    return TaskCondition("skip_if", plain_text(task.skip_if or ""), then)


def _with_role(task: TaskBase, operator: Operator) -> Operator:
    """The operator as a setup or a teardown, where the task is one; what it ends is an edge as others."""
    if task.setup:
        operator.as_setup()  # type: ignore[no-untyped-call] # Airflow's has no annotations
    if task.teardown is not None:
        operator.as_teardown(on_failure_fail_dagrun=task.on_failure_fail_dagrun)
        if not isinstance(operator, BaseOperator) and task.on_failure_fail_dagrun:
            # Airflow serializes a mapped operator's from here, and sets another attribute (3.3.2).
            operator.partial_kwargs["on_failure_fail_dagrun"] = True
    return operator


def _refusals(
    operator: type[BaseOperator], error: BaseException, places: Mapping[str, DataPath], path: DataPath
) -> list[BuildError]:
    """What a constructor raised, at the keys that it is about; `places` are those that are written."""
    names = parameter_names(operator) if isinstance(error, TypeError) else None
    unknown = [name for name in places if names is not None and name not in names]
    if unknown:
        return [_unknown(operator, name, places[name], names or ()) for name in unknown]
    key = key_named_in(str(error), places)
    task = path if path == ("poll",) else (*path, "uses")
    return [BuildError.refused(places[key] if key else task, error, operator.__name__)]


def _unknown(operator: type[BaseOperator], name: str, place: DataPath, names: Iterable[str]) -> BuildError:
    text = f"{operator.__name__} has no argument `{name}`"
    suggestion = meant(name, names)
    return BuildError(place, f"{text}; {suggestion}" if suggestion else text)


def key_named_in(message: str, keys: Iterable[str]) -> str | None:
    """The one key that an exception's text names, if there is exactly one."""
    named = [key for key in keys if re.search(rf"\b{re.escape(key)}\b", message)]
    return named[0] if len(named) == 1 else None


# Same name and meaning in the language and in airflow.sdk.TaskGroup; what is not written is left to Airflow.
GROUP_AS_WRITTEN = ("group_display_name", "tooltip", "doc_md", "ui_color", "ui_fgcolor")


def build_tasks(pipeline: Pipeline, dag: DAG, builder: OperatorBuilder) -> list[BuildError]:
    """Put all groups, tasks and edges into the DAG, inside its `with dag:`; return what is wrong, in document order."""
    entries = {entry.full_id: entry for entry in placed(pipeline)}
    sources = {full_id: sources_of(entry, entries) for full_id, entry in entries.items()}
    operators: dict[str, Operator] = {}
    groups: dict[str, TaskGroup] = {}
    errors: dict[str, BuildErrors] = {}
    for full_id in _build_order(entries, sources):
        entry = entries[full_id]
        if any(group.full_id in errors for group in entry.around):
            continue  # without its group it has no place
        group = groups[entry.group.full_id] if entry.group is not None else None
        references = TaskReferences(entry, operators, group)
        found = BuildErrors()
        with found.collected():
            if isinstance(entry.entry, language.TaskGroup):
                groups[full_id] = _build_group(entry.entry, entry.path, references, dag, builder)
            else:
                operators[full_id] = builder.build(entry.entry, entry.path, references, pipeline)
        if found:
            errors[full_id] = found
            # The tasks that refer to it are still built, to find their errors too.
            # No label has a dot, and one that failed halfway may already hold its own id.
            operators[full_id] = imported_operator(EMPTY_OPERATOR)(task_id=f"{full_id[:200]}.failed")
    if not errors:
        draw_edges(entries, sources, {**groups, **operators}, with_poll=pipeline.poll is not None)
    return [error for full_id in entries for error in errors.get(full_id, ())]


def _build_order(entries: Mapping[str, Placed], sources: Mapping[str, Sources]) -> Sequence[str]:
    """A reference holds the operator it reads from, and a task its group, so these have to be there first."""
    before = {
        full_id: {*sources[full_id].arguments, *sources[full_id].mapped, *([g.full_id] if (g := entry.group) else [])}
        for full_id, entry in entries.items()
    }
    return list(TopologicalSorter(before).static_order())


def _build_group(
    group: language.TaskGroup, path: DataPath, references: TaskReferences, dag: DAG, builder: OperatorBuilder
) -> TaskGroup:
    """The Airflow group of one at `path`, still empty, in the group that `references` are about.

    Raises BuildError, or an ExceptionGroup of them.
    """
    parent = references.group if references.group is not None else dag.task_group
    settings: dict[str, Any] = {}
    if group.default_args is not None:
        defaults = {**dag.default_args, **parent.default_args}
        settings = build_settings(group.default_args, (*path, "default_args"), defaults, builder.objects)
    if group.notifications is not None:
        settings |= build_callbacks(group.notifications, (*path, "notifications"), builder.objects)
    arguments = {name: str(value) for name in GROUP_AS_WRITTEN if (value := getattr(group, name)) is not None}
    if "doc_md" in arguments:
        arguments["doc_md"] = without_file(arguments["doc_md"])
    whole: dict[str, Any] = {
        **arguments,
        "group_id": group.id,
        "prefix_group_id": group.prefix_group_id,
        "parent_group": parent,
        "default_args": settings,
    }
    try:
        return builder.made_group(group, whole, references)
    except Exception as error:  # attrs validators and Airflow's own raise several types
        raise BuildError.refused((*path, "id"), error) from error
