"""Replaces `${vars.…}`, `${matrix.…}` and, in a template, `${params.…}` with the values that they name, and says which
of them have none.

Values may name others, which are followed; the size of the result is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from schemas.compose.effective import Arguments, Effective, Place, Written
from schemas.compose.matrix import NAME_LISTS, Row, WrittenIds, as_written, ids_in_name, keys_of_matrix
from schemas.compose.merging import environments_with
from schemas.expressions.reading import Expression, ValueReference, expressions, filled
from schemas.findings.codes import Code
from schemas.findings.diagnostics import MOST, Problem
from schemas.findings.paths import DataPath, task_path
from schemas.findings.suggestions import meant
from schemas.text.document import Document
from schemas.text.nodes import MAX_DEPTH, MAX_NODES

MAX_CHAIN = 16
"""So many values may name each other in a row."""
_MAX_TEXT = 1024 * 1024

_Following = tuple[ValueReference, ...]


class _Asked(NamedTuple):
    """An expression in the text at `path`, and what it refers to; `following` are those that led to it."""

    path: DataPath
    expression: Expression
    reference: ValueReference
    following: _Following

    @property
    def deeper(self) -> _Following:
        """What leads to the values that this one names."""
        return (*self.following, self.reference)


class TooLargeError(Exception):
    """The values make more of a document than anybody can mean."""


@dataclass
class Filling:
    """Puts values into `document`; `problems` have its paths. With `of_task` only those of the row of one task's own
    matrix are put in, and every other expression stays. `arguments`: of the template whose text it is."""

    document: Written
    layers: Sequence[Document]
    row: Row | None
    of_task: bool = False
    arguments: Arguments | None = None
    problems: list[Problem] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    size: int = 0
    _owned: dict[DataPath, frozenset[str]] = field(default_factory=dict)
    _left: int = 0
    _texts: dict[str, list[tuple[Expression, ValueReference]]] = field(default_factory=dict)
    _circles: set[frozenset[ValueReference]] = field(default_factory=set)

    @classmethod
    def of(cls, effective: Effective, row: Row | None) -> Filling:
        return cls(Written(effective.data, effective.place, ()), effective.layers, row)

    @cached_property
    def _ids(self) -> WrittenIds:
        return WrittenIds(() if self.of_task else self.document.value.get("tasks"))

    def value(
        self, written: Written, following: _Following = (), own: frozenset[str] = frozenset()
    ) -> tuple[Any, Place]:
        """The value with its expressions replaced, and where it is written now. `following` are the expressions that
        led to it, `own` the keys of a task's own matrix, which are filled in later."""
        self._count()
        value, place, path = written
        if len(path) > MAX_DEPTH:
            raise TooLargeError(f"what `vars` and `matrix` give nests deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            if "matrix" in value and path and task_path(path) == path:
                own |= keys_of_matrix(value["matrix"])
                self._owned[path] = own
            return self._children(written, dict.fromkeys(value, own), following)
        if isinstance(value, list):
            are_names = bool(path) and path[-1] in NAME_LISTS
            owns = {index: own | self._ids.keys_in(name) if are_names else own for index, name in enumerate(value)}
            return self._children(written, owns, following)
        if not isinstance(value, str) or "${" not in value or place.unknown:
            return value, place
        asked = [_Asked(path, *one, following) for one in self._read(value)]
        if self.arguments is not None and not following and (refused := self._in_names(asked, value)) is not None:
            what = f"`{refused.expression.written}` names tasks here"
            help_text = "the caller can write `needs` beside `template`: the whole group waits"
            message = f"{what}, and names in a template are those of the template"
            self._report(Code.EXPRESSION_NOT_ALLOWED, refused, message, help=help_text)
            return self._leave(written)
        asked = [one for one in asked if self._is_meant(one.reference, own)]
        if not asked:
            return value, place
        return self._whole(written, asked[0], own) if asked[0].expression.whole else self._text(written, asked)

    def _in_names(self, asked: Sequence[_Asked], name: str) -> _Asked | None:
        """A param, also by way of a matrix, in a name that is not an id of the template: the caller's names would mean
        the template's tasks."""
        below = asked[0].path[len(task_path(asked[0].path)) :] if asked else ()
        if not below or below[0] not in NAME_LISTS:
            return None
        if any("${" in one and one in self._ids.all for one in ids_in_name(name)):
            return None
        return next((one for one in asked if self._is_callers(one.reference)), None)

    def _is_callers(self, reference: ValueReference) -> bool:
        """Whether a value is the caller's: a param, or a key of a matrix that a param gives values to."""
        return reference.root == "params" or (reference.root == "matrix" and self._ids.takes_params(reference.keys[0]))

    def _children(
        self, written: Written, owns: Mapping[Any, frozenset[str]], following: _Following
    ) -> tuple[Any, Place]:
        made: dict[Any, Any] = {}
        parts: dict[Any, Place] = {}
        for key, own in owns.items():
            child = written.part(key)
            made[key], place = self.value(child, following, own)
            if place is not child.place:
                parts[key] = place
        return made if isinstance(written.value, dict) else list(made.values()), written.place.with_parts(parts)

    def _read(self, text: str) -> list[tuple[Expression, ValueReference]]:
        """The expressions of a text that stand for values; many values may lead to one text."""
        known = self._texts.get(text)
        if known is None:
            found = ((expression, expression.meaning) for expression in expressions(text))
            known = self._texts[text] = [(e, meaning) for e, meaning in found if isinstance(meaning, ValueReference)]
        return known

    def _count(self) -> None:
        self.size += 1
        if self.size > MAX_NODES:
            raise TooLargeError(f"what `vars` and `matrix` give expands to more than {MAX_NODES:,} values")

    def _leave(self, written: Written) -> tuple[str, Place]:
        """The text stays as it is written."""
        self._left += 1
        return written.value, written.place._replace(unknown=True)

    def _is_meant(self, reference: ValueReference, own: frozenset[str]) -> bool:
        """Whether a reference is to be replaced; those to a task's own matrix are later."""
        if self.of_task and not (reference.root == "matrix" and self.row and reference.keys[0] in self.row.cells):
            return False
        if reference.root == "params":
            return self.arguments is not None
        if self.arguments is not None and self.arguments.is_alone:
            return False
        return reference.root != "matrix" or reference.keys[0] not in own

    def _whole(self, written: Written, asked: _Asked, own: frozenset[str]) -> tuple[Any, Place]:
        found = self._find(asked)
        if found is None:
            return self._leave(written)
        value, place = self.value(found._replace(path=written.path), asked.deeper, own)
        return value, place._replace(used=written.place.used or written.place)

    def _text(self, written: Written, asked: Sequence[_Asked]) -> tuple[str, Place]:
        values = [(one.expression, self._inside(one)) for one in asked]
        known = [(expression, value) for expression, value in values if value is not None]
        if len(known) < len(values):
            return self._leave(written)
        text = filled(written.value, known)
        self.size += len(text) // 1000
        if len(text) > _MAX_TEXT:
            raise TooLargeError("what `vars` and `matrix` give makes a text of more than 1 MiB")
        return text, written.place._replace(filled=text)

    def _inside(self, asked: _Asked) -> str | None:
        """A value as it is written inside a longer text."""
        found = self._find(asked)
        if found is None:
            return None
        left = self._left
        value, place = self.value(
            found._replace(path=asked.path) if asked.reference.root == "params" else found, asked.deeper
        )
        if self._left > left:
            return None
        if value is None or isinstance(value, dict | list):
            kind = "null" if value is None else "a mapping" if isinstance(value, dict) else "a list"
            message = f"`{asked.expression.written}` is {kind}, which cannot be part of a longer text"
            self._report(Code.NOT_A_TEXT, asked, message)
            return None
        return as_written(value, self.layers[place.layer], place.path)

    def _find(self, asked: _Asked) -> Written | None:
        """The value that an expression names; None with a problem where there is none."""
        path, _, reference, following = asked
        if following:
            self._count()  # also where it leads to nothing
        if reference in following:
            circle = following[following.index(reference) :]
            if frozenset(circle) not in self._circles:
                self._circles.add(frozenset(circle))
                around = " → ".join(f"`{'.'.join((r.root, *r.keys))}`" for r in (*circle, reference))
                alone = f"{around[: around.index(' ')]} names itself"
                message = f"these values name each other: {around}" if len(circle) > 1 else alone
                self._report(Code.CIRCULAR_VALUES, asked, message)
            return None
        if len(following) >= MAX_CHAIN:
            raise TooLargeError(f"more than {MAX_CHAIN} values name each other in a row")
        if reference.root == "matrix":
            return self._in_row(asked)
        if reference.root == "params" and self.arguments is not None:
            key = reference.keys[0]
            if key not in self.arguments.values:
                self._report_unknown(asked, 0, tuple(self.arguments.values))
                return None
            value = self.arguments.seen_from(path, key)
            return None if value is None else self._below(value, asked, done=1)
        vars_ = self.document.part("vars") if "vars" in self.document.value else Written({}, self.document.place, ())
        return self._below(vars_, asked)

    def _in_row(self, asked: _Asked) -> Written | None:
        path, expression, reference, _ = asked
        own = next((self._owned[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._owned), None)
        cells, key = self.row.cells if self.row is not None else {}, reference.keys[0]
        if own is not None and key not in cells:
            message = f"there is no `matrix.{key}` here"
            self._report(Code.UNKNOWN_VALUE, asked, message, (*sorted(own), *cells), key)
        elif self.row is not None:
            self.used.add(key)
            if key in cells:
                return self._below(cells[key], asked, done=1)
            message = f"there is no `matrix.{key}` in this row"
            self._report(Code.UNKNOWN_VALUE, asked, message, tuple(cells), key)
        elif path[0] == "matrix":
            message = f"`{expression.written}` is not allowed in `matrix`: it needs a row, and there is none yet"
            self._report(Code.EXPRESSION_NOT_ALLOWED, asked, message)
        elif "matrix" not in self.document.value:
            message = f"`{expression.written}`: this file has no `matrix`"
            if any(key in keys for keys in self._ids.of_rows.values()):
                message += "; the row of a task's matrix is known only in that task, not in `vars`"
            self._report(Code.UNKNOWN_VALUE, asked, message)
        return None

    def _below(self, found: Written, asked: _Asked, *, done: int = 0) -> Written | None:
        """The value that is reached from `found` by the reference's keys but the first `done`."""
        for position, key in enumerate(asked.reference.keys[done:], start=done):
            mapping = self._followed(found, asked.deeper)
            if mapping is None:
                return None
            here = mapping.value
            if not isinstance(here, dict) or key not in here:
                if len(self.problems) <= MOST:  # nobody reads more, and each lists all that is there
                    self._report_unknown(asked, position, tuple(here) if isinstance(here, dict) else ())
                return None
            found = mapping.part(key)
        return found

    def _followed(self, found: Written, following: _Following) -> Written | None:
        """The mapping that a value is, be it written itself as one whole expression; None with a problem."""
        first = next(expressions(found.value), None) if isinstance(found.value, str) else None
        if first is None or not first.whole or not isinstance(first.meaning, ValueReference):
            return found
        asked = _Asked(found.path, first, first.meaning, following)
        further = self._find(asked)
        return None if further is None else self._followed(further, asked.deeper)

    def _report_unknown(self, asked: _Asked, position: int, known: tuple[str, ...]) -> None:
        reference, key = asked.reference, asked.reference.keys[position]
        name = ".".join((reference.root, *reference.keys[: position + 1]))
        elsewhere = environments_with(self.layers, key) if reference.root == "vars" and position == 0 else ()
        names = ", ".join(f"`{environment}`" for environment in elsewhere)
        help_text = f"only the environment {names} gives it a value; give it one in `vars`, too" if elsewhere else ""
        message = f"there is no `{name}`"
        if not known and not position and not elsewhere:
            message = f"`{asked.expression.written}`: this file has no `{reference.root}`"
        self._report(Code.UNKNOWN_VALUE, asked, message, known, key, help_text)

    def _report(
        self, code: Code, asked: _Asked, message: str, known: tuple[str, ...] = (), key: str = "", help: str = ""
    ) -> None:
        part, caret = (asked.expression.start, asked.expression.end), meant(key, known)
        self.problems.append(Problem(code, asked.path, message, caret=caret, help=help, allowed=known, part=part))
