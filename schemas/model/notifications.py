"""Who is told what becomes of a run or a task, in the words of Airflow's callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from schemas.model.base import Model
from schemas.model.fields import PlainValue

NOTIFIERS: Mapping[str, str] = MappingProxyType(
    {
        "email": "airflow.providers.smtp.notifications.smtp.SmtpNotifier",
        "slack": "airflow.providers.slack.notifications.slack.SlackNotifier",
        "slack_webhook": "airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier",
    }
)
"""What a `uses` without a dot can name in a notification."""


class Notification(Model):
    """Sends one message."""

    uses: str = Field(examples=[*NOTIFIERS, "alerts.tell"])
    """`email`, `slack`, `slack_webhook`, or the dotted path of a Python function or of a notifier class."""
    with_: dict[str, PlainValue] = Field(default={}, alias="with")
    """Its arguments; Airflow renders `{{ … }}` in them. A function's are compared with its signature, and Airflow's
    context names need none. Secrets belong into the connection that a notifier names."""


Notifications = Annotated[list[Notification], Field(min_length=1)]


class RunNotifications(Model):
    """What is sent when a run has ended."""

    on_failure: Notifications | None = None
    """Sent when a run has failed."""
    on_success: Notifications | None = None
    """Sent when a run has succeeded."""


class TaskNotifications(Model):
    """What is sent when something becomes of a task."""

    on_failure: Notifications | None = None
    """Sent when the task has failed and is not tried again."""
    on_success: Notifications | None = None
    """Sent when the task has succeeded."""
    on_retry: Notifications | None = None
    """Sent when a try has failed and another one follows."""
    on_skipped: Notifications | None = None
    """Sent when the task has skipped itself."""
    on_execute: Notifications | None = None
    """Sent when a try begins."""
