"""This project's files → Python modules: what `factory convert --to python` writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from factory.build.errors import PipelineBuildError
from factory.build.python_code import NoCodeError
from factory.build.python_module import PythonModule
from factory.loading.pipelines import build_diagnostics
from schemas.check import CheckedPipeline, Checker, CheckOptions
from schemas.compose.env_values import Traced
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.conversion import written_variables
from schemas.expressions.reading import EnvReference
from schemas.findings.codes import Code
from schemas.findings.diagnostics import has_errors
from schemas.rules.subject import Subject


class Modules:
    """This project's files → Python modules. What `${env.NAME}` gives is read from the environment again, as far as it
    is text."""

    def __init__(self, folder: Path, options: CheckOptions) -> None:
        self._folder, self._options = folder, options
        self._checker = Checker(folder, options)

    def of(self, path: str) -> Iterator[ConvertedDag]:
        """The modules of a file's DAGs."""
        subjects = {one.dag_id: Subject(path, one.effective) for one in self._checker.variants(path)}
        meanings = [one.meaning for subject in subjects.values() for _, one in subject.expressions]
        names = {one.name for one in meanings if isinstance(one, EnvReference)}
        if self._tracing(names).file(path).has_errors:  # some are chosen from a list
            names = {name for name in names if not self._tracing([name]).file(path).has_errors}
        yield from (self._module(dag_id, subject, names) for dag_id, subject in subjects.items())

    def _tracing(self, names: Iterable[str]) -> Checker:
        return Checker(self._folder, replace(self._options, environ=Traced(self._checker.environ, names)))

    def _module(self, dag_id: str, subject: Subject, names: Collection[str]) -> ConvertedDag:
        traced = Traced(self._checker.environ, names)
        found = self._tracing(names).file(subject.path).pipelines
        pipeline = next(one for one in found if one.dag_id == dag_id)
        assert isinstance(pipeline, CheckedPipeline)  # noqa: S101 # no others are chosen
        try:
            module = PythonModule(pipeline, subject.effective, self._checker.environ)
            written = tuple(written_variables(subject, traced, module.held))
            return ConvertedDag(dag_id, "" if has_errors(written) else module.text(), written)
        except PipelineBuildError as error:
            if names:
                return self._module(dag_id, subject, ())  # an operator may read a text as something else
            return ConvertedDag(dag_id, "", tuple(build_diagnostics(self._checker, subject.path, error)))
        except NoCodeError as error:
            lost = subject.finding(Code.NOT_CONVERTED, (), f"there is no Python module of `{dag_id}`: {error}")
            return ConvertedDag(dag_id, "", (lost,))
