"""What a dotted path is and takes, by reading source, never importing it.

The parts: `modules` finds files the way Python does, `parse` turns one file's bytes into
facts (what `files.FactCache` keeps by content), `names` follows names across files,
`lineage` and `classes` put constructor chains together, `guards` reads what they refuse. Nothing here executes what it
reads; where reading cannot tell, the result is `Undecidable` and nobody is accused.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from schemas.source.classes import ClassReader
from schemas.source.facts import ClassFacts, FunctionFacts, Imported, Refusal, Value
from schemas.source.files import FactCache, SourceFiles
from schemas.source.modules import Module, ModuleFinder, absolute_import, missing_module
from schemas.source.names import Definition, NameResolver, Resolution
from schemas.source.results import (
    Class,
    Function,
    Hidden,
    NameMissing,
    NotAPath,
    NotCallable,
    Result,
    TaskDecorated,
    Undecidable,
)
from schemas.source.syntax import keeps_signature, taskflow

_LONGEST = 500
_OWN_NAMES = frozenset({"factory", "schemas"})


class SourceReader:
    """Reads the modules that Airflow would import: installed ones, then those below the pipelines folder.

    One reader sees each file once: its answers agree with each other and do not see later edits. Make a new
    one for each pass (it costs nothing) and hand all of them one `FactCache`, so that only changed files
    are parsed again. Not safe for use by several threads at once.
    """

    def __init__(
        self,
        pipelines_folder: Path,
        search_path: Sequence[str] | None = None,
        cache: FactCache | None = None,
    ) -> None:
        """`search_path`: folders of installed modules, by default this process's without its working one."""
        self._files = SourceFiles(FactCache() if cache is None else cache)
        path = _installed_path() if search_path is None else search_path
        self._finder = ModuleFinder(pipelines_folder, path, self._files)
        self._names = NameResolver(self._finder, self._files)
        self._classes = ClassReader(self._names)
        self._results: dict[str, Result] = {}
        self._hidden: dict[str, Hidden | None] = {}

    def find(self, dotted: str) -> Result:
        """What `dotted` (`module.name`, `module.Class.method`) is. Never raises on bad input."""
        if dotted not in self._results:
            found = self._find(dotted) if _is_path(dotted) else NotAPath(dotted)
            is_unclear = isinstance(found, Undecidable) and not self._finder.local_module(dotted.partition(".")[0])
            self._results[dotted] = (_in_interpreter(dotted) if is_unclear else None) or found
        return self._results[dotted]

    def named(self, value: object) -> Result | None:
        """What a value of a document names; None where it is no dotted path at all."""
        return self.find(value) if isinstance(value, str) and "." in value else None

    def refusal(self, found: Class, arguments: Mapping[str, Any]) -> Refusal | None:
        """Why a class refuses arguments by the checks in its constructor; None where it takes them, or reading cannot
        tell. A value may be UNKNOWN."""
        return self._classes.refusal(found.path, arguments)

    def module_of(self, dotted: str) -> str:
        """The module that a dotted path leads into; empty where reading cannot tell."""
        parts = dotted.split(".")
        module, count = self._finder.walk(parts[:-1])
        if module is None or count == len(parts) - 1:
            return module.name if module is not None else ""
        found = self._names.resolve(module, parts[count])
        return module.name if isinstance(found, Definition) else ""

    def names_in(self, dotted: str) -> tuple[str, ...]:
        """The modules in a package, and what a module defines; for an empty name the modules below the pipelines
        folder and the first names of those that are installed for Airflow."""
        if not dotted:
            return tuple(dict.fromkeys((*self._finder.names((self._finder.pipelines_folder,)), "airflow")))
        module = self._finder.module(dotted) if _is_path(dotted) else None
        if module is None:
            return ()
        defined = self._names.defined(module) if module.readable else ()
        return tuple(dict.fromkeys((*self._finder.names(module.search or ()), *defined)))

    @property
    def folder(self) -> Path:
        """The pipelines folder, absolute: the paths of local modules start there."""
        return Path(self._finder.pipelines_folder)

    def in_file(self, file: Path, name: str) -> Result:
        """What `name` is in a file that is loaded by its path, not found as a module."""
        module = Module(file.stem, file, readable=True, search=None, local=True)
        # Its answers are its own: a module may have the file's name.
        found = NameResolver(self._finder, self._files).resolve(module, name)
        if isinstance(found, Definition) and isinstance(found.facts, ClassFacts):
            return Undecidable(f"{name} is a class of {file.name}")
        return self._result(found, name)

    def hidden_by(self, dotted: str) -> Hidden | None:
        """What takes the place of the local module that `dotted` starts with, if anything does.

        A local folder without `__init__.py` counts only if the path leads to a module in it: a folder of
        YAML files may have any name.
        """
        if dotted not in self._hidden:
            self._hidden[dotted] = self._hidden_by(dotted) if _is_path(dotted) else None
        return self._hidden[dotted]

    def packages_with(self, module: str) -> tuple[str, ...]:
        """The dotted paths of the folders below the pipelines folder that hold a file or folder of this module."""
        return self._finder.packages_with(module)

    def _hidden_by(self, dotted: str) -> Hidden | None:
        first, *rest = dotted.split(".")
        local = self._finder.local_module(first)
        leads_on = local is not None and ((len(rest) == 1 and not local.is_namespace) or self._holds(local, rest))
        if local is None or not leads_on:
            return None
        place = local.file or Path((local.search or ("",))[0])
        installed = self._finder.installed_module(first)
        # A namespace package only wins over nothing: Python looks on for a module first.
        other = None if installed is None or installed.is_namespace else installed
        where = str(other.file) if other is not None and other.file else first
        if first in sys.stdlib_module_names:
            return Hidden(first, place, "the standard library", where)
        if first in _OWN_NAMES:
            return Hidden(first, place, "this project", where)
        return None if other is None else Hidden(first, place, "an installed package", where)

    def local_modules(self, dotted: str) -> frozenset[Path]:
        """The files below the pipelines folder that importing the module of `dotted` loads in the end."""
        return local_files(self._finder, self._files, dotted) if _is_path(dotted) else frozenset()

    def _holds(self, package: Module, rest: Sequence[str]) -> bool:
        return bool(rest) and self._finder.local_module(f"{package.name}.{rest[0]}", package) is not None

    def _find(self, dotted: str) -> Result:
        parts = dotted.split(".")
        # The last name is an attribute first, a submodule second; a single name can only be a module.
        module, count = self._finder.walk(parts[:-1] or parts)
        if module is None:
            return missing_module(self._finder, parts[0], None, dotted)
        rest = parts[count:]
        if not rest:
            return self._module(module)
        if len(rest) > 1 and module.is_namespace:
            return missing_module(self._finder, f"{module.name}.{rest[0]}", module, dotted)
        if len(rest) == 1:
            return self._result(self._names.resolve(module, rest[0]), dotted)
        made_up = self._names.made_up(module, *rest) if len(rest) == 2 else None
        if made_up is not None:
            return self._result(made_up, dotted)
        return self._inside(module, self._names.resolve(module, rest[0]), rest, dotted)

    def _inside(self, module: Module, found: Resolution, rest: list[str], dotted: str) -> Result:
        """`rest` is more than one name behind `module`, the first of which is not a submodule."""
        if isinstance(found, NameMissing):
            return missing_module(self._finder, f"{module.name}.{rest[0]}", module, dotted)
        if isinstance(found, Definition) and isinstance(found.facts, ClassFacts) and len(rest) == 2:
            return self._method(found, found.facts, rest[1])
        if isinstance(found, Undecidable) and self._names.has_own_names_only(module):
            return missing_module(self._finder, f"{module.name}.{rest[0]}", module, dotted)
        if isinstance(found, Definition | Module):
            return Undecidable(f"{rest[0]} is a name in {module.name}, not a module")
        return found

    def _result(self, found: Resolution, dotted: str) -> Result:
        if isinstance(found, Module):
            return self._module(found)
        if not isinstance(found, Definition):
            return found
        match found.facts:
            case ClassFacts():
                return self._classes.read(found)
            case FunctionFacts() as function:
                return self._function(found, function, found.path)
            case Value(literal=True):
                return NotCallable(dotted, "constant")
            case Value():
                return Undecidable(f"{found.path} is computed when {found.module.name} is imported")

    def _module(self, module: Module) -> Result:
        return NotCallable(module.name, "module", self._names.defined(module))

    def _function(
        self, found: Definition, function: FunctionFacts, path: str, *, bound: bool = False
    ) -> Function | TaskDecorated | Undecidable:
        decorators = [text and self._names.absolute(found.module, text) for text in function.decorators]
        place = (path, found.file, function.line, found.module.local)
        decorator = taskflow(decorators)
        if decorator is not None:
            return TaskDecorated(*place, decorator)
        if not all(map(keeps_signature, decorators)):
            return Undecidable(f"{path} has a decorator that may change what it takes")
        parameters = function.parameters[1:] if bound else function.parameters
        return Function(*place, parameters, function.is_async)

    def _method(self, found: Definition, facts: ClassFacts, name: str) -> Result:
        method = facts.functions.get(name)
        path = f"{found.path}.{name}"
        if method is None and name in facts.constants:
            return NotCallable(path, "constant")
        if method is None and name in facts.methods:
            return NotCallable(path, "method")
        if method is None:
            return Undecidable(f"{path} may be inherited or computed")
        if "staticmethod" in method.decorators:
            return self._function(found, method, path)
        if "classmethod" in method.decorators:
            return self._function(found, method, path, bound=True)
        return Undecidable(f"{path} is a method that needs an object")


def _in_interpreter(dotted: str) -> NotCallable | None:
    """What is no callable in a module that is part of the interpreter itself, as `os`, `sys` and `time` are."""
    first, *names = dotted.split(".")
    module = sys.modules.get(first)
    origin = getattr(getattr(module, "__spec__", None), "origin", None)
    if module is None or origin not in ("built-in", "frozen"):
        return None
    found: object = module
    for name in names:
        found = getattr(found, name, _in_interpreter)  # a function, where Python has no such name here
    if isinstance(found, ModuleType):
        return NotCallable(dotted, "module")
    return None if callable(found) else NotCallable(dotted, "constant")


def _is_path(dotted: str) -> bool:
    return len(dotted) <= _LONGEST and all(part.isidentifier() for part in dotted.split("."))


def _installed_path() -> list[str]:
    """This process's search path without the working directory, which is not on Airflow's."""
    here = Path.cwd()
    return [entry for entry in sys.path if entry and Path(os.path.abspath(entry)) != here]  # noqa: PTH100 - as sys.path has it


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
