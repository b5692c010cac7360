"""Where in a document a `{$object: …}` is made into an object of Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.findings.paths import DataPath
from schemas.model.built_ins import BUILT_INS
from schemas.model.python_object import OBJECT
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView

OF_A_TASK = ("weight_rule", "executor_config", "pre_execute", "post_execute", "inlets", "outlets")
"""Settings of a task that hold objects, or values with objects in them."""
OF_A_DAG = ("template_undefined", "user_defined_macros", "user_defined_filters", "jinja_environment_kwargs")
OF_A_SCHEDULE = ("assets", "with", "default_partition_mapper", "partition_mapper_config")


def objects_in(value: Any, path: DataPath) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
    """The mappings with `$object` in a value that stands at `path`, an outer one before those inside it."""
    if isinstance(value, dict):
        if OBJECT in value:
            yield path, value
        for key, child in value.items():
            yield from objects_in(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from objects_in(child, (*path, index))


def objects_of(subject: Subject) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
    """Those outside of the tasks' `with`."""
    yield from _under(subject.data, (), OF_A_DAG)
    yield from _under(subject.data.get("schedule"), ("schedule",), OF_A_SCHEDULE)
    yield from _under(subject.data.get("default_args"), ("default_args",), OF_A_TASK)
    for view in subject.entries:
        yield from _under(view.entry, view.path, OF_A_TASK)
        if view.is_group:
            yield from _under(view.entry.get("default_args"), (*view.path, "default_args"), OF_A_TASK)


def objects_of_task(view: TaskView) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
    """Those among the arguments of a function or an operator; a built-in's keys are its model's."""
    if view.uses is not None and view.uses not in BUILT_INS:
        yield from objects_in(view.arguments, view.with_path)


def _under(holder: Any, path: DataPath, keys: tuple[str, ...]) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
    for key in keys if isinstance(holder, dict) else ():
        if key in holder:
            yield from objects_in(holder[key], (*path, key))
