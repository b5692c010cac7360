"""What a pipeline's meaning depends on, besides its own text: defaults, Python modules, files it names.

Names are looked up in one listing of the folder, so that no text of a pipeline, however odd, becomes a
question to the file system.
"""

from __future__ import annotations

import ast
import json
import logging
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from schemas.check.checker import Checker
from schemas.compose.env_values import EnvText
from schemas.compose.task_rows import templates_in
from schemas.expressions.reading import DOTTED_PATH_PATTERN, EnvReference, expressions
from schemas.findings.codes import Severity
from schemas.findings.paths import walk
from schemas.folder.discovery import dag_factory_defaults_paths, defaults_paths, pipeline_paths
from schemas.folder.project import FolderFiles, known
from schemas.model.schedule import Schedule
from schemas.rules import schedule
from schemas.rules.subject import Subject
from schemas.source import SourceReader
from schemas.source.parse import parse

log = logging.getLogger(__name__)

_DOTTED = re.compile(DOTTED_PATH_PATTERN)
_FILE_NAME = re.compile(r"(?<![\w./-])(?:\./)?[\w-][\w./-]*\.[A-Za-z][A-Za-z0-9]{0,9}(?![\w/-])")
_WORD_END = re.compile(r"[\s'\"`;|&<>(),{}$]+")
_LITERAL = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_SCHEDULE: TypeAdapter[Any] = TypeAdapter(Schedule)
_MAX_DOTTED = 500  # what `schemas.source` takes for a path at most


@dataclass(frozen=True, slots=True)
class PipelineFile:
    """One pipeline. Paths are POSIX, below the pipelines folder.

    `dag_ids` are the ids it claims; none where the file cannot be read. `environments` are those that it, or the
    defaults above it, declare.
    `depends_on` holds the file itself and every path its meaning depends on, also
    paths that do not exist and would matter if they did.
    """

    path: str
    dag_ids: tuple[str, ...]
    depends_on: frozenset[str]
    environments: tuple[str, ...] = ()
    schedules: tuple[tuple[str, str], ...] = ()
    """(DAG id, text that changes with its schedule) pairs; the text is empty where the schedule is not valid. None for
    dag-factory's documents."""


NONE: Mapping[str, PipelineFile] = MappingProxyType({})


def pipeline_files(folder: Path, unchanged: Mapping[str, PipelineFile] = NONE) -> tuple[PipelineFile, ...]:
    """All pipelines below a folder that does not change meanwhile; unreadable ones depend on their defaults.

    `unchanged`, by path, are those of an earlier call of which nothing they depend on has changed since, while the
    folder had the same paths: they are given back as they are.

    One that cannot be worked out, by a fault of ours, claims no id and depends on every file: it is looked at
    again after any change, and what is wrong shows when it is built.
    """
    checker = Checker(folder)
    files = FolderFiles(folder)
    scan = _Scan(files, _Modules(files, SourceReader(files.folder)))
    return tuple(
        unchanged[path] if path in unchanged else _pipeline_file(path, checker, scan, files)
        for path in pipeline_paths(folder)
    )


def _pipeline_file(path: str, checker: Checker, scan: _Scan, files: FolderFiles) -> PipelineFile:
    try:
        return PipelineFile(
            path,
            checker.claims(path),
            scan.dependencies(path, checker),
            checker.environments_of(path),
            () if checker.dialect(path) else tuple(_schedules(path, checker)),
        )
    except Exception as error:
        said = "%s: what it depends on cannot be worked out (%s); it counts as changed with every file"
        is_ours = not isinstance(error, OSError)  # a file that may not be read is the user's
        log.log(logging.ERROR if is_ours else logging.WARNING, said, path, error, exc_info=is_ours)
        return PipelineFile(path, (), files.paths | {path, *defaults_paths(path)})


def _schedules(path: str, checker: Checker) -> Iterator[tuple[str, str]]:
    for variant in checker.variants(path):
        written = [variant.effective.data.get(key) for key in ("schedule", "timezone")]
        is_valid = _is_schedule(written[0]) and not any(
            found.severity is Severity.ERROR for found in schedule.check(Subject(path, variant.effective))
        )
        yield variant.dag_id, json.dumps(written, sort_keys=True, default=str) if is_valid else ""


def _is_schedule(written: Any) -> bool:
    """Whether it has the shape of one."""
    try:
        _SCHEDULE.validate_python(written)
    except ValidationError:
        return False
    return True


