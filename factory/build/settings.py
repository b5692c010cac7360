"""The settings that every task has → arguments of Airflow's BaseOperator, whose names they carry; and `params`."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Param
from airflow.sdk.definitions._internal.types import NOTSET
from airflow.sdk.exceptions import ParamValidationError

from factory.build.arguments import aware, plain_data
from factory.build.errors import BuildError, BuildErrors, one_line
from factory.build.objects import ObjectBuilder, build_callbacks
from factory.build.timetable import build_asset
from factory.operators import make_importable
from schemas.compose.env_values import param_default
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT, PythonObject
from schemas.model.notifications import TaskNotifications
from schemas.model.pipeline import Pipeline
from schemas.model.settings import SETTING_KEYS, Resources, RetryPolicy, TaskSettings
from schemas.rules.params import SCHEMA_KEYWORDS

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


def build_params(params: Mapping[str, Any], path: DataPath, *, needs_defaults: bool) -> dict[str, Param]:
    """Airflow's params, which are at a path.

    A scalar or a list is a default. A mapping is always a JSON Schema (Airflow's own keywords such as `section` and
    `values_display` included), so a default that is a mapping is written `{type: object, default: {…}}`.
    `needs_defaults`: nobody fills in the form of a scheduled run, so Airflow requires a valid default of each
    (`DAG._validate_params`). Raises an ExceptionGroup of BuildErrors.
    """
    built: dict[str, Param] = {}
    errors = BuildErrors()
    for name, written in params.items():
        with errors.collected():
            built[name] = _param((*path, name), written, needs_default=needs_defaults)
    errors.check()
    return built


def _param(path: DataPath, written: Any, *, needs_default: bool) -> Param:
    if not isinstance(written, Mapping):
        return Param(plain_data(written))
    if not SCHEMA_KEYWORDS & written.keys():
        raise BuildError(
            path,
            "a mapping here is a JSON Schema; write a default that is a mapping as `{type: object, default: {…}}`",
        )
    default = plain_data(param_default(written)) if "default" in written else NOTSET
    plain = plain_data(written)
    schema = {key: value for key, value in plain.items() if key not in ("default", "description")}
    _check_schema(path, schema)
    param = Param(default, plain.get("description"), schema=schema)
    if "default" in written:
        _check_default(path, param)
    elif needs_default:
        raise BuildError(path, "it needs a `default`: scheduled runs ask nobody (or set `schedule: null`)")
    return param


def _check_schema(path: DataPath, schema: Mapping[str, Any]) -> None:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise BuildError((*path, *error.absolute_path), f"it is not a JSON Schema: {error.message}") from None


def _check_default(path: DataPath, param: Param) -> None:
    try:
        param.resolve()
    except ParamValidationError as error:
        cause = error.args[0] if error.args else error
        raise BuildError(
            (*path, "default"),
            f"it does not fit its own schema: {getattr(cause, 'message', one_line(error))}",
        ) from None
