"""The `default` of a param's JSON Schema, as it is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.environment import EnvText


def param_default(schema: Mapping[str, Any]) -> Any:
    """The default of a schema that has one. As in any typed field, a whole environment variable is read as YAML reads
    it where the schema's `type` takes no text."""
    default, types = schema["default"], schema.get("type") or "string"
    takes_text = "string" in ([types] if isinstance(types, str) else types)
    return default.as_scalar() if isinstance(default, EnvText) and default.whole and not takes_text else default
