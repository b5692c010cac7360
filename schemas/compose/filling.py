"""Following `${vars.…}` and `${matrix.…}`: the value that each stands for, and what is wrong with it.

Values may name others, which are followed; what they come to is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.compose.matrix import Row, as_text
from schemas.compose.merging import Effective, environments_with
from schemas.compose.row_names import NAME_LISTS, ids_with_matrix, is_part_of_name, keys_of_matrix
from schemas.expressions.reading import Expression, ValueReference, expressions
from schemas.findings.bounded import MOST
from schemas.findings.codes import Code
from schemas.findings.paths import DataPath, task_path
from schemas.findings.problem import Problem
from schemas.findings.suggestions import meant
from schemas.text.nodes import MAX_DEPTH, MAX_NODES

MAX_CHAIN = 16
"""So many values may name each other in a row."""
_MAX_TEXT = 1024 * 1024

_Following = tuple[ValueReference, ...]


class TooLargeError(Exception):
    """What values make of a document is too large to be meant."""


@dataclass
class Filling:
    """Puts values into one composed document; what it finds on the way is kept beside them."""

    effective: Effective
    row: Row | None
    substituted: dict[DataPath, DataPath] = field(default_factory=dict)
    filled: dict[DataPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unknown: set[DataPath] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    _owned: dict[DataPath, frozenset[str]] = field(default_factory=dict)
    _ids: Mapping[str, frozenset[str]] | None = None
    size: int = 0
    _around_unknown: set[DataPath] = field(default_factory=set)
    _texts: dict[str, list[tuple[Expression, ValueReference]]] = field(default_factory=dict)
    _circles: set[frozenset[ValueReference]] = field(default_factory=set)

    def value(self, value: Any, path: DataPath, following: _Following, own: frozenset[str] = frozenset()) -> Any:
        """`value` with its expressions replaced; it will stand at `path`. `following` are the expressions that led to
        it, `own` the keys of a task's own matrix, which are filled in later."""
        self._count()
        if len(path) > MAX_DEPTH:
            raise TooLargeError(f"what `vars` and `matrix` give nests deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            if "matrix" in value and path and task_path(path) == path:
                own |= keys_of_matrix(value["matrix"])
                self._owned[path] = own
            return {key: self.value(child, (*path, key), following, own) for key, child in value.items()}
        if isinstance(value, list):
            if path and path[-1] in NAME_LISTS:
                return [self.value(c, (*path, i), following, own | self._keys_in(c)) for i, c in enumerate(value)]
            return [self.value(child, (*path, index), following, own) for index, child in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        found = [(expression, meaning) for expression, meaning in self._read(value) if self._is_meant(meaning, own)]
        if not found:
            return value
        if found[0][0].whole:
            return self._whole(value, path, *found[0], following, own)
        return self._text(value, path, found, following)

    def _read(self, text: str) -> list[tuple[Expression, ValueReference]]:
        """The expressions of a text that stand for values; one text is often come to by many ways."""
        known = self._texts.get(text)
        if known is None:
            found = ((expression, expression.meaning) for expression in expressions(text))
            known = self._texts[text] = [(e, meaning) for e, meaning in found if isinstance(meaning, ValueReference)]
        return known

    def _count(self) -> None:
        self.size += 1
        if self.size > MAX_NODES:
            raise TooLargeError(f"what `vars` and `matrix` give expands to more than {MAX_NODES:,} values")

    def _leave(self, path: DataPath) -> None:
        """The text at a path stays as it is written."""
        self.unknown.add(path)
        self._around_unknown.update(path[:end] for end in range(1, len(path) + 1))

    def _is_meant(self, reference: ValueReference, own: frozenset[str]) -> bool:
        """Whether a reference is to be replaced; those to a task's own matrix are later."""
        return reference.root != "matrix" or reference.keys[0] not in own

    def _keys_in(self, name: Any) -> frozenset[str]:
        """The keys of tasks' own matrices that stand in a name of `needs` because they stand in an id."""
        if not isinstance(name, str) or "${" not in name:
            return frozenset()
        held = (keys for written, keys in self._ids_of_rows.items() if is_part_of_name(written, name))
        return frozenset().union(*held)

    @property
    def _ids_of_rows(self) -> Mapping[str, frozenset[str]]:
        """The ids that stand beside a task's own matrix, each with the matrix's keys."""
        if self._ids is None:
            self._ids = dict(ids_with_matrix(self.effective.data.get("tasks")))
        return self._ids

    def _whole(  # where a value stands, and how it came there
        self,
        text: str,
        path: DataPath,
        expression: Expression,
        reference: ValueReference,
        following: _Following,
        own: frozenset[str],
    ) -> Any:
        place = self._find(reference, path, expression, following)
        if place is None:
            self._leave(path)
            return text
        self.substituted[path] = place
        return self.value(self._at(place), path, (*following, reference), own)

    def _text(
        self, text: str, path: DataPath, found: list[tuple[Expression, ValueReference]], following: _Following
    ) -> str:
        parts: list[str] = []
        end = 0
        written = [self._written(reference, path, expression, following) for expression, reference in found]
        for (expression, _), value in zip(found, written, strict=True):
            if value is None:
                self._leave(path)
                return text
            parts += [text[end : expression.start], value]
            end = expression.end
        filled = "".join(parts) + text[end:]
        self.size += len(filled) // 1000
        if len(filled) > _MAX_TEXT:
            raise TooLargeError("what `vars` and `matrix` give makes a text of more than 1 MiB")
        self.filled[path] = filled
        return filled

    def _written(
        self, reference: ValueReference, path: DataPath, expression: Expression, following: _Following
    ) -> str | None:
        """A value as it stands inside a longer text."""
        place = self._find(reference, path, expression, following)
        if place is None:
            return None
        value = self.value(self._at(place), place, (*following, reference))
        if place in self._around_unknown:
            return None
        if value is None or isinstance(value, dict | list):
            kind = "null" if value is None else "a mapping" if isinstance(value, dict) else "a list"
            message = f"`{expression.written}` is {kind}, which cannot stand inside a longer text"
            self._report(Code.NOT_A_TEXT, path, message, expression)
            return None
        return as_text(value)

    def _find(
        self, reference: ValueReference, path: DataPath, expression: Expression, following: _Following
    ) -> DataPath | None:
        """Where in the composed document a value stands; None with a problem where there is none."""
        if following:
            self._count()  # also where it leads to nothing
        if reference in following:
            circle = following[following.index(reference) :]
            if frozenset(circle) not in self._circles:
                self._circles.add(frozenset(circle))
                around = " → ".join(f"`{'.'.join((r.root, *r.keys))}`" for r in (*circle, reference))
                alone = f"{around[: around.index(' ')]} names itself"
                message = f"these values name each other: {around}" if len(circle) > 1 else alone
                self._report(Code.CIRCULAR_VALUES, path, message, expression)
            return None
        if len(following) >= MAX_CHAIN:
            raise TooLargeError(f"more than {MAX_CHAIN} values name each other in a row")
        if reference.root == "matrix":
            return self._in_row(reference, path, expression, following)
        return self._below(("vars",), reference, path, expression, following)

    def _in_row(
        self, reference: ValueReference, path: DataPath, expression: Expression, following: _Following
    ) -> DataPath | None:
        own = next((self._owned[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._owned), None)
        if own is not None and (self.row is None or reference.keys[0] not in self.row.places):
            known = (*sorted(own), *(self.row.places if self.row is not None else ()))
            message = f"there is no `matrix.{reference.keys[0]}` here"
            self._report(Code.UNKNOWN_VALUE, path, message, expression, known, reference.keys[0])
            return None
        if self.row is None:
            if path[0] == "matrix":
                message = f"`{expression.written}` cannot stand in `matrix`, whose rows it would need"
                self._report(Code.EXPRESSION_NOT_ALLOWED, path, message, expression)
            elif "matrix" not in self.effective.data:
                message = f"`{expression.written}`: this file has no `matrix`"
                if self._is_of_a_task(reference.keys[0]):
                    message += "; the row of a task's own is known in that task only, not in `vars`"
                self._report(Code.UNKNOWN_VALUE, path, message, expression)
            return None
        key = reference.keys[0]
        self.used.add(key)
        if key not in self.row.places:
            message = f"there is no `matrix.{key}` in this row"
            self._report(Code.UNKNOWN_VALUE, path, message, expression, tuple(self.row.places), key)
            return None
        return self._below(self.row.places[key], reference, path, expression, following, done=1)

    def _is_of_a_task(self, key: str) -> bool:
        """Whether a task's matrix has the key."""
        return any(key in keys for keys in self._ids_of_rows.values())

    def _below(  # where it starts, and for whom
        self,
        place: DataPath,
        reference: ValueReference,
        path: DataPath,
        expression: Expression,
        following: _Following,
        *,
        done: int = 0,
    ) -> DataPath | None:
        """The place that is reached from `place` by the reference's keys but the first `done`."""
        for position, key in enumerate(reference.keys[done:], start=done):
            mapping = self._followed(place, (*following, reference))
            if mapping is None:
                return None
            place = mapping
            here = self._at(place)
            if not isinstance(here, dict) or key not in here:
                if len(self.problems) <= MOST:  # nobody reads more, and each lists all that is there
                    known = tuple(here) if isinstance(here, dict) else ()
                    self._report_unknown(reference, position, known, path, expression)
                return None
            place = (*place, key)
        return place

    def _followed(self, place: DataPath, following: _Following) -> DataPath | None:
        """Where a mapping stands that is itself written as one whole expression; None with a problem."""
        here = self._at(place)
        first = next(expressions(here), None) if isinstance(here, str) else None
        if first is None or not first.whole or not isinstance(first.meaning, ValueReference):
            return place
        further = self._find(first.meaning, place, first, following)
        return None if further is None else self._followed(further, (*following, first.meaning))

    def _at(self, place: DataPath) -> Any:
        value: Any = self.effective.data
        for element in place:
            value = value.get(element) if isinstance(value, dict) else value[element]
        return value

    def _report_unknown(
        self, reference: ValueReference, position: int, known: tuple[str, ...], path: DataPath, expression: Expression
    ) -> None:
        key = reference.keys[position]
        name = ".".join((reference.root, *reference.keys[: position + 1]))
        help_text = ""
        elsewhere = environments_with(self.effective.layers, key) if reference.root == "vars" and position == 0 else ()
        if elsewhere:
            names = ", ".join(f"`{environment}`" for environment in elsewhere)
            help_text = f"only the environment {names} gives it a value; give it one in `vars`, too"
        message = f"there is no `{name}`"
        if not known and not position and not elsewhere:
            message = f"`{expression.written}`: this file has no `vars`"
        self._report(Code.UNKNOWN_VALUE, path, message, expression, known, key, help_text)

    def _report(  # the parts of a problem
        self,
        code: Code,
        path: DataPath,
        message: str,
        expression: Expression,
        known: tuple[str, ...] = (),
        key: str = "",
        help_text: str = "",
    ) -> None:
        part = (expression.start, expression.end)
        caret = meant(key, known)
        self.problems.append(Problem(code, path, message, caret=caret, help=help_text, allowed=known, part=part))
