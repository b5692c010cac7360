"""The built-in `wait_http`, in the words of Airflow's HttpSensor."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.fields import FunctionPath, OrTaskOutput, PlainValue
from schemas.model.http import STATUS_PATTERN, Method
from schemas.model.sensor import LOOKING, DeferrableSensorArguments
from schemas.model.task_base import TaskBase


class WaitHttpArguments(DeferrableSensorArguments):
    """A request that is repeated until it succeeds; 404 means "not yet"."""

    endpoint: str = Field(examples=["/exports/{{ ds }}"])
    """What follows the connection's address."""
    http_conn_id: str = Field(default="http_default", min_length=1)
    """Airflow connection (HTTP) with the address and the credentials."""
    method: Method = "GET"
    """HTTP method, in capitals."""
    request_params: OrTaskOutput[dict[str, PlainValue]] | None = None
    """Query parameters of a `GET`, form fields of others."""
    headers: OrTaskOutput[dict[str, str]] | None = Field(default=None, examples=[{"Accept": "application/json"}])
    """Header fields of the request. Values are text: numbers in quotes."""
    response_error_codes_allowlist: list[Annotated[str, Field(pattern=STATUS_PATTERN)]] | None = None
    """Statuses that mean "not yet", as text. Default: `["404"]`. Any other error fails the task, a refused connection
    too. In the triggerer this applies only to the first request: later ones ignore all error statuses until
    `timeout`."""
    response_check: FunctionPath | None = None
    """Function that gets the answer (a requests.Response) and returns whether the wait is over."""
    extra_options: dict[str, PlainValue] | None = None
    """Options of the request in the words of `requests`: `timeout`, `verify`, …"""


class WaitHttpTask(TaskBase):
    """Waits until a URL answers with success."""

    templated: ClassVar[frozenset[str]] = frozenset({"endpoint", "request_params", "headers", "http_conn_id"})
    looking: ClassVar[tuple[str, ...]] = (*LOOKING, "response_check", "response_error_codes_allowlist")
    functions: ClassVar[frozenset[str]] = frozenset({"response_check"})

    uses: Literal["wait_http"]
    """The built-in that waits for a URL."""
    with_: WaitHttpArguments = Field(alias="with")
    """The request."""
