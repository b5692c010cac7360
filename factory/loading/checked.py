"""Checked files → DAGs and findings, the same for a stub and for the loader."""

from __future__ import annotations

import gc
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow.sdk import DAG

from factory.build.dag import build
from factory.build.errors import BuildError, PipelineBuildError, one_line
from factory.operators.user_modules import make_importable
from factory.reporters import full
from schemas.check import Checked, CheckedDagFactoryDag, Checker, CheckResult
from schemas.compose.env_values import env_texts, resolve_environment
from schemas.dagfactory.reading import variables
from schemas.expressions.reading import EnvReference, expressions, unescape
from schemas.findings.diagnostics import Diagnostic

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """DAGs by id, and what was found on the way; a pipeline with errors has no DAG."""

    dags: Mapping[str, DAG]
    diagnostics: tuple[Diagnostic, ...]


def build_checked(checker: Checker, result: CheckResult) -> LoadResult:
    """Build what `checker` found to be without errors. No pipeline keeps another from being built."""
    dags: dict[str, DAG] = {}
    findings = list(result.diagnostics)
    for folder in {p.folder for p in result.pipelines if isinstance(p, CheckedDagFactoryDag)}:
        make_importable(folder)
    for pipeline in result.pipelines:
        try:
            dags[pipeline.dag_id] = _built(pipeline)
        except PipelineBuildError as error:
            findings += build_diagnostics(checker, pipeline.file, error)
    return LoadResult(dags, tuple(findings))


def _built(pipeline: Checked) -> DAG:
    """Raises PipelineBuildError, whatever went wrong."""
    try:
        if isinstance(pipeline, CheckedDagFactoryDag):
            from factory.build.dagfactory import build as build_dag_factory  # noqa: PLC0415 # few folders hold such

            return build_dag_factory(pipeline)
        return build(pipeline)
    except PipelineBuildError:
        raise
    except (Exception, SystemExit) as error:
        # A defect, here or in code that Airflow or a provider runs; whoever fixes it needs the traceback.
        log.exception("The pipeline %s could not be built", pipeline.file)
        message = f"building it failed: {type(error).__name__}: {one_line(error)}"
        raise PipelineBuildError(pipeline.dag_id, [BuildError((), message)]) from error


@contextmanager
def paused() -> Iterator[None]:
    """No collection until the end: each would walk all that was made so far, and find nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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
