"""Where a module's file is, found the way Python's import system finds it, without importing a parent."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from pathlib import Path
from typing import NamedTuple

from schemas.source.facts import Imported
from schemas.source.files import SourceFiles, editable_modules, with_path_files
from schemas.source.results import ModuleMissing, NotInstalled, Undecidable

# The order of importlib's FileFinder.
_SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES, *BYTECODE_SUFFIXES)


class Module(NamedTuple):
    """A module found.

    `file` None: a namespace package or a module built into Python. `readable`: `file` is Python source.
    `search`: folders of its submodules, None unless it is a package. `open_ended`: it may have other
    submodules.
    """

    name: str
    file: Path | None
    readable: bool
    search: tuple[str, ...] | None
    local: bool
    open_ended: bool = False

    @property
    def is_namespace(self) -> bool:
        return self.file is None and self.search is not None


class ModuleFinder:
    """Finds modules on `search_path` first and below `pipelines_folder` last.

    Airflow appends a bundle's folder to `sys.path`, hence the order. An editable install's import hook
    comes after both. Zip files on the path are not opened: see `has_archives`.
    """

    def __init__(self, pipelines_folder: Path, search_path: Sequence[str], files: SourceFiles) -> None:
        self.pipelines_folder = os.path.abspath(pipelines_folder)  # noqa: PTH100 - links stay as they are
        self._files = files
        entries = [os.path.abspath(entry) for entry in with_path_files(search_path)]  # noqa: PTH100 - as above
        installed = [entry for entry in dict.fromkeys(entries) if entry != self.pipelines_folder]
        self.installed = tuple(entry for entry in installed if os.path.isdir(entry))  # noqa: PTH112 - never raises, unlike Path's
        self.has_archives = any(os.path.isfile(entry) for entry in installed)  # noqa: PTH113 - as above
        self._editable = editable_modules(self.installed)
        self._found: dict[str, Module | None] = {}
        self._near: dict[str, tuple[str, ...]] = {}
        self._packages: dict[str, list[str]] | None = None

    def walk(self, parts: Sequence[str]) -> tuple[Module | None, int]:
        """The deepest module that exists along `parts`, and how many parts it takes."""
        module: Module | None = None
        for count, part in enumerate(parts):
            inner = self.find(".".join((*parts[:count], part)), module)
            if inner is None:
                return module, count
            module = inner
        return module, len(parts)

    def module(self, dotted: str) -> Module | None:
        """The module of this full name."""
        parts = dotted.split(".")
        module, count = self.walk(parts)
        return module if count == len(parts) else None

    def find(self, name: str, parent: Module | None) -> Module | None:
        """The module `name`, whose parent package is `parent` (None: a top-level name)."""
        if name not in self._found:
            self._found[name] = self._look(name, parent)
        return self._found[name]

    def installed_module(self, name: str) -> Module | None:
        """The top-level module `name` as it would be without the pipelines folder."""
        return _built_in(name) or self._in_folders(name, self.installed)

    def local_module(self, name: str, parent: Module | None = None) -> Module | None:
        """The module `name` as it would be with the pipelines folder alone."""
        folders = (self.pipelines_folder,) if parent is None else parent.search or ()
        return self._in_folders(name, folders)

    def near(self, name: str, parent: Module | None) -> tuple[str, ...]:
        """Modules like the missing `name` next to it; for a top-level name those of the pipelines folder."""
        if name not in self._near:
            folders = (self.pipelines_folder,) if parent is None else parent.search or ()
            last = name.rpartition(".")[2]
            # Of the missing name itself there may be a folder or a named pipe `name.py`.
            close = [match for match in difflib.get_close_matches(last, self.names(folders)) if match != last]
            self._near[name] = tuple(f"{parent.name}.{match}" if parent else match for match in close)
        return self._near[name]

    def packages_with(self, module: str) -> tuple[str, ...]:
        """The folders below the pipelines folder, as dotted paths, that hold `module.py` or a folder of this name."""
        if self._packages is None:
            self._packages = self._local_packages()
        return tuple(self._packages.get(module, ()))

    def _local_packages(self) -> dict[str, list[str]]:
        packages: dict[str, list[str]] = {}
        for folder, inner, files in os.walk(self.pipelines_folder):
            inner[:] = sorted(name for name in inner if name.isidentifier() and name != "__pycache__")
            package = os.path.relpath(folder, self.pipelines_folder).replace(os.sep, ".")
            stems = [name.removesuffix(".py") for name in files if name.endswith(".py")]
            for module in [*inner, *stems] if package != "." else ():
                packages.setdefault(module, []).append(package)
        return packages

    def _look(self, name: str, parent: Module | None) -> Module | None:
        if parent is not None:
            return self._in_folders(name, parent.search or ())
        found = _built_in(name) or self._in_folders(name, (*self.installed, self.pipelines_folder))
        if found is None and name in self._editable:
            return self._at(name, (self._editable[name],))
        return found

    def _in_folders(self, name: str, folders: Iterable[str]) -> Module | None:
        last = name.rpartition(".")[2]
        return self._at(name, [os.path.join(folder, last) for folder in folders])  # noqa: PTH118 - many times

    def _at(self, name: str, bases: Iterable[str]) -> Module | None:
        """As importlib does: the first module or package, else all folders as one namespace package."""
        portions: list[str] = []
        for base in bases:
            is_folder = os.path.isdir(base)  # noqa: PTH112 - never raises, unlike Path's
            for suffix in _SUFFIXES if is_folder else ():
                if os.path.isfile(f"{base}/__init__{suffix}"):  # noqa: PTH113 - as above
                    return self._package(name, base, Path(f"{base}/__init__{suffix}"))
            for suffix in _SUFFIXES:
                if os.path.isfile(f"{base}{suffix}"):  # noqa: PTH113 - as above
                    file = Path(f"{base}{suffix}")
                    return Module(name, file, suffix in SOURCE_SUFFIXES, None, self._is_local(base))
            if is_folder:
                portions.append(base)
        if not portions:
            return None
        return Module(name, None, False, tuple(portions), any(map(self._is_local, portions)))

    def _package(self, name: str, base: str, file: Path) -> Module:
        readable = file.suffix in SOURCE_SUFFIXES
        search = [base]
        # `__path__ = pkgutil.extend_path(…)`: Airflow's own package, spread over several folders.
        extended = readable and self._files.mentions(file, b"extend_path")
        if extended:
            for folder in (*self.installed, self.pipelines_folder):
                other = os.path.join(folder, *name.split("."))  # noqa: PTH118 - many times
                if other not in search and os.path.isdir(other):  # noqa: PTH112 - as in `_at`
                    search.append(other)
        open_ended = not readable or (not extended and self._files.mentions(file, b"__path__"))
        return Module(name, file, readable, tuple(search), self._is_local(base), open_ended)

    def _is_local(self, path: str) -> bool:
        return path.startswith(self.pipelines_folder + os.sep)

    @staticmethod
    def names(folders: Iterable[str]) -> list[str]:
        """The modules and packages in some folders, by name."""
        names: set[str] = set()
        for folder in folders:
            try:
                entries = list(os.scandir(folder))
            except OSError:
                # A folder that vanished or may not be listed has no names to offer.
                continue
            for entry in entries:
                stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122 - a name, not a path
                if (
                    stem.isidentifier()
                    and not stem.startswith("__")
                    and (
                        suffix == ".py" or os.path.isdir(entry.path)  # noqa: PTH112 - as in `_at`
                    )
                ):
                    names.add(stem)
        return sorted(names)


def _built_in(name: str) -> Module | None:
    return Module(name, None, False, None, False) if name in sys.builtin_module_names else None


_PROVIDERS = "airflow.providers"

# The folders inside a provider; the parts before one of them name the provider.
_FAMILIES = frozenset({"apache", "atlassian", "cncf", "common", "dbt", "microsoft"})
"""Names below `airflow.providers` that hold several distributions each."""
PROVIDERS = frozenset(
    {
        *("airbyte", "alibaba", "amazon", "apache", "arangodb", "asana", "atlassian", "celery", "cloudant", "cncf"),
        *(
            "cohere",
            "common",
            "databricks",
            "datadog",
            "dbt",
            "dingding",
            "discord",
            "docker",
            "edge3",
            "elasticsearch",
        ),
        *(
            "exasol",
            "fab",
            "facebook",
            "ftp",
            "git",
            "github",
            "google",
            "grpc",
            "hashicorp",
            "http",
            "imap",
            "influxdb",
        ),
        *("jdbc", "jenkins", "keycloak", "microsoft", "mongo", "mysql", "neo4j", "odbc", "openai", "openfaas"),
        *("openlineage", "opensearch", "opsgenie", "oracle", "pagerduty", "papermill", "pgvector", "pinecone"),
        *("postgres", "presto", "qdrant", "redis", "salesforce", "samba", "segment", "sendgrid", "sftp", "singularity"),
        *("slack", "smtp", "snowflake", "sqlite", "ssh", "standard", "tableau", "telegram", "teradata", "trino"),
        *("vertica", "weaviate", "yandex", "ydb", "zendesk"),
    }
)
"""First names below `airflow.providers` of the providers that Airflow's project publishes (its documentation, 3.3)."""
_BROUGHT = {"kubernetes": "apache-airflow-providers-cncf-kubernetes"}
"""Modules whose objects are written in pipelines (`executor_config`, pods) → the provider that brings them."""


