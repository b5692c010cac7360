"""What keeps a pipeline from being a DAG, as one error whose text is the rendered diagnostics."""

from __future__ import annotations

from collections.abc import Iterable

from factory.environment_values import EnvironmentValues
from factory.errors import PipelineBuildError
from factory.reporters import full
from schemas.check import Checker
from schemas.diagnostics import Diagnostic

LONGEST = 500
"""Characters of a message: operators and JSON Schema may quote values of any size."""


class PipelineError(Exception):
    """A pipeline's findings. Airflow shows its text as the import error of that pipeline's stub."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: d.sort_key))
        super().__init__(full.render(self.diagnostics))


def build_diagnostics(checker: Checker, path: str, error: PipelineBuildError) -> list[Diagnostic]:
    """What only Airflow could find, at the places in the document that the build names.

    The one place where the build's messages become a person's: they lose the environment's values here.
    """
    subject = checker.subject(path, error.dag_id)
    values = EnvironmentValues(subject.data, checker.environ)
    # Shortened last: half a value would not be found.
    return [subject.finding(e.code, e.path, _shortened(values.hidden_in(e.message))) for e in error.errors]


def _shortened(message: str) -> str:
    return message if len(message) <= LONGEST else message[: LONGEST - 1] + "…"
