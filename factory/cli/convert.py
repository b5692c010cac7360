"""Convert pipelines to this project's format: documents of dag-factory and of Airflow 3.4, the DAGs of a Python file;
and this project's files to Python modules or to documents of Airflow 3.4.

Exit status: 0 all converted, 1 something was lost or the new files have errors, 2 usage.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from factory.cli import UsageError
from factory.cli.options import Selection, add_environment, require_declared, select
from factory.cli.run import require_airflow
from factory.reporters import full
from factory.reporters.text import wants_colour
from factory.trial import prepare_airflow
from schemas.check import CheckedPipeline, Checker, CheckOptions
from schemas.dagfactory.convert import ConvertedDag, convert
from schemas.dagfactory.convert.airflow import to_airflow
from schemas.dagfactory.convert.conversion import written_variables
from schemas.dagfactory.convert.from_airflow import airflow_documents, from_airflow
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, has_errors
from schemas.folder.dialect import DIALECT
from schemas.folder.discovery import is_pipeline_path
from schemas.folder.project import ENVIRONMENT_VARIABLE, lexically_absolute
from schemas.rules.subject import Subject
from schemas.source import SourceReader
from schemas.text.document import Document

_STANDARD_OUTPUT = "-"
_ENDINGS = {"pipeline": ".yaml", "python": ".py", "airflow-3.4": ".yaml"}
_BETWEEN = {"pipeline": "---\n", "python": "\n\n", "airflow-3.4": "---\n"}


@dataclass(frozen=True, slots=True)
class _New:
    """A new file: what it is made of, by its path below the pipelines folder, and where it goes."""

    source: str
    place: Path
    made: ConvertedDag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory convert`."""
    parser.add_argument(
        "file", type=Path, metavar="PATH", help="a file, or a folder of them; or a Python file with DAGs"
    )
    parser.add_argument(
        "--to",
        choices=list(_ENDINGS),
        default="pipeline",
        help="`pipeline`, the default: documents of dag-factory and of Airflow 3.4, and the DAGs of a Python file, "
        "become files of this project's format; `python`, `airflow-3.4`: this project's files become Python modules "
        "that give the same DAGs, or documents of Airflow's own YAML format",
    )
    parser.add_argument(
        "--output",
        default=_STANDARD_OUTPUT,
        metavar="FOLDER",
        help="where to write DAG_ID.yaml or DAG_ID.py for each DAG, in subfolders as they are; `-`, the default, is "
        "standard output",
    )
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    add_environment(parser, f"with --to python: ${ENVIRONMENT_VARIABLE}, else none")


def run(arguments: argparse.Namespace) -> int:
    """Write the files, and findings to standard error; returns the exit status."""
    output = Path(arguments.output)
    if output.suffix in (".py", ".yaml", ".yml") and not output.is_dir():
        raise UsageError(f"--output {output}: name a folder; the files in it are named for their DAGs")
    if arguments.file.suffix == ".py":
        return _from_python(arguments)
    selection, paths, foreign = _selected(arguments.file, arguments.to)
    if arguments.to == "python":
        require_airflow()
    if arguments.to != "pipeline":
        require_declared(arguments.environment, [selection])
    options = CheckOptions(environment=arguments.environment, shown_folder=selection.shown)
    checker = Checker(selection.folder, options)
    wrong = {path: _findings(checker, path, foreign) for path in paths}
    wrong = {path: found for path, found in wrong.items() if has_errors(found)}
    _report([d for found in wrong.values() for d in found if d.severity is Severity.ERROR])
    for path in wrong:
        whose = selection.shown_path(path)
        print(f"factory convert: {whose}: fix these errors first; nothing of it is converted", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="factory-convert-") as home:
        if arguments.to == "python":
            prepare_airflow(home, "CRITICAL")
            make: Callable[[str], Iterator[ConvertedDag]] = _Modules(selection, options).of
        elif arguments.to == "airflow-3.4":
            make = _to_airflow(selection, checker)
        else:
            make = _pipelines(selection, foreign)
        new = list(_converted(selection, [path for path in paths if path not in wrong], arguments, make))
    refused = list(_refused(selection, new)) if arguments.to == "pipeline" else []
    return max(_given_out(new, refused, arguments), 1 if wrong else 0)


def _given_out(new: Sequence[_New], refused: Sequence[Diagnostic], arguments: argparse.Namespace) -> int:
    """Write the files and what there is to say; returns the exit status."""
    if arguments.output == _STANDARD_OUTPUT:
        print(_BETWEEN[arguments.to].join(one.made.text for one in new if one.made.text), end="")
    else:
        _write(new, Path(arguments.output), force=arguments.force)
    carried = list(dict.fromkeys(d for one in new for d in one.made.findings))
    _report([*carried, *refused])
    if refused:
        print("factory convert: lint refuses the new files: fix these errors by hand", file=sys.stderr)
    return 1 if refused or has_errors(carried) else 0


