"""Which rows a request asks for and hands on: the window, placeholders, `each`, `until`, decoders and files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import nearest
from schemas.rules.run_times import duration_of, in_words, longest_interval
from schemas.rules.subject import Subject
from schemas.rules.task_view import FILLED, ROW_FILE, TaskView, texts
from schemas.shape.places import place

if TYPE_CHECKING:
    from schemas.model.cursor import CursorForm

_PLACEHOLDER = re.compile(r"(?<!\$)\$\{(?P<root>cursor|each|page)\.(?P<name>[^{}]*)\}")
_CHANGES = re.compile(r"updat|modif|chang", re.IGNORECASE)
_ONE_STATE = ("incremental", "change_detection", "until", "watch")
"""What a request with `each` cannot have: it is many requests."""
_SETTINGS = ("each", "to", "csv", "encoding", "pagination", "rate_limit", "auth", "response_")
_KEYS = (*_ONE_STATE, *_SETTINGS, "cursor.", "each.", "page.")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Every request of the file."""
    if not subject.may_hold(*_KEYS):
        return
    for task in subject.tasks:
        if task.uses == "http":
            yield from _incremental(subject, task)
            yield from _placeholders(subject, task)
            yield from _each(subject, task)
            yield from _until(subject, task)
            yield from _handed_on(subject, task)


def _incremental(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    written = task.arguments.get("incremental")
    if not isinstance(written, dict):
        return
    path = (*task.with_path, "incremental")
    names = set(_placeholder_names(task, "cursor"))
    has = {key for key, value in written.items() if value is not None}

    def missing(key: str, why: str) -> Diagnostic:
        message = f"`{key}` is missing {place(path, subject.effective)}: {why}"
        return subject.finding(Code.MISSING_KEY, path, message, at_key=True)

    if not has & {"cursor_path", "token_path"} and not any(nearest(key, ["cursor_path"]) for key in has):
        yield missing("cursor_path", "it says where rows have what grows")
    elif (
        not has & {"start_param", "token_path", "step"}
        and "start" not in names
        and written.get("filter") != "client"
        and not any(nearest(key, ["start_param"]) for key in has)
    ):
        yield missing("start_param", "the watermark is sent nowhere; `${cursor.start}` in the request sends it, too")
    if "start" in names and "initial_value" not in has:
        yield missing("initial_value", "the first run has no other value for `${cursor.start}`")
    if "step" in has and "end_param" not in has and "end" not in names:
        yield missing("end_param", "`step` needs it, or `${cursor.end}` in the request")
    if "token_path" in has:
        for key in sorted(has & {"cursor_path", "start_param", "end_param", "lag", "step", "row_order", "filter"}):
            message = f"`{key}` has no effect beside `token_path`"
            yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, (*path, key), message, at_key=True)
    elif "token_param" in has:
        message = "`token_param` has no effect without `token_path`"
        yield subject.finding(Code.KEY_ALONE, (*path, "token_param"), message, at_key=True)
    from schemas.model.cursor import format_problem  # noqa: PLC0415 # few files have a cursor

    are_formats = True
    for key in ("cursor_format", "param_format"):
        name = written.get(key)
        problem = format_problem(name) if isinstance(name, str) and "${" not in name else None
        if problem is not None:
            yield subject.finding(
                Code.WRONG_VALUE,
                (*path, key),
                f"`{key}` cannot be used: {problem}",
                help="allowed: iso, date, rfc2822, epoch, epoch_ms, number, text, or a pattern such as `%d/%m/%Y`",
            )
            are_formats = False
    if are_formats:
        yield from _first_cursor(subject, path, written)
    yield from _pages_of_window(subject, task, written)


