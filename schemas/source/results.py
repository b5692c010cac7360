"""What reading source can say about a dotted path: the results of `schemas.source.SourceReader`."""

from __future__ import annotations

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
    `template_fields` are its own or the inherited ones; None where they are computed. `template_ext` are the endings
    with which a text in them names a file.
    `is_operator`: has Airflow's BaseOperator among its bases; None if a base cannot be read.
    """

    path: str
    file: Path
    line: int
    local: bool
    parameters: tuple[Parameter, ...] | None
    template_fields: frozenset[str] | None
    template_ext: tuple[str, ...]
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
