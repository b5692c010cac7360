"""`change_detection`: how a poll knows that an answer is another one than the last."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.jmespath import JmesPath
from schemas.model import Model

Detection = Literal["etag", "last_modified", "hash"]


class ValueDetection(Model):
    """A value inside the answer says whether it is another one."""

    path: JmesPath = Field(examples=["meta.version"])
    """Where the value stands in the answer (JMESPath)."""


def _shape(value: Any) -> str:
    return "<path>" if isinstance(value, dict | ValueDetection) else "<word>"


ChangeDetection = Annotated[
    Annotated[Detection, Tag("<word>"), Field(title="what to compare")] | Annotated[ValueDetection, Tag("<path>")],
    Discriminator(_shape),
]
