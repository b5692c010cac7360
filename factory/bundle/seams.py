"""What the bundle needs of the language, as types: it is imported only where it is used.

A task's process imports the bundle but never lists pipelines, so it must not pay for importing the language.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class PipelineFile(Protocol):
    """One pipeline file below a folder, as `schemas.check.dependencies.PipelineFile` describes it."""

    @property
    def path(self) -> str: ...
    @property
    def dag_ids(self) -> tuple[str, ...]: ...
    @property
    def depends_on(self) -> frozenset[str]: ...
    @property
    def environments(self) -> tuple[str, ...]: ...


class PipelineFiles(Protocol):
    """Lists the pipeline files below a folder that does not change meanwhile."""

    def __call__(self, folder: Path, /) -> Sequence[PipelineFile]: ...


def pipeline_files(folder: Path, /) -> Sequence[PipelineFile]:
    """`schemas.check.dependencies.pipeline_files`, imported when it is first needed."""
    from schemas.check import dependencies  # noqa: PLC0415 - see the module's text

    return dependencies.pipeline_files(folder)
