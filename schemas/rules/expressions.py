"""`${…}`: near misses, places where an expression is not allowed, environment variables; and characters that look like
others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unicodedata import name

from schemas.compose.effective import outside_of_templates
from schemas.compose.env_values import EnvText, allows_environment, as_written, gives_secret, is_airflows_own
from schemas.expressions.reading import (
    EnvReference,
    ExpandReference,
    Expression,
    NearMiss,
    TaskReference,
    ValueReference,
    expressions,
    forms,
)
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import MOST, Diagnostic, Word, has_errors
from schemas.findings.paths import OUTWARD, DataPath
from schemas.findings.suggestions import did_you_mean, meant
from schemas.model.task import TEMPLATE
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.shape.places import value_at

_TAG = r"(?s)\{\{.*?\}\}|\{%.*?%\}"
_USE_A_CONNECTION = (
    "keep secrets in an Airflow connection: an operator names it by its `conn_id`, a template reads it as "
    "`{{ conn.NAME.password }}`"
)


def check(
    subject: Subject, unset: frozenset[DataPath], *, require_environment: bool
) -> dict[DataPath, list[Diagnostic]]:
    """Findings by the path of the text they are about, so that nothing else is said of that text.

    `subject` holds the expressions as written; `unset` are the paths whose variable has no value.
    """
    findings: dict[DataPath, list[Diagnostic]] = {}
    for problem in subject.effective.problems:
        findings.setdefault(problem.path, []).append(subject.said(problem))
    errors = 0
    for path, expression in subject.expressions:
        if errors > MOST:
            findings.setdefault(path, [])
            continue
        for finding in _one(subject, path, expression):
            findings.setdefault(path, []).append(finding)
            errors += 1
    for path, expression in subject.key_expressions:
        findings.setdefault(path, []).append(_in_key(subject, path, expression))
    # Behind all that is said: a set's order is another in each process, and of equal findings the first is said.
    findings |= {path: [] for path in subject.effective.unknown if path not in findings}
    errors = 0
    silent = unset - findings.keys()
    for path, expression in subject.expressions if silent else ():
        meaning = expression.meaning
        if path in silent and path not in findings and isinstance(meaning, EnvReference) and meaning.default is None:
            errors += 1
            said = errors <= MOST + 1
            findings[path] = [_unset(subject, path, expression, meaning.name, require_environment)] if said else []
    return findings


def has_expression(subject: Subject, path: DataPath) -> bool:
    """Whether the text at a path was written with an expression of ours that is not a value of the file: then the
    findings here are about it."""
    if subject.is_as_written:
        return path in subject.expression_paths
    filled = subject.effective.place.at(path).filled
    if filled is not None:
        return next(expressions(filled), None) is not None
    document, place = subject.effective.origin(path)
    value: Any = document.data
    for element in place:
        if isinstance(value, dict) and element not in value:
            return False
        value = value[element]
    return isinstance(value, str) and next(expressions(value), None) is not None


def _spelled(value: object, expression: Expression, suggestion: str | None) -> Word | None:
    """The text with the expression as it is spelled, where only spaces and letter case are not."""
    same = suggestion is not None and "".join(expression.written.split()).lower() == suggestion.lower()
    if suggestion is None or not same or not isinstance(value, str):
        return None
    return Word(value[: expression.start] + suggestion + value[expression.end :])


def _one(subject: Subject, path: DataPath, expression: Expression) -> Iterator[Diagnostic]:
    part = (expression.start, expression.end)
    match expression.meaning:
        case NearMiss(why, suggestion) if subject.effective.place.at(path).filled is None:
            yield subject.finding(
                Code.BAD_EXPRESSION,
                path,
                f"`{expression.written}`: {why}",
                caret=did_you_mean(suggestion),
                allowed=forms(),
                part=part,
                fix=_spelled(subject.at(path), expression, suggestion),
            )
        case EnvReference(name, _):
            yield from _environment(subject, path, expression, name)
        case ValueReference("params", _) if path not in subject.effective.unknown:
            yield subject.said(outside_of_templates(path, expression))
        case ValueReference(root, _) if path not in subject.effective.unknown:
            message = f"`{expression.written}`: this file has no `{root}`"
            yield subject.finding(Code.BAD_EXPRESSION, path, message, part=part)
        case TaskReference():
            yield from _task(subject, path, expression)
        case ExpandReference():
            yield from _expand(subject, path, expression, expression.meaning.name)


def _in_key(subject: Subject, path: DataPath, expression: Expression) -> Diagnostic:
    message = f"`{expression.written}` is not allowed in a key: keys are literal text"
    return subject.finding(Code.EXPRESSION_NOT_ALLOWED, path, message, at_key=True)


def _environment(subject: Subject, path: DataPath, expression: Expression, name: str) -> Iterator[Diagnostic]:
    part = (expression.start, expression.end)
    if not allows_environment(path):
        where = next(element for element in reversed(path) if isinstance(element, str))
        where = "schedule" if path[0] == "schedule" else where
        message = f"`{expression.written}` is not allowed in `{where}`, which must be known from the file alone"
        yield subject.finding(Code.EXPRESSION_NOT_ALLOWED, path, message, part=part)
    elif is_airflows_own(name):
        message = f"`{name}` is Airflow's own; such variables contain secrets, and Airflow shows what a pipeline reads"
        yield subject.finding(Code.SECRET_VARIABLE, path, message, help=_USE_A_CONNECTION, part=part)
    elif gives_secret(name, path):
        message = f"`{name}` looks like a secret, and Airflow shows what a pipeline reads from the environment"
        yield subject.finding(Code.SECRET_VARIABLE, path, message, help=_USE_A_CONNECTION, part=part)


def _task(subject: Subject, path: DataPath, expression: Expression) -> Iterator[Diagnostic]:
    task = subject.entry_at(path)
    if "tasks." + OUTWARD in str(subject.at(path)):
        message = f"an id has no `{OUTWARD}`"
        yield subject.finding(Code.BAD_EXPRESSION, path, message, part=(expression.start, expression.end))
    elif task is None or not task.takes_output(path):
        is_group = task is not None and task.is_group and bool({"expand", "expand_kwargs"} & set(path))
        where = "as the whole value of a group's `expand`" if is_group else "in a task's `with` or `expand`"
        yield _only_in_with(subject, path, expression, where)
    elif not expression.whole:
        yield from _inside_text(subject, task, path, expression)


def _expand(subject: Subject, path: DataPath, expression: Expression, name: str) -> Iterator[Diagnostic]:
    task = subject.entry_at(path)
    if task is not None and TEMPLATE in task.entry and "tasks" not in task.entry:
        return  # the template is not there, which is said
    if task is None or path[: len(task.with_path)] != task.with_path or path == task.with_path:
        yield _only_in_with(subject, path, expression, "in the `with` of a task inside a mapped group")
        return
    if not expression.whole:
        yield from _inside_text(subject, task, path, expression)
    part = (expression.start, expression.end)
    group = next((group for group in subject.around(path) if group.is_mapped), None)
    if group is None:
        message = f"`{expression.written}`: the task is in no group that has `expand`"
        yield subject.finding(Code.UNKNOWN_EXPAND, path, message, part=part)
    elif group.mapped is not None and name not in group.mapped:
        yield subject.finding(
            Code.UNKNOWN_EXPAND,
            path,
            f"`{expression.written}`: `expand` of group `{group.full_id}` has no `{name}`",
            caret=meant(name, group.mapped),
            allowed=tuple(group.mapped),
            part=part,
        )


def _only_in_with(subject: Subject, path: DataPath, expression: Expression, where: str) -> Diagnostic:
    message = f"`{expression.written}` is known only during a run, so it is allowed only {where}"
    part = (expression.start, expression.end)
    return subject.finding(Code.EXPRESSION_NOT_ALLOWED, path, message, part=part)


def _inside_text(subject: Subject, task: TaskView, path: DataPath, expression: Expression) -> Iterator[Diagnostic]:
    """Where the rest of the text is read before the value is known."""
    written = as_written(value_at(subject.data, path))
    tags = (match.span() for match in re.finditer(_TAG, written))
    if task.is_mapped_over(path):
        message = f"`{expression.written}` must be the whole value here: a text is not a list"
        help_text = "write a list of texts; a text that is the same for all belongs in `with`"
    elif any(start < expression.start < end for start, end in tags):
        message = f"`{expression.written}` is inside a template, which would get its name and not its value"
        help_text = "end the template before it, or ask in the template: ti.xcom_pull(task_ids='…')"
    else:
        return
    part = (expression.start, expression.end)
    yield subject.finding(Code.EXPRESSION_NOT_ALLOWED, path, message, help=help_text, part=part)


def _unset(
    subject: Subject, path: DataPath, expression: Expression, name: str, require_environment: bool
) -> Diagnostic:
    return subject.finding(
        Code.UNSET_VARIABLE,
        path,
        f"the environment variable `{name}` is not set",
        help=f"set it where Airflow runs, or give a default: ${{env.{name}:-…}}",
        part=(expression.start, expression.end),
        severity=Severity.ERROR if require_environment else None,
    )


_QUOTES = {
    "\u201c": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u2018": "\u2019",
    "\u201a": "\u2018\u2019",
    "\u00ab": "\u00bb",
}
_UNSEEN = "[\u00a0\u200b\u200c\u2060\ufeff\x00]"
_NAMES = {
    "\u00a0": "no-break space",
    "\u200b": "zero-width space",
    "\u200c": "zero-width non-joiner",
    "\u2060": "word joiner",
    "\ufeff": "zero-width no-break space",
    "\x00": "null character",
}
_LIKE_YAML = rf"[a-z_]+(?: ?(?P<colon>\uff1a)|:(?P<space>{_UNSEEN}))|(?P<dash>[\u2010-\u2015\u2022\u2212]) "
_MEANT = {"colon": "write `: `", "space": "write a space", "dash": "write `-`"}
_OF_KEYS = frozenset({"with", "poll", "params", "vars", "default_args", "env", "expand", "environments", "schedule"})
_HOLDERS = _OF_KEYS | {"needs", "tags", "tasks", "teardown", "inlets", "outlets"}
_WINDOWS_PATH = r"(?:^[A-Z]|(?<=[\s\"'=])[A-Za-z]):(?:[^\s\\/]|\n)*[\n\t\r\f\v\a\b](?=\w)"


def check_characters(subject: Subject) -> Iterator[Diagnostic]:
    """Where such a character makes a key or a value another one than it looks like."""
    if all(layer.text.isascii() for layer in subject.effective.documents) and not subject.may_hold("\\"):
        return
    for path in subject.keys:
        if (found := re.search(_UNSEEN, str(path[-1]))) is not None:
            message = f"this key holds a {_NAMES[found.group()]} (U+{ord(found.group()):04X}), an invisible character"
            severity, help_text = _severity(found[0]), "type the key again"
            yield subject.finding(Code.LOOK_ALIKE, path, message, at_key=True, help=help_text, severity=severity)
    for path, text in subject.texts:
        if isinstance(text, EnvText) or (text.isascii() and text.isprintable()):
            continue
        if len(text) > 1 and text[-1] in _QUOTES.get(text[0], ""):
            yield subject.finding(
                Code.LOOK_ALIKE,
                path,
                f"`{text[0]}` and `{text[-1]}` are part of the value: YAML's quotes are \" and '",
                caret="did you mean straight quotes?",
            )
        windows = re.search(_WINDOWS_PATH, text)
        if windows is not None and (windows.start() == 0 or ("\\" in _written(subject, path) and "\n " not in text)):
            message = "in double quotes a backslash and a letter are a line break, a tab or the like"
            yield subject.finding(Code.LOOK_ALIKE, path, message, caret="use single quotes")
        like = re.match(_LIKE_YAML, text) if path[-1] in _HOLDERS or isinstance(path[-1], int) else None
        found = re.search(_UNSEEN, text) if like is None else None
        if found is not None and (" " not in text.strip() or "\x00" in text):
            message = f"this value holds a {_NAMES[found.group()]} (U+{ord(found.group()):04X}), an invisible character"
            severity, help_text = _severity(text), "type the value again"
            yield subject.finding(Code.LOOK_ALIKE, path, message, help=help_text, part=found.span(), severity=severity)
        if like is not None:
            kind = str(like.lastgroup)
            odd, what = like[kind], "list" if kind == "dash" else "key"
            message = f"this {name(odd, '').lower()} (U+{ord(odd):04X}) is not YAML's, so the {what} is a text"
            yield subject.finding(Code.LOOK_ALIKE, path, message, caret=_MEANT[kind], part=like.span(kind))


def _severity(text: str) -> Severity | None:
    """PostgreSQL stores no text with a null character, and no process or file takes one."""
    return Severity.ERROR if "\x00" in text else None


def _written(subject: Subject, path: DataPath) -> str:
    document, place = subject.effective.origin(path)
    return document.written(document.value_span(place))


def without_echoes(findings: list[Diagnostic]) -> list[Diagnostic]:
    """Findings without those about the same text as one of this rule's, which explains them and is as severe."""
    own = [finding for finding in findings if finding.code is Code.LOOK_ALIKE]
    if not own:
        return findings
    echoes = [f for f in findings if f.code is not Code.LOOK_ALIKE and any(_overlap(f, other) for other in own)]
    return [finding for finding in findings if finding not in echoes and finding not in own] + [
        replace(finding, severity=Severity.ERROR) if has_errors(e for e in echoes if _overlap(e, finding)) else finding
        for finding in own
    ]


def _overlap(one: Diagnostic, other: Diagnostic) -> bool:
    a, b = one.span, other.span
    return one.file == other.file and a.line == b.line and a.column < b.end_column and b.column < a.end_column
