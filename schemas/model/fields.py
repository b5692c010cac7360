"""The base of every model of the language, closed, strict and immutable; types of fields that several models share.

The text below a field describes it (`schemas/published/texts.py`). pydantic could read these texts too, but would
do so whenever a model is imported.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.expressions.reading import DOTTED_PATH_PATTERN, TASK_OUTPUT, run_reference
from schemas.findings.paths import DataPath


class Model(BaseModel):
    """Unknown keys are errors, text is never a number, `.inf` and `.nan` are not allowed, and errors never repeat
    the value they are about."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        # Only the whole is ever validated, so the parts need no validators of their own.
        defer_build=True,
    )


MAX_STORED = 2**31 - 1
"""Largest value of the integer columns in which Airflow keeps counts."""


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Integral = BeforeValidator(_whole)
"""Comes after the bounds: pydantic applies bounds before it to the number, and so to the JSON Schema."""

WholeNumber = Annotated[int, _Integral]
"""`3.0` is one, as in JSON Schema; `true` and text never are."""
Count = Annotated[int, Field(ge=0, le=MAX_STORED), _Integral]
PositiveCount = Annotated[int, Field(ge=1, le=MAX_STORED), _Integral]
PositiveNumber = Annotated[int, Field(ge=1), _Integral]
Weight = Annotated[int, Field(ge=-MAX_STORED - 1, le=MAX_STORED), _Integral]
StatusCode = Annotated[int, Field(ge=100, le=599), _Integral]
"""Of an HTTP answer (RFC 9110, section 15)."""


def unstorable(value: Any, path: DataPath = ()) -> Iterator[tuple[DataPath, str]]:
    """Path and kind of the numbers in a value that do not reach Airflow's database: its processes send each other
    numbers of 64 bits, and PostgreSQL's JSON type and `requests` take none that is not finite, such as `1e400`."""
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from unstorable(part, (*path, key))
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, FINITE
    elif isinstance(value, int) and not -(2**63) <= value < 2**64:
        yield path, WIDE


FINITE, WIDE = "finite_number", "number_of_64_bits"


def _fit(value: Any) -> Any:
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            continue
        if (isinstance(part, float) and not math.isfinite(part)) or (isinstance(part, int) and part.bit_length() > 63):
            at, kind = next(unstorable(value), ((), ""))
            if kind:
                raise PydanticCustomError(kind, "expected another number", {"at": at})
        if isinstance(part, dict):
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)
    return value


PlainValue = Annotated[Any, AfterValidator(_fit)]
"""Anything that YAML has; a validation error says with `at` where in it the wrong number is."""


LINK_PATTERN = r"^(?:https?://[^/?#\s]|mailto:[^?#\s])"


def _valid_link(text: str) -> str:
    if re.search(LINK_PATTERN, text) is None:
        raise PydanticCustomError("link", "expected a link, `https://…` or `mailto:…`")
    return text


Link = Annotated[str, AfterValidator(_valid_link), WithJsonSchema({"type": "string", "pattern": LINK_PATTERN})]


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
"""`schemas.rules.http_expressions` checks its syntax, so that only files that have one import the parser."""


ValueT = TypeVar("ValueT")

TaskOutput = Annotated[str, WithJsonSchema({"type": "string", "pattern": TASK_OUTPUT})]
"""The text of a whole `${tasks.ID.output…}` or `${expand.NAME…}` reference; the build makes a
reference of it."""


def _kind(value: Any) -> str:
    return "<output>" if run_reference(value) is not None else "<value>"


OrTaskOutput = Annotated[
    Annotated[ValueT, Tag("<value>")] | Annotated[TaskOutput, Tag("<output>")],
    Discriminator(_kind),
]
"""Which of the two it is depends on what is written, so that a wrong value gets one error, not two."""


OBJECT = "$object"


class PythonObject(Model):
    """A Python object by its dotted path or, with `with`, the result of calling it."""

    object_: str = Field(alias=OBJECT, pattern=DOTTED_PATH_PATTERN)
    """Dotted path of a class, a function or a value of an installed package or of a module below `pipelines/`."""
    with_: dict[str, PlainValue] | None = Field(default=None, alias="with")
    """Arguments to call it with, by name; `{}` for none. Without `with` it is not called: the value is the class or the
    function itself."""


class Matrix(Model):
    """Lists by name: each key but `include` and `exclude` is the name of a list of values."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Annotated[list[PlainValue], Field(min_length=1)]]

    include: list[dict[str, PlainValue]] | None = None
    """Values to add to the rows that they fit; an entry that fits no row becomes a row of its own."""
    exclude: list[dict[str, PlainValue]] | None = None
    """Rows with these values are left out."""


Path = Annotated[str, Field(min_length=1)]
Rows = OrTaskOutput[list[dict[str, PlainValue]]]
Files = Path | Annotated[list[Path], Field(min_length=1)]
Name = Annotated[str, Field(min_length=1)]
Names = Name | Annotated[list[Name], Field(min_length=1)]


class RowsSource(Model):
    """Rows as a value, or from a file."""

    rows: Rows | None = None
    """The rows: a list of mappings, or a task's output."""
    file: Files | None = None
    """In place of `rows`: a file of rows, a list of files, or a pattern such as `lake/orders/*.parquet`. Files end in
    `.jsonl`, `.json`, `.csv` (also with `.gz`) or `.parquet`, and are local or in an object store: `s3://CONN_ID@bucket/…`."""
