"""The shape of `matrix`; what its rows are stands in `schemas.compose.matrix`."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from schemas.model.base import Model
from schemas.model.fields import PlainValue


class Matrix(Model):
    """Lists by name: each key but `include` and `exclude` is the name of a list of values."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Annotated[list[PlainValue], Field(min_length=1)]]

    include: list[dict[str, PlainValue]] | None = None
    """Values that are added to the rows they fit; what fits no row is a row of its own."""
    exclude: list[dict[str, PlainValue]] | None = None
    """Values whose rows are left out."""
