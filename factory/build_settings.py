"""The settings that every task has → arguments of Airflow's BaseOperator, whose names they carry."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow.sdk import BaseOperator

from factory.build_values import aware
from schemas.model import Model
from schemas.pipeline import Pipeline
from schemas.settings import SETTING_KEYS, TaskSettings


def build_default_args(pipeline: Pipeline) -> dict[str, Any]:
    """Airflow's `default_args`; the pipeline's `owner` is one unless they name another."""
    settings = _given(pipeline.default_args, pipeline.timezone) if pipeline.default_args is not None else {}
    if pipeline.owner is not None:
        settings.setdefault("owner", pipeline.owner)
    return {name: value for name, value in settings.items() if value is not None}


def build_settings(settings: TaskSettings, default_args: Mapping[str, Any], timezone: str) -> dict[str, Any]:
    """The settings a task gives itself.

    `null` means Airflow's default, also where `default_args` say otherwise.
    """
    return {
        name: _airflow_default(name) if value is None else value
        for name, value in _given(settings, timezone).items()
        if value is not None or name in default_args
    }


def _airflow_default(name: str) -> Any:
    return inspect.signature(BaseOperator.__init__).parameters[name].default


def _given(settings: TaskSettings, timezone: str) -> dict[str, Any]:
    """What is written, in the model's order: Airflow's `default_args` are part of the serialized DAG."""
    return {
        name: _value(getattr(settings, name), timezone)
        for name in TaskSettings.model_fields
        if name in settings.model_fields_set and name in SETTING_KEYS
    }


def _value(value: Any, timezone: str) -> Any:
    if isinstance(value, Model):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, datetime):
        return aware(value, timezone)
    # `$${` is `${` already (`schemas.environment`); a plain `str` has nothing left of where it came from.
    return str(value) if isinstance(value, str) else value