class _Scan:
    """Finds what pipelines depend on."""

    def __init__(self, files: FolderFiles, modules: _Modules) -> None:
        self._files = files
        self._modules = modules
        self._included: dict[str, frozenset[str]] = {}

    def dependencies(self, path: str, checker: Checker) -> frozenset[str]:
        found = {path, *defaults_paths(path)}
        own = PurePosixPath(path).parent.as_posix()
        variants = checker.variants(path)
        texts = {text for variant in variants for _, text in walk(variant.effective.data).texts}
        for name in {name for variant in variants for name in templates_in(variant.effective.data.get("tasks"))}:
            if (meant := known(name)) is not None and not meant.package:
                found |= set(meant.paths)
        for text in texts:
            found |= self._of_text(own, text)
        if checker.dialect(path):
            found |= {*dag_factory_defaults_paths(path), *self._by_absolute_path(texts)}
        return frozenset(found)

    def _by_absolute_path(self, texts: Iterable[str]) -> set[str]:
        """Files of the names to which absolute paths lead, on this machine or another, and the modules they import."""
        found: set[str] = set()
        for text in texts:
            written = text.expression if isinstance(text, EnvText) else text
            if written.startswith(("/", "$")):
                found |= self._files.named(PurePosixPath(written).name)
        modules = [path for path in found if path.endswith(".py")]
        modules += [place for text in texts if text.endswith(".py") for place in self._files.named(text)]
        for module in modules:
            found |= self._modules.behind(f"{module.removesuffix('.py').replace('/', '.')}.any")
        return found

    def _of_text(self, own: str, text: str) -> set[str]:
        found: set[str] = set()
        if _DOTTED.fullmatch(text):
            found |= self._modules.behind(text)
        variants, ends = _with_environment(text)
        for variant in variants:
            # A word without an ending counts only where there is such a file.
            words = {variant.strip(), *_WORD_END.split(variant)}
            named = {place for word in words for place in _places(own, word) if place in self._files.paths}
            named |= {place for word in words for place in self._files.matching(word)}
            for name in (*_FILE_NAME.findall(variant), *_tag_literals(variant)):
                named |= _places(own, name)
            found |= self._with_included(own, named)
        for end in ends:
            found |= self._with_included(own, self._files.ending(end))
        return found

    def _with_included(self, own: str, paths: set[str]) -> set[str]:
        """Files, and what those of them that are templates name in their tags, and so on."""
        found = set(paths)
        waiting = list(paths)
        while waiting:
            path = waiting.pop()
            if path not in self._included:
                self._included[path] = frozenset(_tag_literals(self._files.text(path)))
            new = {place for name in self._included[path] for place in _places(own, name)} - found
            found |= new
            waiting += new
        return found


class _Modules:
    """The files behind dotted paths: local modules, and the files whose names these write out."""

    def __init__(self, files: FolderFiles, reader: SourceReader) -> None:
        self._files = files
        self._reader = reader
        self._behind: dict[str, frozenset[str]] = {}
        self._literals: dict[str, frozenset[str]] = {}

    def behind(self, dotted: str) -> frozenset[str]:
        """What is loaded and named behind a path, and the files that would be such modules."""
        if dotted not in self._behind:
            found: set[str] = set()
            seen = {dotted}
            waiting = [dotted]
            while waiting:
                for module in self._loaded(waiting.pop()) - found:
                    found.add(module)
                    for literal in self._literals_of(module):
                        found |= self._files.named(posixpath.normpath(literal.lstrip("/")))
                        found |= self._files.matching(literal)
                        name = _absolute(module, literal)
                        if name not in seen and self._is_module(name):
                            seen.add(name)
                            waiting.append(name)
            self._behind[dotted] = frozenset(found | _module_places(dotted))
        return self._behind[dotted]

    def _loaded(self, dotted: str) -> set[str]:
        return {file.relative_to(self._files.folder).as_posix() for file in self._reader.local_modules(dotted)}

    def _is_module(self, name: str) -> bool:
        """`importlib.import_module("name")`: a text that names a local module may be one."""
        place = name.replace(".", "/")
        return f"{place}.py" in self._files.paths or f"{place}/__init__.py" in self._files.paths

    def _literals_of(self, module: str) -> frozenset[str]:
        if module not in self._literals:
            # Compiled modules name files, too, but none that can be read here.
            tree = parse((self._files.folder / module).read_bytes()) if module.endswith(".py") else None
            constants = ast.walk(tree) if isinstance(tree, ast.Module) else ()
            self._literals[module] = frozenset(
                node.value for node in constants if isinstance(node, ast.Constant) and isinstance(node.value, str)
            )
        return self._literals[module]


def _absolute(module: str, name: str) -> str:
    """The full name of a module that the file `module` may name with leading dots."""
    dots = len(name) - len(name.lstrip("."))
    if not dots:
        return name
    package = PurePosixPath(module).parts[:-dots]
    return ".".join((*package, name[dots:]))


def _module_places(dotted: str) -> set[str]:
    if len(dotted) > _MAX_DOTTED:
        return set()
    parts = dotted.split(".")
    modules = ["/".join(parts[:count]) for count in range(1, len(parts))]
    return {place for module in modules for place in (f"{module}.py", f"{module}/__init__.py")}


def _places(own: str, name: str) -> set[str]:
    """Where Airflow looks for a template: beside the pipeline, then at the root; never outside the folder."""
    if not name or name.startswith("/"):
        return set()
    places = {posixpath.normpath(posixpath.join(own, name)), posixpath.normpath(name)}
    return {place for place in places if place != "." and place.split("/", 1)[0] != ".."}


def _with_environment(text: str) -> tuple[set[str], set[str]]:
    """A text as it is and as variables or their defaults make it, and the ends of names that start with one.

    The worker's variables may differ from this process's, so an end counts wherever a file has it.
    """
    found = [(e, e.meaning) for e in expressions(text) if isinstance(e.meaning, EnvReference)]
    if not found:
        return {text}, set()
    by_default, by_value = text, text
    ends: set[str] = set()
    for expression, variable in reversed(found):
        default = variable.default or ""
        value = os.environ.get(variable.name, default)
        by_default = by_default[: expression.start] + default + by_default[expression.end :]
        by_value = by_value[: expression.start] + value + by_value[expression.end :]
        rest = text[expression.end :]
        # Up to the next word, and, for a name with spaces, up to the end.
        ends |= {end for end in (_WORD_END.split(rest, maxsplit=1)[0], rest.strip()) if "." in end and "$" not in end}
    return {by_default, by_value}, ends


def _tag_literals(text: str) -> Iterator[str]:
    """Every text in quotes inside `{% … %}`: what is included, imported or extended is among them."""
    for part in text.split("{%")[1:]:
        for double, single in _LITERAL.findall(part.partition("%}")[0]):
            yield double or single
