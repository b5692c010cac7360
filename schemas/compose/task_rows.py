"""`matrix` on a task or a group, and templates: one entry of `tasks` for each row, and the tasks of a template in its
place, in the effective document.

The steps after this one see plain tasks. Outer matrices go first, so that the lists of an inner one may hold their
values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.compose.effective import Arguments, Effective, Place, Written, outside_of_templates
from schemas.compose.filling import Filling, TooLargeError
from schemas.compose.matrix import MAX_ROWS, NAME_LISTS, Row, entries_in, ids_in_name, rows_of
from schemas.compose.templates import (
    Outputs,
    Use,
    arguments_of,
    default_of,
    found_template,
    params_of,
)
from schemas.expressions.reading import ValueReference, expressions
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Problem
from schemas.findings.paths import DataPath, walk
from schemas.folder.project import Templates
from schemas.model.task import TEMPLATE
from schemas.text.document import Document
from schemas.text.nodes import MAX_NODES

MAX_TASKS = 1024
"""So many rows the matrices of one file give together."""


def expand_tasks(
    effective: Effective, row: Row | None, templates: Templates | None, declared: Written | None = None
) -> Effective:
    """One entry for each row of every `matrix` below `tasks`, with the tasks of its template. An entry whose matrix, id
    or template is not right stays as it is written, with the problems of it. `row`: of the file's matrix. `declared`:
    the outputs of the template that the document is."""
    expansion = _Expansion(effective, templates, row, is_alone=declared is not None)
    tasks = Written(effective.data, effective.place, ()).part("tasks")
    try:
        made, place = expansion.entries(tasks)
    except TooLargeError as error:
        # No task is made, and nothing more is said of what is not.
        problem = Problem(Code.TOO_LARGE, ("tasks",), str(error), at_key=True)
        return replace(effective, place=effective.place.with_unknown(effective.data).with_problem(problem))
    made, place = expansion.named(Written(made, place, tasks.path))
    if expansion.uses or declared is not None:
        outputs = Outputs(Written(made, place, tasks.path), expansion.uses, expansion.problems)
        made, place = outputs.resolved()
        outputs.check(declared)
    place = effective.place.with_parts({"tasks": place})
    for problem in expansion.problems:
        place = place.with_problem(problem)
    data = {**effective.data, "tasks": made}
    arguments = tuple(use.arguments for use in expansion.uses.values())
    return Effective(data, effective.layers, place, True, tuple(expansion.documents), arguments)


def is_to_expand(entries: Any) -> bool:
    """Whether an entry of a list of tasks, or of one of its groups, has a matrix or takes a template."""
    return isinstance(entries, list) and any(
        isinstance(entry, dict) and ("matrix" in entry or TEMPLATE in entry or is_to_expand(entry.get("tasks")))
        for entry in entries
    )


def templates_in(entries: Any) -> Iterator[str]:
    """The names of the templates that a list of tasks takes, also in its groups, be they there or not."""
    return (entry[TEMPLATE] for entry in entries_in(entries) if isinstance(entry.get(TEMPLATE), str))


def of_template(document: Document, templates: Templates) -> Effective:
    """A template by itself: its tasks with the defaults of its params. Nothing is known of other params, of `vars` and
    of rows around it, and nothing is said of them."""
    effective = Effective({"tasks": document.at(("tasks",)) or []}, (document,))
    params = {key: default_of(schema) for key, schema in params_of(document).items()}
    places = {key: ("params", key, *default) for key, default in params.items() if default is not None}
    values = {key: Written(document.at(at), Place(0, at), at) for key, at in places.items()}
    filling = Filling.of(effective, None)
    filling.arguments = Arguments((), {**dict.fromkeys(params), **values}, is_alone=True)
    value, place = filling.value(filling.document)
    for problem in filling.problems:
        place = place.with_problem(problem)
    outputs = Written(document.at(("outputs",)), Place(0, ("outputs",)), ("outputs",))
    if isinstance(outputs.value, dict):
        defaults = {f"${{params.{key}}}": str(one.value) for key, one in values.items()}
        outputs = outputs._replace(value={key: _with(defaults, text) for key, text in outputs.value.items()})
    made = expand_tasks(Effective(value, (document,), place), None, templates, outputs)
    data = {**made.data, **({"params": document.data["params"]} if params else {})}
    return replace(made, data=data, place=made.place.with_unknown(data))


@dataclass
class _Expansion:
    """`problems` have paths of the new document. `row`: the values of all matrices around. `is_alone`: what
    is above the tasks is not known. `documents`: the templates
    that are taken, `uses`: where. `_ids`: an id as it is written beside its matrix → the ids of its rows. `_around`:
    the templates that are being put in."""

    effective: Effective
    templates: Templates | None
    row: Row | None
    is_alone: bool = False
    problems: list[Problem] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    uses: dict[DataPath, Use] = field(default_factory=dict)
    _around: tuple[str, ...] = ()
    _ids: dict[str, dict[str, None]] = field(default_factory=dict)
    _made: int = 0
    _size: int = 0

    def entries(self, written: Written, around: int = 1) -> tuple[Any, Place]:
        """A list of tasks with its rows; `around`: how many rows the matrices around it give."""
        if not isinstance(written.value, list):
            return written.value, written.place
        made: list[Any] = []
        parts: dict[int, Place] = {}
        for index in range(len(written.value)):
            entry = written.part(index)._replace(path=(*written.path, len(made)))
            has_rows = isinstance(entry.value, dict) and "matrix" in entry.value
            if isinstance(entry.value, dict) and entry.value.keys() >= {TEMPLATE, "tasks"}:
                entries: Iterable[tuple[Any, Place]] = [self._without_tasks(entry)]
            else:
                entries = self._rows(entry, around) if has_rows else [self._inside(entry, around)]
            for value, place in entries:
                parts[len(made)] = place
                made.append(value)
        return made, written.place.with_parts(parts)

    def _without_tasks(self, entry: Written) -> tuple[Any, Place]:
        """An entry that takes a template and has tasks of its own; nothing else is said of it."""
        message = "`tasks` and `template` exclude each other: the tasks are the template's"
        if "uses" not in entry.value:  # else `template` is wrong itself
            self.problems.append(Problem(Code.CONFLICTING_KEYS, (*entry.path, "tasks"), message, at_key=True))
        plain = {key: value for key, value in entry.value.items() if key not in ("tasks", "matrix")}
        return plain, entry.place.with_unknown(plain)

    def _inside(self, entry: Written, around: int) -> tuple[Any, Place]:
        """An entry, with the rows of the tasks in it."""
        if isinstance(entry.value, dict) and TEMPLATE in entry.value and self.templates is not None:
            document = found_template(entry, self.templates, self._around, self.problems)
            return (entry.value, entry.place) if document is None else self._taken(entry, document, around)
        if not isinstance(entry.value, dict) or "tasks" not in entry.value:
            return entry.value, entry.place
        tasks, place = self.entries(entry.part("tasks"), around)
        return {**entry.value, "tasks": tasks}, entry.place.with_parts({"tasks": place})

    def _rows(self, entry: Written, around: int) -> Iterator[tuple[Any, Place]]:
        """The entries that one with a matrix makes; itself where the matrix or the id is not right."""
        matrix = rows_of(entry.part("matrix"))
        rows, problems = matrix.rows, matrix.problems
        if len(rows) * around > MAX_ROWS:
            message = f"with the matrices around it, this one gives more than {MAX_ROWS} rows"
            problems.append(Problem(Code.MATRIX_TOO_LARGE, (*entry.path, "matrix"), message, at_key=True))
        ids: list[str] = []
        if not isinstance(entry.value.get("id"), str) or _is_unknown(entry):
            rows = ()  # that has a finding of its own
        elif rows and not matrix.are_wrong:
            fillings = [self._filling(row) for row in rows]
            ids = [str(filling.value(entry.part("id"))[0]) for filling in fillings]
            are_known = not any(filling.problems for filling in fillings)
            wrong = matrix.id_problem(
                Code.ID_OF_MATRIX, (*entry.path, "id"), ids if are_known else (), fillings[0].used
            )
            problems += [wrong] if wrong is not None else []
        self.problems += problems
        if not rows or matrix.are_wrong:
            yield entry.value, entry.place.with_unknown(entry.value)
            return
        self._ids.setdefault(entry.value["id"], {}).update(dict.fromkeys(ids))
        body = {key: value for key, value in entry.value.items() if key != "matrix"}
        for number, row in enumerate(rows):
            path = (*entry.path[:-1], int(entry.path[-1]) + number)
            filling = self._filling(row)
            value, place = filling.value(Written(body, entry.place, path))
            self.problems += filling.problems
            self._count(filling.size)
            outer = self.row
            self.row = Row({**(outer.cells if outer is not None else {}), **row.cells})
            made = self._inside(Written(value, place, path), around * len(rows))
            self.row = outer
            yield made

    def _taken(self, entry: Written, document: Document, around: int) -> tuple[Any, Place]:
        """An entry that takes a template, as the group that it means."""
        name = entry.value[TEMPLATE]
        if document not in self.documents:
            self.documents.append(document)
        layer = len(self.effective.layers) + self.documents.index(document)
        arguments = arguments_of(entry, layer, document, self.problems, is_alone=self.is_alone)
        if not self._around and not self.is_alone and "with" in entry.value:
            self.problems += _params_in(entry.part("with"))
        body = {key: document.data[key] for key in ("tasks", "outputs") if key in document.data}
        names = Written({**self.effective.data, "tasks": body["tasks"]}, self.effective.place, ())
        filling = Filling(names, self._all_layers, self.row, arguments=arguments)
        value, place = filling.value(Written(body, Place(layer), entry.path))
        for problem in filling.problems:  # kept with what they are about: rows move it
            if problem.path[: len(entry.path)] == entry.path:
                place = place.with_problem(problem._replace(path=problem.path[len(entry.path) :]))
            else:
                self.problems.append(problem)
        written = Written(value, place, entry.path)
        self._count(filling.size)
        self.uses[entry.path] = Use(name, document, arguments, written.part("outputs") if "outputs" in body else None)
        ids, self._ids, self._around = self._ids, {}, (*self._around, name)
        made = self.entries(written.part("tasks"), around)
        tasks, tasks_place = self.named(Written(*made, (*entry.path, "tasks")))
        self._ids, self._around = ids, self._around[:-1]
        group = {key: value for key, value in entry.value.items() if key != "with"}
        return {**group, "tasks": tasks}, entry.place.with_parts({"tasks": tasks_place})

    def _filling(self, row: Row) -> Filling:
        document = Written(self.effective.data, self.effective.place, ())
        return Filling(document, self._all_layers, row, of_task=True)

    @property
    def _all_layers(self) -> tuple[Document, ...]:
        return (*self.effective.layers, *self.documents)

    def _count(self, size: int) -> None:
        """A row of so many values was made. Raises TooLargeError where that is too much for one file."""
        self._made += 1
        self._size += size
        if self._made > MAX_TASKS:
            raise TooLargeError(f"the {self._makers} of tasks give more than {MAX_TASKS:,} rows together")
        if self._size > MAX_NODES:
            raise TooLargeError(f"the {self._makers} of tasks give more than {MAX_NODES:,} values together")

    @property
    def _makers(self) -> str:
        return "matrices and templates" if self.uses else "matrices"

    def named(self, tasks: Written) -> tuple[Any, Place]:
        """The tasks, with the ids of rows in their `needs` and `teardown` in place of the ids as they are written."""
        if not isinstance(tasks.value, list):
            return tasks.value, tasks.place
        made = list(tasks.value)
        parts: dict[int, Place] = {}
        for index, entry in enumerate(tasks.value):
            if isinstance(entry, dict):
                part = tasks.part(index)
                new = {key: self._names(part.part(key)) for key in NAME_LISTS if key in entry}
                if "tasks" in entry:
                    new["tasks"] = self.named(part.part("tasks"))
                made[index] = {**entry, **{key: value for key, (value, _) in new.items()}}
                parts[index] = part.place.with_parts({key: place for key, (_, place) in new.items()})
        return made, tasks.place.with_parts(parts)

    def _names(self, names: Written) -> tuple[Any, Place]:
        value, place = names.value, names.place
        if not isinstance(value, list) or not any(isinstance(name, str) and "${matrix" in name for name in value):
            return value, place
        made: list[Any] = []
        parts: dict[int, Place] = {}
        for index, name in enumerate(value):
            part = place.part(index)
            for one in self._rows_of(name):
                is_unknown = isinstance(one, str) and "${matrix" in one
                is_filled = not is_unknown and (one != name or part.filled is not None)
                parts[len(made)] = part._replace(unknown=is_unknown, filled=one if is_filled else None)
                made.append(one)
        return made, place.with_parts(parts)

    def _rows_of(self, name: Any) -> Iterator[Any]:
        """The ids of the rows that a name means."""
        written = next((one for one in ids_in_name(name) if one in self._ids), "") if isinstance(name, str) else ""
        if "${" not in written:
            yield name
            return
        for row in self._ids[written]:
            named = name.replace(written, row)
            # A row whose value is no text keeps its id as it is written.
            yield from (named,) if "${" in row else self._rows_of(named)


def _with(defaults: Mapping[str, str], text: Any) -> Any:
    """The text of an output with the defaults of params; of others nothing is known, so that a filling leaves it."""
    for written, value in defaults.items():
        text = text.replace(written, value) if isinstance(text, str) else text
    return text


def _params_in(arguments: Written) -> Iterator[Problem]:
    """The `${params.…}` in what a pipeline gives to a template: a pipeline has no values for them."""
    for path, text in walk(arguments.value).texts:
        for one in expressions(text):
            if isinstance(one.meaning, ValueReference) and one.meaning.root == "params":
                yield outside_of_templates((*arguments.path, *path), one)


def _is_unknown(entry: Written) -> bool:
    """Whether the id or the matrix of an entry names a value that is not there."""
    parts = (entry.place.part(key) for key in ("id", "matrix"))
    return any(place.unknown for part in parts for _, place in part.all())
