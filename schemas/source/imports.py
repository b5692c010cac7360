"""The files below the pipelines folder that importing a module loads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from schemas.source.cache import SourceFiles
from schemas.source.facts import Imported
from schemas.source.modules import Module, ModuleFinder
from schemas.source.names import absolute_import


def local_files(finder: ModuleFinder, files: SourceFiles, dotted: str) -> frozenset[Path]:
    """The files of the module that `dotted` names or lies in, of its packages and of all that they import.

    Imports inside functions count, as they run with the task. What is missing, installed or does not parse
    ends its branch; a local file that does not parse is itself in the result.
    """
    found: set[Path] = set()
    seen: set[str] = set()
    waiting = list(_chain(finder, dotted))
    while waiting:
        module = waiting.pop()
        if module.name in seen or not module.local:
            continue
        seen.add(module.name)
        if module.file is None:
            continue
        found.add(module.file)
        if module.readable:
            for imported in files.imports(module.file):
                waiting.extend(_loaded(finder, module, imported))
    return frozenset(found)


def _loaded(finder: ModuleFinder, module: Module, imported: Imported) -> Iterator[Module]:
    target = absolute_import(module, imported)
    if target is not None:
        yield from _chain(finder, target)
        if imported.name is not None and target:
            yield from _chain(finder, f"{target}.{imported.name}")


def _chain(finder: ModuleFinder, dotted: str) -> Iterator[Module]:
    """The modules along a dotted path, as far as they exist: importing the last imports all before it."""
    parts = dotted.split(".")
    for count in range(1, len(parts) + 1):
        module, reached = finder.walk(parts[:count])
        if module is None or reached < count:
            return
        yield module
