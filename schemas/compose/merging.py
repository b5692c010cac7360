"""Folder defaults, the file and the chosen environment → one effective document, in which every value knows where
it stands.

Mappings merge deeply; `tasks` merge by `id`, in groups too; `tags` unite; other lists, and values that are one of
several shapes, replace as a whole; `null` is a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath, is_task_list
from schemas.findings.problem import Problem
from schemas.model.python_object import OBJECT
from schemas.text.document import Document

Origins = dict[DataPath, tuple[int, DataPath]]

ENVIRONMENTS = "environments"

WHOLE_AT_TOP = frozenset({"schedule"})
WHOLE_IN_REQUEST = frozenset({"pagination", "auth"})
"""Keys of `poll` and of a task's `with` whose mapping is one of several shapes: half of each would be neither."""


@dataclass(frozen=True)
class Effective:
    """What a pipeline's file says together with the defaults above it, in one environment, for one row of its matrix.

    `layers` are the documents from the root's defaults to the file itself. `origins` says for the top of each
    part that was taken whole which layer it came from and at which path there. `substituted` says of a value that
    stands in place of a whole `${vars.…}` or `${matrix.…}` where in the composed document it came from. `filled` are
    the texts in which such values stand now. `problems` say what could not be filled in, `unknown` where.
    `has_rows`: several tasks stand in place of one that is written with a matrix.
    """

    data: dict[str, Any]
    layers: tuple[Document, ...]
    origins: Mapping[DataPath, tuple[int, DataPath]] = field(repr=False, default_factory=dict)
    substituted: Mapping[DataPath, DataPath] = field(repr=False, default_factory=dict)
    filled: Mapping[DataPath, str] = field(repr=False, default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unknown: frozenset[DataPath] = frozenset()
    has_rows: bool = False

    def origin(self, path: DataPath) -> tuple[Document, DataPath]:
        """The document and the path in it that the value at an effective path came from."""
        return self._written(moved(path, self.substituted, len(path)) if self.substituted else path)

    def key_origin(self, path: DataPath) -> tuple[Document, DataPath]:
        """The document and the path in it that the key came from which ends an effective path."""
        return self._written(moved(path, self.substituted, len(path) - 1) if self.substituted else path)

    def place(self, path: DataPath) -> tuple[int, DataPath]:
        """The layer and the path in it of what stands at an effective path, whichever value stands for it."""
        only = self.origins.get(()) if len(self.origins) == 1 else None
        if only is not None:  # no defaults above the file
            return only[0], (*only[1], *path)
        for length in range(len(path), -1, -1):
            found = self.origins.get(path[:length])
            if found is not None:
                layer, layer_path = found
                return layer, (*layer_path, *path[length:])
        return len(self.layers) - 1, path

    def _written(self, path: DataPath) -> tuple[Document, DataPath]:
        layer, place = self.place(path)
        return self.layers[layer], place


def moved(path: DataPath, places: Mapping[DataPath, DataPath], longest: int) -> DataPath:
    """`path` with its longest start that `places` holds, of at most `longest` elements, put in that place."""
    for length in range(longest, 0, -1):
        place = places.get(path[:length])
        if place is not None:
            return (*place, *path[length:])
    return path


def compose(layers: Sequence[Document], environment: str | None = None) -> Effective:
    """Merge read documents whose data are mappings or None (an empty file), the nearest last; then, in the same
    order, what they say of the environment. The result holds no `environments`, and no `dag_id` of a default, which
    could only be wrong."""
    merger = _Merger()
    data: dict[str, Any] = {}
    overlays: list[tuple[int, dict[str, Any]]] = []
    for index, layer in enumerate(layers):
        if layer.data is None:
            continue
        own = layer.data
        left_out = {ENVIRONMENTS} if index == len(layers) - 1 else {ENVIRONMENTS, "dag_id"}
        if not left_out.isdisjoint(own):
            overlay = _without(overlay_of(layer, environment), left_out)
            if overlay:
                overlays.append((index, overlay))
            own = _without(own, left_out)
        data = merger.mapping(data, own, (), (), index)
    for index, overlay in overlays:
        data = merger.mapping(data, overlay, (), (ENVIRONMENTS, str(environment)), index)
    if overlays:
        merger.stands_for_all(data, len(layers) - 1)
    return Effective(data, tuple(layers), merger.origins)


def overlay_of(layer: Document, environment: str | None) -> dict[str, Any]:
    """What a layer says of an environment; of a wrong shape, nothing."""
    declared = layer.data.get(ENVIRONMENTS) if isinstance(layer.data, dict) else None
    overlay = declared.get(environment) if isinstance(declared, dict) else None
    return overlay if isinstance(overlay, dict) else {}


def _without(mapping: dict[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in keys}


class _Merger:
    def __init__(self) -> None:
        self.origins: Origins = {}

    def mapping(
        self, below: dict[str, Any], above: dict[str, Any], path: DataPath, above_path: DataPath, layer: int
    ) -> dict[str, Any]:
        """`above` (layer `layer`, standing there at `above_path`) over `below`; `path` is the effective one."""
        if not below:
            self._replace(path, layer, above_path)
            return above
        self._pin(below, path)
        merged = dict(below)
        for key, value in above.items():
            merged[key] = self._value(below, key, value, (*path, key), (*above_path, key), layer)
        self.origins[path] = (layer, above_path)
        return merged

    def stands_for_all(self, data: dict[str, Any], layer: int) -> None:
        """What is missing in `data` is missing in this layer, whichever was put over it last."""
        self._pin(data, ())
        self.origins[()] = (layer, ())

    def _value(
        self, below: dict[str, Any], key: str, value: Any, path: DataPath, above_path: DataPath, layer: int
    ) -> Any:
        known = below.get(key)
        is_object = isinstance(value, dict) and OBJECT in value
        if isinstance(known, dict) and isinstance(value, dict) and not is_object and not _is_whole(path):
            return self.mapping(known, value, path, above_path, layer)
        if isinstance(known, list) and isinstance(value, list) and (is_task_list(path) or path == ("tags",)):
            merge = self._tags if path == ("tags",) else self._tasks
            return merge(known, value, path, above_path, layer)
        self._replace(path, layer, above_path)
        return value

    def _tasks(self, below: list[Any], above: list[Any], path: DataPath, above_path: DataPath, layer: int) -> list[Any]:
        self._pin(dict(enumerate(below)), path)
        merged = list(below)
        index_of: dict[str | None, int] = {}
        for index, task in enumerate(below):
            task_id = _task_id(task)
            if task_id is not None:
                index_of.setdefault(task_id, index)
        for position, task in enumerate(above):
            # Once only: a second task of that id stays one of its own, so that the repetition is found.
            match = index_of.pop(_task_id(task), None)
            if match is None:
                self._replace((*path, len(merged)), layer, (*above_path, position))
                merged.append(task)
            else:
                merged[match] = self.mapping(merged[match], task, (*path, match), (*above_path, position), layer)
        self.origins[path] = (layer, above_path)
        return merged

    def _tags(self, below: list[Any], above: list[Any], path: DataPath, above_path: DataPath, layer: int) -> list[Any]:
        self._pin(dict(enumerate(below)), path)
        merged = list(below)
        for position, tag in enumerate(above):
            if tag not in merged or not isinstance(tag, str):
                self._replace((*path, len(merged)), layer, (*above_path, position))
                merged.append(tag)
        self.origins[path] = (layer, above_path)
        return merged

    def _pin(self, below: Mapping[Any, Any], path: DataPath) -> None:
        """Note where each child of `below` stands before their parent's origin moves to another layer."""
        for key in below:
            child = (*path, key)
            if child not in self.origins:
                layer, parent = self.origins[path]
                self.origins[child] = (layer, (*parent, key))

    def _replace(self, path: DataPath, layer: int, above_path: DataPath) -> None:
        for known in [p for p in self.origins if p[: len(path)] == path]:
            del self.origins[known]
        self.origins[path] = (layer, above_path)


def _is_whole(path: DataPath) -> bool:
    """Whether the mapping at a path replaces and does not merge."""
    if len(path) == 1:
        return path[0] in WHOLE_AT_TOP
    return path[-1] in WHOLE_IN_REQUEST and (path[:-1] == ("poll",) or (path[-2] == "with" and is_task_list(path[:-3])))


def _task_id(task: Any) -> str | None:
    task_id = task.get("id") if isinstance(task, dict) else None
    return task_id if isinstance(task_id, str) else None


MAX_ENVIRONMENTS = 64
"""Lint checks the file in each."""


def declared(layers: Iterable[Document]) -> tuple[str, ...]:
    """The names of all environments, in the order in which they are written."""
    names: dict[str, None] = {}
    for layer in layers:
        environments = layer.data.get(ENVIRONMENTS) if isinstance(layer.data, dict) else None
        if isinstance(environments, dict):
            names |= dict.fromkeys(environments)
    return tuple(names)


def environments_with(layers: Iterable[Document], variable: str) -> tuple[str, ...]:
    """The names of the environments that give a value to a variable."""
    found: dict[str, None] = {}
    for layer in layers:
        for name in declared([layer]):
            values = overlay_of(layer, name).get("vars")
            if isinstance(values, dict) and variable in values:
                found[name] = None
    return tuple(found)


def declaration_findings(layers: Iterable[Document]) -> Iterator[Diagnostic]:
    """What is wrong with `environments` itself; what an environment says is checked where it is put over the rest."""
    for layer in layers:
        if not isinstance(layer.data, dict) or ENVIRONMENTS not in layer.data:
            continue
        environments = layer.data[ENVIRONMENTS]
        if environments is None:
            continue
        if not isinstance(environments, dict):
            message = "`environments` must be a mapping: the name of each environment and what is other there"
            yield _finding(layer, (ENVIRONMENTS,), message)
            continue
        if len(environments) > MAX_ENVIRONMENTS:
            message = f"a file has at most {MAX_ENVIRONMENTS} environments, this one {len(environments):,}"
            yield _finding(layer, (ENVIRONMENTS,), message, Code.TOO_LARGE, at_key=True)
            continue
        for name, overlay in environments.items():
            path = (ENVIRONMENTS, name)
            if not isinstance(overlay, dict | None):
                yield _finding(layer, path, f"environment `{name}` must be a mapping of what is other there")
            elif overlay is not None and ENVIRONMENTS in overlay:
                message = "an environment cannot hold `environments`"
                yield _finding(layer, (*path, ENVIRONMENTS), message, Code.UNKNOWN_KEY, at_key=True)


def not_checked(layers: Iterable[Document], names: Collection[str]) -> Iterator[Diagnostic]:
    """The warning that a file is too large to be checked in all its environments at once."""
    for layer in layers:
        declaring = declared([layer])
        if names and not set(names).isdisjoint(declaring):
            listed = ", ".join(f"`{name}`" for name in names)
            message = f"with all its environments the file holds too much to check at once: not checked in {listed}"
            help_text = f"check them one by one: `factory lint --environment {next(iter(names))}`"
            yield replace(
                _finding(layer, (ENVIRONMENTS,), message, Code.TOO_LARGE, at_key=True),
                severity=Severity.WARNING,
                help=help_text,
            )
            return


def _finding(
    layer: Document, path: DataPath, message: str, code: Code = Code.WRONG_TYPE, *, at_key: bool = False
) -> Diagnostic:
    span = layer.key_span(path) if at_key else layer.value_span(path)
    return Diagnostic(code, message, layer.file, span, text=layer.text)