def _from_python(arguments: argparse.Namespace) -> int:
    """The DAGs of a Python file → this project's format."""
    file: Path = arguments.file
    if arguments.to != "pipeline":
        raise UsageError(f"{file}: a Python file is converted to `pipeline` only")
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file")
    require_airflow()
    top = Path("" if arguments.output == _STANDARD_OUTPUT else arguments.output)
    with tempfile.TemporaryDirectory(prefix="factory-convert-") as home:
        prepare_airflow(home, "CRITICAL")
        from factory.build.python_made import ImportFailedError, imported  # noqa: PLC0415 # imports Airflow
        from factory.loading.from_python import converted  # noqa: PLC0415 # as above

        try:
            made = list(converted(imported(file.resolve()), str(file)))
        except ImportFailedError as error:
            print(f"factory convert: {file}:{error.line}: {error}", file=sys.stderr)
            return 1
    if not made:
        raise UsageError(f"{file}: it makes no DAG when it is imported")
    new = [_New(one.dag_id, top / f"{one.dag_id}.yaml", one) for one in made]
    texts = {one.place.name: one.made.text.encode() for one in new}
    checker = Checker(file.parent, CheckOptions(shown_folder=str(top) if top.name else "", texts=texts))
    found = [finding for name in texts for finding in checker.file(name).diagnostics]
    return _given_out(new, [d for d in found if d.severity is Severity.ERROR], arguments)


def _selected(target: Path, to: str) -> tuple[Selection, tuple[str, ...], dict[str, list[Document]]]:
    """The files to convert, and what those of Airflow 3.4's format say. Raises UsageError."""
    (selection,) = select([target])
    checker = Checker(selection.folder)
    foreign: dict[str, list[Document]] = {}
    for path in selection.paths:
        text = (selection.folder / path).read_text(encoding="utf-8", errors="replace")
        documents = None if checker.dialect(path) == DIALECT else airflow_documents(text, selection.shown_path(path))
        foreign |= {path: documents} if documents is not None else {}
    whose = "dag-factory or Airflow 3.4 document" if to == "pipeline" else "pipeline"
    theirs = [path for path in selection.paths if checker.dialect(path) == DIALECT or path in foreign]
    paths = tuple(path for path in selection.paths if (path in theirs) == (to == "pipeline"))
    if target.is_dir():
        if not paths:
            raise UsageError(f"{target}: there are no {whose}s in this folder")
        return selection, paths, foreign
    if len(selection.paths) != 1:
        raise UsageError(f"{target}: these are defaults; name the file that they are for")
    if not paths:
        help_text = "" if to == "pipeline" else " of this project's format: convert it to one first, without --to"
        raise UsageError(f"{target}: this is not a {whose}{help_text}")
    return selection, paths, foreign


def _findings(checker: Checker, path: str, foreign: Mapping[str, list[Document]]) -> tuple[Diagnostic, ...]:
    if path in foreign:
        return tuple(found for document in foreign[path] for found in document.diagnostics)
    return checker.file(path).diagnostics


def _converted(
    selection: Selection,
    paths: Sequence[str],
    arguments: argparse.Namespace,
    make: Callable[[str], Iterator[ConvertedDag]],
) -> Iterator[_New]:
    """The new files, each in the subfolder that its source has below the folder that is converted."""
    top = Path("" if arguments.output == _STANDARD_OUTPUT else arguments.output)
    folder, start = lexically_absolute(selection.folder), lexically_absolute(arguments.file)
    start = start if start.is_dir() else start.parent
    if arguments.to == "python" or not start.is_relative_to(folder):
        start = folder  # a module looks for its files from there; and the project's folder means the pipelines in it
    for path in paths:
        below = (folder / path).parent.relative_to(start)
        for made in make(path):
            name = f"{made.dag_id}{_ENDINGS[arguments.to]}"
            if arguments.output != _STANDARD_OUTPUT and (Path(name).name != name or not name.isprintable()):
                shown = selection.shown_path(path)
                raise UsageError(f"{shown}: the DAG id {made.dag_id!r} is no name of a file; nothing is written")
            yield _New(path, top / below / name, made)


def _pipelines(selection: Selection, foreign: Mapping[str, list[Document]]) -> Callable[[str], Iterator[ConvertedDag]]:
    """Documents of dag-factory and of Airflow 3.4 → this project's format."""
    # Read without variables, so that they stay names.
    unexpanded = Checker(selection.folder, CheckOptions(shown_folder=selection.shown, environ={}))
    reader = SourceReader(selection.folder)

    def made(path: str) -> Iterator[ConvertedDag]:
        if path in foreign:
            return from_airflow(foreign[path], path, reader)
        return convert(unexpanded.variants(path), selection.folder, os.environ, reader)

    return made


