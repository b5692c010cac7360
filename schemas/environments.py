"""`environments`: which ones a file and the defaults above it declare, and what is wrong with how they do it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from schemas.codes import Code, Severity
from schemas.compose import ENVIRONMENTS, overlay_of
from schemas.data_path import DataPath
from schemas.diagnostics import Diagnostic
from schemas.document import Document

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
