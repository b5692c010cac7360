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
from itertools import islice
from pathlib import Path

from factory.cli import UsageError, to_path
from factory.cli.options import Selection, add_environment, require_declared, select
from factory.cli.run import require_airflow
from factory.reporters import full
from factory.reporters.text import wants_colour
from factory.trial import prepare_airflow
from schemas.check import Checker, CheckOptions
from schemas.dagfactory.convert import ConvertedDag, convert
from schemas.dagfactory.convert.airflow import to_airflow
from schemas.dagfactory.convert.from_airflow import airflow_documents, from_airflow
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, has_errors
from schemas.folder.dialect import DIALECT
from schemas.folder.discovery import is_pipeline_path, pipeline_paths
from schemas.folder.project import ENVIRONMENT_VARIABLE, FOLDER_NAME, lexically_absolute, pipelines_folder
from schemas.source import SourceReader
from schemas.text.document import Document

_Chosen = tuple[Selection, tuple[str, ...], dict[str, list[Document]], dict[str, str]]
_STANDARD_OUTPUT = "-"
_MISSING = frozenset({Code.UNKNOWN_MODULE, Code.MISSING_FILE})
_ENDINGS = {"pipeline": ".yaml", "python": ".py", "airflow-3.4": ".yaml"}
_BETWEEN = {"pipeline": "---\n", "python": "\n\n", "airflow-3.4": "---\n"}