def _pages_of_window(subject: Subject, task: TaskView, written: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Pages past which the watermark moves though their rows were not read."""
    pagination = task.arguments.get("pagination")
    stops = isinstance(pagination, dict) and pagination.get("on_max_pages") == "stop"
    if stops and written.get("row_order") != "asc":
        yield subject.finding(
            Code.CONFLICTING_KEYS,
            (*task.with_path, "pagination", "on_max_pages"),
            "`on_max_pages: stop` with `incremental` loses rows: the watermark moves past pages that were not read",
            help="with `row_order: asc`, the next run goes on where this one stopped",
        )
    if not isinstance(pagination, dict) or not _CHANGES.search(str(written.get("cursor_path"))):
        return
    has_end = written.get("end_param") is not None or "end" in set(_placeholder_names(task, "cursor"))
    if has_end:
        # A row that changes leaves the window; a total of pages may not fall by it.
        is_safe = pagination.get("type") == "offset" and bool(pagination.keys() & {"total_path", "total_header"})
    else:
        # It goes to the end of the list, or to its top, where it pushes others to pages that have yet to be read.
        is_safe = task.arguments.get("unique_by") is not None or written.get("row_order") == "desc"
    lag = written.get("lag")
    windows = (duration_of(written.get("step")), longest_interval(subject) if isinstance(lag, str) else None)
    longest = max((one for one in windows if one is not None), default=timedelta())
    is_short = not lag or (duration_of(lag) or longest) < longest
    if pagination.get("type") in ("offset", "page_number") and not is_safe and is_short:
        message = (
            "a row that changes while these pages are read moves others to pages that were read already, and the "
            "watermark moves past them"
        )
        how = "`unique_by`, such as `unique_by: id`, notices and reads the list again"
        if has_end:
            how = "it leaves the list by its end: an offset with `total_path`, or `unique_by` without an end, notices"
        if lag:
            how += f"; a `lag` longer than a run's window ({in_words(longest)}) asks for those rows again"
        path = (*task.with_path, "pagination")
        yield subject.finding(Code.ROWS_AT_RISK, path, message, at_key=True, help=how)


def _first_cursor(subject: Subject, path: DataPath, written: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """An `initial_value` that is not as the rows write their cursors, or cannot be sent as `param_format` says."""
    from schemas.model.cursor import CursorError, CursorForm  # noqa: PLC0415 # few files have a cursor

    initial, form, param = (written.get(key) for key in ("initial_value", "cursor_format", "param_format"))
    known = all(value is None or (isinstance(value, str) and "${" not in value) for value in (form, param))
    if not known or "token_path" in written or not isinstance(initial, str | int | float) or "${" in str(initial):
        return
    try:
        if param is not None:
            CursorForm(form).converted(initial, CursorForm(param))
        elif form is not None:
            CursorForm(form).moment(initial)
        # A zone of its own: UTC is also what a `Z` says.
        has_zone = not _has_no_zone(CursorForm(form, timezone(timedelta(minutes=1))), initial)
    except CursorError as error:
        yield subject.finding(
            Code.WRONG_VALUE, (*path, "initial_value"), f"`initial_value` cannot be a cursor: {error}"
        )
        return
    if written.get("step") is not None and not has_zone and subject.data.get("timezone") is None:
        message = "times without an offset are taken for UTC: steps of an API whose clock is behind end too early"
        help_text = "write the `timezone` of the pipeline: that of the API's times, also where it is `UTC`"
        yield subject.finding(Code.ROWS_AT_RISK, (*path, "step"), message, at_key=True, help=help_text)


def _has_no_zone(form: CursorForm, value: str | float) -> bool:
    """Whether a cursor is a time of a day in a zone that it does not say."""
    moment = form.moment(value)
    if not isinstance(moment, datetime) or form.zone_of(value) is not form.zone:
        return False
    return form.written(moment + timedelta(hours=1), value) != form.written(moment, value)


def _placeholders(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    for path, text in texts(dict(task.arguments), task.with_path):
        place = path[len(task.with_path) :]
        is_filled = place[0] in FILLED or place[:2] == _NEXT
        for found in _PLACEHOLDER.finditer(text):
            problem = _placeholder_problem(task, found["root"], found["name"])
            if not is_filled:
                problem = f"`${{{found['root']}.…}}` is known request by request, and `{place[0]}` is about all of them"
            if problem is not None:
                yield subject.finding(Code.BAD_EXPRESSION, path, problem, part=found.span())
        if place[:2] == _NEXT and ("{{" in text or "{%" in text):
            problem = "`next_request` is made while the task runs, so Airflow renders no template in it"
            yield subject.finding(Code.BAD_EXPRESSION, path, problem)


_NEXT = ("pagination", "next_request")


def _placeholder_problem(task: TaskView, root: str, name: str) -> str | None:
    if root == "cursor":
        if task.arguments.get("incremental") is None:
            return "`${cursor.…}` is what `incremental` asks for, and there is none"
        return None if name in ("start", "end") else "`${cursor.…}` has `start` and `end` only"
    if root == "page":
        pagination = task.arguments.get("pagination")
        kind = pagination.get("type") if isinstance(pagination, dict) else None
        is_right = (name, kind) in (("number", "page_number"), ("offset", "offset"))
        return None if is_right else "`${page.number}` needs `type: page_number`, and `${page.offset}` `type: offset`"
    if task.arguments.get("each") is None:
        return "`${each.…}` is a value of the rows in `each`, and there is none"
    if re.fullmatch(r"[A-Za-z_][\w.-]*", name) is None:
        return "`${each.…}` takes the name of a column"
    return _absent(task.arguments["each"], name)


def _absent(each: Any, name: str) -> str | None:
    """What is wrong with a name of a column, where the file has the rows."""
    rows = each.get("rows") if isinstance(each, dict) else None
    if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
        columns = sorted({str(column) for row in rows for column in row})
        if name.partition(".")[0] not in columns:
            return f"the rows of `each` have no `{name}`; they have {', '.join(columns)}"
    return None


def _placeholder_names(task: TaskView, root: str) -> Iterator[str]:
    for path, text in texts(dict(task.arguments), ()):
        if path[0] in FILLED or path[:2] == _NEXT:
            yield from (found["name"] for found in _PLACEHOLDER.finditer(text) if found["root"] == root)


def _each(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    each = task.arguments.get("each")
    if not isinstance(each, dict):
        return
    for key in _ONE_STATE:
        if task.arguments.get(key) is not None:
            message = f"`each` is many requests, and `{key}` is about one"
            yield subject.finding(Code.CONFLICTING_KEYS, (*task.with_path, key), message, at_key=True)
    if not any(_placeholder_names(task, "each")):
        message = "every request is the same: `${each.…}` is missing in `url`, `params` or the body"
        yield subject.finding(Code.KEY_ALONE, (*task.with_path, "each"), message, at_key=True)
    included = each.get("include")
    for at, name in included.items() if isinstance(included, dict) else enumerate(included or ()):
        problem = _absent(each, name) if isinstance(name, str) and re.fullmatch(r"[\w.]+", name) else None
        if problem is not None:
            yield subject.finding(Code.WRONG_VALUE, (*task.with_path, "each", "include", at), problem)
    if each.get("batch") is not None and each.get("include"):
        message = "`include` has no effect beside `batch`: which row of a batch an answer is about is not known"
        yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, (*task.with_path, "each", "include"), message, at_key=True)


def _until(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    until = task.arguments.get("until")
    if until is None:
        return
    if isinstance(until, dict) and (every := duration_of(until.get("every", "30s"))) is not None:
        within = duration_of(until.get("within", "1h"))
        if within is not None and every >= within:
            key = "every" if "every" in until else "within"
            message = "the job is asked for once only: `every` is as long as `within`, or longer"
            yield subject.finding(Code.WRONG_VALUE, (*task.with_path, "until", key), message)
    retries = task.arguments.get("request_retries")
    is_safe = isinstance(retries, dict) and retries.get("non_idempotent") is True
    if task.arguments.get("method") in ("POST", "PATCH") and not is_safe:
        message = (
            f"`until` sends this {task.arguments['method']} again and again, which may start the job anew each time"
        )
        help_text = (
            "start it in a task of its own, and ask for its state with a GET; `non_idempotent: true` says it is safe"
        )
        yield subject.finding(Code.ROWS_AT_RISK, (*task.with_path, "until"), message, at_key=True, help=help_text)
    for key in ("incremental", "change_detection", "watch"):
        if task.arguments.get(key) is not None:
            message = f"`until` asks again until a job is done, which does not go together with `{key}`"
            yield subject.finding(Code.CONFLICTING_KEYS, (*task.with_path, key), message, at_key=True)


def _handed_on(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    request = task.arguments
    to = request.get("to")
    if isinstance(to, str) and not to.endswith(("}", "}}")) and ROW_FILE.fullmatch(to) is None:
        yield subject.finding(
            Code.WRONG_VALUE,
            (*task.with_path, "to"),
            "the ending of `to` says the format of the file, and this one says none",
            help="allowed: .jsonl, .json, .csv (each also with .gz), .parquet",
        )
    encoding = request.get("encoding")
    if isinstance(encoding, str) and encoding and "${" not in encoding and not _is_text_encoding(encoding):
        yield subject.finding(
            Code.WRONG_VALUE,
            (*task.with_path, "encoding"),
            f"`{encoding}` is not a character encoding that Python knows",
            help="such as utf-8, cp1252, iso-8859-1, shift_jis",
        )
    if request.get("csv") is not None and request.get("format") not in (None, "csv"):
        message = f"`csv` has no effect with `format: {request.get('format')}`"
        yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, (*task.with_path, "csv"), message, at_key=True)


def _is_text_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except (LookupError, UnicodeError):
        return False
    return True
