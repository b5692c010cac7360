"""What is taken of answers: JSON Schemas, forms of CSV, header fields, and times that several rows have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.value_schema import schema_problem
from schemas.rules.subject import Subject
from schemas.rules.task_view import FILLED, TaskView, texts
from schemas.shape.places import value_at

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_PLACES: tuple[DataPath, ...] = (
    ("pagination", "cursor_header"),
    ("pagination", "cursor_request_header"),
    ("pagination", "total_header"),
    ("rate_limit", "remaining_header"),
    ("rate_limit", "reset_header"),
    ("auth", "timestamp_header"),
)


def check_json_schemas(subject: Subject) -> Iterator[Diagnostic]:
    """`expect.json_schema` of requests."""
    if not subject.may_hold("json_schema"):
        return
    for task in subject.tasks:
        expect = task.arguments.get("expect")
        schema = expect.get("json_schema") if task.uses == "http" and isinstance(expect, dict) else None
        if isinstance(schema, dict):
            problem = schema_problem(schema)
            if problem is not None:
                place, reason = problem
                path = (*task.with_path, "expect", "json_schema", *place)
                yield subject.finding(Code.BAD_JSON_SCHEMA, path, f"`json_schema` is not a JSON Schema: {reason}")


_OF_A_BODY = ("data_selector", "to", "incremental", "unique_by", "until")


def check_answers(subject: Subject) -> Iterator[Diagnostic]:
    """What is taken of an answer that has none of it, and forms of CSV that cannot be read."""
    for task in subject.tasks:
        if task.uses != "http":
            continue
        request = task.arguments
        for key in _OF_A_BODY:
            if request.get("method") == "HEAD" and request.get(key) is not None:
                message = f"`{key}` is about the body of an answer, and the answer to a HEAD has none"
                yield subject.finding(Code.CONFLICTING_KEYS, (*task.with_path, key), message, at_key=True)
        if request.get("format") in ("text", "bytes") and request.get("to") is not None:
            message = f"`to` takes rows, and with `format: {request['format']}` the answer has none"
            yield subject.finding(Code.CONFLICTING_KEYS, (*task.with_path, "to"), message, at_key=True)
        form = request.get("csv")
        if isinstance(form, dict):
            yield from _csv_form(subject, (*task.with_path, "csv"), form)


def _csv_form(subject: Subject, path: DataPath, form: Mapping[str, Any]) -> Iterator[Diagnostic]:
    header = form.get("header")
    for at, name in enumerate(header if isinstance(header, list) else ()):
        if isinstance(header, list) and name in header[:at]:
            yield subject.finding(Code.WRONG_VALUE, (*path, "header", at), f"two columns are named `{name}`")
    for key in ("delimiter", "quotechar"):
        if form.get(key) in ("\n", "\r"):
            message = f"`{key}` cannot be the end of a line"
            yield subject.finding(Code.WRONG_VALUE, (*path, key), message)
    delimiter = form.get("delimiter", ",")
    if delimiter == form.get("quotechar", '"'):
        key = "delimiter" if "delimiter" in form else "quotechar"
        message = "`delimiter` and `quotechar` are the same character"
        yield subject.finding(Code.WRONG_VALUE, (*path, key), message)


def check_header_names(subject: Subject) -> Iterator[Diagnostic]:
    """Names of header fields that answers have."""
    if not subject.may_hold("pagination", "rate_limit", "auth", "response_"):
        return
    for task in subject.tasks:
        if task.uses == "http":
            yield from _header_names(subject, task)


def _header_names(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    places: list[tuple[DataPath, Any, bool]] = []
    places += [(keys, value_at(task.arguments, keys), False) for keys in _HEADER_PLACES]
    names, actions = task.arguments.get("response_headers"), task.arguments.get("response_actions")
    places += [
        (("response_headers", at), name, False) for at, name in enumerate(names if isinstance(names, list) else ())
    ]
    for at, action in enumerate(actions if isinstance(actions, list) else ()):
        fields = action.get("headers") if isinstance(action, dict) else None
        if isinstance(fields, dict):
            places += [(("response_actions", at, "headers", name), name, True) for name in fields]
    for keys, value, at_key in places:
        if isinstance(value, str) and value and "${" not in value and not _HEADER.fullmatch(value):
            message = f"`{value}` is not a name of a header field, which holds no spaces and no colon"
            yield subject.finding(Code.WRONG_VALUE, (*task.with_path, *keys), message, at_key=at_key)


_TIME = re.compile(r"(?:_|^)(?:at|on|ts)$|[a-z](?:At|On)$|time|date|day|updat|creat|modif|chang|stamp", re.IGNORECASE)
_LATER = re.compile(
    r"(?<![A-Za-z])(?:gt|(?:[a-z]+_)*after|(?:[a-z]+_)?(?:greater|newer|later)[_-]?than)(?![a-z]|[_-]?or|[_-]?eq)"
    r"|[A-Za-z]+(?:After|GreaterThan|Gt)(?![a-z])|>(?= *\(?['\"]?\$\{cursor\.start\})"
)
"""Names of parameters and operators that leave out their own value."""
_OPERATOR = re.compile(r">|gt|(?:is)?_?(?:after|(?:greater|later|newer)[_-]?than)", re.IGNORECASE)
"""Of these, what a body has beside the value: `{operator: GT, value: …}`."""


def check_ties(subject: Subject) -> Iterator[Diagnostic]:
    """A window that begins behind the watermark itself, where a time can have several rows."""
    if not subject.may_hold("incremental"):
        return
    for task in subject.tasks:
        incremental = task.arguments.get("incremental") if task.uses == "http" else None
        if not isinstance(incremental, dict) or incremental.get("lag") or incremental.get("token_path") is not None:
            continue
        if _TIME.search(str(incremental.get("cursor_path"))) is None:
            continue
        name = incremental.get("start_param")
        places: list[tuple[DataPath, str]] = []
        if isinstance(name, str):
            places.append(((*task.with_path, "incremental", "start_param"), name))
        for path, text in texts(dict(task.arguments), ()):
            if path[0] in FILLED and "${cursor.start}" in text:
                keys = " ".join(str(key) for key in path[1:])
                beside = value_at(task.arguments, path[:-1]) if path[0] == "json" else None
                words = map(str, beside.values()) if isinstance(beside, dict) else ()
                operators = " ".join(one.lower() for one in words if _OPERATOR.fullmatch(one))
                places.append(((*task.with_path, *path), f"{keys}\n{operators} {text}"))
        for path, text in places:
            if (later := _LATER.search(text)) is not None:
                message = (
                    f"`{later.group().strip()}` may leave out rows of the watermark's own time, and no later run asks "
                    "for those that arrive after this one"
                )
                help_text = "`lag: 1s` asks for them (`1d` where days are sent); rows may then come twice"
                yield subject.finding(Code.ROWS_AT_RISK, path, message, help=help_text)


def tied_cursor(subject: Subject, task: TaskView, cursor: str) -> Iterator[Diagnostic]:
    """A time of the last row by which the next page is asked for: it may be that of other rows, too."""
    name = re.search(r"\[-1\]\.(?:[\w\"]+\.)*\"?(\w+)\"?\s*(?:\|\|.*)?$", cursor)
    if name is not None and _TIME.search(name[1]) is not None and re.search(r"_id$|[a-z]Id$", name[1]) is None:
        message = f"rows with the same `{name[1]}` as the last one of a page may be left out behind its end"
        help_text = (
            "take the API's own cursor, or a value that no two rows have, such as `[-1].id`, and sort by it, too"
        )
        path = (*task.with_path, "pagination", "cursor_path")
        yield subject.finding(Code.ROWS_AT_RISK, path, message, help=help_text)