@dataclass(frozen=True, slots=True)
class _New:
    """A new file: what it is made of, and where it goes."""

    source: Path
    place: Path
    made: ConvertedDag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory convert`."""
    parser.add_argument(
        "paths", nargs="+", type=to_path, metavar="PATH", help="files, or folders of them; Python files hold DAGs"
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
        help="where to write DAG_ID.yaml or DAG_ID.py for each DAG, in subfolders as they are; `-`: standard output",
    )
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    add_environment(parser, f"with --to python: ${ENVIRONMENT_VARIABLE}, else none")


def run(arguments: argparse.Namespace) -> int:
    """Write the files, and findings to standard error; returns the exit status."""
    if (output := Path(arguments.output)).suffix in (".py", ".yaml", ".yml") and not output.is_dir():
        raise UsageError(f"--output {output}: name a folder; the files in it are named for their DAGs")
    modules = {path: files for path in arguments.paths if (files := _python_files(path))}
    if modules and arguments.to != "pipeline":
        raise UsageError(f"{next(iter(modules))}: a Python file is converted to `pipeline` only")
    if modules or arguments.to == "python":
        require_airflow()
    chosen = {path: _selected(path, arguments.to) for path in arguments.paths if path not in modules}
    if arguments.to != "pipeline":
        require_declared(arguments.environment, [selection for selection, *_ in chosen.values()])
    with tempfile.TemporaryDirectory(prefix="factory-convert-") as home:
        if modules or arguments.to == "python":
            prepare_airflow(home, "CRITICAL")
        done = [_of_python(path, files, arguments) for path, files in modules.items()]
        done += [_of_documents(path, one, arguments) for path, one in chosen.items()]
    return max(_given_out([one for made, _ in done for one in made], arguments), *(status for _, status in done))


def _of_documents(start: Path, chosen: _Chosen, arguments: argparse.Namespace) -> tuple[list[_New], int]:
    """The new files of a file or a folder, and the exit status."""
    selection, paths, foreign, left_out = chosen
    options = CheckOptions(environment=arguments.environment, shown_folder=selection.shown)
    checker = Checker(selection.folder, options)
    said = {path: [d for one in foreign[path] for d in one.diagnostics] for path in paths if path in foreign}
    said |= {path: [*checker.file(path).diagnostics] for path in paths if path not in foreign}
    wrong = {path: found for path, found in said.items() if has_errors(found)}
    _report([d for found in wrong.values() for d in found if d.severity is Severity.ERROR])
    for path, why in {**dict.fromkeys(wrong, "fix these errors first; nothing of it is converted"), **left_out}.items():
        print(f"factory convert: {selection.shown_path(path)}: {why}", file=sys.stderr)
    if arguments.to == "python":
        from factory.build.python_module import Modules  # noqa: PLC0415 # imports Airflow

        make: Callable[[str], Iterator[ConvertedDag]] = Modules(selection.folder, options).of
    elif arguments.to == "airflow-3.4":
        reader = SourceReader(selection.folder)
        make = lambda path: to_airflow(checker.variants(path), os.environ, reader)  # noqa: E731 # beside `make` of the others
    else:
        make = _pipelines(selection, foreign)
    sound = [path for path in paths if path not in wrong]
    return list(_converted(start, selection, sound, arguments, make)), 1 if wrong or left_out else 0


def _given_out(new: Sequence[_New], arguments: argparse.Namespace) -> int:
    """Write the files, and what there is to say; returns the exit status. Raises UsageError."""
    first: dict[str, _New] = {}
    for one in new:
        if one.made.text and (other := first.setdefault(one.made.dag_id, one)) is not one:
            raise UsageError(f"{other.source}, {one.source}: both have the DAG {one.made.dag_id!r}; nothing is written")
    refused = list(full.once(_refused(new, arguments.output), _MISSING)) if arguments.to == "pipeline" else []
    if arguments.output == _STANDARD_OUTPUT:
        print(_BETWEEN[arguments.to].join(one.made.text for one in new if one.made.text), end="")
    else:
        _write(new, Path(arguments.output), force=arguments.force)
    carried = list(dict.fromkeys(d for one in new for d in one.made.findings))
    _report([*carried, *refused])
    if refused:
        print("factory convert: lint refuses the new files: fix these errors by hand", file=sys.stderr)
        if not _MISSING.isdisjoint(found.code for found in refused):
            where = "there" if arguments.output == _STANDARD_OUTPUT else f"in {arguments.output}"
            print(f"factory convert: modules and files that pipelines use must be {where}: copy them", file=sys.stderr)
    return 1 if refused or has_errors(carried) else 0


def _python_files(path: Path) -> list[Path]:
    """The Python files that are meant: the one that is named, or those of a folder without documents that Airflow
    would look for DAGs in. Raises UsageError."""
    if path.suffix == ".py" and not path.is_dir():
        if not path.is_file():
            raise UsageError(f"{path}: there is no such file")
        return [path]
    if not path.is_dir() or any(pipeline_paths(path)):
        return []
    texts = {file: file.read_bytes().lower() for file in sorted(path.rglob("*.py"))}
    return [file for file, text in texts.items() if b"dag" in text and b"airflow" in text]


def _of_python(start: Path, files: Sequence[Path], arguments: argparse.Namespace) -> tuple[list[_New], int]:
    """The DAGs of Python files → this project's format; and the exit status."""
    from factory.loading.from_python import ImportFailedError, imported_dags  # noqa: PLC0415 # imports Airflow

    top = Path("" if arguments.output == _STANDARD_OUTPUT else arguments.output)
    new, status = list[_New](), 0
    for file in files:
        try:
            made = imported_dags(file)
        except ImportFailedError as error:
            print(f"factory convert: {file}:{error.line}: {error}", file=sys.stderr)
            status = 1
            continue
        if not made and file == start:
            raise UsageError(f"{file}: it makes no DAG when it is imported")
        below = Path() if file == start else file.parent.relative_to(start)
        new += [_New(file, top / below / f"{one.dag_id}.yaml", one) for one in made]
    if not (new or status):
        raise UsageError(f"{start}: its Python files make no DAG when they are imported")
    return new, status


def _selected(target: Path, to: str) -> _Chosen:
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
    broken = [path for path in selection.paths if path not in theirs and _is_broken(checker, path)]
    paths = tuple(path for path in selection.paths if path in broken or (path in theirs) == (to == "pipeline"))
    others = {path: why for path in selection.paths if path not in paths and (why := _left_out(checker, path, to))}
    if target.is_dir():
        if paths:
            return selection, paths, foreign, others
        raise UsageError(": ".join([f"{target}: there are no {whose}s in this folder", *islice(others.values(), 1)]))
    if len(selection.paths) != 1:
        raise UsageError(f"{target}: these are defaults; name the file that they are for")
    if not paths:
        raise UsageError(f"{target}: {others.get(selection.paths[0], f'this is not a {whose}')}")
    return selection, paths, foreign, {}


def _left_out(checker: Checker, path: str, to: str) -> str:
    """Why a file is no source for a conversion; empty for pipelines that are already what is asked for."""
    for found in checker.file(path).diagnostics:
        if found.code is Code.FOREIGN_DIALECT and "(docs/" in found.help:
            return f"{found.message}; it is converted by hand, and docs/migrating.md shows how"
    not_ours = "this is not a pipeline of this project's format: convert it to one first, without --to"
    return "" if to == "pipeline" else not_ours


def _is_broken(checker: Checker, path: str) -> bool:
    """Whether nobody can tell whose a file is, so that what is wrong with its text is said."""
    found = checker.file(path).diagnostics if has_errors(checker.layers.documents(path)[-1].diagnostics) else ()
    return has_errors(found) and all(d.code is not Code.FOREIGN_DIALECT for d in found)


def _converted(
    start: Path,
    selection: Selection,
    paths: Sequence[str],
    arguments: argparse.Namespace,
    make: Callable[[str], Iterator[ConvertedDag]],
) -> Iterator[_New]:
    """The new files, each in the subfolder that its source has below the folder that is converted."""
    is_python, top = arguments.to == "python", Path("" if arguments.output == _STANDARD_OUTPUT else arguments.output)
    folder, start = lexically_absolute(selection.folder), lexically_absolute(start if start.is_dir() else start.parent)
    if is_python or not start.is_relative_to(folder):
        start = folder  # a module looks for its files from there; and the project's folder means the pipelines in it
    for path in paths:
        below = (folder / path).parent.relative_to(start)
        modules = _modules_in((folder / path).parent) if is_python else ()
        for made in make(path):
            name = f"{made.dag_id}{'_dag' if made.dag_id in modules else ''}{_ENDINGS[arguments.to]}"
            if arguments.output != _STANDARD_OUTPUT and (Path(name).name != name or not name.isprintable()):
                raise UsageError(f"{selection.shown_path(path)}: the DAG id {made.dag_id!r} is no name of a file")
            yield _New(folder / path, top / below / name, made)


def _modules_in(folder: Path) -> set[str]:
    """The names of modules and packages, which go to the same place."""
    return {one.name.removesuffix(".py") for one in folder.iterdir() if one.suffix == ".py" or any(one.rglob("*.py"))}


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


def _refused(new: Sequence[_New], output: str) -> Iterator[Diagnostic]:
    """The errors that lint finds in the new files where they go, in place of the documents; on standard output, where
    their sources are."""
    by_folder: dict[Path, dict[Path, _New]] = {}
    is_shown = output == _STANDARD_OUTPUT
    for one in new:
        place = one.source.parent / one.place.name if is_shown else one.place
        folder = pipelines_folder(one.source) if is_shown else _folder_of(Path(output))
        by_folder.setdefault(lexically_absolute(folder), {})[lexically_absolute(place)] = one
    for folder, places in by_folder.items():
        texts = {one.source: b"" for one in places.values() if one.source.suffix != ".py"}
        texts |= {place: one.made.text.encode() for place, one in places.items() if one.made.text}
        inside = {lexically_absolute(place): text for place, text in texts.items()}
        inside = {place: text for place, text in inside.items() if place.is_relative_to(folder)}
        named = {place.relative_to(folder).as_posix(): text for place, text in inside.items()}
        for found in Checker(folder, CheckOptions(shown_folder="", texts=named)).folder().diagnostics:
            one_place = places.get(folder / found.file)
            if found.severity is Severity.ERROR and one_place is not None and is_pipeline_path(found.file):
                yield replace(found, file=str(one_place.place))


def _folder_of(output: Path) -> Path:
    """The pipelines folder that the output is in or will be, else the output."""
    here, folder = lexically_absolute(output), lexically_absolute(pipelines_folder(output))
    return folder if here.is_relative_to(folder) and (output.is_dir() or folder.name == FOLDER_NAME) else here


def _write(new: Sequence[_New], folder: Path, *, force: bool) -> None:
    """All of the files or none. Raises UsageError."""
    places = {one.place: one.made.text for one in new if one.made.text}
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
