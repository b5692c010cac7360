"""Arguments by name against what a function or a class takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.codes import Code
from schemas.data_path import DataPath
from schemas.diagnostics import Diagnostic
from schemas.source import Parameter
from schemas.subject import Subject
from schemas.suggestions import meant, nearest


@dataclass(frozen=True)
class Call:
    """`who` is called with `arguments`, which stand at `path`; `at` is where its name stands."""

    who: str
    arguments: Mapping[str, Any]
    path: DataPath
    at: DataPath


def argument_findings(
    subject: Subject,
    call: Call,
    parameters: Sequence[Parameter],
    given: frozenset[str] = frozenset(),
    help: str = "write it in `with`",
) -> Iterator[Diagnostic]:
    """Arguments that it does not take, and those it needs; `given` are written by nobody and there all the same."""
    by_name = [p for p in parameters if p.kind in ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")]
    names = tuple(p.name for p in by_name)
    unknown = [key for key in call.arguments if key not in names]
    if any(p.kind == "VAR_KEYWORD" for p in parameters):
        unknown = []
    for key in unknown:
        yield subject.finding(
            Code.UNKNOWN_ARGUMENT,
            (*call.path, key),
            f"{call.who} has no argument `{key}`",
            at_key=True,
            caret=meant(key, names),
            allowed=names,
        )
    missing = [p.name for p in by_name if p.required and p.name not in call.arguments and p.name not in given]
    typos = [nearest(key, missing) for key in unknown]
    for name in missing:
        if name not in typos:
            message = f"{call.who} needs the argument `{name}`"
            yield subject.finding(Code.MISSING_ARGUMENT, call.at, message, help=help)
