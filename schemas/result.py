"""What a check gives: the pipelines that are sound, and every finding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.diagnostics import Diagnostic, has_errors
from schemas.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class CheckedPipeline:
    """A pipeline without errors.

    `file` is its POSIX path below `folder`, the pipelines folder; `text` is the file's text with its expressions,
    never their values.
    """

    dag_id: str
    file: str
    folder: Path
    text: str
    model: Pipeline


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`pipelines` hold no errors; `diagnostics` are sorted by file and place."""

    pipelines: tuple[CheckedPipeline, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def has_errors(self) -> bool:
        return has_errors(self.diagnostics)
