"""The JSON Schemas as they are committed; `test_json_schema_itself.py` holds that they are what the models give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[3] / "schemas"


def committed(name: str) -> dict[str, Any]:
    """`pipeline`, `defaults`, `template` or `tests`."""
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found
