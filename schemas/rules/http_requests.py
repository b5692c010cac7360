"""Requests: keys that need or exclude each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.suggestions import nearest
from schemas.model.auth import KEYS_BY_TYPE as AUTH_KEYS
from schemas.model.auth import NEEDED as AUTH_NEEDED
from schemas.model.polling import IN_BODY, NEEDED, instead_of_opposite
from schemas.model.polling import KEYS_BY_TYPE as PAGINATION_KEYS
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.shape.places import place

_CONDITIONS = ("status_code", "content", "condition", "headers")
_NOT_REPEATED = ("POST", "PATCH")


def check_keys(subject: Subject) -> Iterator[Diagnostic]:
    """Every request of the file."""
    for task in subject.tasks:
        if task.uses == "http":
            yield from _target(subject, task)
            yield from _bodies(subject, task)
            yield from _of_type(subject, task, "auth", AUTH_KEYS)
            yield from _of_type(subject, task, "pagination", PAGINATION_KEYS)
            yield from _needed(subject, task)
            yield from _in_body(subject, task)
            yield from _in_query(subject, task)
            yield from _ends(subject, task)
            yield from _signing(subject, task)
            yield from _actions(subject, task)
            yield from _retries(subject, task)
            yield from _rate_limit(subject, task)


def _target(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    written = _keys(task)
    if "url" in written and "conn_id" in written:
        yield _excluded(subject, task, "conn_id", "url")
    elif "endpoint" in task.arguments and "endpoint" in written and "conn_id" not in written:
        message = "`endpoint` has no effect without `conn_id`"
        yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, (*task.with_path, "endpoint"), message, at_key=True)
    if task.mapped is None or written & {"url", "conn_id"} or any(nearest(key, ["url", "conn_id"]) for key in written):
        return
    if task.is_mapped:
        message, help_text = "`http` needs the argument `url`", "write it in `with`, or in `expand`"
        yield subject.finding(Code.MISSING_ARGUMENT, (*task.path, "uses"), message, help=help_text)
    elif task.with_path == ("poll",) or isinstance(task.entry.get("with"), dict):
        message = f"`url` is missing {place(task.with_path, subject.effective)}"
        yield subject.finding(Code.MISSING_KEY, task.with_path, message, at_key=True)


def _keys(task: TaskView) -> set[str]:
    """The keys that say something, mapped ones too: `null` is as if a key were not there."""
    return {key for key, value in task.arguments.items() if value is not None} | set(task.mapped or ())


def _bodies(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    written = _keys(task)
    for key, other in (("data", "json"), ("body", "json"), ("body", "data")):
        if written >= {key, other}:
            yield _excluded(subject, task, key, other)


def _excluded(subject: Subject, task: TaskView, key: str, other: str) -> Diagnostic:
    message = f"`{key}` and `{other}` exclude each other {place(task.with_path, subject.effective)}"
    path = (*task.with_path, key) if key in task.arguments else (task.mapped or {})[key]
    return subject.finding(Code.CONFLICTING_KEYS, path, message, at_key=True, caret="remove one of them")


def _of_type(
    subject: Subject, task: TaskView, key: str, keys_by_type: Mapping[str, tuple[str, ...]]
) -> Iterator[Diagnostic]:
    """Keys that belong to another `type`."""
    written = task.arguments.get(key)
    kind = written.get("type") if isinstance(written, dict) else None
    if not isinstance(written, dict) or not isinstance(kind, str) or kind not in keys_by_type:
        return
    path = (*task.with_path, key)
    known = {one for keys in keys_by_type.values() for one in keys}
    for name in written:
        if name in known and name not in keys_by_type[kind]:
            owners = listed([owner for owner, keys in keys_by_type.items() if name in keys])
            message = f"`{name}` has no effect with `type: {kind}`; it belongs to {owners}"
            allowed = keys_by_type[kind]
            yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, (*path, name), message, at_key=True, allowed=allowed)


def listed(names: Sequence[str]) -> str:
    """`a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _needed(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    """Keys that a `type` needs."""
    for key, needed in (("auth", AUTH_NEEDED), ("pagination", NEEDED)):
        written = task.arguments.get(key)
        kind = written.get("type") if isinstance(written, dict) else None
        if not isinstance(written, dict) or not isinstance(kind, str):
            continue
        # Of pagination's, one is enough: a cursor comes from one place.
        groups = [needed[kind]] if key == "pagination" and kind in needed else [(one,) for one in needed.get(kind, ())]
        for names in groups:
            given = [name for name in names if written.get(name) is not None]
            if not given and not any(nearest(name, names) for name in written):
                message = f"`{names[0]}` is missing in `{key}`: `type: {kind}` needs it"
                yield subject.finding(Code.MISSING_KEY, (*task.with_path, key), message, at_key=True)
            for other in given[1:]:
                message = f"`{other}` has no effect beside `{given[0]}`"
                path = (*task.with_path, key, other)
                yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, path, message, at_key=True)


def _in_body(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    """Places in the `json` body: of which there must be one, and which take the place of a query parameter."""
    pagination = task.arguments.get("pagination")
    if not isinstance(pagination, dict):
        return
    path = (*task.with_path, "pagination")
    following, method = pagination.get("next_request"), task.arguments.get("method", "GET")
    known = PAGINATION_KEYS.get(str(pagination.get("type")), ())
    for key, others in IN_BODY.items():
        if pagination.get(key) is None:
            continue
        what = key.partition("_")[0]
        for other in others:
            if pagination.get(other) is not None:
                message = f"`{other}` has no effect beside `{key}`: the {what} is sent in one place"
                yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, (*path, other), message, at_key=True)
        bodies = [task.arguments.get("json"), following.get("json", {}) if isinstance(following, dict) else None]
        if not any(isinstance(body, dict) for body in bodies) and task.mapped is not None and "json" not in task.mapped:
            message = f"`{key}` is a place in the `json` body, and there is no mapping there"
            yield subject.finding(Code.KEY_ALONE, (*path, key), message, at_key=True)
        elif key in known and method in ("GET", "HEAD") and not isinstance(following, dict):
            message = f"`{key}` is a place in the body, which most servers ignore in a GET: each page is then the first"
            help_text = "write `method: POST` where the API takes the body so"
            yield subject.finding(Code.ROWS_AT_RISK, (*path, key), message, at_key=True, help=help_text)
    for key, other in (("total_header", "total_path"), ("cursor_request_header", "cursor_param")):
        if pagination.get(key) is not None and pagination.get(other) is not None:
            message = f"`{other}` has no effect beside `{key}`"
            yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, (*path, other), message, at_key=True)


_BODY_KEYS = MappingProxyType(
    {"offset": "offset_body_path", "page_number": "page_body_path", "cursor": "cursor_body_path"}
)
"""Where a type of pages may put into a body what it sends."""


def _in_query(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    """What goes into the query of a request whose body says what to search for: such an API mostly ignores it there,
    and would give the same rows again."""
    pagination, incremental = task.arguments.get("pagination"), task.arguments.get("incremental")
    body = next((key for key in ("json", "data", "body") if task.arguments.get(key)), None)
    if task.arguments.get("method") != "POST" or body is None or isinstance(task.arguments[body], list):
        return
    kind = pagination.get("type") if isinstance(pagination, dict) else None
    body_key = _BODY_KEYS.get(str(kind))
    elsewhere = {"cursor_request_header", "next_request"} if kind == "cursor" else set()
    has_place = "${page." in str(task.arguments)
    if isinstance(pagination, dict) and body_key is not None and not has_place and not pagination.keys() & elsewhere:
        param = body_key.replace("body_path", "param")
        sent = param.removesuffix("_param")
        if pagination.get(body_key) is None and pagination.get(param) is None:
            in_body = f"`{body_key}: …` where the API takes it in a `json` body, or "
            yield subject.finding(
                Code.ROWS_AT_RISK,
                (*task.with_path, "pagination"),
                f"`type: {kind}` sends `{sent}` in the query of a POST, whose `{body}` says what to give",
                at_key=True,
                help=f"write {in_body}`{param}: …` where in the query",
            )
    if isinstance(incremental, dict) and incremental.get("start_param") is not None:
        yield subject.finding(
            Code.ROWS_AT_RISK,
            (*task.with_path, "incremental", "start_param"),
            f"`start_param` is sent in the query of a POST, whose `{body}` says what to give",
            at_key=True,
            help=f"write `${{cursor.start}}` in `{body}` where the API takes it in the body",
        )


def _ends(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    """Where a list ends: of an answer that is the whole list, and by a key that says the opposite."""
    pagination = task.arguments.get("pagination")
    if not isinstance(pagination, dict):
        return
    path, more = (*task.with_path, "pagination"), pagination.get("has_more_path")
    for key in ("has_more_path", "stop", "on_max_pages") if pagination.get("type") == "single_page" else ():
        if pagination.get(key) is not None:
            message = f"`{key}` has no effect with `type: single_page`: no second page is requested"
            yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, (*path, key), message, at_key=True)
    if isinstance(more, str) and (right := instead_of_opposite(more)) is not None:
        message = f"`{more}` is by its name true on the last page, and `has_more_path` on all others: write `{right}`"
        yield subject.finding(Code.WRONG_VALUE, (*path, "has_more_path"), message)


_ALGORITHMS = MappingProxyType(
    {"oauth2_jwt": ("RS256", "ES256", "HS256"), "hmac": ("sha256", "sha512", "sha1")},
)
_SIGNED = ("method", "path", "url", "body", "timestamp")


def _signing(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    """Values of `auth` that its `type` does not know."""
    auth = task.arguments.get("auth")
    if not isinstance(auth, dict):
        return
    path, kind = (*task.with_path, "auth"), str(auth.get("type"))
    algorithm, allowed = auth.get("algorithm"), _ALGORITHMS.get(kind, ())
    if allowed and algorithm in {one for names in _ALGORITHMS.values() for one in names} - {*allowed}:
        message = f"`algorithm` cannot be `{algorithm}` with `type: {kind}`"
        yield subject.finding(Code.WRONG_VALUE, (*path, "algorithm"), message, allowed=allowed)
    if auth.get("login_json") is not None and auth.get("login_form") is not None:
        message = "`login_json` and `login_form` exclude each other: a request has one body"
        yield subject.finding(Code.CONFLICTING_KEYS, (*path, "login_form"), message, at_key=True)
    text = auth.get("message")
    for found in re.finditer(r"(?<![${])\{(\w+)\}", text) if kind == "hmac" and isinstance(text, str) else ():
        if found[1] not in _SIGNED:
            near = nearest(found[1], _SIGNED)
            message = f"`{{{found[1]}}}` is nothing that can be signed" + (
                f" (did you mean `{{{near}}}`?)" if near else ""
            )
            yield subject.finding(
                Code.WRONG_VALUE,
                (*path, "message"),
                message,
                part=found.span(),
                help=f"allowed: {', '.join(f'{{{name}}}' for name in _SIGNED)}",
            )


def _actions(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    actions = task.arguments.get("response_actions")
    for index, action in enumerate(actions if isinstance(actions, list) else ()):
        if not isinstance(action, dict):
            continue
        path = (*task.with_path, "response_actions", index)
        written = {key for key, value in action.items() if value is not None}
        if not written & {*_CONDITIONS} and not any(nearest(key, _CONDITIONS) for key in written):
            message = "the action holds for every answer: `status_code`, `content`, `condition` or `headers` is missing"
            yield subject.finding(Code.MISSING_KEY, path, message)
        if action.get("action") == "retry" and _asks_once(task):
            message = "`action: retry` has no effect: this request is sent once, so the answer fails the task"
            yield subject.finding(Code.RETRY_WITHOUT_EFFECT, (*path, "action"), message)
        incremental, status = task.arguments.get("incremental"), action.get("status_code")
        has_step = isinstance(incremental, dict) and incremental.get("step") is not None
        if has_step and action.get("action") == "ignore" and not {*_listed(status)} <= {404, 410}:
            yield subject.finding(
                Code.ROWS_AT_RISK,
                (*path, "action"),
                "with `step`, a window whose first answer is ignored is asked for by each run until it is another one",
                help="only 404 and 410 count as a window without rows; `action: fail` says what is wrong",
            )


def _listed(status: Any) -> list[Any]:
    """The statuses of an action; any where it names none."""
    return status if isinstance(status, list) else [status]


def _asks_once(task: TaskView) -> bool:
    """Whether an answer is never asked for again."""
    retries = task.arguments.get("request_retries")
    written = retries if isinstance(retries, dict) else {}
    repeats = task.arguments.get("method") not in _NOT_REPEATED or "non_idempotent" in written
    return written.get("attempts") == 1 or not repeats


def _retries(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    retries: Any = task.arguments.get("request_retries")
    method = task.arguments.get("method")
    if isinstance(retries, dict) and method in _NOT_REPEATED and "non_idempotent" not in retries:
        yield subject.finding(
            Code.RETRY_WITHOUT_EFFECT,
            (*task.with_path, "request_retries"),
            f"`request_retries` repeats a `{method}` after 429 only, because it may do something twice",
            at_key=True,
            help="write `non_idempotent: true` in it if the server can take the same request twice",
        )


def _rate_limit(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    limit = task.arguments.get("rate_limit")
    needed = ("requests", "remaining_header", "reset_header")
    if isinstance(limit, dict) and not any(nearest(key, needed) or key in needed for key in limit):
        path = (*task.with_path, "rate_limit")
        message = f"`requests` is missing {place(path, subject.effective)}"
        yield subject.finding(Code.MISSING_KEY, path, message, at_key=True)
