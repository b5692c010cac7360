"""Write DAG files into a folder, for an Airflow that takes no bundle class (MWAA, Composer, Astro, an image).

One .py file per pipeline, and what it needs beside it. Only what changed is written, and what is gone is removed;
nothing else in the folder is touched. Exit status: 0 done, 1 a file could not be read or has errors, 2 usage.
"""

from __future__ import annotations

import argparse
import os
import sys

from factory.cli import UsageError, to_path
from factory.cli.options import Selection, add_environment, require_declared, select
from schemas.folder.project import ENVIRONMENT_VARIABLE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory build`."""
    parser.add_argument("--output", type=to_path, metavar="DIR", required=True, help="the dags folder, or one in it")
    parser.add_argument(
        "--pipelines",
        type=to_path,
        metavar="FOLDER",
        help="the pipelines folder ($PIPELINES_FOLDER, else pipelines)",
    )
    add_environment(parser, f"${ENVIRONMENT_VARIABLE}, else none")


def run(arguments: argparse.Namespace) -> int:
    """Write the files; returns the exit status."""
    from factory.bundle.output import write_dags  # noqa: PLC0415 # `--help` does without
    from factory.bundle.store import BundleError  # noqa: PLC0415 # as above

    (selection,) = select([arguments.pipelines] if arguments.pipelines is not None else [])
    environment = arguments.environment or os.environ.get(ENVIRONMENT_VARIABLE, "")
    require_declared(environment, [selection])
    try:
        done = write_dags(selection.folder, arguments.output, environment)
    except (BundleError, OSError) as error:
        raise UsageError(str(error)) from None
    for path, reason in sorted(done.problems.items()):
        print(f"{selection.shown_path(path)}: {reason}", file=sys.stderr)
    broken = {selection.shown_path(path) for path in done.broken}
    wrong = _with_errors(selection, environment) - broken
    for shown in sorted(broken | wrong):
        is_one = "is" if shown in broken else "has errors, and may be"
        said = f"{shown}: {is_one} an import error in Airflow; `factory lint {shown}` says what is wrong"
        print(said, file=sys.stderr)
    for change, paths in (("wrote", done.written), ("removed", done.removed)):
        for path in paths:
            print(f"{change} {arguments.output / path}")
    print(f"{done.pipelines} pipelines: {len(done.written)} files written, {len(done.removed)} removed")
    return 1 if done.problems or broken or wrong else 0


def _with_errors(selection: Selection, environment: str) -> set[str]:
    """The files that lint finds errors in, by the language alone: a team's own rules stop nothing here."""
    from schemas.check import Checker, CheckOptions  # noqa: PLC0415 # as above
    from schemas.findings.codes import Severity  # noqa: PLC0415 # as above

    options = CheckOptions(environment=environment, shown_folder=selection.shown)
    found = Checker(selection.folder, options).folder({*selection.paths})
    return {one.file for one in found.diagnostics if one.severity is Severity.ERROR}