def _to_airflow(selection: Selection, checker: Checker) -> Callable[[str], Iterator[ConvertedDag]]:
    """This project's files → documents of Airflow 3.4."""
    reader = SourceReader(selection.folder)
    return lambda path: to_airflow(checker.variants(path), os.environ, reader)


class _Modules:
    """This project's files → Python modules. What `${env.NAME}` gives is read from the environment again, as far as it
    is text."""

    def __init__(self, selection: Selection, options: CheckOptions) -> None:
        self._folder, self._options = selection.folder, options
        self._checker = Checker(selection.folder, options)

    def of(self, path: str) -> Iterator[ConvertedDag]:
        """The modules of a file's DAGs."""
        from factory.build.python_values import marked  # noqa: PLC0415 # imports Airflow, whose home is set only now

        subjects = {one.dag_id: Subject(path, one.effective) for one in self._checker.variants(path)}
        marks = marked((text for subject in subjects.values() for _, text in subject.texts), self._checker.environ)
        if self._with(marks).file(path).has_errors:  # some are read as numbers, or chosen from a list
            marks = {n: mark for n, mark in marks.items() if not self._with({n: mark}).file(path).has_errors}
        yield from (self._module(dag_id, subject, marks) for dag_id, subject in subjects.items())

    def _with(self, marks: Mapping[str, str]) -> Checker:
        environ = {**self._checker.environ, **marks}
        return Checker(self._folder, replace(self._options, environ=environ))

    def _module(self, dag_id: str, subject: Subject, marks: Mapping[str, str]) -> ConvertedDag:
        from factory.build.errors import PipelineBuildError  # noqa: PLC0415 # as above
        from factory.build.python_code import NoCodeError  # noqa: PLC0415 # as above
        from factory.build.python_module import PythonModule  # noqa: PLC0415 # as above
        from factory.loading.pipelines import build_diagnostics  # noqa: PLC0415 # as above

        written = list(written_variables(subject, marks))
        if has_errors(written):
            return ConvertedDag(dag_id, "", tuple(written))
        pipeline = next(one for one in self._with(marks).file(subject.path).pipelines if one.dag_id == dag_id)
        assert isinstance(pipeline, CheckedPipeline)  # noqa: S101 # no others are chosen
        unset = frozenset(marks.keys() - self._checker.environ.keys())
        try:
            return ConvertedDag(dag_id, PythonModule(pipeline, subject.effective, marks, unset).text(), tuple(written))
        except PipelineBuildError as error:
            if marks:
                return self._module(dag_id, subject, {})  # an operator may read a text as something else
            found = build_diagnostics(self._checker, subject.path, error)
            return ConvertedDag(dag_id, "", tuple(found))
        except NoCodeError as error:
            lost = subject.finding(Code.NOT_CONVERTED, (), f"there is no Python module of `{dag_id}`: {error}")
            return ConvertedDag(dag_id, "", (lost,))


def _refused(selection: Selection, new: Sequence[_New]) -> Iterator[Diagnostic]:
    """The errors that lint finds in the new files, if they replaced the documents."""
    texts = {one.source: b"" for one in new}
    places: dict[str, Path] = {}
    folder = lexically_absolute(selection.folder)
    for one in new:
        place = lexically_absolute(one.place)
        if not place.is_relative_to(folder):
            place = folder / PurePosixPath(one.source).parent / place.name
        path = place.relative_to(folder).as_posix()
        if one.made.text and is_pipeline_path(path):
            texts[path] = one.made.text.encode()
            places[selection.shown_path(path)] = one.place
    if not places:
        return
    result = Checker(selection.folder, CheckOptions(shown_folder=selection.shown, texts=texts)).folder()
    for found in result.diagnostics:
        if found.severity is Severity.ERROR and found.file in places:
            yield replace(found, file=str(places[found.file]))


def _write(new: Sequence[_New], folder: Path, *, force: bool) -> None:
    """All of the files or none. Raises UsageError."""
    places: dict[Path, str] = {}
    for one in new:
        if one.place in places:
            raise UsageError(f"{one.place}: two documents have this DAG; nothing is written")
        if one.made.text:
            places[one.place] = one.made.text
    there = [place for place in places if os.path.lexists(place)]
    if there and not force:
        raise UsageError(f"{there[0]} already exists; --force overwrites it")
    try:
        for place, text in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            print(place)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {(error.strerror or type(error).__name__).lower()}") from error


def _report(findings: Sequence[Diagnostic]) -> None:
    if findings:
        print(full.render(findings, colour=wants_colour(sys.stderr)), file=sys.stderr)
