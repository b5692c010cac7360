"""What an answer must be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.jmespath import JmesPath
from schemas.model import Model
from schemas.numbers import StatusCode
from schemas.plain_value import PlainValue

StatusRange = Annotated[str, Field(pattern=r"^[1-5]xx$")]
Status = StatusCode | StatusRange | Annotated[list[StatusCode | StatusRange], Field(min_length=1)]
MEDIA_TYPE_PATTERN = r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$"
MediaType = Annotated[str, Field(pattern=MEDIA_TYPE_PATTERN)]


class Expect(Model):
    """What an answer must be; anything else fails the task."""

    status: Status = "2xx"
    """A status code such as `200`, a range such as `2xx`, or a list of these."""
    content_type: MediaType | Annotated[list[MediaType], Field(min_length=1)] | None = Field(
        default=None, examples=["application/json"]
    )
    """Media type of the body, without parameters, or a list of these."""
    condition: JmesPath | None = Field(default=None, examples=["status == 'ok'", "length(items) > `0`"])
    """JMESPath that must be true of the decoded body; empty and missing count as false."""
    json_schema: dict[str, PlainValue] | None = None
    """JSON Schema that the decoded body must fit."""
