"""Show a pipeline with its defaults, environment, `vars` and `matrix` applied, and where each value comes from.

Environment variables and references stay expressions. Exit status: 0 shown, 1 the pipeline has errors, 2 usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from factory.cli import UsageError
from factory.cli.options import Selection, add_environment, require_declared, select
from factory.reporters import full
from factory.reporters.text import wants_colour
from schemas.check import Checker, CheckOptions
from schemas.compose.effective import Effective
from schemas.compose.variants import Variant
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.folder.discovery import pipeline_paths
from schemas.folder.project import ENVIRONMENT_VARIABLE
from schemas.text.nodes import block_mark, scalar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory show`."""
    parser.add_argument("pipeline", metavar="PIPELINE", help="a file, or a DAG id; of a matrix the id of one row")
    parser.add_argument(
        "--pipelines",
        type=Path,
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
        selection = selection._replace(paths=(_path_of(dag_id, selection, checker),))
    (path,) = selection.paths
    # dag-factory's documents are expanded where they are read: here variables stay names.
    unexpanded = Checker(selection.folder, replace(options, environ={}))
    variants = [v for v in unexpanded.variants(path) if dag_id is None or v.dag_id == dag_id]
    print("\n---\n".join(_document(variant) for variant in variants))
    result = checker.file(path, dag_id)
    if result.diagnostics:
        print(full.render(result.diagnostics, colour=wants_colour(sys.stderr)), file=sys.stderr)
    return 1 if result.has_errors else 0


def _selected(pipeline: str, folder: Path | None) -> tuple[Selection, str | None]:
    """The file's folder and path, or a folder and the DAG id to look for in it. Raises UsageError."""
    if Path(pipeline).exists():
        (selection,) = select([Path(pipeline)])
        if Path(pipeline).is_dir() or len(selection.paths) != 1:
            raise UsageError(f"{pipeline}: name one pipeline, by its file or its DAG id")
        return selection, None
    if "/" in pipeline or pipeline.endswith((".yaml", ".yml")):
        raise UsageError(f"{pipeline}: there is no such file")
    (selection,) = select([folder] if folder is not None else [])
    return selection, pipeline


def _path_of(dag_id: str, selection: Selection, checker: Checker) -> str:
    ids = {known: path for path in pipeline_paths(selection.folder) for known in checker.dag_ids(path)}
    if dag_id not in ids:
        hint = meant(dag_id, ids)
        raise UsageError(f"no pipeline in {selection.shown or '.'} has the DAG id `{dag_id}`{hint and f'; {hint}'}")
    return ids[dag_id]


def _document(variant: Variant) -> str:
    chosen = f", environment {variant.environment}" if variant.environment is not None else ""
    return f"# {variant.dag_id}{chosen}\n{render(variant.effective)}".rstrip("\n")


SPENT = frozenset({"vars", "matrix"})
"""Keys whose values are shown where they are used."""
_WIDEST = 72
"""Columns: behind longer lines their comments are not aligned."""

_Line = tuple[str, DataPath | None]
"""A line, and the path of the value that it shows."""


def render(effective: Effective) -> str:
    """The document's lines; empty for an empty document."""
    data = {key: value for key, value in effective.data.items() if key not in SPENT}
    lines = list(_mapping(data, (), ""))
    column = min(_WIDEST, max((len(text) for text, path in lines if path is not None), default=0)) + 2
    return "".join(f"{_commented(effective, text, path, column)}\n" for text, path in lines)


def _commented(effective: Effective, text: str, path: DataPath | None, column: int) -> str:
    if path is None:
        return text
    document, place = effective.origin(path)
    return f"{text:<{column - 2}}  # {document.file}:{document.value_span(place).line}"


def _mapping(value: Mapping[str, Any], path: DataPath, indent: str, first: str | None = None) -> Iterator[_Line]:
    """`first` is what the first line begins with in place of the indentation."""
    for key, child in value.items():
        start = indent if first is None else first
        first = None
        yield from _entry(f"{start}{scalar(key)}:", child, (*path, key), f"{indent}  ")


def _entry(start: str, value: Any, path: DataPath, indent: str) -> Iterator[_Line]:
    if isinstance(value, dict) and value:
        yield start, None
        yield from _mapping(value, path, indent)
    elif isinstance(value, list) and value:
        yield start, None
        for index, item in enumerate(value):
            yield from _item(item, (*path, index), indent)
    elif isinstance(value, str) and (block := block_mark(value)) is not None:
        yield f"{start} {block}", path
        yield from ((f"{indent}{line}" if line else "", None) for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{start} {scalar(value)}", path


def _item(value: Any, path: DataPath, indent: str) -> Iterator[_Line]:
    if isinstance(value, dict) and value:
        yield from _mapping(value, path, f"{indent}  ", f"{indent}- ")
    else:
        yield from _entry(f"{indent}-", value, path, f"{indent}  ")
