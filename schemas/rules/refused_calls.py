"""What an operator says to all of its arguments: the checks of its constructor, and a connection that it lacks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import walk
from schemas.model.fields import OBJECT
from schemas.rules.run_context import renders_natively
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.source import Class, SourceReader
from schemas.source.facts import PRESENT, UNKNOWN

_OF_SQL = "airflow.providers.common.sql.operators.sql."


def and_together(  # a call and what is already found in it
    subject: Subject,
    task: TaskView,
    operator: Class,
    reader: SourceReader,
    found: Iterable[Diagnostic],
    besides: Collection[str] = (),
) -> Iterator[Diagnostic]:
    """What is found in single arguments of an operator, and what the checks in its constructor say to all; those
    in `besides` get a value that is not known here."""
    findings = list(found)
    is_refused = any(one.severity is Severity.ERROR for one in findings)
    refusal = None
    annotations = {parameter.name: parameter.annotation or "" for parameter in operator.parameters or ()}
    if not is_refused and task.mapped == {}:  # a mapped one is made as it runs
        written = {name: _as_built(value, annotations.get(name, "")) for name, value in task.arguments.items()}
        refusal = reader.refusal(operator, {**dict.fromkeys((*task.entry, *besides), UNKNOWN), **written})
    about = [name for name in task.arguments if refusal is not None and name in refusal.names]
    known = [one for one in findings if any(one.message.startswith(f"`{name}` of ") for name in about)]
    yield from (replace(one, severity=Severity.ERROR) if one in known else one for one in findings)
    if refusal is not None and not known:
        path = (*task.with_path, about[-1]) if about else (*task.path, "uses")
        always = ": its constructor raises whatever it gets"
        words = f" where `{refusal.condition}`" if refusal.condition else always
        words = f": {refusal.message}" if refusal.message else words
        message = f"{operator.path.rpartition('.')[2]} refuses its arguments{words}"
        yield subject.finding(Code.WRONG_ARGUMENT, path, message)
    yield from _conf(subject, task, operator)
    given = {*task.arguments, *(task.mapped or ()), *besides}
    if operator.path.startswith(_OF_SQL) and "conn_id" not in given and annotations.get("conn_id") == "str | None":
        message = f"`{operator.path}` needs the argument `conn_id`: it is made without a connection, and fails in a run"
        at = (*task.path, "uses")
        yield subject.finding(Code.MISSING_ARGUMENT, at, message, severity=Severity.WARNING)


def _conf(subject: Subject, task: TaskView, operator: Class) -> Iterator[Diagnostic]:
    """`conf` of a run to start, which TriggerDagRunOperator reads as JSON where it is text."""
    conf, path = task.arguments.get("conf"), (*task.with_path, "conf")
    if not operator.path.endswith(".TriggerDagRunOperator") or type(conf) is not str or renders_natively(subject, task):
        return
    match = re.fullmatch(r"\s*\{\{-?\s*((?:(?!\}\}).)*?)\s*-?\}\}\s*", conf)
    if match is None or re.search(r"tojson|dumps|\bvar\.value\b|\.json\(", match[1]):
        return
    pulls = [word.text for pull in read_template(conf).pulls for word in pull.task_ids]
    if any("bash" in str(other.uses).lower() for other in subject.tasks if other.full_id in pulls):
        return  # what it writes may be JSON
    message = "`conf` is a mapping or JSON, and a template gives the text of a mapping as Python writes it"
    caret = f"write `{{{{ {match[1]} | tojson }}}}`"
    yield subject.finding(Code.WRONG_ARGUMENT, path, message, caret=caret, severity=Severity.WARNING)


def _as_built(value: Any, annotation: str) -> Any:
    """A value as a constructor gets it; UNKNOWN where that is no literal: what only a run or the environment knows, an
    object, a text that the annotation makes a duration or a date."""
    inside = walk({"": value})
    is_text = isinstance(value, str | list) and re.search(r"timedelta|time\b|date|callable", annotation, re.IGNORECASE)
    is_other = any("${" in text or type(text) is not str for _, text in inside.texts) or (inside.texts and is_text)
    return PRESENT if is_other or any(place[-1] in (OBJECT, "__type__") for place in inside.keys) else value
