"""The settings that every task has → arguments of Airflow's BaseOperator, whose names they carry."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow.sdk import BaseOperator

from factory.build.assets import build_asset
from factory.build.errors import BuildError, one_line
from factory.build.objects import ObjectBuilder
from factory.build.values import aware
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT, PythonObject
from schemas.model.notifications import TaskNotifications
from schemas.model.pipeline import Pipeline
from schemas.model.settings import SETTING_KEYS, Resources, RetryPolicy, TaskSettings

TASK_CALLBACKS = tuple(f"{event}_callback" for event in TaskNotifications.model_fields)
"""Airflow's arguments for what `notifications` of a task say."""


def build_default_args(pipeline: Pipeline, objects: ObjectBuilder) -> dict[str, Any]:
    """Airflow's `default_args`; the pipeline's `owner` is one unless they name another.

    Raises an ExceptionGroup of BuildErrors.
    """
    written = pipeline.default_args
    settings = _given(written, ("default_args",), objects) if written is not None else {}
    if pipeline.owner is not None:
        settings.setdefault("owner", pipeline.owner)
    return {name: value for name, value in settings.items() if value is not None}


def build_settings(
    settings: TaskSettings, path: DataPath, default_args: Mapping[str, Any], objects: ObjectBuilder
) -> dict[str, Any]:
    """The settings that stand at `path`, of a task or of the default arguments of a group.

    `null` means Airflow's default, also where `default_args` say otherwise.
    Raises an ExceptionGroup of BuildErrors.
    """
    return {
        name: _airflow_default(name) if value is None else value
        for name, value in _given(settings, path, objects).items()
        if value is not None or name in default_args
    }


def _airflow_default(name: str) -> Any:
    return inspect.signature(BaseOperator.__init__).parameters[name].default


def _given(settings: TaskSettings, path: DataPath, objects: ObjectBuilder) -> dict[str, Any]:
    """What is written, in the model's order: Airflow's `default_args` are part of the serialized DAG."""
    given: dict[str, Any] = {}
    for name in TaskSettings.model_fields:
        if name not in settings.model_fields_set or name not in SETTING_KEYS:
            continue
        value = getattr(settings, name)
        if isinstance(value, TaskNotifications):
            # Imported where it is used: every import is paid again in each process that parses a DAG.
            from factory.build.notifications import build_callbacks  # noqa: PLC0415

            given |= build_callbacks(value, (*path, name), objects.code)
        elif name == "notifications":
            given |= dict.fromkeys(TASK_CALLBACKS)
        elif isinstance(value, RetryPolicy):
            from factory.build.retry_policy import build_retry_policy  # noqa: PLC0415 # as above

            given[name] = build_retry_policy(value, objects.code.folder)
        else:
            given[name] = _value(name, value, objects, (*path, name))
    return given


def _value(name: str, value: Any, objects: ObjectBuilder, path: DataPath) -> Any:
    if name in ("inlets", "outlets") and value is not None:
        return [build_asset(one, (*path, index), objects) for index, one in enumerate(value)]
    if isinstance(value, Resources):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, datetime):
        return aware(value, objects.timezone)
    built = objects.value(value, path)
    if isinstance(value, PythonObject) and name == "weight_rule":
        _check_strategy(built, (*path, OBJECT))
    return built


def _check_strategy(strategy: Any, path: DataPath) -> None:
    # Costly to import, and only few pipelines ask.
    from airflow.task.priority_strategy import validate_and_load_priority_weight_strategy  # noqa: PLC0415

    try:
        validate_and_load_priority_weight_strategy(strategy)
    except Exception as error:
        raise ExceptionGroup("weight rule", [BuildError(path, f"Airflow refused it: {one_line(error)}")]) from error
