"""`--environment`: which of the pipelines' `environments` a command looks at."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from factory.cli.selection import Selection
from factory.cli.usage import UsageError
from schemas.check import Checker, CheckOptions
from schemas.project import undeclared


def add_environment(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the option; `default` says in its help what holds without it."""
    parser.add_argument("--environment", metavar="NAME", help=f"the one of the pipelines' `environments` ({default})")


def require_declared(environment: str | None, selections: Iterable[Selection]) -> None:
    """Raises UsageError for an environment that no pipeline of these folders declares: it is misspelt."""
    if not environment:
        return
    known: list[str] = []
    for selection in selections:
        checker = Checker(selection.folder, CheckOptions(environment=environment, shown_folder=selection.shown))
        known += checker.environments()
    problem = undeclared(environment, known)
    if problem is not None:
        raise UsageError(problem)
