"""Following `${matrix.…}` of a task's own matrix: the values of one row, in the tasks that the row makes."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.compose.filling import Filling
from schemas.compose.matrix import Row
from schemas.compose.merging import Effective
from schemas.expressions.reading import ValueReference


class RowFilling(Filling):
    """Puts the values of one row of a task's matrix in; all other expressions stay."""

    def __init__(self, effective: Effective, row: Row) -> None:
        super().__init__(effective, row)
        self._keys = frozenset(row.places)

    def _is_meant(self, reference: ValueReference, own: frozenset[str]) -> bool:
        return reference.root == "matrix" and reference.keys[0] in self._keys - own

    @property
    def _ids_of_rows(self) -> Mapping[str, frozenset[str]]:
        """None: inside its matrix an id means that of the own row."""
        return {}
