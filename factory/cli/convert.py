"""Write the DAGs of dag-factory documents in this project's language, one file for each.

Exit status: 0 all converted, 1 something was lost or the new files have errors, 2 usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from factory.cli import UsageError
from factory.cli.options import Selection, select
from factory.reporters import full
from factory.reporters.text import wants_colour
from schemas.check import Checker, CheckOptions
from schemas.dagfactory.convert import ConvertedDag, convert
from schemas.findings.codes import Severity
from schemas.findings.diagnostics import Diagnostic, has_errors
from schemas.folder.dialect import DIALECT
from schemas.folder.discovery import is_pipeline_path
from schemas.folder.project import lexically_absolute
from schemas.source import SourceReader

_STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class _New:
    """A new file: what it is made of, by its path below the pipelines folder, and where it goes."""

    source: str
    place: Path
    made: ConvertedDag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory convert`."""
    parser.add_argument("file", type=Path, metavar="PATH", help="a dag-factory document, or a folder of them")
    parser.add_argument(
        "--output",
        default=_STANDARD_OUTPUT,
        metavar="FOLDER",
        help="where to write DAG_ID.yaml for each DAG, in subfolders as they are; `-`, the default, is standard output",
    )
    parser.add_argument("--force", action="store_true", help="overwrite existing files")


def run(arguments: argparse.Namespace) -> int:
    """Write the files, and findings to standard error; returns the exit status."""
    selection, paths = _selected(arguments.file)
    checker = Checker(selection.folder, CheckOptions(shown_folder=selection.shown))
    wrong = {path: checker.file(path).diagnostics for path in paths}
    wrong = {path: found for path, found in wrong.items() if has_errors(found)}
    _report([d for found in wrong.values() for d in found if d.severity is Severity.ERROR])
    for path in wrong:
        whose = selection.shown_path(path)
        print(f"factory convert: {whose}: fix these errors first; nothing of it is converted", file=sys.stderr)
    new = list(_converted(selection, [path for path in paths if path not in wrong], arguments))
    if arguments.output == _STANDARD_OUTPUT:
        print("---\n".join(one.made.text for one in new if one.made.text), end="")
    else:
        _write(new, Path(arguments.output), force=arguments.force)
    carried = list(dict.fromkeys(d for one in new for d in one.made.findings))
    refused = list(_refused(selection, new))
    _report([*carried, *refused])
    if refused:
        print("factory convert: lint refuses the new files: fix these errors by hand", file=sys.stderr)
    return 1 if wrong or refused or has_errors(carried) else 0


def _selected(target: Path) -> tuple[Selection, tuple[str, ...]]:
    """The documents to convert. Raises UsageError."""
    (selection,) = select([target])
    checker = Checker(selection.folder)
    if target.is_dir():
        paths = tuple(path for path in selection.paths if checker.dialect(path) == DIALECT)
        if not paths:
            raise UsageError(f"{target}: there are no dag-factory documents in this folder")
        return selection, paths
    if len(selection.paths) != 1:
        raise UsageError(f"{target}: these are defaults; name the file that they are for")
    if checker.dialect(selection.paths[0]) != DIALECT:
        raise UsageError(f"{target}: this is not a dag-factory document")
    return selection, selection.paths


def _converted(selection: Selection, paths: Sequence[str], arguments: argparse.Namespace) -> Iterator[_New]:
    """The new files, each in the subfolder that its document has below the folder that is converted."""
    # Read without variables, so that they stay names.
    unexpanded = Checker(selection.folder, CheckOptions(shown_folder=selection.shown, environ={}))
    reader = SourceReader(selection.folder)
    top = Path("" if arguments.output == _STANDARD_OUTPUT else arguments.output)
    folder, start = lexically_absolute(selection.folder), lexically_absolute(arguments.file)
    if not start.is_dir():
        start = start.parent
    elif not start.is_relative_to(folder):
        start = folder  # the project's folder means the pipelines in it
    for path in paths:
        below = (folder / path).parent.relative_to(start)
        for made in convert(unexpanded.variants(path), selection.folder, os.environ, reader):
            yield _New(path, top / below / f"{made.dag_id}.yaml", made)


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
