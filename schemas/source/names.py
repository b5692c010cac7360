"""Which definition a name in a module stands for, followed through imports, aliases and lazy tables."""

from __future__ import annotations

import builtins
import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from schemas.source.facts import (
    Alias,
    Bound,
    ClassFacts,
    FunctionFacts,
    Gate,
    Imported,
    ModuleFacts,
    Unreadable,
    Value,
)
from schemas.source.files import SourceFiles
from schemas.source.modules import Module, ModuleFinder, absolute_import, missing_module
from schemas.source.results import ModuleMissing, NameMissing, NotInstalled, SourceError, Undecidable

_STEPS = 2000
"""Bindings followed for one name before giving up: star imports can branch without end."""


class Definition(NamedTuple):
    """Where a name is defined."""

    module: Module
    name: str
    facts: FunctionFacts | ClassFacts | Value

    @property
    def path(self) -> str:
        return f"{self.module.name}.{self.name}"

    @property
    def file(self) -> Path:
        assert self.module.file is not None  # noqa: S101 - only readable modules define names
        return self.module.file


Resolution = Definition | Module | ModuleMissing | NameMissing | NotInstalled | SourceError | Undecidable
_MISSING = (ModuleMissing, NameMissing, NotInstalled)


class NameResolver:
    """Follows names across files. Its answers are kept for its lifetime."""

    def __init__(self, finder: ModuleFinder, files: SourceFiles) -> None:
        self._finder = finder
        self._files = files
        self._known: dict[tuple[str, str], Resolution] = {}

    def resolve(self, module: Module, name: str) -> Resolution:
        """What `name` is as an attribute of `module`."""
        key = (module.name, name)
        if key not in self._known:
            self._known[key] = _Search(self, self._finder).attribute(module, name)
        return self._known[key]

    def expression(self, module: Module, dotted: str) -> Resolution:
        """What a dotted expression in the text of `module` means."""
        return _Search(self, self._finder).expression(module, dotted)

    def made_up(self, module: Module, submodule: str, name: str) -> Resolution | None:
        """What `name` is in a submodule that only appears when `module` is imported; None if there is no such."""
        return _Search(self, self._finder).made_up(module, submodule, name)

    def absolute(self, module: Module, dotted: str) -> str:
        """The expression with its first name written out as the imports of `module` say; nothing followed."""
        first, _, rest = dotted.partition(".")
        facts = self.facts(module)
        bounds = facts.bindings.get(first, ()) if isinstance(facts, ModuleFacts) else ()
        binding = bounds[-1].binding if bounds else None
        if not isinstance(binding, Imported):
            return dotted if binding is None else f"{module.name}.{dotted}"
        base = absolute_import(module, binding)
        if base is None:
            return dotted
        start = base if binding.name is None else f"{base}.{binding.name}"
        return f"{start}.{rest}" if rest else start

    def facts(self, module: Module) -> ModuleFacts | SourceError | Undecidable:
        """The facts of a module, or why there are none."""
        if module.file is None or not module.readable:
            return Undecidable(f"{module.name} has no Python source")
        facts = self._files.facts(module.file)
        if not isinstance(facts, Unreadable):
            return facts
        if facts.syntax and module.local:
            return SourceError(module.name, module.file, facts.line, facts.column, facts.message)
        return Undecidable(f"{module.name}: {facts.message}")

    def has_own_names_only(self, module: Module) -> bool:
        """Whether a package that finds names when asked for them makes no modules: a path through it needs a file."""
        facts = self.facts(module)
        makes_modules = not isinstance(facts, ModuleFacts) or bool(facts.virtual)
        return not makes_modules and module.file is not None and not self._files.mentions(module.file, b"sys.modules")

    def passes(self, gate: Gate) -> bool:
        """Whether a branch for some versions of Airflow may be the one taken here."""
        airflow = self._finder.module("airflow")
        facts = None if airflow is None else self.facts(airflow)
        bounds = facts.bindings.get("__version__", ()) if isinstance(facts, ModuleFacts) else ()
        match [bound.binding for bound in bounds]:
            case [Value(fields=(str() as text,))]:
                version = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
                return not version or (version >= gate.version) is gate.at_least
            case _:
                return True

    def defined(self, module: Module) -> tuple[str, ...]:
        """The public functions and classes that a module itself defines, in its order."""
        facts = self.facts(module)
        bindings = facts.bindings if isinstance(facts, ModuleFacts) else {}
        public = [name for name in bindings if not name.startswith("_")]
        return tuple(name for name in public if isinstance(bindings[name][-1].binding, FunctionFacts | ClassFacts))


