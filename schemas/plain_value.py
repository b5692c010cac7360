"""Values of any shape that end as JSON in Airflow's database or in a request: all but `.inf` and `.nan`."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticKnownError


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
