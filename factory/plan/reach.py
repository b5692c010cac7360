"""What a change reaches beyond the file it is in: pipelines by defaults and code, DAGs that wait for assets."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from factory.plan.changes import Change, Entry
from factory.plan.contents import Contents, Dag, Value, content, contents
from schemas.check import Checker
from schemas.check.dependencies import pipeline_files
from schemas.expressions.reading import EnvReference, expressions
from schemas.findings.paths import walk
from schemas.folder.discovery import defaults_paths, is_defaults_path, is_pipeline_path
from schemas.source.parse import parse
from schemas.source.syntax import changed_names


def reasons(before: Path, after: Path, old_paths: set[str], new_paths: set[str]) -> dict[str, tuple[str, ...]]:
    """Each pipeline file that the change reaches → the changed files through which it does; itself where it changed."""
    changed, all_paths = _changed_files(before, after), old_paths | new_paths
    others = {path for path in changed - all_paths if not is_pipeline_path(path) or is_defaults_path(path)}
    found = {path: {path} for path in changed & all_paths}
    for default in filter(is_defaults_path, others):
        above = default.rpartition("/")[0]
        for path in all_paths:
            if not above or path.startswith(f"{above}/"):
                found.setdefault(path, set()).add(default)
    others = {path for path in others if not is_defaults_path(path)}
    edits = _Edits(before, after)
    for folder, paths in ((before, old_paths), (after, new_paths)):
        checker = Checker(folder)
        for path in paths & found.keys():
            if checker.dialect(path):  # dag-factory has defaults of its own
                found[path] = {reason for reason in found[path] if not is_defaults_path(reason)}
        for file in pipeline_files(folder) if others else ():
            through = {
                path for path in others & file.depends_on if edits.reach(path, file.depends_on, file.path, checker)
            }
            if through:
                found.setdefault(file.path, set()).update(through)
    return {path: tuple(sorted(through)) for path, through in found.items() if through}


def _changed_files(before: Path, after: Path) -> set[str]:
    """Paths below the folders of files that are not the same in both."""
    old, new = _files(before), _files(after)
    both = old.keys() & new.keys()
    return (old.keys() ^ new.keys()) | {path for path in both if content(old[path]) != content(new[path])}


def _files(folder: Path) -> dict[str, Path]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path for path in found}


class _Edits:
    """What is different in Python files, name by name, and which pipelines use such a name."""

    def __init__(self, before: Path, after: Path) -> None:
        self._folders = (before, after)
        self._names = cache(self._changed_names)

    def _changed_names(self, path: str) -> set[str] | None:
        old, new = (parse(content(folder / path)) for folder in self._folders)
        if not isinstance(old, ast.Module) or not isinstance(new, ast.Module):
            return None
        try:
            return changed_names(old, new, self._is_local)
        except RecursionError:  # nested too deeply to tell
            return None

    def _is_local(self, name: str) -> bool:
        """Whether a module is in the folder, by the first part of its name; `""` for one named with dots."""
        return any((folder / name).is_dir() or (folder / f"{name}.py").is_file() for folder in self._folders)

    def reach(self, path: str, files: Collection[str], pipeline: str, checker: Checker) -> bool:
        """Whether an edited file matters to a pipeline, which depends on `files`: yes, unless the source says no."""
        place = PurePosixPath(path)
        names = self._names(path) if place.suffix == ".py" and place.stem != "__init__" else None
        if names is None:
            return True
        modules = [file for file in files if file.endswith(".py") and file != path]
        word = re.compile(rf"\b{re.escape(place.stem)}\b".encode())
        if any(word.search(content(folder / module)) for folder in self._folders for module in modules):
            return True  # it may be imported there
        dotted = re.compile(rf"\b{re.escape('.'.join(place.with_suffix('').parts))}\.(\w+)")
        texts = [str(text) for v in checker.variants(pipeline) for _, text in walk(v.effective.data).texts]
        used = {name for text in texts for name in dotted.findall(text)}
        return not used or bool(used & names) or any(place.name in text for text in texts)


_NAMES = ("name", "uri", "alias")
Written = Mapping[str, str]
"""Each name of the assets that a DAG writes → the place of the first task that does."""


def written(dag: Dag) -> Written:
    """What its tasks have in `outlets`."""
    found: dict[str, str] = {}
    for task in dag.tasks.values():
        value = task.values.get("outlets")
        for name in _asset_names(value.data) if value is not None else ():
            found.setdefault(name, value.place if value is not None else "")
    return found


def _may_hold(text: bytes, name: bytes) -> bool:
    """Whether an asset may have a name: one that is filled in is in no text."""
    if name in text or b"template" in text:
        return True
    return (b"${vars" in text or b"${matrix" in text) and (b"assets" in text or b"outlets" in text)


class Readers:
    """The DAGs of a folder that write an asset or wait for it; files are read only where they, or the defaults above
    them, may hold an asset's name."""

    def __init__(self, folder: Path, shown: str, paths: Collection[str]) -> None:
        self._folder = folder
        self._shown = shown
        above = cache(lambda path: content(folder / path))
        self._texts = {
            path: b"\n".join([content(folder / path), *(above(place) for place in defaults_paths(path))])
            for path in paths
        }
        self._read: dict[str, Contents] = {}

    def changes(self, before: Written, after: Written, place: str) -> Iterator[Change]:
        """What is different for those who wait, when a DAG writes other assets; `place` is the DAG's file."""
        for name in sorted(before.keys() - after.keys()):
            waiting, others = self._of(name)
            if waiting:
                rest = f"`{'`, `'.join(others)}` still writes it" if others else "nothing else writes it"
                text = f"asset `{name}` is no longer written here, and `{'`, `'.join(waiting)}` waits for it; {rest}"
                yield Change("asset", text, place, loses=not others)
        for name in sorted(after.keys() - before.keys()):
            waiting, _ = self._of(name)
            if waiting:
                text = f"asset `{name}` is written now: `{'`, `'.join(waiting)}` runs after it"
                yield Change("asset", text, after[name])

    def _of(self, name: str) -> tuple[list[str], list[str]]:
        """The ids of DAGs that wait for an asset, and of those that write it."""
        wanted = name.encode()
        waiting, writing = set[str](), set[str]()
        for path in (path for path, text in self._texts.items() if _may_hold(text, wanted)):
            if path not in self._read:
                self._read[path] = contents(self._folder, self._shown, [path], environments=False)
            for dag in self._read[path].dags.values():
                schedule = dag.data.get("schedule")
                if isinstance(schedule, dict) and name in set(_asset_names(schedule.get("assets"))):
                    waiting.add(dag.id)
                if name in written(dag):
                    writing.add(dag.id)
        return sorted(waiting), sorted(writing)


