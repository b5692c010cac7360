"""An effective document: its data, and for every value the document and the path where it is written."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from schemas.expressions.reading import Expression, TaskReference, ValueReference, expressions, filled
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Problem
from schemas.findings.paths import OUTWARD, DataPath, task_path
from schemas.text.document import Document


class Place(NamedTuple):
    """Where a value is written: a layer's number and the path in that document.

    `parts` are the places of those values in it that are not written right below `path`. `used`: where the
    `${vars.…}` or `${matrix.…}` is that the value replaces. `filled`: the text after `${…}` inside it was replaced.
    `unknown`: the text holds a `${…}` that has no value. `problems` are about the value, with the path ().
    """

    layer: int
    path: DataPath = ()
    parts: Mapping[str | int, Place] = MappingProxyType({})
    used: Place | None = None
    filled: str | None = None
    unknown: bool = False
    problems: tuple[Problem, ...] = ()

    def part(self, key: str | int) -> Place:
        """The place of a value of this mapping or list, be there one or not."""
        return self.parts.get(key) or Place(self.layer, (*self.path, key))

    def at(self, path: DataPath) -> Place:
        """The place of the value at a path below this one."""
        place = self
        for position, key in enumerate(path):
            part = place.parts.get(key)
            if part is None:
                return Place(place.layer, (*place.path, *path[position:]))
            place = part
        return place

    def with_parts(self, parts: Mapping[Any, Place]) -> Place:
        """The place with these parts, and its other ones as they are."""
        return self._replace(parts={**self.parts, **parts}) if parts else self

    def with_part(self, path: DataPath, part: Place) -> Place:
        """The place with another one at a path below it."""
        return self.with_parts({path[0]: self.part(path[0]).with_part(path[1:], part)}) if path else part

    def with_problem(self, problem: Problem) -> Place:
        """The place with a problem of what is at the problem's path below it."""
        place = self.at(problem.path)
        own = place._replace(problems=(*place.problems, problem._replace(path=())))
        return self.with_part(problem.path, own)

    def with_unknown(self, value: Any) -> Place:
        """The place of `value` where none of its `${vars.…}` and `${matrix.…}` is replaced."""
        if isinstance(value, str):
            held = any(isinstance(expression.meaning, ValueReference) for expression in expressions(value))
            return self._replace(unknown=True) if held else self
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        parts = {key: (self.part(key), child) for key, child in children}
        marked = {key: (part, part.with_unknown(child)) for key, (part, child) in parts.items()}
        return self.with_parts({key: new for key, (old, new) in marked.items() if new is not old})

    def all(self, path: DataPath = ()) -> Iterator[tuple[DataPath, Place]]:
        """This place, which is at `path`, and all its parts."""
        yield path, self
        for key, part in self.parts.items():
            yield from part.all((*path, key))


class Written(NamedTuple):
    """A value, where it is written, and the path in the effective document where findings are about it."""

    value: Any
    place: Place
    path: DataPath

    def part(self, key: Any) -> Written:
        return Written(self.value[key], self.place.part(key), (*self.path, key))

    def at(self, path: DataPath) -> Written:
        """The value at a path below this one."""
        found = self
        for key in path:
            found = found.part(key)
        return found


def outward(value: Any, levels: int) -> Any:
    """A value whose references to tasks are looked up so many groups further out than where it is now."""
    if isinstance(value, dict):
        return {key: outward(child, levels) for key, child in value.items()}
    if isinstance(value, list):
        return [outward(child, levels) for child in value]
    if not isinstance(value, str) or "tasks." not in value:
        return value
    found = [one for one in expressions(value) if isinstance(one.meaning, TaskReference)]
    return filled(value, [(one, one.written.replace("tasks.", f"tasks.{OUTWARD * levels}", 1)) for one in found])


def outside_of_templates(path: DataPath, expression: Expression) -> Problem:
    """What is wrong with a `${params.…}` that is in no template."""
    message = f"`{expression.written}` has a value in templates of tasks only"
    help_text = f"a param of the run is written {{{{ {expression.written[2:-1].strip()} }}}}"
    return Problem(Code.BAD_EXPRESSION, path, message, help=help_text, part=(expression.start, expression.end))


class Arguments(NamedTuple):
    """The values of a template's params, in the group at the path `entry`. None: it has none, which is said or, where
    the template is looked at by itself, not wrong. `given` are those that the caller writes. `is_alone`: nobody knows
    the `vars` and the rows around it."""

    entry: DataPath
    values: Mapping[str, Written | None]
    given: Container[str] = ()
    is_alone: bool = False

    def seen_from(self, path: DataPath, key: str) -> Written | None:
        """A value as it is written at a path inside the group: the caller's references mean the caller's tasks, and
        those of a default what they mean at the top of the template."""
        value = self.values[key]
        levels = max(1, (len(task_path(path)) - len(self.entry)) // 2) - (key not in self.given)
        return value._replace(value=outward(value.value, levels)) if value is not None and levels else value


@dataclass(frozen=True)
class Effective:
    """What a pipeline's file says together with the defaults above it, in one environment, for one row of its matrix.

    `layers` are the documents from the root's defaults to the file itself, `templates` those that tasks are taken from
    with these `arguments`; a place counts through both. `has_rows`: several tasks may be made of one that is written.
    """

    data: dict[str, Any]
    layers: tuple[Document, ...]
    place: Place = field(repr=False, default=Place(0))
    has_rows: bool = False
    templates: tuple[Document, ...] = ()
    arguments: tuple[Arguments, ...] = ()

    @cached_property
    def documents(self) -> tuple[Document, ...]:
        """All of them, by the numbers of places."""
        return (*self.layers, *self.templates)

    def origin(self, path: DataPath) -> tuple[Document, DataPath]:
        """The document and the path in it that the value at an effective path came from."""
        place = self.place.at(path)
        return self.documents[place.layer], place.path

    def key_origin(self, path: DataPath) -> tuple[Document, DataPath]:
        """The document and the path in it that the key came from which ends an effective path."""
        place = self.place.at(path)
        place = place.used or place
        return self.documents[place.layer], place.path

    def number(self, path: DataPath) -> int:
        """The number, from 1, of a list's item where it is written: defaults and rows may put others before it."""
        _, place = self.key_origin(path)
        return int(place[-1] if place and isinstance(place[-1], int) else path[-1]) + 1

    def used_at(self, path: DataPath) -> DataPath | None:
        """The longest start of a path whose value replaces a `${vars.…}` or `${matrix.…}`."""
        used, place = None, self.place
        for length, key in enumerate(path, start=1):
            place = place.part(key)
            used = path[:length] if place.used is not None else used
        return used

    @cached_property
    def is_filled(self) -> bool:
        """Whether any value replaces a `${vars.…}` or `${matrix.…}`."""
        return any(place.used is not None or place.filled is not None for _, place in self.place.all())

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be filled in, by the paths of this document."""
        return tuple(p._replace(path=path) for path, place in self.place.all() for p in place.problems)

    @cached_property
    def unknown(self) -> frozenset[DataPath]:
        """The paths of texts that hold a `${…}` without a value."""
        return frozenset(path for path, place in self.place.all() if place.unknown)
