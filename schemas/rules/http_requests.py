"""Requests: keys that need or exclude each other, JMESPath expressions, JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import nearest
from schemas.model.http import KEYS_BY_TYPE as AUTH_KEYS
from schemas.model.pagination import KEYS_BY_TYPE as PAGINATION_KEYS
from schemas.model.pagination import NEEDED
from schemas.model.value_schema import schema_problem
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.shape.places import place

_CONDITIONS = ("status_code", "content")
_NOT_REPEATED = ("POST", "PATCH")


def check_keys(subject: Subject) -> Iterator[Diagnostic]:
    """Every request of the file."""
    for task in subject.tasks:
        if task.uses == "http":
            yield from _target(subject, task)
            yield from _bodies(subject, task)
            yield from _of_type(subject, task, "auth", AUTH_KEYS)
            yield from _of_type(subject, task, "pagination", PAGINATION_KEYS)
            yield from _cursor_in_body(subject, task)
            yield from _actions(subject, task)
            yield from _retries(subject, task)


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
    if _keys(task) >= {"json", "data"}:
        yield _excluded(subject, task, "data", "json")


def _excluded(subject: Subject, task: TaskView, key: str, other: str) -> Diagnostic:
    message = f"`{key}` and `{other}` exclude each other {place(task.with_path, subject.effective)}"
    path = (*task.with_path, key) if key in task.arguments else (task.mapped or {})[key]
    return subject.finding(Code.CONFLICTING_KEYS, path, message, at_key=True, caret="remove one of them")


def _of_type(
    subject: Subject, task: TaskView, key: str, keys_by_type: Mapping[str, tuple[str, ...]]
) -> Iterator[Diagnostic]:
    """Keys that belong to another `type`, and a key that this one needs."""
    written = task.arguments.get(key)
    kind = written.get("type") if isinstance(written, dict) else None
    if not isinstance(written, dict) or not isinstance(kind, str) or kind not in keys_by_type:
        return
    path = (*task.with_path, key)
    known = {one for keys in keys_by_type.values() for one in keys}
    for name in written:
        if name in known and name not in keys_by_type[kind]:
            owners = " and ".join(f"`{owner}`" for owner, keys in keys_by_type.items() if name in keys)
            message = f"`{name}` has no effect with `type: {kind}`; it belongs to {owners}"
            allowed = keys_by_type[kind]
            yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, (*path, name), message, at_key=True, allowed=allowed)
    needed = NEEDED.get(kind) if key == "pagination" else None
    if needed is not None and written.get(needed) is None and not any(nearest(name, [needed]) for name in written):
        message = f"`{needed}` is missing in `{key}`: `type: {kind}` needs it"
        yield subject.finding(Code.MISSING_KEY, path, message, at_key=True)


def _cursor_in_body(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    pagination = task.arguments.get("pagination")
    if not isinstance(pagination, dict) or pagination.get("cursor_body_path") is None:
        return
    path = (*task.with_path, "pagination")
    if pagination.get("cursor_param") is not None:
        message = "`cursor_param` has no effect beside `cursor_body_path`: the cursor is sent in one place"
        yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, (*path, "cursor_param"), message, at_key=True)
    if not isinstance(task.arguments.get("json"), dict) and task.mapped is not None and "json" not in task.mapped:
        message = "`cursor_body_path` is a path into `json`, and `json` is not a mapping here"
        yield subject.finding(Code.KEY_ALONE, (*path, "cursor_body_path"), message, at_key=True)


def _actions(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    actions = task.arguments.get("response_actions")
    for index, action in enumerate(actions if isinstance(actions, list) else ()):
        if not isinstance(action, dict):
            continue
        path = (*task.with_path, "response_actions", index)
        written = {key for key, value in action.items() if value is not None}
        if not written & {*_CONDITIONS} and not any(nearest(key, _CONDITIONS) for key in written):
            message = "the action applies to every response: `status_code` or `content` is missing"
            yield subject.finding(Code.MISSING_KEY, path, message)
        if action.get("action") == "retry" and task.arguments.get("request_retries") is None:
            message = "`action: retry` has no effect without `request_retries`: the response fails the task"
            yield subject.finding(Code.RETRY_WITHOUT_EFFECT, (*path, "action"), message)


def _retries(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    retries: Any = task.arguments.get("request_retries")
    method = task.arguments.get("method")
    if isinstance(retries, dict) and method in _NOT_REPEATED and "non_idempotent" not in retries:
        yield subject.finding(
            Code.RETRY_WITHOUT_EFFECT,
            (*task.with_path, "request_retries"),
            f"`request_retries` has no effect on `{method}`, which may not be safe to repeat",
            at_key=True,
            help="write `non_idempotent: true` in it if the server can take the same request twice",
        )


_PLACES: tuple[DataPath, ...] = (
    ("data_selector",),
    ("expect", "condition"),
    ("pagination", "next_url_path"),
    ("pagination", "cursor_path"),
    ("pagination", "total_path"),
    ("incremental", "cursor_path"),
    ("change_detection", "path"),
)
_JMESPATH_KEYS = (*(str(place[-1]) for place in _PLACES[:-1]), "change_detection")
_LONGEST = 1000
"""Characters; the shape of a longer one is wrong already."""


def check_jmespath(subject: Subject) -> Iterator[Diagnostic]:
    """Expressions of requests. What an environment variable holds is looked at when the task runs."""
    if not subject.may_hold(*_JMESPATH_KEYS):
        return
    for task in subject.tasks:
        if task.uses == "http":
            for place in _PLACES:
                yield from _expression(subject, task, place)


def _expression(subject: Subject, task: TaskView, place: DataPath) -> Iterator[Diagnostic]:
    value: Any = task.arguments
    for element in place:
        value = value.get(element) if isinstance(value, dict) else None
    if not isinstance(value, str) or isinstance(value, EnvText) or not value or len(value) > _LONGEST or "${" in value:
        return
    problem = _problem(value)
    if problem is not None:
        reason, at = problem
        yield subject.finding(
            Code.BAD_JMESPATH,
            (*task.with_path, *place),
            f"`{place[-1]}` is not a JMESPath expression: {reason}",
            help="see https://jmespath.org; text is in single quotes, a number in backticks",
            part=(at, at + 1) if at is not None else None,
        )


def _problem(expression: str) -> tuple[str, int | None] | None:
    """What is wrong, and at which character, from 0."""
    # Imported where a file has one: lint starts for many that have none.
    import jmespath  # noqa: PLC0415
    from jmespath import exceptions  # noqa: PLC0415

    try:
        jmespath.compile(expression)
    except RecursionError:
        return "it is nested too deeply", None
    except exceptions.IncompleteExpressionError:
        return "it ends too early", len(expression) - 1
    except exceptions.LexerError as error:
        return f"{error.message[0].lower()}{error.message[1:]}", _inside(error.lexer_position, expression)
    except exceptions.ParseError as error:
        return f"`{error.token_value}` is not expected here", _inside(error.lex_position, expression)
    except exceptions.JMESPathError as error:
        return str(error).splitlines()[0], None
    return None


def _inside(position: Any, expression: str) -> int | None:
    return position if isinstance(position, int) and 0 <= position < len(expression) else None


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
