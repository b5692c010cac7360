"""`poll`: a first task `{id: poll, uses: http, …}` with request and settings in one mapping."""

from __future__ import annotations

from schemas.built_ins.http import HttpTask
from schemas.http import HttpRequest
from schemas.settings import TaskSettings

POLL_TASK_ID = "poll"


class Poll(HttpRequest, TaskSettings):
    """Requests a URL on the pipeline's schedule; the answer is `${tasks.poll.output}`."""

    def as_task(self) -> HttpTask:
        """The task that this mapping stands for."""
        # All values, defaults included, were validated as this model's own fields.
        request = {name: getattr(self, name) for name in HttpRequest.model_fields}
        settings = {name: getattr(self, name) for name in self.model_fields_set & TaskSettings.model_fields.keys()}
        return HttpTask.model_construct(
            id=POLL_TASK_ID, uses="http", with_=HttpRequest.model_construct(**request), **settings
        )