class _Search:
    """One search for one name: knows what it is inside of, so that circles end."""

    def __init__(self, resolver: NameResolver, finder: ModuleFinder) -> None:
        self._resolver = resolver
        self._finder = finder
        self._active: set[tuple[str, str]] = set()
        self._steps = 0

    def attribute(self, module: Module, name: str) -> Resolution:
        self._steps += 1
        key = (module.name, name)
        if key in self._active or len(self._active) > 60 or self._steps > _STEPS:
            return self._submodule(module, name) or Undecidable(f"{module.name}.{name} is defined in a circle")
        self._active.add(key)
        try:
            return self._attribute(module, name)
        finally:
            self._active.discard(key)

    def expression(self, module: Module, dotted: str) -> Resolution:
        first, *rest = dotted.split(".")
        found = self.attribute(module, first)
        if isinstance(found, NameMissing) and hasattr(builtins, first):
            return Undecidable(f"{first} is built into Python")
        for name in rest:
            if isinstance(found, Module):
                found = self.attribute(found, name)
            elif isinstance(found, Definition):
                return Undecidable(f"{dotted} is an attribute of {found.path}")
            else:
                return found
        return found

    def _attribute(self, module: Module, name: str) -> Resolution:
        if module.is_namespace:
            return self._submodule(module, name) or missing_module(self._finder, f"{module.name}.{name}", module)
        facts = self._resolver.facts(module)
        if not isinstance(facts, ModuleFacts):
            return self._submodule(module, name) or facts
        bounds = facts.bindings.get(name, ())
        # A name imported for type checkers only exists at run time if the module finds it when asked.
        taken = [
            bound
            for bound in bounds
            if (facts.has_getattr or not bound.typing_only) and all(map(self._resolver.passes, bound.gates))
        ]
        if taken:
            return self._choose([self._bound(module, name, bound) for bound in taken])
        return (
            self._starred(module, facts, name)
            or self._lazy(module, facts, name)
            or self._submodule(module, name)
            or self._missing(module, facts, name)
        )

    def _bound(self, module: Module, name: str, bound: Bound) -> Resolution:
        match bound.binding:
            case Imported() as imported:
                return self._imported(module, name, imported)
            case Alias(target=target):
                if target in ("None", "True", "False"):
                    return Definition(module, name, Value(literal=True, fields=None))
                return self.expression(module, target)
            case facts:
                return Definition(module, name, facts)

    def _imported(self, module: Module, name: str, imported: Imported) -> Resolution:
        target = absolute_import(module, imported)
        if target is None:
            return Undecidable(f"an import in {module.name} goes above its top-level package")
        found = self._module(target)
        if imported.name is None:
            return found
        if not isinstance(found, Module):
            home, _, last = target.rpartition(".")
            package = self._finder.module(home) if home else None
            made_up = self.made_up(package, last, imported.name) if package is not None else None
            facts = self._resolver.facts(package) if made_up is None and package is not None else None
            if isinstance(facts, ModuleFacts) and last in facts.bindings:
                return Undecidable(f"{target} is a module that {home} makes when it is imported")
            return made_up or found
        if found.name == module.name and imported.name == name:
            # `from . import x` in the package that holds x.
            return self._submodule(found, name) or Undecidable(f"{target}.{name} is defined in a circle")
        return self.attribute(found, imported.name)

    def made_up(self, module: Module, submodule: str, name: str) -> Resolution | None:
        """`name` of a submodule that has no file: Airflow makes such modules for the old places of its operators."""
        facts = self._resolver.facts(module)
        if not isinstance(facts, ModuleFacts) or submodule not in facts.virtual:
            return None
        table = facts.virtual[submodule]
        found = self._in_table(table, name)
        if found is not None or facts.dynamic or module.file is None:
            return found or Undecidable(f"{module.name} makes {submodule} when it is imported")
        return NameMissing(f"{module.name}.{submodule}", name, module.file, _near(name, table), tuple(table))

    def _in_table(self, table: Mapping[str, str], name: str) -> Resolution | None:
        target = table.get(name) or (f"{table['*']}.{name}" if "*" in table else None)
        return None if target is None else self._of(*target.rpartition(".")[::2])

    def _of(self, home: str, name: str) -> Resolution:
        found = self._module(home)
        return self.attribute(found, name) if isinstance(found, Module) else found

    def _module(self, dotted: str) -> Resolution:
        parts = dotted.split(".")
        module, count = self._finder.walk(parts)
        if module is not None and count == len(parts):
            return module
        missing = ".".join(parts[: count + 1])
        return missing_module(self._finder, missing, module, dotted)

    def _submodule(self, module: Module, name: str) -> Module | None:
        return None if module.search is None else self._finder.find(f"{module.name}.{name}", module)

    def _starred(self, module: Module, facts: ModuleFacts, name: str) -> Resolution | None:
        unclear: Resolution | None = None
        for imported in reversed(facts.stars):
            target = absolute_import(module, imported)
            source = self._module(target) if target else None
            inner = self._resolver.facts(source) if isinstance(source, Module) else None
            if not isinstance(source, Module) or not isinstance(inner, ModuleFacts):
                unclear = Undecidable(f"{module.name} imports all names of {target}, which cannot be read")
                continue
            exported = name in inner.exported if inner.exported is not None else not name.startswith("_")
            found = self.attribute(source, name) if exported else None
            if found is not None and not isinstance(found, NameMissing):
                return found
        return unclear

    def _lazy(self, module: Module, facts: ModuleFacts, name: str) -> Resolution | None:
        if (found := self._in_table(facts.virtual.get("", {}), name)) is not None:
            return found
        if facts.has_getattr and name in facts.lazy:
            written, attribute = facts.lazy[name]
            dots = len(written) - len(written.lstrip("."))
            home = absolute_import(module, Imported(written.lstrip("."), dots, None)) or ""
            return self._of(home, attribute) if attribute else self._module(home)
        return None

    def _missing(self, module: Module, facts: ModuleFacts, name: str) -> Resolution:
        if facts.dynamic or module.open_ended or name in facts.given or name in facts.virtual:
            return Undecidable(f"{module.name} makes names when it is imported")
        assert module.file is not None  # noqa: S101 - it has facts
        if name in facts.bindings and not module.local:
            return Undecidable(f"{module.name} promises {name} to type checkers and gets it from elsewhere")
        home, _, last = module.name.rpartition(".")
        package = self._finder.module(home) if home else None
        kept = self.made_up(package, last, name) if package is not None else None
        if kept is not None and not isinstance(kept, NameMissing):
            return kept  # what the package makes hides the file
        near = _near(name, {**facts.bindings, **facts.lazy, **facts.virtual.get("", {})})
        return NameMissing(module.name, name, module.file, near, self._resolver.defined(module))

    @staticmethod
    def _choose(found: list[Resolution]) -> Resolution:
        """The one thing that all branches which can be followed agree on."""
        there = [each for each in found if not isinstance(each, _MISSING)]
        if not there:
            return found[0]
        first = there[0]
        if any(_identity(each) != _identity(first) for each in there[1:]):
            return Undecidable("it is bound to different things in different branches")
        return first


def _near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    return tuple(difflib.get_close_matches(name, [one for one in known if not one.startswith("__") and one != name]))


def _identity(found: Resolution) -> object:
    return (found.path, found.facts) if isinstance(found, Definition) else found
