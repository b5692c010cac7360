"""The built-in `http`, and `poll`: a first task `{id: poll, uses: http, …}`, request and settings in one mapping."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.model.fields import Model
from schemas.model.http import HttpRequest
from schemas.model.settings import TaskSettings
from schemas.model.task_base import POLL_TASK_ID, TaskBase
from schemas.model.times import PositiveDuration


class HttpTask(TaskBase):
    """Requests a URL."""

    mappable: ClassVar[frozenset[str]] = frozenset(
        {"url", "conn_id", "endpoint", "headers", "params", "json", "data", "body", "to"}
    )
    templated: ClassVar[frozenset[str]] = mappable | {"each"}

    uses: Literal["http"]
    """The built-in that requests a URL."""
    with_: HttpRequest = Field(alias="with")
    """The request."""


class Watch(Model):
    """Sends requests without a worker and starts a run when the answer has changed: by its `hash`, unless
    `change_detection` says otherwise."""

    every: PositiveDuration
    """Time from one request to the next, such as `10s`."""


class Poll(HttpRequest, TaskSettings):
    """Requests a URL on the pipeline's schedule; the answer is `${tasks.poll.output}`."""

    watch: Watch | None = None
    """Instead of a `schedule`: request from Airflow's triggerer, and start a run when the answer has changed."""

    def as_task(self) -> HttpTask:
        """The task that this mapping describes."""
        # All values, defaults included, were validated as this model's own fields.
        request = {name: getattr(self, name) for name in HttpRequest.model_fields}
        if self.watch is not None and self.change_detection is None:
            # So that the run sees the same change as the trigger that started it.
            request["change_detection"] = "hash"
        settings = {name: getattr(self, name) for name in self.model_fields_set & TaskSettings.model_fields.keys()}
        return HttpTask.model_construct(
            id=POLL_TASK_ID, uses="http", with_=HttpRequest.model_construct(**request), **settings
        )
