"""Folder defaults, the file and the chosen environment → one effective document.

Mappings merge deeply; `tasks` merge by `id`, in groups too; `tags` are united; other lists, and values that have one of
several shapes, are replaced as a whole; `null` is a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from schemas.compose.effective import Effective, Place
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath, is_task_list
from schemas.model.fields import OBJECT
from schemas.text.document import Document

ENVIRONMENTS = "environments"
IGNORED = "x-"
"""Keys at the top of a file that begin so are the author's own, for anchors."""
MAX_ENVIRONMENTS = 64
"""Lint checks the file in each."""

WHOLE_AT_TOP = frozenset({"schedule"})
WHOLE_IN_REQUEST = frozenset({"pagination", "auth"})
"""Keys of `poll` and of a task's `with` whose mapping has one of several shapes: half of each would be neither."""


def compose(layers: Sequence[Document], environment: str | None = None) -> Effective:
    """Merge read documents whose data are mappings or None (an empty file), the nearest last; then, in the same
    order, what they say of the environment. The result holds no `environments`, no `x-…` of the top, and no `dag_id` of
    a default, which could only be wrong."""
    last = len(layers) - 1
    data: dict[str, Any] = {}
    place = Place(last)
    overlays: list[tuple[dict[str, Any], Place]] = []
    for index, layer in enumerate(layers):
        if layer.data is None:
            continue
        own = layer.data
        left_out = {ENVIRONMENTS, *(key for key in layer.data if key.startswith(IGNORED))}
        left_out |= {"dag_id"} if index != last else set()
        if not left_out.isdisjoint(own):
            overlay = _without(overlay_of(layer, environment), left_out)
            if overlay:
                overlays.append((overlay, Place(index, (ENVIRONMENTS, str(environment)))))
            own = _without(own, left_out)
        data, place = _mapping(data, place, own, Place(index), ())
    for overlay, overlay_place in overlays:
        data, place = _mapping(data, place, overlay, overlay_place, ())
    if overlays:  # what is missing is missing in the file
        place = Place(last, (), {key: place.part(key) for key in data})
    return Effective(data, tuple(layers), place)


def overlay_of(layer: Document, environment: str | None) -> dict[str, Any]:
    """What a layer says of an environment; of a wrong shape, nothing."""
    declared = layer.data.get(ENVIRONMENTS) if isinstance(layer.data, dict) else None
    overlay = declared.get(environment) if isinstance(declared, dict) else None
    return overlay if isinstance(overlay, dict) else {}


def _without(mapping: dict[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in keys}


def _mapping(
    below: dict[str, Any], below_place: Place, above: dict[str, Any], above_place: Place, path: DataPath
) -> tuple[dict[str, Any], Place]:
    """`above` over `below`, whose effective path is `path`."""
    if not below:
        return above, above_place
    merged = dict(below)
    parts: dict[str | int, Place] = {key: below_place.part(key) for key in below}
    for key, value in above.items():
        known, known_place = below.get(key), parts.get(key, below_place)
        merged[key], parts[key] = _value(known, known_place, value, above_place.part(key), (*path, key))
    return merged, Place(above_place.layer, above_place.path, parts)


def _value(below: Any, below_place: Place, above: Any, above_place: Place, path: DataPath) -> tuple[Any, Place]:
    if isinstance(below, dict) and isinstance(above, dict) and OBJECT not in above and not _is_whole(path):
        return _mapping(below, below_place, above, above_place, path)
    if isinstance(below, list) and isinstance(above, list) and (is_task_list(path) or path == ("tags",)):
        return _list(below, below_place, above, above_place, path)
    return above, above_place


def _list(
    below: list[Any], below_place: Place, above: list[Any], above_place: Place, path: DataPath
) -> tuple[list[Any], Place]:
    """The entries of `above` in place of those of `below` that they are about, or behind them."""
    are_tags = path == ("tags",)
    merged = list(below)
    parts: dict[str | int, Place] = {index: below_place.part(index) for index in range(len(below))}
    index_of: dict[str | None, int] = {}
    for index, entry in enumerate(below):
        if (name := _tag(entry) if are_tags else _task_id(entry)) is not None:
            index_of.setdefault(name, index)
    for position, entry in enumerate(above):
        name, place = _tag(entry) if are_tags else _task_id(entry), above_place.part(position)
        # A task is matched once: a second one of that id stays one of its own, so that the duplicate is found.
        match = index_of.get(name) if are_tags else index_of.pop(name, None)
        if match is None:
            parts[len(merged)] = place
            if are_tags and name is not None:
                index_of[name] = len(merged)
            merged.append(entry)
        elif not are_tags:
            merged[match], parts[match] = _mapping(merged[match], parts[match], entry, place, (*path, match))
    return merged, Place(above_place.layer, above_place.path, parts)


def _tag(entry: Any) -> str | None:
    return entry if isinstance(entry, str) else None


def _is_whole(path: DataPath) -> bool:
    """Whether the mapping at a path is replaced, not merged."""
    if len(path) == 1:
        return path[0] in WHOLE_AT_TOP
    return path[-1] in WHOLE_IN_REQUEST and (path[:-1] == ("poll",) or (path[-2] == "with" and is_task_list(path[:-3])))


def _task_id(task: Any) -> str | None:
    task_id = task.get("id") if isinstance(task, dict) else None
    return task_id if isinstance(task_id, str) else None


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
