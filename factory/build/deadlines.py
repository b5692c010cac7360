"""`deadline` → Airflow's DeadlineAlerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from airflow.sdk import BaseNotifier
from airflow.sdk.definitions.callback import AsyncCallback, SyncCallback
from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineAlert, DeadlineReference

from factory.build.errors import BuildError, one_line
from factory.build.objects import CodeObjectError, CodeObjects
from factory.build.values import aware, plain_data
from schemas.findings.paths import DataPath
from schemas.model.notifications import NOTIFIERS, Deadline, Notification


def build_deadlines(deadlines: Deadline | Sequence[Deadline], timezone: str, code: CodeObjects) -> list[DeadlineAlert]:
    """One alert for each notification: Airflow calls one function an alert.

    Raises an ExceptionGroup of BuildErrors.
    """
    several = not isinstance(deadlines, Deadline)
    alerts: list[DeadlineAlert] = []
    errors: list[BuildError] = []
    for index, deadline in enumerate([deadlines] if isinstance(deadlines, Deadline) else deadlines):
        path: DataPath = ("deadline", index) if several else ("deadline",)
        for number, notification in enumerate(deadline.notify):
            try:
                callback = _callback(notification, (*path, "notify", number), code)
            except BuildError as error:
                errors.append(error)
                continue
            name = None if deadline.name is None else str(deadline.name)
            alerts.append(DeadlineAlert(_reference(deadline, timezone), deadline.within, callback, name))
    if errors:
        raise ExceptionGroup("deadlines", errors)
    return alerts


def _reference(deadline: Deadline, timezone: str) -> BaseDeadlineReference:
    match deadline.from_:
        case datetime() as date:
            return DeadlineReference.FIXED_DATETIME(aware(date, timezone))
        case "queued_at":
            return DeadlineReference.DAGRUN_QUEUED_AT
        case "logical_date":
            return DeadlineReference.DAGRUN_LOGICAL_DATE
        case _:
            return DeadlineReference.AVERAGE_RUNTIME(deadline.max_runs or 0, deadline.min_runs)


def _callback(notification: Notification, path: DataPath, code: CodeObjects) -> AsyncCallback | SyncCallback:
    uses = str(notification.uses)
    dotted = NOTIFIERS.get(uses, uses)
    arguments = plain_data(notification.with_)
    try:
        notifier = code.notifier_class(dotted)
        is_async = code.is_async(dotted) if notifier is None else _can_wait(notifier, code)
    except CodeObjectError as error:
        raise BuildError((*path, "uses"), str(error)) from error
    if notifier is not None:
        try:
            notifier(**arguments)
        except (Exception, SystemExit) as error:  # constructors raise anything
            raise BuildError((*path, "uses"), f"{notifier.__name__} refused it: {one_line(error)}") from error
    # As Airflow reads it from the serialized DAG: the constructors would import the function here.
    kind: type[AsyncCallback | SyncCallback] = AsyncCallback if is_async else SyncCallback
    made: AsyncCallback | SyncCallback = kind.deserialize({"path": dotted, "kwargs": arguments}, version=1)
    return made


def _can_wait(notifier: type, code: CodeObjects) -> bool:
    """Whether the triggerer can run a notifier: it is installed and has an asynchronous way."""
    has_way = getattr(notifier, "async_notify", BaseNotifier.async_notify) is not BaseNotifier.async_notify
    return has_way and not code.is_local(notifier)
