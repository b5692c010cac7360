"""The settings that every task has → arguments of Airflow's BaseOperator, whose names they carry."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from factory.build.arguments import aware
from factory.build.errors import BuildError
from factory.build.objects import ObjectBuilder
from factory.build.timetable import build_asset
from factory.operators.user_modules import make_importable
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT, PythonObject
from schemas.model.notifications import TaskNotifications
from schemas.model.pipeline import Pipeline
from schemas.model.settings import SETTING_KEYS, Resources, RetryPolicy, TaskSettings

if TYPE_CHECKING:
    from airflow.sdk import ExceptionRetryPolicy

# Imports inside functions: every process that parses a DAG pays for its imports again.
# ruff: noqa: PLC0415


def build_default_args(pipeline: Pipeline, objects: ObjectBuilder) -> dict[str, Any]:
    """Airflow's `default_args`; the pipeline's `owner` is one unless they name another.

    Raises an ExceptionGroup of BuildErrors.
    """
    written = pipeline.default_args
    settings = _written_settings(written, ("default_args",), objects) if written is not None else {}
    if pipeline.owner is not None:
        settings.setdefault("owner", pipeline.owner)
    return {name: value for name, value in settings.items() if value is not None}


def build_settings(
    settings: TaskSettings, path: DataPath, default_args: Mapping[str, Any], objects: ObjectBuilder
) -> dict[str, Any]:
    """The settings at `path`, of a task or of the default arguments of a group.

    `null` means Airflow's default, also where `default_args` have another value.
    Raises an ExceptionGroup of BuildErrors.
    """
    return {
        name: _airflow_default(name) if value is None else value
        for name, value in _written_settings(settings, path, objects).items()
        if value is not None or name in default_args
    }


def _airflow_default(name: str) -> Any:
    return inspect.signature(BaseOperator.__init__).parameters[name].default


def _written_settings(settings: TaskSettings, path: DataPath, objects: ObjectBuilder) -> dict[str, Any]:
    """What is written, in the model's order: Airflow's `default_args` are part of the serialized DAG."""
    written: dict[str, Any] = {}
    for name in TaskSettings.model_fields:
        if name not in settings.model_fields_set or name not in SETTING_KEYS:
            continue
        value = getattr(settings, name)
        if isinstance(value, TaskNotifications):
            from factory.build.notifications import build_callbacks

            written |= build_callbacks(value, (*path, name), objects)
        elif name == "notifications":
            written |= {f"{event}_callback": None for event in TaskNotifications.model_fields}
        else:
            written[name] = _setting(name, value, objects, (*path, name))
    return written


def _setting(name: str, value: Any, objects: ObjectBuilder, path: DataPath) -> Any:
    if name in ("inlets", "outlets") and value is not None:
        return [build_asset(asset, (*path, index), objects) for index, asset in enumerate(value)]
    if isinstance(value, RetryPolicy):
        return _retry_policy(value, objects.folder)
    if isinstance(value, Resources):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, datetime):
        return aware(value, objects.timezone)
    built = objects.value(value, path)
    if isinstance(value, PythonObject) and name == "weight_rule":
        _check_strategy(built, (*path, OBJECT))
    return built


def _retry_policy(policy: RetryPolicy, folder: Path) -> ExceptionRetryPolicy:
    """Airflow imports the exceptions where the DAG is parsed, and logs a warning for one that it cannot import."""
    from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

    make_importable(folder)
    rules = [
        RetryRule(
            exception=[
                str(name) if "." in name else f"{builtins.__name__}.{name}"
                for name in ([rule.exception] if isinstance(rule.exception, str) else rule.exception)
            ],
            action=RetryAction(rule.action),
            retry_delay=rule.retry_delay,
            reason=None if rule.reason is None else str(rule.reason),
            match_subclasses=rule.match_subclasses,
        )
        for rule in policy.rules
    ]
    return ExceptionRetryPolicy(rules=rules, default=RetryAction(policy.default))


def _check_strategy(strategy: Any, path: DataPath) -> None:
    from airflow.task.priority_strategy import validate_and_load_priority_weight_strategy

    try:
        validate_and_load_priority_weight_strategy(strategy)
    except Exception as error:
        raise BuildError.refused(path, error) from error
