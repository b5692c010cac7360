"""Where a project's pipelines folder is, and which environment is chosen."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from schemas.findings.suggestions import meant

FOLDER_VARIABLE = "PIPELINES_FOLDER"
FOLDER_NAME = "pipelines"
ENVIRONMENT_VARIABLE = "PIPELINE_ENVIRONMENT"
"""Its value names the one of the pipelines' `environments` that overrides the rest; unset or empty: none."""


def pipelines_folder(target: Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """The folder that a path to lint belongs to; its ids and defaults are relative to it.

    `PIPELINES_FOLDER` if it contains the target; else the nearest folder called `pipelines` above (or at) it; else
    the folder `pipelines` in it, the target itself, or the folder it lies in.
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
    return absolute if absolute.is_dir() else absolute.parent


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
