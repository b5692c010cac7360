"""Whole numbers. `3.0` is one, as in JSON Schema; `true` and text never are."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

MAX_STORED = 2**31 - 1
"""Largest value of the integer columns in which Airflow keeps counts."""


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Integral = BeforeValidator(_whole)
"""Stands behind the bounds: pydantic gives bounds in front of it to the number, and so to the JSON Schema."""

WholeNumber = Annotated[int, _Integral]
Count = Annotated[int, Field(ge=0, le=MAX_STORED), _Integral]
PositiveCount = Annotated[int, Field(ge=1, le=MAX_STORED), _Integral]
PositiveNumber = Annotated[int, Field(ge=1), _Integral]
Weight = Annotated[int, Field(ge=-MAX_STORED - 1, le=MAX_STORED), _Integral]
StatusCode = Annotated[int, Field(ge=100, le=599), _Integral]
"""Of an HTTP answer (RFC 9110, section 15)."""
