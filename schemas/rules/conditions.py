"""`run_if` and `skip_if`: one of them, and a template."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.expressions import stands_at
from schemas.rules.subject import Subject

CONDITIONS = ("run_if", "skip_if")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Conditions that exclude each other, and texts that are the same in every run."""
    if not subject.may_hold(*CONDITIONS):
        return
    for task in subject.tasks:
        if task.path == ("poll",):
            continue
        if all(isinstance(task.entry.get(key), str) for key in CONDITIONS):
            yield subject.finding(
                Code.BAD_CONDITION,
                (*task.path, "skip_if"),
                "`run_if` and `skip_if` exclude each other",
                at_key=True,
                help='one template can say both: `run_if: "{{ … and not … }}"`',
            )
        for key in CONDITIONS:
            text, path = task.entry.get(key), (*task.path, key)
            if isinstance(text, str) and "{{" not in text and "{%" not in text and not stands_at(subject, path):
                yield subject.finding(
                    Code.BAD_CONDITION,
                    path,
                    f"`{key}` is a template, and this text is the same in every run",
                    help=f'write what is asked in `{{{{ }}}}`: `{key}: "{{{{ {_inside(text)} }}}}"`',
                )


def _inside(text: str) -> str:
    short = text.strip()
    return short if short and short.isprintable() and "{" not in short else "params.full"
