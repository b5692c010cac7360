"""Notifications and deadlines, in the words of Airflow's callbacks and DeadlineAlert."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.model.fields import Model, PlainValue, PositiveCount
from schemas.model.times import DATE_PATTERN, PositiveDuration, read_date

NOTIFIERS: Mapping[str, str] = MappingProxyType(
    {
        "email": "airflow.providers.smtp.notifications.smtp.SmtpNotifier",
        "slack": "airflow.providers.slack.notifications.slack.SlackNotifier",
        "slack_webhook": "airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier",
    }
)
"""What `uses` without a dot can name in a notification."""


class Notification(Model):
    """Sends one message."""

    uses: str = Field(examples=[*NOTIFIERS, "alerts.tell"])
    """`email`, `slack`, `slack_webhook`, or the dotted path of a Python function or of a notifier class."""
    with_: dict[str, PlainValue] = Field(default={}, alias="with")
    """Its arguments; Airflow renders `{{ … }}` in them. Those of a function are checked against its signature;
    Airflow's context names need no argument. Put secrets into the connection that a notifier names."""


Notifications = Annotated[list[Notification], Field(min_length=1)]


class RunNotifications(Model):
    """What to send when a run has ended."""

    on_failure: Notifications | None = None
    """Sent when a run has failed."""
    on_success: Notifications | None = None
    """Sent when a run has succeeded."""


class TaskNotifications(Model):
    """What to send when the state of a task changes."""

    on_failure: Notifications | None = None
    """Sent when the task has failed and is not retried."""
    on_success: Notifications | None = None
    """Sent when the task has succeeded."""
    on_retry: Notifications | None = None
    """Sent when a try has failed and will be retried."""
    on_skipped: Notifications | None = None
    """Sent when the task has skipped itself."""
    on_execute: Notifications | None = None
    """Sent when a try starts."""


_REFERENCES = ("queued_at", "logical_date", "average_runtime")
START_PATTERN = rf"^(?:{'|'.join(_REFERENCES)})$|{DATE_PATTERN}"
_EXPECTED = "'queued_at', 'logical_date' or 'average_runtime'"


def _start(value: Any) -> datetime | str:
    if isinstance(value, str) and value not in _REFERENCES and re.fullmatch(DATE_PATTERN, value) is not None:
        return read_date(value)
    if value not in _REFERENCES:
        # The message of a choice: hardly anybody means a date.
        raise PydanticCustomError("literal_error", "expected {expected}", {"expected": _EXPECTED})
    return str(value)


Start = Annotated[
    datetime | str,
    PlainValidator(_start),
    WithJsonSchema({"type": "string", "pattern": START_PATTERN, "examples": [*_REFERENCES]}),
]


class Deadline(Model):
    """A moment by which a run must have ended, and who is notified if it has not."""

    from_: Start = Field(alias="from")
    """When the time starts: `queued_at`, when the run was queued; `logical_date`; `average_runtime`, the average time
    of the latest runs; or a date."""
    within: PositiveDuration
    """Time that the run has from then on."""
    notify: Notifications
    """Who is notified. An `async` function and an installed notifier run in the triggerer, where the function must be
    installed too. A plain function runs in the executor, with the files of the run. Airflow renders no templates in a
    function's arguments here."""
    name: Annotated[str, Field(min_length=1)] | None = None
    """Name shown with the deadline."""
    max_runs: PositiveCount | None = None
    """With `average_runtime`: how many of the latest runs count. Default: 10."""
    min_runs: PositiveCount | None = None
    """With `average_runtime`: with fewer runs than this there is no deadline. Default: `max_runs`."""