_OPERATORS_ARE_IN = frozenset({"operators", "sensors", "transfers"})


def missing_module(
    finder: ModuleFinder, missing: str, parent: Module | None, wanted: str | None = None
) -> ModuleMissing | NotInstalled | Undecidable:
    """The result for the module `missing`, first of the dotted path `wanted` that does not exist.

    A top-level name that no local module resembles is an error only where Airflow is installed: elsewhere
    (lint in CI) the installed packages say nothing about what the pipeline will find. A distribution can
    also add to a namespace package (`airflow.providers`, `google.cloud`), so a module missing there may
    just not be installed here.
    """
    near = finder.near(missing, parent)
    if parent is None:
        if finder.has_archives:
            return Undecidable(f"{missing} may be inside a zip file on the search path")
        # An operator says by its name, or by that of its module, that a package brings it.
        *modules, name = (wanted or missing).split(".")
        is_operator = name.endswith(("Operator", "Sensor", "OperatorAsync", "SensorAsync"))
        is_operator |= name[:1].isupper() and not _OPERATORS_ARE_IN.isdisjoint(modules)
        optional = missing == "airflow" or missing in _BROUGHT or (is_operator and not near)
        if not optional and (near or finder.installed_module("airflow")):
            return ModuleMissing(missing, None, near, local=bool(near))
        return NotInstalled(missing, _distribution(wanted or missing))
    if parent.open_ended or (not parent.readable and not parent.is_namespace):
        return Undecidable(f"{parent.name} decides itself where its submodules are")
    if parent.name == _PROVIDERS:
        name = missing.rpartition(".")[2]
        meant = difflib.get_close_matches(name, PROVIDERS, n=1, cutoff=0.85)
        if meant and name not in PROVIDERS:
            return ModuleMissing(missing, parent.name, (f"{_PROVIDERS}.{meant[0]}",), local=False)
    if parent.is_namespace and not parent.local:
        return NotInstalled(missing, _distribution(wanted or missing), near)
    return ModuleMissing(missing, parent.name, near, local=parent.local)


def _distribution(dotted: str) -> str:
    parts = dotted.split(".")
    if not dotted.startswith(f"{_PROVIDERS}."):
        return "apache-airflow" if parts[0] == "airflow" else _BROUGHT.get(parts[0], parts[0])
    count = 2 if parts[2] in _FAMILIES else 1
    return "-".join(("apache-airflow-providers", *parts[2 : 2 + count])).replace("_", "-")


def absolute_import(module: Module, imported: Imported) -> str | None:
    """The full name of the module that an import in `module` names; None if its dots leave the top."""
    if not imported.level:
        return imported.module
    package = module.name.split(".")
    if module.search is None:
        package = package[:-1]
    if imported.level > len(package):
        return None
    kept = package[: len(package) - imported.level + 1]
    return ".".join((*kept, imported.module) if imported.module else kept)
