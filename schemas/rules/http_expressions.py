"""Expressions and names in requests: JMESPath, what it can take of an answer, JSON Schemas, header fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import nearest
from schemas.model.value_schema import schema_problem
from schemas.rules.subject import Subject
from schemas.rules.task_view import FILLED, TaskView, texts
from schemas.shape.places import value_at

_PLACES: tuple[DataPath, ...] = (
    ("data_selector",),
    ("expect", "condition"),
    ("pagination", "next_url_path"),
    ("pagination", "cursor_path"),
    ("pagination", "total_path"),
    ("pagination", "has_more_path"),
    ("pagination", "stop"),
    ("incremental", "cursor_path"),
    ("incremental", "token_path"),
    ("auth", "token_path"),
    ("until", "condition"),
    ("unique_by",),
    ("change_detection", "path"),
)
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_PLACES: tuple[DataPath, ...] = (
    ("pagination", "cursor_header"),
    ("pagination", "cursor_request_header"),
    ("pagination", "total_header"),
    ("rate_limit", "remaining_header"),
    ("rate_limit", "reset_header"),
    ("auth", "timestamp_header"),
)
_JMESPATH_KEYS = (*(str(place[-1]) for place in _PLACES[:-1]), "change_detection")
_OF_THE_BODY: tuple[DataPath, ...] = (("data_selector",), *(place for place in _PLACES if place[0] == "pagination"))
"""Of these, `stop` looks at more than the body."""
_PATH = re.compile(r"[\w\"-]+(?:\.[\w\"-]+)*")
_LONGEST = 1000
"""Characters; the shape of a longer one is wrong already."""


def check_jmespath(subject: Subject) -> Iterator[Diagnostic]:
    """Expressions of requests. What an environment variable holds is looked at when the task runs."""
    if not subject.may_hold(*_JMESPATH_KEYS):
        return
    for task in subject.tasks:
        if task.uses == "http":
            actions = task.arguments.get("response_actions")
            in_actions = (
                [("response_actions", n, "condition") for n in range(len(actions))] if isinstance(actions, list) else []
            )
            found = {place: text for place in (*_PLACES, *in_actions) if (text := _text(task, place)) is not None}
            problems = [one for place, text in found.items() for one in _expression(subject, task, place, text)]
            yield from problems
            yield from _of_format(subject, task, found)
            if not problems:
                yield from _left_out(subject, task, found)
                yield from _tied(subject, task, found.get(("pagination", "cursor_path"), ""))


def _text(task: TaskView, place: DataPath) -> str | None:
    """The expression at a place, where it is known and not too long."""
    value = value_at(task.arguments, place)
    if not isinstance(value, str) or isinstance(value, EnvText) or not value or len(value) > _LONGEST or "${" in value:
        return None
    return value


def _expression(subject: Subject, task: TaskView, place: DataPath, value: str) -> Iterator[Diagnostic]:
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
        return _call_problem(jmespath.compile(expression).parsed, expression)
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


def _call_problem(node: Mapping[str, Any], expression: str) -> tuple[str, int | None] | None:
    """A function that there is not, or one with another number of arguments: JMESPath says it when it is called."""
    from jmespath.functions import Functions  # noqa: PLC0415

    children = node["children"] if node["type"] != "slice" else ()
    if node["type"] == "function_expression":
        name, known = node["value"], Functions.FUNCTION_TABLE
        at = _inside(expression.find(name), expression)
        if name not in known:
            near = nearest(name, list(known))
            return f"there is no function `{name}`" + (f" (did you mean `{near}`?)" if near else ""), at
        signature = known[name]["signature"]
        is_variadic = any(one.get("variadic") for one in signature)
        if len(children) < len(signature) or (len(children) > len(signature) and not is_variadic):
            return f"`{name}` takes {len(signature)} argument{'s' * (len(signature) > 1)}, not {len(children)}", at
    return next((found for child in children if (found := _call_problem(child, expression)) is not None), None)


def _of_format(subject: Subject, task: TaskView, found: Mapping[DataPath, str]) -> Iterator[Diagnostic]:
    """A part of an answer that has no parts."""
    form = task.arguments.get("format")
    if form not in ("csv", "jsonl", "text", "bytes"):
        return
    is_text = form in ("text", "bytes")
    for place in _OF_THE_BODY:
        text = found.get(place)
        if text is not None and place[-1] != "stop" and (is_text or _PATH.fullmatch(text)):
            what = "text" if is_text else "a list of rows"
            message = f"`{place[-1]}` takes a part of the answer, and with `format: {form}` it is {what}"
            yield subject.finding(Code.CONFLICTING_KEYS, (*task.with_path, *place), message, at_key=True)


def _left_out(subject: Subject, task: TaskView, found: Mapping[DataPath, str]) -> Iterator[Diagnostic]:
    """What is asked of rows for which `data_selector` names other columns."""
    selector = found.get(("data_selector",))
    if selector is None or "{" not in selector:
        return
    import jmespath  # noqa: PLC0415

    node = jmespath.compile(selector).parsed
    while node["type"] in ("projection", "filter_projection"):
        node = node["children"][1]
    if node["type"] != "multi_select_dict":
        return
    columns = [child["value"] for child in node["children"]]
    for place in (("incremental", "cursor_path"), ("unique_by",)):
        text = found.get(place, "")
        column = text.partition(".")[0].strip('"')
        if _PATH.fullmatch(text) and column not in columns:
            yield subject.finding(
                Code.WRONG_VALUE,
                (*task.with_path, *place),
                f"the rows have no `{column}`: `data_selector` takes {', '.join(f'`{one}`' for one in columns)}",
                help="name it in `data_selector`, too",
            )


def _tied(subject: Subject, task: TaskView, cursor: str) -> Iterator[Diagnostic]:
    """A time of the last row by which the next page is asked for: it may be that of other rows, too."""
    name = re.search(r"\[-1\]\.(?:[\w\"]+\.)*\"?(\w+)\"?\s*(?:\|\|.*)?$", cursor)
    if name is not None and _TIME.search(name[1]) is not None and re.search(r"_id$|[a-z]Id$", name[1]) is None:
        message = f"rows with the same `{name[1]}` as the last one of a page may be left out behind its end"
        help_text = (
            "take the API's own cursor, or a value that no two rows have, such as `[-1].id`, and sort by it, too"
        )
        path = (*task.with_path, "pagination", "cursor_path")
        yield subject.finding(Code.ROWS_AT_RISK, path, message, help=help_text)


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
    r"(?<![A-Za-z])(?:gt|(?:[a-z]+_)*after|(?:[a-z]+_)?(?:greater|newer|later)_?than)(?![a-z]|_?or|_?eq)"
    r"|[a-z]+(?:After|GreaterThan|Gt)(?![a-z])|>(?= *\(?['\"]?\$\{cursor\.start\})"
)
"""Names of parameters and operators that leave out their own value."""
_OPERATOR = re.compile(r">|gt|(?:is)?_?(?:after|(?:greater|later|newer)_?than)", re.IGNORECASE)
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
