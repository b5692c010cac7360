"""`expand` and `expand_kwargs` → Airflow's expand inputs and mapped operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk import BaseOperator, TaskGroup
from airflow.sdk.bases.decorator import DecoratedMappedOperator
from airflow.sdk.definitions._internal.expandinput import (
    EXPAND_INPUT_EMPTY,
    DictOfListsExpandInput,
    ListOfDictsExpandInput,
)
from airflow.sdk.definitions.mappedoperator import MappedOperator, OperatorPartial, prevent_duplicates

from factory.build.arguments import build_value, operator_arguments
from factory.build.built_ins import mapped_value, operator_argument
from factory.build.edges import TaskReferences
from factory.operators.functions import FunctionReference
from schemas.expressions.reading import task_reference
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT
from schemas.model.task import CodeTask
from schemas.model.task_base import TaskBase

Converter = Callable[[str, Any, DataPath], tuple[str, Any]]
ExpandInput = DictOfListsExpandInput | ListOfDictsExpandInput


def build_expand_input(
    expand: Mapping[str, Any] | None, rows: Any, references: TaskReferences, converter: Converter | None = None
) -> ExpandInput:
    """What a task or a group is mapped over: `expand`, or else the `rows` of `expand_kwargs`.

    `converter` makes the operator's name and value of an argument's name, one of its values as it is written, and the
    path of the mapping that holds it, below the task; another task's output stays as it is.
    """

    def as_written(name: str, value: Any, _: DataPath) -> tuple[str, Any]:
        return name, build_value(value, references)

    convert = converter or as_written
    if expand is None:
        if (reference := task_reference(rows)) is not None:
            return ListOfDictsExpandInput(references.mapped_source(reference, "expand_kwargs"))
        return ListOfDictsExpandInput(
            [
                dict(convert(name, value, ("expand_kwargs", index)) for name, value in row.items())
                for index, row in enumerate(rows or ())
            ]
        )
    mapped: dict[str, Any] = {}
    for name, value in expand.items():
        argument = convert(name, None, ())[0]
        if (reference := task_reference(value)) is not None:
            mapped[argument] = references.mapped_source(reference, name)
        elif isinstance(value, list):
            mapped[argument] = [convert(name, item, ("expand",))[1] for item in value]
        else:
            mapped[argument] = build_value(value, references)
    return DictOfListsExpandInput(mapped)


def build_mapped(
    task: TaskBase,
    path: DataPath,
    operator: type[BaseOperator],
    arguments: dict[str, Any],
    references: TaskReferences,
    timezone: str,
) -> MappedOperator:
    """The mapped operator of a task at `path`; `arguments` are all that `operator` would take without mapping.

    Raises what Airflow raises where these do not fit, and an ExceptionGroup of BuildErrors.
    """
    if isinstance(arguments.get("python_callable"), FunctionReference) and not _is_of_a_class(task):
        return _mapped_function(operator, build_expand_input(task.expand, task.expand_kwargs, references), arguments)

    def convert(name: str, value: Any, holder: DataPath) -> tuple[str, Any]:
        if not isinstance(task, CodeTask):
            return operator_argument(task, name), mapped_value(task, name, value, references)
        built = {name: build_value(value, references)}
        return name, operator_arguments(operator, built, (*path, *holder), timezone)[name]

    expand_input = build_expand_input(task.expand, task.expand_kwargs, references, convert)
    # A built-in names them all, also those that only the mapping gives.
    mapped = {convert(name, None, ())[0] for name in task.mapped_names}
    partial = operator.partial(**{name: value for name, value in arguments.items() if name not in mapped})
    if isinstance(expand_input, DictOfListsExpandInput):
        return partial.expand(**expand_input.value)
    # Not strict: a row may give another value than the built-in's default.
    return partial.expand_kwargs(expand_input.value, strict=isinstance(task, CodeTask))


def _is_of_a_class(task: TaskBase) -> bool:
    """Whether the task writes `python_callable` for an operator class: a function of its own gets no object."""
    written = task.with_.get("python_callable") if isinstance(task, CodeTask) else None
    return isinstance(written, Mapping) and OBJECT in written


def _mapped_function(
    operator: type[BaseOperator], expand_input: ExpandInput, arguments: dict[str, Any]
) -> MappedOperator:
    """A PythonOperator that is mapped over arguments of its function.

    `PythonOperator.partial().expand()` maps over `op_kwargs` as a whole only, so this is the mapped operator that
    Airflow makes of a decorated function (`airflow.sdk.bases.decorator._TaskDecorator._expand`), whose `op_kwargs`
    join what is mapped and what is not. Unlike there, nothing imports the function's module.
    """
    function, constants = arguments["python_callable"], arguments["op_kwargs"]
    if isinstance(expand_input, DictOfListsExpandInput):
        prevent_duplicates(constants, expand_input.value, fail_reason="mapping already partial")
    partial: OperatorPartial = operator.partial(**arguments)
    partial._expand_called = True  # else it warns that nobody did
    rest = {name: value for name, value in partial.kwargs.items() if name != "python_callable"}
    own = {name: rest.pop(name, None) for name in ("task_id", "dag", "task_group", "start_date", "end_date")}
    return DecoratedMappedOperator(
        **own,
        operator_class=operator,
        expand_input=EXPAND_INPUT_EMPTY,
        op_kwargs_expand_input=expand_input,
        expand_input_attr="op_kwargs_expand_input",
        disallow_kwargs_override=isinstance(expand_input, ListOfDictsExpandInput),
        partial_kwargs={"op_args": [], **rest},
        python_callable=function,
        multiple_outputs=bool(rest.get("multiple_outputs")),
        params=partial.params,
        operator_extra_links=operator.operator_extra_links,
        template_ext=operator.template_ext,
        template_fields=operator.template_fields,
        template_fields_renderers=operator.template_fields_renderers,
        ui_color=operator.ui_color,
        ui_fgcolor=operator.ui_fgcolor,
        is_empty=False,
        can_skip_downstream=False,
        task_module=operator.__module__,
        task_type=operator.__name__,
        operator_name=operator.__name__,
        start_trigger_args=operator.start_trigger_args,
        start_from_trigger=operator.start_from_trigger,
    )


def mapped_group(
    expand: Mapping[str, Any] | None, rows: Any, references: TaskReferences, arguments: Mapping[str, Any]
) -> TaskGroup:
    """A task group that a run makes several of."""
    # Not part of the public SDK, whose only way to it is a decorated function.
    from airflow.sdk.definitions.taskgroup import MappedTaskGroup  # noqa: PLC0415 # few files need it

    return MappedTaskGroup(expand_input=build_expand_input(expand, rows, references), **arguments)
