"""Arguments by name against what a function or a class takes: the one place where they are judged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import typo_fix
from schemas.findings.suggestions import meant
from schemas.rules.subject import Subject
from schemas.source import Parameter
from schemas.source.results import by_name, missing_names, unknown_names


class Arguments(NamedTuple):
    """`who` is called with those of `written`, which says where each of them stands.

    What is missing is said `at` a place; `filled` are parameters that others give, or that others speak of.
    """

    who: str
    written: Mapping[str, DataPath]
    at: DataPath
    at_key: bool = False
    filled: Collection[str] = ()
    how: str = "write it in `with`"


def written_at(path: DataPath, arguments: Mapping[str, Any]) -> dict[str, DataPath]:
    """The place of each key of a mapping that stands at a path."""
    return {name: (*path, name) for name in arguments}


def argument_findings(subject: Subject, arguments: Arguments, parameters: Sequence[Parameter]) -> Iterator[Diagnostic]:
    """Arguments that it does not take, and those it needs; one that is misspelt is not missing, too."""
    names = tuple(p.name for p in by_name(parameters))
    for name in unknown_names(parameters, arguments.written):
        if name.startswith("$"):
            continue  # reserved, which has its own finding
        fix = typo_fix(name, names)
        yield subject.finding(
            Code.UNKNOWN_ARGUMENT,
            arguments.written[name],
            f"{arguments.who} has no argument `{name}`",
            at_key=True,
            caret=meant(name, names),
            allowed=names,
            fix=fix if fix is not None and fix.text not in arguments.written else None,
        )
    for name in missing_names(parameters, arguments.written, arguments.filled):
        yield subject.finding(
            Code.MISSING_ARGUMENT,
            arguments.at,
            f"{arguments.who} needs the argument `{name}`",
            at_key=arguments.at_key,
            help=arguments.how,
        )
