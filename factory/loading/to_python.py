"""This project's files → Python modules: what `factory convert --to python` writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from factory.build.errors import PipelineBuildError
from factory.build.python_code import NoCodeError
from factory.build.python_module import PythonModule
from factory.build.python_values import defaults, marked
from factory.loading.pipelines import build_diagnostics
from schemas.check import CheckedPipeline, Checker, CheckOptions
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.conversion import written_variables
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
        texts = [text for subject in subjects.values() for _, text in subject.texts]
        marks = marked(texts, self._checker.environ)
        if self._with(marks).file(path).has_errors:  # some are read as numbers, or chosen from a list
            marks = {n: mark for n, mark in marks.items() if not self._with({n: mark}).file(path).has_errors}
        yield from (self._module(dag_id, subject, marks, defaults(texts)) for dag_id, subject in subjects.items())

    def _with(self, marks: Mapping[str, str]) -> Checker:
        environ = {**self._checker.environ, **marks}
        return Checker(self._folder, replace(self._options, environ=environ))

    def _module(
        self, dag_id: str, subject: Subject, marks: Mapping[str, str], by_name: Mapping[str, str | None]
    ) -> ConvertedDag:
        written = list(written_variables(subject, marks))
        if has_errors(written):
            return ConvertedDag(dag_id, "", tuple(written))
        pipeline = next(one for one in self._with(marks).file(subject.path).pipelines if one.dag_id == dag_id)
        assert isinstance(pipeline, CheckedPipeline)  # noqa: S101 # no others are chosen
        try:
            return ConvertedDag(
                dag_id, PythonModule(pipeline, subject.effective, marks, by_name).text(), tuple(written)
            )
        except PipelineBuildError as error:
            if marks:
                return self._module(dag_id, subject, {}, {})  # an operator may read a text as something else
            found = build_diagnostics(self._checker, subject.path, error)
            return ConvertedDag(dag_id, "", tuple(found))
        except NoCodeError as error:
            lost = subject.finding(Code.NOT_CONVERTED, (), f"there is no Python module of `{dag_id}`: {error}")
            return ConvertedDag(dag_id, "", (lost,))
