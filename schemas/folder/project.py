"""A project's pipelines folder: where it is, which environment is chosen, its files, found by what a text may call
them, and its templates: those in `_templates` and those that installed packages bring.

A package names a folder of its own in the entry point group `airflow_pipeline_factory.templates`. None of its code is
imported.
"""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from schemas.findings.suggestions import meant

if TYPE_CHECKING:
    from schemas.text.document import Document

FOLDER_VARIABLE = "PIPELINES_FOLDER"
FOLDER_NAME = "pipelines"
SUFFIXES = (".yaml", ".yml")
TEMPLATES = "_templates"
"""The folder of templates, in the pipelines folder alone."""
ENVIRONMENT_VARIABLE = "PIPELINE_ENVIRONMENT"
"""Its value names the one of the pipelines' `environments` that overrides the rest; unset or empty: none."""


def pipelines_folder(target: Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """The folder that a path to lint belongs to; its ids and defaults are relative to it.

    `PIPELINES_FOLDER` if it contains the target; else the nearest folder called `pipelines` above (or at) it; else
    the folder `pipelines` in it, the folder whose `_templates` it is in, the target itself, or the folder it lies in.
    Without a target: `PIPELINES_FOLDER`, else `pipelines`.
    """
    environ = os.environ if environ is None else environ
    configured = environ.get(FOLDER_VARIABLE)
    if target is None:
        return Path(configured or FOLDER_NAME)
    absolute = lexically_absolute(target)
    if configured and absolute.is_relative_to(lexically_absolute(Path(configured))):
        return Path(configured)
    for parent in (absolute, *absolute.parents):
        if parent.name == FOLDER_NAME and parent.is_dir():
            return parent
    if (absolute / FOLDER_NAME).is_dir():
        return absolute / FOLDER_NAME
    around = absolute if absolute.is_dir() else absolute.parent
    return around.parent if around.name == TEMPLATES else around


def lexically_absolute(path: Path) -> Path:
    """The absolute path with `..` gone and links kept: a linked file belongs to the folder of its link."""
    return Path(os.path.abspath(path))  # noqa: PTH100 # pathlib's resolve() follows links


def undeclared(environment: str | None, known: Iterable[str]) -> str | None:
    """The error for a chosen environment that is not `known`; None if it is."""
    names = tuple(dict.fromkeys(known))
    if not environment or environment in names:
        return None
    hint = meant(environment, names) or (f"there are {', '.join(names)}" if names else "none is declared")
    return f"no pipeline declares the environment `{environment}`; {hint}"


_MAX_TEMPLATE_BYTES = 1024 * 1024
_PATTERN = r"[^\s*]*\*[^\s]*\.[A-Za-z][A-Za-z0-9]{0,9}"


class FolderFiles:
    """The files below a folder, by path and by the ends of their paths."""

    def __init__(self, folder: Path) -> None:
        self.folder = lexically_absolute(folder)
        self.paths = frozenset(
            posixpath.normpath(posixpath.join(Path(root).relative_to(self.folder).as_posix(), name))
            for root, _, names in os.walk(self.folder)
            for name in names
        )
        self._matching: dict[str, frozenset[str]] = {}
        self._by_end: defaultdict[str, set[str]] = defaultdict(set)
        for path in self.paths:
            parts = path.split("/")
            for start in range(len(parts)):
                self._by_end["/".join(parts[start:])].add(path)

    def named(self, name: str) -> set[str]:
        """The files whose name, or whose path from some folder on, this is."""
        return self._by_end.get(name, set())

    def ending(self, end: str) -> set[str]:
        """The files whose path ends with this text, be it a whole name or not."""
        return {path for path in self.paths if path.endswith(end)} | self.named(end.lstrip("/"))

    def text(self, path: str) -> str:
        """The text of a listed file that may be a template; nothing where it is too large for one.

        :raises OSError: the file cannot be read.
        """
        file = self.folder / path
        if path not in self.paths or not file.is_file() or file.stat().st_size > _MAX_TEMPLATE_BYTES:
            return ""
        return file.read_text(encoding="utf-8", errors="replace")

    def matching(self, pattern: str) -> frozenset[str]:
        """The files that a pattern of names with a `*` and an ending may mean, from whatever folder it starts.

        Without an ending (`*`, a product, a text with asterisks) it says nothing about which files are meant.
        """
        if "*" not in pattern or not re.fullmatch(_PATTERN, pattern):
            return frozenset()
        if pattern not in self._matching:
            self._matching[pattern] = frozenset(fnmatch.filter(self.paths, f"*{pattern.lstrip('./')}"))
        return self._matching[pattern]


GROUP = "airflow_pipeline_factory.templates"
_NAME = r"(?:(?P<package>[\w-]+)\.)?(?P<name>[\w-]+)"


class Templates(Protocol):
    """The templates that a pipeline may take, by name."""

    def template(self, name: str) -> Document | None:
        """The file of a template; None where there is none of that name."""

    def template_names(self) -> Collection[str]:
        """The names of all."""


class Package(NamedTuple):
    """An installed package with templates in `folder`; `shown` is its name with its version."""

    shown: str
    folder: Path


class Known(NamedTuple):
    """A template that a name means: the name of its package, empty for the pipelines folder's own, and its own name."""

    package: str
    name: str

    @property
    def paths(self) -> tuple[str, ...]:
        """Where its file may be, below the pipelines folder or below the package's folder."""
        return tuple(f"{'' if self.package else f'{TEMPLATES}/'}{self.name}{suffix}" for suffix in SUFFIXES)


def known(name: str) -> Known | None:
    """What a name in `template` can mean; None for a text that is no name."""
    match = re.fullmatch(_NAME, name)
    return Known(match["package"] or "", match["name"]) if match is not None else None


def is_template_path(path: str) -> bool:
    """Whether a POSIX path below the pipelines folder names a template."""
    above, _, name = path.rpartition("/")
    return above == TEMPLATES and name.endswith(SUFFIXES) and not name.startswith(("_", "."))


def template_name(path: str) -> str:
    """The name of the template in a file."""
    return path.rpartition("/")[2].rpartition(".")[0]


def template_paths(folder: Path) -> list[str]:
    """POSIX paths below a pipelines folder of its templates, sorted."""
    try:
        paths = [f"{TEMPLATES}/{file.name}" for file in (folder / TEMPLATES).iterdir()]
    except OSError:
        return []
    return sorted(filter(is_template_path, paths))


def packages() -> Mapping[str, Package]:
    """The installed packages with templates, by the name that goes before those of their templates."""
    from importlib.metadata import entry_points  # noqa: PLC0415 # few pipelines take a package's template
    from importlib.util import find_spec  # noqa: PLC0415 # as above

    found: dict[str, Package] = {}
    for entry in entry_points(group=GROUP):
        first, *inside = entry.value.split(".")
        spec = find_spec(first)  # of a module without a dot, which imports nothing
        for place in (spec.submodule_search_locations or ()) if spec is not None else ():
            folder = Path(place, *inside)
            if entry.dist is not None and folder.is_dir():
                found.setdefault(entry.name, Package(f"{entry.dist.name}@{entry.dist.version}", folder))
    return found
