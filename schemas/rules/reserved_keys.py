"""`$…` keys among the arguments of functions and operators; elsewhere the closed models refuse them."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.model.built_ins import BUILT_INS
from schemas.rules.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """A `$…` key directly inside `with`. Deeper ones are the user's own data."""
    for task in subject.tasks:
        if task.uses in BUILT_INS:
            continue
        for key in task.arguments:
            if key.startswith("$"):
                message = f"`{key}`: keys that start with `$` are reserved"
                yield subject.finding(Code.RESERVED_KEY, (*task.with_path, key), message, at_key=True)
