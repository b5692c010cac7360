"""Check pipelines and say what is wrong, on which line.

Exit status: 0 clean (warnings allowed), 1 errors, 2 usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from factory.cli.selection import Selection, add_paths, select
from factory.reporters import concise, full
from factory.terminal_colour import wants_colour
from schemas.check import Checker, CheckOptions
from schemas.codes import Severity
from schemas.diagnostics import Diagnostic

REPORTERS = {"full": full.render, "concise": concise.render}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory lint`."""
    add_paths(parser)
    parser.add_argument("--format", choices=REPORTERS, default="full", help="how findings are shown (full)")
    parser.add_argument(
        "--require-env",
        action="store_true",
        help="an environment variable that is unset, without default, is an error",
    )


def run(arguments: argparse.Namespace) -> int:
    """Lint, print the findings to standard output and a summary to standard error; returns the exit status."""
    selections = select(arguments.paths)
    findings = [d for selection in selections for d in lint(selection, require_env=arguments.require_env)]
    if findings:
        print(REPORTERS[arguments.format](findings, colour=wants_colour(sys.stdout)))
    files = sum(len(selection.paths) for selection in selections)
    print(_summary(findings, files), file=sys.stderr)
    return 1 if any(d.severity is Severity.ERROR for d in findings) else 0


def lint(selection: Selection, *, require_env: bool) -> list[Diagnostic]:
    """The findings of the selected files; the whole folder is read, as DAG ids must be unique in it."""
    options = CheckOptions(require_environment=require_env, shown_folder=selection.shown)
    result = Checker(selection.folder, options).folder()
    chosen = {selection.shown_path(path) for path in selection.related()}
    return [d for d in result.diagnostics if d.file in chosen]


def _summary(findings: Iterable[Diagnostic], files: int) -> str:
    errors = sum(d.severity is Severity.ERROR for d in findings)
    warnings = sum(d.severity is Severity.WARNING for d in findings)
    checked = f"{files} pipeline{'s' if files != 1 else ''} checked"
    if not errors and not warnings:
        return f"{checked}: all good"
    parts = [_count(errors, "error")] if errors else []
    parts += [_count(warnings, "warning")] if warnings else []
    return f"{checked}: {', '.join(parts)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
