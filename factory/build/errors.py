"""What can go wrong between a checked pipeline and its DAG, and the findings that it becomes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from schemas.check import Checker
from schemas.compose.env_values import env_texts, resolve_environment
from schemas.dagfactory.reading import variables
from schemas.expressions.reading import EnvReference, expressions, unescape
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath

LONGEST = 500
"""Characters of a message: operators and JSON Schema may quote values of any size."""


class BuildError(Exception):
    """Airflow, an operator or an import refused the value at `path` of the document.

    `message` is one line for the person who wrote the file; `code` is the finding's code. The message may quote
    values of environment variables: `build_diagnostics` replaces them.
    """

    def __init__(self, path: DataPath, message: str, code: Code = Code.BUILD_FAILED) -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.code = code

    @classmethod
    def refused(cls, path: DataPath, error: BaseException, by: str = "Airflow") -> BuildError:
        """What a constructor or a check of Airflow's, an operator's or a user's raised."""
        return cls(path, f"{by} refused it: {one_line(error)}")


class BuildErrors(list[BuildError]):
    """Errors collected over several steps, so that one pass finds all of them."""

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Keep the BuildErrors that a step raises, alone or in a group, and go on."""
        try:
            yield
        except* BuildError as found:
            self.extend(error for error in found.exceptions if isinstance(error, BuildError))

    def check(self) -> None:
        """Raises an ExceptionGroup of what was collected, if anything was."""
        if self:
            raise ExceptionGroup("build errors", self)


class PipelineBuildError(Exception):
    """Why a pipeline could not be built: all of its `errors`, in document order."""

    def __init__(self, dag_id: str, errors: Iterable[BuildError]) -> None:
        self.dag_id = dag_id
        self.errors = tuple(errors)
        found = "; ".join(f"{'.'.join(map(str, error.path)) or 'the file'}: {error.message}" for error in self.errors)
        super().__init__(f"{dag_id}: {found}")


def one_line(error: BaseException) -> str:
    """An exception's text on one line, or its class where it has none."""
    if isinstance(error, SystemExit):
        return f"it called `sys.exit({error.code!r})`"
    return " ".join(str(error).split()) or type(error).__name__


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
            # A default is in the file for all to see.
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
