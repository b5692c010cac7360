"""Whole numbers. `3.0` is one, as in JSON Schema; `true` and text never are."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError, PydanticKnownError

from schemas.expressions.patterns import DOTTED_PATH_PATTERN, TASK_OUTPUT
from schemas.expressions.reading import run_reference

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


def _finite(value: Any) -> Any:
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, float) and not math.isfinite(part):
            raise PydanticKnownError("finite_number")
        if isinstance(part, dict):
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)
    return value


PlainValue = Annotated[Any, AfterValidator(_finite)]
"""PostgreSQL's JSON type and `requests` refuse numbers that are not finite; YAML's `1e400` is one too."""


LINK_PATTERN = r"^(?:https?://[^/?#\s]|mailto:[^?#\s])"
_COMPILED = re.compile(LINK_PATTERN)


def _validate(text: str) -> str:
    if _COMPILED.search(text) is None:
        raise PydanticCustomError("link", "expected a link, `https://…` or `mailto:…`")
    return text


Link = Annotated[str, AfterValidator(_validate), WithJsonSchema({"type": "string", "pattern": LINK_PATTERN})]


RunState = Literal["queued", "running", "success", "failed"]
TaskState = Literal[
    "success",
    "failed",
    "skipped",
    "upstream_failed",
    "removed",
    "running",
    "queued",
    "scheduled",
    "restarting",
    "up_for_retry",
    "up_for_reschedule",
    "deferred",
]


FunctionPath = Annotated[str, Field(pattern=DOTTED_PATH_PATTERN, examples=["checks.enough_rows"])]
"""Dotted path of a function of a module below the pipelines folder, or of an installed one."""


JmesPath = Annotated[str, Field(min_length=1, max_length=1000)]
"""`schemas.rules.http_requests` checks its syntax, so that only files that have one import the parser."""


ValueT = TypeVar("ValueT")

TaskOutput = Annotated[str, WithJsonSchema({"type": "string", "pattern": TASK_OUTPUT})]
"""The text of a whole `${tasks.ID.output…}` or `${expand.NAME…}` reference; whoever builds the task makes a
reference of it."""


def _kind(value: Any) -> str:
    return "<output>" if run_reference(value) is not None else "<value>"


OrTaskOutput = Annotated[
    Annotated[ValueT, Tag("<value>")] | Annotated[TaskOutput, Tag("<output>")],
    Discriminator(_kind),
]
"""Told apart by what is written, so that a wrong value is held against one of the two only."""
