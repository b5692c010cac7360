"""Write a dag-factory document's DAGs in this project's language, one file for each.

Exit status: 0 all carried over, 1 something could not be, 2 usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from factory.cli.selection import Selection, select
from factory.cli.usage import UsageError
from factory.reporters import full
from factory.terminal_colour import wants_colour
from schemas.check import Checker, CheckOptions
from schemas.dagfactory.converted import Converted, converted
from schemas.dagfactory.recognition import DIALECT
from schemas.diagnostics import Diagnostic, has_errors
from schemas.source import SourceReader

_STANDARD_OUTPUT = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory convert`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a document of dag-factory")
    parser.add_argument(
        "--output",
        default=_STANDARD_OUTPUT,
        metavar="FOLDER",
        help="where to write DAG_ID.yaml for each DAG; `-`, the default, is standard output",
    )
    parser.add_argument("--force", action="store_true", help="write over files that are there")


def run(arguments: argparse.Namespace) -> int:
    """Write the files, and findings to standard error; returns the exit status."""
    selection, path = _selected(arguments.file)
    result = Checker(selection.folder, CheckOptions(shown_folder=selection.shown)).file(path)
    if result.has_errors:
        _report([d for d in result.diagnostics if d.severity.value == "error"])
        print(f"factory convert: {arguments.file}: these come first; nothing is converted", file=sys.stderr)
        return 1
    # Read without variables, so that they stay names.
    unexpanded = Checker(selection.folder, CheckOptions(shown_folder=selection.shown, environ={}))
    made = list(converted(unexpanded.variants(path), selection.folder, os.environ, SourceReader(selection.folder)))
    if arguments.output == _STANDARD_OUTPUT:
        print("---\n".join(one.text for one in made if one.text), end="")
    else:
        _write(made, Path(arguments.output), force=arguments.force)
    findings = list(dict.fromkeys(d for one in made for d in one.findings))
    _report(findings)
    return 1 if has_errors(findings) else 0


def _selected(file: Path) -> tuple[Selection, str]:
    if file.is_dir():
        raise UsageError(f"{file}: name one file")
    (selection,) = select([file])
    if len(selection.paths) != 1:
        raise UsageError(f"{file}: these are defaults; name the file that they are for")
    (path,) = selection.paths
    if Checker(selection.folder).dialect(path) != DIALECT:
        raise UsageError(f"{file}: this is no document of dag-factory")
    return selection, path


def _write(made: Sequence[Converted], folder: Path, *, force: bool) -> None:
    """All of the files or none. Raises UsageError."""
    places = {folder / f"{one.dag_id}.yaml": one.text for one in made if one.text}
    there = [place for place in places if os.path.lexists(place)]
    if there and not force:
        raise UsageError(f"{there[0]} is there already; --force writes over it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for place, text in places.items():
            place.write_text(text, encoding="utf-8")
            print(place)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {(error.strerror or type(error).__name__).lower()}") from error


def _report(findings: Sequence[Diagnostic]) -> None:
    if findings:
        print(full.render(findings, colour=wants_colour(sys.stderr)), file=sys.stderr)
