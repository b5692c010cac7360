"""What reading source can say about a dotted path: the results of `schemas.source.SourceReader`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from schemas.source.facts import Parameter


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


_Def = ast.FunctionDef | ast.AsyncFunctionDef


@lru_cache(maxsize=64)  # several tasks name functions of one file
def _functions(data: bytes) -> Mapping[str, Sequence[_Def]]:
    """All functions of a file by their names, those inside others, too."""
    found: dict[str, list[_Def]] = {}
    try:
        nodes = list(ast.walk(ast.parse(data)))
    except (SyntaxError, ValueError):
        return found
    for node in nodes:
        if isinstance(node, _Def):
            found.setdefault(node.name, []).append(node)
    return found


def _named(function: Function) -> Sequence[_Def]:
    try:
        return _functions(function.file.read_bytes()).get(function.path.rpartition(".")[2], ())
    except OSError:
        return ()


def _plain(function: Function) -> _Def | None:
    """The function itself; None where a decorator may give another result."""
    node = next((node for node in _named(function) if node.lineno == function.line), None)
    return node if node is not None and not node.decorator_list else None


def result_type(function: Function) -> str:
    """The annotation of what a function returns; empty without one."""
    node = _plain(function)
    return ast.unparse(node.returns) if node is not None and node.returns is not None else ""


def returns_nothing(function: Function) -> bool:
    """Whether all of a function's ways out give None. Of a stub nothing is known, and one that pushes its output
    itself has one."""
    node = _plain(function)
    return node is not None and _gives_nothing(node)


@lru_cache(maxsize=256)  # many pipelines name one function
def _gives_nothing(node: _Def) -> bool:
    if isinstance(node.body[-1], ast.Raise) or all(map(_is_empty, node.body)):
        return False
    if any(isinstance(one, ast.Attribute) and one.attr == "xcom_push" for one in ast.walk(node)):
        return False
    return not any(
        isinstance(one, ast.Yield | ast.YieldFrom)
        or (isinstance(one, ast.Return) and not (one.value is None or _is_none(one.value)))
        for one in _own(node)
    )


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """What is in a function, but not in functions and classes inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _Def | ast.Lambda | ast.ClassDef):
            yield child
            yield from _own(child)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _is_empty(statement: ast.stmt) -> bool:
    """A docstring, `...`, `pass` or an exception."""
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass | ast.Raise)


_MAPPINGS = ("dict", "Dict", "Mapping", "typing.Dict", "typing.Mapping")


def gives_mapping(function: Function) -> bool:
    """Whether the annotation of what it returns is a mapping, which Airflow's `task` decorator takes for
    `multiple_outputs` (`airflow.sdk.bases.decorator._TaskDecorator`)."""
    annotations = [ast.unparse(node.returns) for node in _named(function) if node.returns is not None]
    return bool(annotations) and annotations[0].partition("[")[0] in _MAPPINGS


def _returned(function: Function) -> list[ast.expr | None]:
    """What a function returns, as it is written."""
    return [inner.value for node in _named(function) for inner in ast.walk(node) if isinstance(inner, ast.Return)]


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


def context_keys(function: Function) -> Mapping[str, int]:
    """The keys that a function takes out of Airflow's context (`context["ds"]`), and the lines where it does. A
    function that asks for keys, or expects that one is missing, has none."""
    node = _plain(function)
    return {} if node is None else _context_keys(node)


@lru_cache(maxsize=256)  # many pipelines name one function
def _context_keys(node: _Def) -> Mapping[str, int]:
    names = {node.args.kwarg.arg} if node.args.kwarg is not None else set()
    keys: dict[str, int] = {}
    for one in _own(node):
        match one:
            case ast.Try() | ast.Compare(ops=[ast.In() | ast.NotIn()]):
                return {}
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                names = names | {name} if _is_context(value) else names - {name}
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str() as key), ctx=ast.Load()):
                keys |= {key: one.lineno} if name in names else {}
            case ast.Subscript(value=value, slice=ast.Constant(value=str() as key)) if _is_context(value):
                keys[key] = one.lineno
    return keys


def _is_context(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "get_current_context"


def returns_several(function: Function) -> bool:
    """Whether a function returns a list of several items that is written out."""
    return any(isinstance(one, ast.List | ast.Tuple) and len(one.elts) > 1 for one in _returned(function))
