"""Show what a change does to each DAG before it is merged.

Compares the pipelines folder with a git revision or another folder, runs no code and needs no Airflow.
Exit status: 0 done, 1 a pipeline has errors or is against the policy, 2 usage, and with --exit-code also changes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from factory.cli import UsageError, end_by_signal
from factory.cli.options import moment_of, require_writable, shown_folder, write_output
from schemas.folder.discovery import is_pipeline_path, pipeline_paths
from schemas.folder.project import lexically_absolute, pipelines_folder

CHANGES = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory plan`."""
    parser.add_argument(
        "base",
        nargs="?",
        metavar="BASE",
        help="a git revision or a folder (default: where this branch left the default branch)",
    )
    parser.add_argument(
        "--pipelines",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="the folder to look at ($PIPELINES_FOLDER, else pipelines); may be repeated",
    )
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write to a file in place of standard output")
    parser.add_argument("--from", dest="moment", metavar="DATE", help="count next runs from this moment (default: now)")
    parser.add_argument("--exit-code", action="store_true", help="exit with 2 if there are changes")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan; returns the exit status."""
    from factory.plan.contents import BaseError, base_folder  # noqa: PLC0415 # `--help` does without
    from factory.plan.plan import FORMATS, joined, plan  # noqa: PLC0415 # as above

    now = moment_of(arguments.moment)
    require_writable(arguments.output)
    end_by_signal()
    folders = _folders(arguments.pipelines)
    if len(folders) > 1 and arguments.base is not None and Path(arguments.base).is_dir():
        raise UsageError(f"{arguments.base} is one folder: name one with --pipelines to compare it with")
    plans = []
    try:
        for folder, shown in folders.items():
            with base_folder(arguments.base, folder) as (before, name), TemporaryDirectory() as nothing:
                after = folder if folder.is_dir() else Path(nothing)
                if not any(next(pipeline_paths(side), None) for side in (before, after)):
                    raise UsageError(f"{shown or folder}: there are no pipelines in this folder, and were none")
                plans.append(plan(before, after, base=name, shown=shown, now=now))
    except BaseError as error:
        raise UsageError(str(error)) from None
    found = joined(plans)
    report = FORMATS[arguments.format](found)
    if arguments.output is not None:
        write_output(arguments.output, report)
    else:
        print(report, end="")
    if found.has_errors:
        return 1
    return CHANGES if arguments.exit_code and found.entries else 0


def _folders(named: Sequence[Path]) -> dict[Path, str]:
    """The folders to look at, with what people call them. One may have lost its last pipeline, and be gone with it."""
    there = [path.parent if is_pipeline_path(path.name) and not path.exists() else path for path in named]
    found = [pipelines_folder(path) if path.exists() else lexically_absolute(path) for path in there]
    return {folder: shown_folder(folder) for folder in found or [pipelines_folder()]}
