"""What a check gives: the pipelines that are sound, and every finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.findings.diagnostics import Diagnostic, has_errors
from schemas.model.pipeline import Pipeline


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
class CheckedDagFactoryDag:
    """A DAG of a dag-factory document without errors.

    `config` is its effective document: what dag-factory's builder takes, with the objects of `__type__` still to be
    made. The other fields are those of `CheckedPipeline`.
    """

    dag_id: str
    file: str
    folder: Path
    text: str
    config: Mapping[str, Any] = field(repr=False)


Checked = CheckedPipeline | CheckedDagFactoryDag


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`pipelines` hold no errors; `diagnostics` are sorted by file and place."""

    pipelines: tuple[Checked, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def has_errors(self) -> bool:
        return has_errors(self.diagnostics)
