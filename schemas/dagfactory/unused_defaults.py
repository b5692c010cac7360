"""Defaults files of dag-factory that hold for no document; here `_defaults.yaml` is what holds for pipelines."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span
from schemas.folder.dialect import DEFAULTS_NAMES, DIALECT
from schemas.folder.discovery import folders_above


def check(
    folder: Path, paths: Collection[str], dialect: Callable[[str], str], shown: Callable[[str], str]
) -> list[Diagnostic]:
    """Those beside or above the pipelines `paths` of a folder; `dialect` says whose language a path is written in."""
    above = {path: folders_above(path) for path in paths}
    folders = sorted({prefix for found in above.values() for prefix in found})
    there = [
        (prefix, f"{prefix}{name}")
        for prefix in folders
        for name in DEFAULTS_NAMES
        if f"{prefix}{name}" not in above and os.path.lexists(folder / f"{prefix}{name}")
    ]
    if not there:
        return []
    used = {prefix for path, found in above.items() if dialect(path) == DIALECT for prefix in found}
    return [_unused(shown(path)) for prefix, path in there if prefix not in used]


def _unused(shown: str) -> Diagnostic:
    return Diagnostic(
        Code.DEFAULTS_OF_NOTHING,
        "these are dag-factory's defaults, and none of its documents is beside or below them",
        shown,
        Span(1, 1, 1, 2),
        help="defaults of pipelines stand in `_defaults.yaml`",
        severity=Code.DEFAULTS_OF_NOTHING.severity,
    )
