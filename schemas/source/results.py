"""What reading source can say about a dotted path: the results of `schemas.source.SourceReader`."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from schemas.findings.suggestions import nearest


class Parameter(NamedTuple):
    """One parameter of a function or constructor, without `self` and `cls`.

    `kind` is a name of `inspect.Parameter`'s kinds ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY", "VAR_KEYWORD",
    …). `annotation` is the text of the annotation as written, names as the defining module knows them.
    """

    name: str
    kind: str
    required: bool
    annotation: str | None = None


class Function(NamedTuple):
    """A plain function, or a static or class method, that can be called with `parameters`."""

    path: str
    file: Path
    line: int
    local: bool
    parameters: tuple[Parameter, ...]
    is_async: bool

    @property
    def has_var_keyword(self) -> bool:
        """Whether it takes any keyword argument."""
        return any(parameter.kind == "VAR_KEYWORD" for parameter in self.parameters)


class Class(NamedTuple):
    """A class.

    `parameters` follow `**kwargs` through the constructors of its bases; None where reading cannot decide. A
    parameter of kind VAR_KEYWORD stays in the list only if any name is accepted.
    `template_fields` are its own or the inherited ones; None where they are computed.
    `is_operator`: has Airflow's BaseOperator among its bases; None if a base cannot be read.
    """

    path: str
    file: Path
    line: int
    local: bool
    parameters: tuple[Parameter, ...] | None
    template_fields: frozenset[str] | None
    is_operator: bool | None


class TaskDecorated(NamedTuple):
    """A function made a task by Airflow's TaskFlow decorators: the plain function has to be named instead."""

    path: str
    file: Path
    line: int
    local: bool
    decorator: str


class ModuleMissing(NamedTuple):
    """No such module. `local`: a module below the pipelines folder has its first name, or one close to it."""

    module: str
    existing_parent: str | None
    candidates: tuple[str, ...]
    local: bool


class NameMissing(NamedTuple):
    """The module is there, the name is not. `candidates` are near names, `defined` what could be meant."""

    module: str
    name: str
    file: Path
    candidates: tuple[str, ...]
    defined: tuple[str, ...]


class NotInstalled(NamedTuple):
    """A distribution that may well be installed where the pipeline runs is missing here: not an error.

    `distribution_hint` is what to install: for `airflow.providers.…` the provider's distribution, else the
    top-level name. `candidates` are dotted names close to `module` that are installed.
    """

    module: str
    distribution_hint: str
    candidates: tuple[str, ...] = ()


class NotCallable(NamedTuple):
    """The path names a "module" or a "constant" (`kind`). `candidates`: what the module defines."""

    path: str
    kind: str
    candidates: tuple[str, ...] = ()


class SourceError(NamedTuple):
    """A local module that Python cannot parse. `line` and `column` count from 1."""

    module: str
    file: Path
    line: int
    column: int
    message: str

    @property
    def path(self) -> str:
        """Of the file, from the folder that holds the pipelines."""
        depth = self.module.count(".") + 1 + (self.file.stem == "__init__")
        return "/".join(self.file.parts[-depth:])


class NotAPath(NamedTuple):
    """The text is not names joined by dots."""

    text: str


class Undecidable(NamedTuple):
    """Reading source cannot tell. `reason` is a short clause for a note or a log."""

    reason: str


class Hidden(NamedTuple):
    """A local module that Python never reaches because `other` has the same first name.

    `owner` is "the standard library", "an installed package" or "this project"; `other` is its place, or
    its name where it has no file.
    """

    name: str
    local: Path
    owner: str
    other: str


Missing = ModuleMissing | NameMissing | NotInstalled
Failure = Missing | NotCallable | SourceError | NotAPath | Undecidable
Found = Function | Class | TaskDecorated
Result = Found | Failure


_MAPPINGS = ("dict", "Dict", "Mapping", "typing.Dict", "typing.Mapping")


def gives_mapping(function: Function) -> bool:
    """Whether the annotation of what it returns is a mapping, which Airflow's `task` decorator takes for
    `multiple_outputs` (`airflow.sdk.bases.decorator._TaskDecorator`)."""
    try:
        tree = ast.parse(function.file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    name = function.path.rpartition(".")[2]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name and node.returns is not None:
            return ast.unparse(node.returns).partition("[")[0] in _MAPPINGS
    return False


def _returned(function: Function) -> list[ast.expr | None]:
    """What a function returns, as it is written."""
    try:
        tree = ast.parse(function.file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    name = function.path.rpartition(".")[2]
    found: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            found += [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return)]
    return found


def returned_keys(function: Function) -> tuple[str, ...]:
    """The keys of the mappings that a function returns where they are written out."""
    mappings = [value for value in _returned(function) if isinstance(value, ast.Dict)]
    keys = [key.value for mapping in mappings for key in mapping.keys if isinstance(key, ast.Constant)]
    return tuple(dict.fromkeys(key for key in keys if isinstance(key, str)))


def returned_texts(function: Function) -> tuple[str, ...]:
    """The texts that a function returns where they are written out, alone or in a list."""
    waiting = _returned(function)
    found: list[str] = []
    while waiting:
        match waiting.pop(0):
            case ast.Constant(value=str() as text):
                found.append(text)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                waiting += items
            case ast.IfExp(body=body, orelse=orelse):
                waiting += [body, orelse]
            case _:
                continue
    return tuple(dict.fromkeys(found))


_BY_NAME = ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")


def by_name(parameters: Iterable[Parameter]) -> list[Parameter]:
    """The parameters that an argument can name."""
    return [p for p in parameters if p.kind in _BY_NAME]


def unknown_names(parameters: Sequence[Parameter], given: Iterable[str]) -> list[str]:
    """Those of `given` that no parameter takes; none where any name is taken."""
    if any(p.kind == "VAR_KEYWORD" for p in parameters):
        return []
    names = {p.name for p in by_name(parameters)}
    return [name for name in given if name not in names]


def missing_names(parameters: Sequence[Parameter], given: Collection[str], filled: Collection[str] = ()) -> list[str]:
    """Required parameters that are neither given nor `filled` by others, but for those that a typo means."""
    wanted = [p.name for p in by_name(parameters) if p.required and p.name not in given and p.name not in filled]
    names = {p.name for p in parameters}
    typos = {nearest(name, wanted) for name in given if name not in names}
    return [name for name in wanted if name not in typos]
