"""Functions that the arguments of a built-in name: `python_callable` of `branch`, `success` of `wait_sql`, …"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.findings.diagnostics import Diagnostic
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.context_names import CONTEXT_NAMES
from schemas.rules.calls import Call, check_call
from schemas.rules.expressions import stands_at
from schemas.rules.subject import Subject
from schemas.source import SourceReader


def check(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in the functions, and in the arguments of those that `op_kwargs` stand beside."""
    for task in subject.tasks:
        if task.uses is None or task.uses not in BUILT_INS:
            continue
        for key in sorted(built_in(task.uses).functions & task.arguments.keys()):
            dotted, path = task.arguments[key], (*task.with_path, key)
            if not isinstance(dotted, str) or "." not in dotted or stands_at(subject, path):
                continue
            arguments = task.arguments.get("op_kwargs") or {} if key == "python_callable" else None
            known = arguments if isinstance(arguments, dict) else None  # of another task's output nothing is known
            yield from check_call(
                subject, Call(path, dotted, (*task.with_path, "op_kwargs"), known, CONTEXT_NAMES), reader
            )
