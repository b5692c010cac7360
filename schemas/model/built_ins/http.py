"""The built-in `http`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.model.http import HttpRequest
from schemas.model.task_base import TaskBase


class HttpTask(TaskBase):
    """Requests a URL."""

    templated: ClassVar[frozenset[str]] = frozenset({"url", "conn_id", "endpoint", "headers", "params", "json", "data"})
    mappable: ClassVar[frozenset[str]] = templated

    uses: Literal["http"]
    """The built-in that requests a URL."""
    with_: HttpRequest = Field(alias="with")
    """The request."""
