"""Links that Airflow shows: `https://…`, `http://…` or `mailto:…` (airflow.sdk DAG._validate_owner_links)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

PATTERN = r"^(?:https?://[^/?#\s]|mailto:[^?#\s])"
_COMPILED = re.compile(PATTERN)


def _validate(text: str) -> str:
    if _COMPILED.search(text) is None:
        raise PydanticCustomError("link", "expected a link, `https://…` or `mailto:…`")
    return text


Link = Annotated[str, AfterValidator(_validate), WithJsonSchema({"type": "string", "pattern": PATTERN})]
