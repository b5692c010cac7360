"""Notifications → Airflow's callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from factory.build.errors import BuildError, one_line
from factory.build.objects import CodeObjectError, CodeObjects
from factory.build.values import plain_data
from factory.runtime.function_notifier import FunctionNotifier
from schemas.findings.paths import DataPath
from schemas.model.base import Model
from schemas.model.notifications import NOTIFIERS, Notification


def build_callbacks(notifications: Model, path: DataPath, code: CodeObjects) -> dict[str, list[Callable[..., Any]]]:
    """Airflow's `on_…_callback` arguments for what is written at `path`; `null` is an empty list.

    Raises an ExceptionGroup of BuildErrors.
    """
    callbacks: dict[str, list[Callable[..., Any]]] = {}
    errors: list[BuildError] = []
    for event in type(notifications).model_fields:
        if event not in notifications.model_fields_set:
            continue
        made: list[Callable[..., Any]] = []
        for index, notification in enumerate(getattr(notifications, event) or ()):
            try:
                made.append(_callback(notification, (*path, event, index), code))
            except BuildError as error:
                errors.append(error)
        callbacks[f"{event}_callback"] = made
    if errors:
        raise ExceptionGroup("notifications", errors)
    return callbacks


def _callback(notification: Notification, path: DataPath, code: CodeObjects) -> Callable[..., Any]:
    uses = str(notification.uses)
    arguments = plain_data(notification.with_)
    try:
        notifier = code.notifier_class(NOTIFIERS.get(uses, uses))
    except CodeObjectError as error:
        raise BuildError((*path, "uses"), str(error)) from error
    if notifier is None:
        return FunctionNotifier(uses, code.folder, arguments)
    try:
        made: Callable[..., Any] = notifier(**arguments)
    except (Exception, SystemExit) as error:  # constructors raise anything
        raise BuildError((*path, "uses"), f"{notifier.__name__} refused it: {one_line(error)}") from error
    return made