def _asset_names(value: Any) -> Iterator[str]:
    """The names of all assets in a list, a condition or an asset."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _asset_names(one)
    elif isinstance(value, dict):
        for key in _NAMES:
            if isinstance(value.get(key), str):
                yield value[key]
        for key in ("any", "all"):
            yield from _asset_names(value.get(key))


def with_assets(entries: Sequence[Entry], old: Contents, new: Contents, readers: Readers) -> list[Entry]:
    """Entries with what they are to DAGs that wait for assets. A DAG without an entry writes what it wrote."""
    found = []
    for entry in entries:
        key = (entry.dag_id, entry.environment)
        before, after = old.dags.get((entry.old_id or entry.dag_id, entry.environment)), new.dags.get(key)
        more = () if entry.environment or entry.kind == "broken" else tuple(
            readers.changes(written(before) if before else {}, written(after) if after else {}, f"{entry.path}:1")
        )  # fmt: skip
        kind = "changed" if more and entry.kind == "touched" else entry.kind
        found.append(replace(entry, kind=kind, changes=(*entry.changes, *more)))
    return found


_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_NAMED = r"(?:\.(?!get\b)(\w+)|(?:\.get\(|\[)\s*[\"']([^\"']+)[\"']\s*[)\]])"
"""`.name`, `['name']` and `.get('name')`; one with a value for a name that is not there needs none."""
_TEMPLATE_CONNECTION = re.compile(rf"\bconn{_NAMED}")
_TEMPLATE_VARIABLE = re.compile(rf"\bvar\.(?:value|json){_NAMED}")
_URL = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_OWN = ("airflow", "builtins")
_NOT_RUN = frozenset(
    {"vars", "matrix", "description", "doc", "doc_md", "doc_json", "doc_yaml", "doc_rst", "owner_links", "tags"}
)
"""Keys whose values people read, or that count only where they are filled in."""

Need = tuple[str, str]
"""Its kind, and its name: `("connection", "warehouse")`."""


def needs(dag: Dag) -> dict[Need, str]:
    """What a DAG needs → `file:line` of the first place that says so."""
    found: dict[Need, str] = {}
    values = [(name if name.startswith("default_args.") else "", name, value) for name, value in dag.settings.items()]
    values += [(name, name, value) for task in dag.tasks.values() for name, value in task.values.items()]
    for name, written, value in values:
        if written.partition(".")[0] in _NOT_RUN or written.startswith("x-"):
            continue
        for need in _of_value(name.rpartition(".")[2], value):
            found.setdefault(need, value.place)
    return found


def _of_value(key: str, value: Value) -> Iterator[Need]:
    data = value.data
    for text in [getattr(text, "expression", None) or str(text) for _, text in walk(data).texts]:
        for expression in expressions(text) if "${" in text else ():
            if isinstance(expression.meaning, EnvReference):
                yield "environment variable", expression.meaning.name
        for tag in _TAG.findall(text):
            yield from (("connection", "".join(match)) for match in _TEMPLATE_CONNECTION.findall(tag))
            yield from (("variable", "".join(match)) for match in _TEMPLATE_VARIABLE.findall(tag))
        yield from (("host", host) for host in map(_host, _URL.findall(text)) if host)
    if not isinstance(data, str) or "${" in data or "{{" in data:
        return
    if key.endswith("conn_id"):
        yield "connection", data
    elif key == "pool":
        yield "pool", data
    elif key in ("uses", "operator") and "." in data:
        yield from _package(data)


def _package(dotted: str) -> Iterator[Need]:
    first, _, rest = dotted.partition(".")
    if dotted.startswith("airflow.providers."):
        yield "package", f"apache-airflow-providers-{'-'.join(_provider(rest.removeprefix('providers.')))}"
    elif first not in _OWN and dotted.rpartition(".")[2][:1].isupper():
        yield "package", first


def _provider(path: str) -> list[str]:
    """The provider's name: all parts before the first that says what kind of module it is."""
    parts = path.split(".")
    kinds = {"operators", "sensors", "hooks", "notifications", "decorators", "transfers", "triggers", "timetables"}
    end = next((position for position, part in enumerate(parts) if part in kinds), 1)
    return parts[:end]


def _host(url: str) -> str:
    if "{{" in url or "${" in url.split("/")[2]:
        return ""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
