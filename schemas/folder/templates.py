"""Where templates are: `_templates` in the pipelines folder, and installed packages that bring some.

A package names a folder of its own in the entry point group `airflow_pipeline_factory.templates`. None of its code is
imported.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from schemas.folder.discovery import SUFFIXES
from schemas.folder.project import TEMPLATES
from schemas.text.document import Document

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
