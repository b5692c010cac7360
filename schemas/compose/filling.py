"""Replaces `${vars.…}`, `${matrix.…}` and, in a template, `${params.…}` with the values that they name, and says which
of them have none.

Values may name others, which are followed; the size of the result is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from schemas.compose.effective import Arguments, Effective, Place, Written
from schemas.compose.matrix import NAME_LISTS, Row, as_text, ids_in_name, ids_with_matrix, keys_of_matrix
from schemas.compose.merging import environments_with
from schemas.expressions.reading import Expression, ValueReference, expressions
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


_NUMBER = re.compile(r"[-+]?[0-9.][0-9a-fA-FoxX_.+-]*")


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
    def _ids_of_rows(self) -> Mapping[str, frozenset[str]]:
        """The ids that a matrix makes of one task's, each with the keys of that matrix."""
        return {} if self.of_task else dict(ids_with_matrix(self.document.value.get("tasks")))

    @cached_property
    def _ids(self) -> frozenset[str]:
        """The ids of tasks and groups as they are written."""
        ids: set[str] = set()
        lists = [self.document.value.get("tasks")]
        while lists:
            entries = lists.pop()
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, dict):
                    ids.add(str(entry.get("id")))
                    lists.append(entry.get("tasks"))
        return frozenset(ids)

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
            owns = {index: own | self._keys_in(name) if are_names else own for index, name in enumerate(value)}
            return self._children(written, owns, following)
        if not isinstance(value, str) or "${" not in value:
            return value, place
        found = [(expression, meaning) for expression, meaning in self._read(value) if self._is_meant(meaning, own)]
        if not found:
            return value, place
        if not following and (refused := self._in_names(written, found)) is not None:
            message = f"`{refused.written}` names tasks here, and names in a template are those of the template"
            help_text = "the caller can write `needs` beside `template`: the whole group waits"
            self._report(Code.EXPRESSION_NOT_ALLOWED, path, message, refused, help_text=help_text)
            return self._leave(written)
        if found[0][0].whole:
            return self._whole(written, *found[0], following, own)
        return self._text(written, found, following)

    def _in_names(self, written: Written, found: list[tuple[Expression, ValueReference]]) -> Expression | None:
        """A param in a name that is not an id of the template: the caller's names would mean the template's tasks."""
        param = next((expression for expression, reference in found if reference.root == "params"), None)
        below = written.path[len(task_path(written.path)) :]
        if param is None or not below or below[0] not in NAME_LISTS:
            return None
        return None if any("${params" in one and one in self._ids for one in ids_in_name(written.value)) else param

    def _children(
        self, written: Written, owns: Mapping[Any, frozenset[str]], following: _Following
    ) -> tuple[Any, Place]:
        filled: dict[Any, Any] = {}
        parts: dict[Any, Place] = {}
        for key, own in owns.items():
            child = written.part(key)
            filled[key], place = self.value(child, following, own)
            if place is not child.place:
                parts[key] = place
        made = filled if isinstance(written.value, dict) else list(filled.values())
        return made, written.place.with_parts(parts)

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

    def _keys_in(self, name: Any) -> frozenset[str]:
        """The keys of tasks' own matrices that are in a name of `needs` because they are in an id."""
        if not isinstance(name, str) or "${" not in name:
            return frozenset()
        return frozenset().union(*(self._ids_of_rows.get(written, frozenset()) for written in ids_in_name(name)))

    def _whole(
        self,
        written: Written,
        expression: Expression,
        reference: ValueReference,
        following: _Following,
        own: frozenset[str],
    ) -> tuple[Any, Place]:
        found = self._find(reference, written.path, expression, following)
        if found is None:
            return self._leave(written)
        value, place = self.value(found._replace(path=written.path), (*following, reference), own)
        return value, place._replace(used=written.place.used or written.place)

    def _text(
        self, written: Written, found: list[tuple[Expression, ValueReference]], following: _Following
    ) -> tuple[str, Place]:
        text: str = written.value
        parts: list[str] = []
        end = 0
        values = [self._inside(written.path, expression, reference, following) for expression, reference in found]
        for (expression, _), value in zip(found, values, strict=True):
            if value is None:
                return self._leave(written)
            parts += [text[end : expression.start], value]
            end = expression.end
        filled = "".join(parts) + text[end:]
        self.size += len(filled) // 1000
        if len(filled) > _MAX_TEXT:
            raise TooLargeError("what `vars` and `matrix` give makes a text of more than 1 MiB")
        return filled, written.place._replace(filled=filled)

    def _inside(
        self, path: DataPath, expression: Expression, reference: ValueReference, following: _Following
    ) -> str | None:
        """A value as it is written inside a longer text, which is at `path`."""
        found = self._find(reference, path, expression, following)
        if found is None:
            return None
        left = self._left
        found = found._replace(path=path) if reference.root == "params" else found
        value, place = self.value(found, (*following, reference))
        if self._left > left:
            return None
        if value is None or isinstance(value, dict | list):
            kind = "null" if value is None else "a mapping" if isinstance(value, dict) else "a list"
            message = f"`{expression.written}` is {kind}, which cannot be part of a longer text"
            self._report(Code.NOT_A_TEXT, path, message, expression)
            return None
        return self._spelling(value, place)

    def _spelling(self, value: Any, place: Place) -> str:
        """A value as it is written: inside a text `1.10` is not `1.1`, and `09` is not `9`."""
        document = self.layers[place.layer]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # Looking up a place costs, and most numbers have one spelling.
        if not is_number or not document.may_hold_other_spellings:
            return as_text(value)
        written = document.written(document.value_span(place.path))
        return written if _NUMBER.fullmatch(written) is not None else as_text(value)

    def _find(
        self, reference: ValueReference, path: DataPath, expression: Expression, following: _Following
    ) -> Written | None:
        """The value that an expression at `path` names; None with a problem where there is none."""
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
        if reference.root == "params" and self.arguments is not None:
            return self._argument(self.arguments, reference, path, expression, following)
        vars_ = self.document.part("vars") if "vars" in self.document.value else Written({}, self.document.place, ())
        return self._below(vars_, reference, path, expression, following)

    def _argument(  # as `_below`
        self,
        arguments: Arguments,
        reference: ValueReference,
        path: DataPath,
        expression: Expression,
        following: _Following,
    ) -> Written | None:
        key = reference.keys[0]
        if key not in arguments.values:
            self._report_unknown(reference, 0, tuple(arguments.values), path, expression)
            return None
        value = arguments.seen_from(path, key)
        return None if value is None else self._below(value, reference, path, expression, following, done=1)

    def _in_row(
        self, reference: ValueReference, path: DataPath, expression: Expression, following: _Following
    ) -> Written | None:
        own = next((self._owned[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._owned), None)
        cells, key = self.row.cells if self.row is not None else {}, reference.keys[0]
        if own is not None and key not in cells:
            message = f"there is no `matrix.{key}` here"
            self._report(Code.UNKNOWN_VALUE, path, message, expression, (*sorted(own), *cells), key)
        elif self.row is not None:
            self.used.add(key)
            if key in cells:
                return self._below(cells[key], reference, path, expression, following, done=1)
            message = f"there is no `matrix.{key}` in this row"
            self._report(Code.UNKNOWN_VALUE, path, message, expression, tuple(cells), key)
        elif path[0] == "matrix":
            message = f"`{expression.written}` is not allowed in `matrix`: it needs a row, and there is none yet"
            self._report(Code.EXPRESSION_NOT_ALLOWED, path, message, expression)
        elif "matrix" not in self.document.value:
            message = f"`{expression.written}`: this file has no `matrix`"
            if any(key in keys for keys in self._ids_of_rows.values()):
                message += "; the row of a task's matrix is known only in that task, not in `vars`"
            self._report(Code.UNKNOWN_VALUE, path, message, expression)
        return None

    def _below(  # where it starts, and for whom
        self,
        found: Written,
        reference: ValueReference,
        path: DataPath,
        expression: Expression,
        following: _Following,
        *,
        done: int = 0,
    ) -> Written | None:
        """The value that is reached from `found` by the reference's keys but the first `done`."""
        for position, key in enumerate(reference.keys[done:], start=done):
            mapping = self._followed(found, (*following, reference))
            if mapping is None:
                return None
            here = mapping.value
            if not isinstance(here, dict) or key not in here:
                if len(self.problems) <= MOST:  # nobody reads more, and each lists all that is there
                    known = tuple(here) if isinstance(here, dict) else ()
                    self._report_unknown(reference, position, known, path, expression)
                return None
            found = mapping.part(key)
        return found

    def _followed(self, found: Written, following: _Following) -> Written | None:
        """The mapping that a value is, be it written itself as one whole expression; None with a problem."""
        first = next(expressions(found.value), None) if isinstance(found.value, str) else None
        if first is None or not first.whole or not isinstance(first.meaning, ValueReference):
            return found
        further = self._find(first.meaning, found.path, first, following)
        return None if further is None else self._followed(further, (*following, first.meaning))

    def _report_unknown(
        self, reference: ValueReference, position: int, known: tuple[str, ...], path: DataPath, expression: Expression
    ) -> None:
        key = reference.keys[position]
        name = ".".join((reference.root, *reference.keys[: position + 1]))
        help_text = ""
        elsewhere = environments_with(self.layers, key) if reference.root == "vars" and position == 0 else ()
        if elsewhere:
            names = ", ".join(f"`{environment}`" for environment in elsewhere)
            help_text = f"only the environment {names} gives it a value; give it one in `vars`, too"
        message = f"there is no `{name}`"
        if not known and not position and not elsewhere:
            message = f"`{expression.written}`: this file has no `{reference.root}`"
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
