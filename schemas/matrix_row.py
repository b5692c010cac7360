"""One row of a matrix: what its keys stand for, and where that was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.data_path import DataPath


class Row(NamedTuple):
    """One row of a matrix: key → value, and where in the composed document each value stands."""

    values: Mapping[str, Any]
    places: Mapping[str, DataPath]

    @property
    def text(self) -> str:
        """How a message names it: `region: eu, tier: gold`."""
        return ", ".join(f"{key}: {_shortened(value)}" for key, value in self.values.items())


def _shortened(value: Any) -> str:
    if isinstance(value, dict):
        first = next(((k, v) for k, v in value.items() if not isinstance(v, dict | list)), None)
        return "{…}" if first is None else f"{{{first[0]}: {as_text(first[1])}, …}}"
    return "[…]" if isinstance(value, list) else as_text(value)


def as_text(value: Any) -> str:
    """A single value as YAML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
