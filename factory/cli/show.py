"""Show a pipeline with its defaults, environment, `vars` and `matrix` applied, and where each value comes from.

Environment variables and references stay expressions. Exit status: 0 shown, 1 the pipeline has errors, 2 usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from factory.cli import UsageError, to_path
from factory.cli.options import Selection, add_environment, file_of, require_declared, select
from factory.reporters import full
from factory.reporters.in_force import document
from factory.reporters.text import wants_colour
from schemas.check import Checker, CheckOptions
from schemas.folder.project import ENVIRONMENT_VARIABLE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory show`."""
    parser.add_argument("pipeline", metavar="PIPELINE", help="a file, or a DAG id; of a matrix the id of one row")
    parser.add_argument(
        "--pipelines",
        type=to_path,
        metavar="FOLDER",
        help="where to look for a DAG id ($PIPELINES_FOLDER, else pipelines)",
    )
    add_environment(parser, f"${ENVIRONMENT_VARIABLE}, else none")


def run(arguments: argparse.Namespace) -> int:
    """Print the document to standard output, findings to standard error; returns the exit status."""
    selection, dag_id = _selected(arguments.pipeline, arguments.pipelines)
    environment = arguments.environment or os.environ.get(ENVIRONMENT_VARIABLE, "")
    require_declared(environment, [selection])
    options = CheckOptions(environment=environment, shown_folder=selection.shown)
    checker = Checker(selection.folder, options)
    if dag_id is not None:
        selection = selection._replace(paths=(file_of(dag_id, selection, checker),))
    (path,) = selection.paths
    # dag-factory's documents are expanded where they are read: here variables stay names.
    unexpanded = Checker(selection.folder, replace(options, environ={}))
    variants = [v for v in unexpanded.variants(path) if dag_id is None or v.dag_id == dag_id]
    print("\n---\n".join(document(variant) for variant in variants))
    result = checker.file(path, dag_id)
    if result.diagnostics:
        print(full.render(result.diagnostics, colour=wants_colour(sys.stderr)), file=sys.stderr)
    return 1 if result.has_errors else 0


def _selected(pipeline: str, folder: Path | None) -> tuple[Selection, str | None]:
    """The file's folder and path, or a folder and the DAG id to look for in it. Raises UsageError."""
    if Path(pipeline).exists():
        (selection,) = select([Path(pipeline)])
        if selection.templates and not Path(pipeline).is_dir() and len(selection.paths) != 1:
            users = ", ".join(map(selection.shown_path, selection.paths)) or "none does yet"
            raise UsageError(f"{pipeline}: this is a template; name a pipeline that uses it: {users}")
        if Path(pipeline).is_dir() or len(selection.paths) != 1:
            raise UsageError(f"{pipeline}: name one pipeline, by its file or its DAG id")
        return selection, None
    if "/" in pipeline or pipeline.endswith((".yaml", ".yml")):
        raise UsageError(f"{pipeline}: there is no such file")
    (selection,) = select([folder] if folder is not None else [])
    return selection, pipeline
