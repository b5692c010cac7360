"""The settings that every task has → arguments of Airflow's BaseOperator, whose names they carry."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow.sdk import BaseOperator

from factory.build_values import aware
from factory.code_objects import CodeObjects
from schemas.data_path import DataPath
from schemas.model import Model
from schemas.notifications import TaskNotifications
from schemas.pipeline import Pipeline
from schemas.retry_policy import RetryPolicy
from schemas.settings import SETTING_KEYS, TaskSettings

TASK_CALLBACKS = tuple(f"{event}_callback" for event in TaskNotifications.model_fields)
"""Airflow's arguments for what `notifications` of a task say."""


def build_default_args(pipeline: Pipeline, code: CodeObjects) -> dict[str, Any]:
    """Airflow's `default_args`; the pipeline's `owner` is one unless they name another.

    Raises an ExceptionGroup of BuildErrors.
    """
    given = pipeline.default_args
    settings = _given(given, ("default_args",), pipeline.timezone, code) if given is not None else {}
    if pipeline.owner is not None:
        settings.setdefault("owner", pipeline.owner)
    return {name: value for name, value in settings.items() if value is not None}


def build_settings(
    settings: TaskSettings, path: DataPath, default_args: Mapping[str, Any], timezone: str, code: CodeObjects
) -> dict[str, Any]:
    """The settings that stand at `path`, of a task or of the default arguments of a group.

    `null` means Airflow's default, also where `default_args` say otherwise.
    Raises an ExceptionGroup of BuildErrors.
    """
    return {
        name: _airflow_default(name) if value is None else value
        for name, value in _given(settings, path, timezone, code).items()
        if value is not None or name in default_args
    }


def _airflow_default(name: str) -> Any:
    return inspect.signature(BaseOperator.__init__).parameters[name].default


def _given(settings: TaskSettings, path: DataPath, timezone: str, code: CodeObjects) -> dict[str, Any]:
    """What is written, in the model's order: Airflow's `default_args` are part of the serialized DAG."""
    given: dict[str, Any] = {}
    for name in TaskSettings.model_fields:
        if name not in settings.model_fields_set or name not in SETTING_KEYS:
            continue
        value = getattr(settings, name)
        if isinstance(value, TaskNotifications):
            # Imported where it is used: every import is paid again in each process that parses a DAG.
            from factory.build_notifications import build_callbacks  # noqa: PLC0415

            given |= build_callbacks(value, (*path, name), code)
        elif name == "notifications":
            given |= dict.fromkeys(TASK_CALLBACKS)
        elif isinstance(value, RetryPolicy):
            from factory.build_retry_policy import build_retry_policy  # noqa: PLC0415 # as above

            given[name] = build_retry_policy(value, code.folder)
        else:
            given[name] = _value(value, timezone)
    return given


def _value(value: Any, timezone: str) -> Any:
    if isinstance(value, Model):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, datetime):
        return aware(value, timezone)
    # `$${` is `${` already (`schemas.environment`); a plain `str` has nothing left of where it came from.
    return str(value) if isinstance(value, str) else value
