"""What keeps a pipeline from being a DAG, as one error whose text is the rendered diagnostics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from factory.build.errors import PipelineBuildError
from factory.reporters import full
from schemas.check import Checker
from schemas.compose.env_values import env_texts, resolve_environment
from schemas.dagfactory.reading import variables
from schemas.expressions.reading import EnvReference, expressions, unescape
from schemas.findings.diagnostics import Diagnostic

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


SHORTEST = 4
"""Characters. What is shorter keeps no secret and would be found in any text."""


class EnvironmentValues:
    """What `${env.…}`, and `$NAME` of a dag-factory document, stand for in one pipeline's effective data."""

    def __init__(self, data: Any, environ: Mapping[str, str]) -> None:
        self._expressions: dict[str, str] = {}
        for text in env_texts(resolve_environment(data, environ).data):
            self._add(text, text.expression)
            # A default stands in the file for all to see.
            found = {
                one.written: one.meaning.name
                for one in expressions(text.expression)
                if isinstance(one.meaning, EnvReference)
            }
            for written, name in (found or dict(variables(text.expression))).items():
                self._add(environ.get(name, ""), written)

    def hidden_in(self, message: str) -> str:
        """The message with each value replaced by the expression that the document says in its place."""
        if not self._expressions:
            return message
        longest_first = sorted(self._expressions, key=len, reverse=True)
        pattern = "|".join(map(re.escape, longest_first))
        return re.sub(pattern, lambda match: self._expressions[match[0]], message)

    def _add(self, value: str, expression: str) -> None:
        plain = str(unescape(value))
        # Messages quote values as Python writes them, and are brought to one line.
        for form in (str(value), plain, repr(plain)[1:-1], " ".join(plain.split())):
            if len(form) >= SHORTEST:
                self._expressions.setdefault(form, expression)
