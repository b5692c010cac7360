"""What keeps a pipeline from being a DAG, as one error whose text is the rendered diagnostics."""

from __future__ import annotations

from collections.abc import Iterable

from factory.errors import PipelineBuildError
from factory.reporters import full
from schemas.check import Checker
from schemas.codes import Code
from schemas.diagnostics import Diagnostic


class PipelineError(Exception):
    """A pipeline's findings. Airflow shows its text as the import error of that pipeline's stub."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: d.sort_key))
        super().__init__(full.render(self.diagnostics))


def build_diagnostics(checker: Checker, path: str, error: PipelineBuildError) -> list[Diagnostic]:
    """What only Airflow could find, at the places in the document that the build names."""
    subject = checker.subject(path)
    return [subject.finding(Code.BUILD_FAILED, e.path, e.message) for e in error.errors]
