"""The request of the built-in task `http`, and so of `poll`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt

from schemas.durations import Duration
from schemas.model import Model

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
StatusCode = Annotated[int, Field(ge=100, le=599)]
StatusRange = Annotated[str, Field(pattern=r"^[1-5]xx$")]
QueryScalar = str | int | float | bool


class Expect(Model):
    """What an answer must be; anything else fails the task."""

    status: StatusCode | StatusRange | Annotated[list[StatusCode | StatusRange], Field(min_length=1)] = "2xx"
    """A status code, a range such as `2xx`, or a list of these."""


class HttpRequest(Model):
    """A request; the decoded answer (JSON or text) is the task's output."""

    url: Annotated[str, Field(min_length=1)]
    """Absolute URL, `http` or `https`. Credentials belong into an Airflow connection, never here."""
    method: Method = "GET"
    """HTTP method."""
    headers: dict[str, str] | None = None
    """Header fields of the request."""
    params: dict[str, QueryScalar | list[QueryScalar]] | None = None
    """Query parameters, added to the URL's own."""
    json_body: Any = Field(default=None, alias="json")
    """Body of the request, sent as JSON."""
    timeout: Duration = Field(default="30s", validate_default=True)
    """Longest wait for the connection, and for each piece of the answer."""
    expect: Expect = Expect()
    """What the answer must be. Default: a status from 200 to 299."""
    max_bytes: PositiveInt = 1_048_576
    """Largest answer, in bytes after decompression; a larger one fails the task."""
