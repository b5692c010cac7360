"""`notifications` and `deadline` → Airflow's callbacks and DeadlineAlerts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from factory.build.arguments import aware, plain_data
from factory.build.errors import BuildError, BuildErrors
from factory.build.objects import ObjectBuilder
from factory.operators.functions import FunctionNotifier
from schemas.findings.paths import DataPath
from schemas.model.fields import Model
from schemas.model.notifications import NOTIFIERS, Deadline, Notification

if TYPE_CHECKING:
    from airflow.sdk.definitions.callback import AsyncCallback, SyncCallback
    from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineAlert


def build_callbacks(
    notifications: Model, path: DataPath, objects: ObjectBuilder
) -> dict[str, list[Callable[..., Any]]]:
    """Airflow's `on_…_callback` arguments for the notifications at `path`; `null` is an empty list.

    Raises an ExceptionGroup of BuildErrors.
    """
    callbacks: dict[str, list[Callable[..., Any]]] = {}
    errors = BuildErrors()
    for event in type(notifications).model_fields:
        if event not in notifications.model_fields_set:
            continue
        callbacks[f"{event}_callback"] = made = []
        for index, notification in enumerate(getattr(notifications, event) or ()):
            with errors.collected():
                at = (*path, event, index, "uses")
                dotted, arguments, notifier = _notifier(notification, at, objects)
                made.append(FunctionNotifier(dotted, objects.folder, arguments) if notifier is None else notifier)
    errors.check()
    return callbacks


def build_deadlines(
    deadlines: Deadline | Sequence[Deadline], path: DataPath, objects: ObjectBuilder
) -> list[DeadlineAlert]:
    """One alert for each notification: an alert of Airflow's calls one function.

    Raises an ExceptionGroup of BuildErrors.
    """
    from airflow.sdk.definitions.deadline import DeadlineAlert  # noqa: PLC0415 # few pipelines have deadlines

    placed = (
        [(deadlines, path)] if isinstance(deadlines, Deadline) else [(d, (*path, i)) for i, d in enumerate(deadlines)]
    )
    alerts: list[DeadlineAlert] = []
    errors = BuildErrors()
    for deadline, place in placed:
        for number, notification in enumerate(deadline.notify):
            with errors.collected():
                callback = _deadline_callback(notification, (*place, "notify", number, "uses"), objects)
                name = None if deadline.name is None else str(deadline.name)
                alerts.append(DeadlineAlert(_reference(deadline, objects.timezone), deadline.within, callback, name))
    errors.check()
    return alerts


def _notifier(notification: Notification, at: DataPath, objects: ObjectBuilder) -> tuple[str, dict[str, Any], Any]:
    """The dotted path that a notification uses, its arguments, and the notifier made of them; None for a function.

    `at` is the place of `uses`. Raises BuildError.
    """
    dotted = NOTIFIERS.get(str(notification.uses), str(notification.uses))
    arguments = plain_data(notification.with_)
    notifier = objects.notifier_class(dotted, at)
    if notifier is None:
        return dotted, arguments, None
    try:
        return dotted, arguments, objects.made(dotted, notifier, arguments)
    except (Exception, SystemExit) as error:  # constructors raise anything
        raise BuildError.refused(at, error, notifier.__name__) from error


def _reference(deadline: Deadline, timezone: str) -> BaseDeadlineReference:
    from airflow.sdk.definitions.deadline import DeadlineReference  # noqa: PLC0415 # as above

    match deadline.from_:
        case datetime() as date:
            return DeadlineReference.FIXED_DATETIME(aware(date, timezone))
        case "queued_at":
            return DeadlineReference.DAGRUN_QUEUED_AT
        case "logical_date":
            return DeadlineReference.DAGRUN_LOGICAL_DATE
        case _:
            return DeadlineReference.AVERAGE_RUNTIME(deadline.max_runs or 0, deadline.min_runs)


def _deadline_callback(
    notification: Notification, at: DataPath, objects: ObjectBuilder
) -> AsyncCallback | SyncCallback:
    from airflow.sdk.definitions.callback import AsyncCallback, SyncCallback  # noqa: PLC0415 # as above

    dotted, arguments, notifier = _notifier(notification, at, objects)
    if notifier is None:
        is_async = objects.is_async(dotted, at)
    else:
        kind_of_notifier = type(notifier)
        own = getattr(kind_of_notifier, "async_notify", BaseNotifier.async_notify) is not BaseNotifier.async_notify
        # The triggerer can run a notifier that is installed and has an asynchronous method of its own.
        is_async = own and not objects.is_local(kind_of_notifier)
    # As Airflow reads it from the serialized DAG: the constructors would import the function here.
    kind: type[AsyncCallback | SyncCallback] = AsyncCallback if is_async else SyncCallback
    made: AsyncCallback | SyncCallback = kind.deserialize({"path": dotted, "kwargs": arguments}, version=1)
    return made
