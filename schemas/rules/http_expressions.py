"""JMESPath in requests: what is no expression, means something else, or finds nothing in the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import nearest
from schemas.model.polling import instead_of_opposite
from schemas.rules.http_answers import tied_cursor
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
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
                yield from _meant_otherwise(subject, task, found)
                yield from _left_out(subject, task, found)
                yield from tied_cursor(subject, task, found.get(("pagination", "cursor_path"), ""))


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


_OF_STOP = ("page", "rows", "last", "headers", "cursor")
"""What `stop` sees."""
_COMPARED_WITH = r"(?:[=!<>]=|[<>])\s*(?P<name>\"[A-Za-z_]\w*\")(?!\s*[.\[(])"


def _meant_otherwise(subject: Subject, task: TaskView, found: Mapping[DataPath, str]) -> Iterator[Diagnostic]:
    """Expressions that are none of what they look like: `!a.b`, `a == "text"`, and what `stop` does not see."""
    import jmespath  # noqa: PLC0415

    for place, text in found.items():
        path, node = (*task.with_path, *place), jmespath.compile(text).parsed
        if not _reads(node):
            yield subject.finding(
                Code.BAD_JMESPATH, path, f"`{place[-1]}` is a constant: {_CONSTANT}", caret=_name(text)
            )
            continue
        is_said = place == ("pagination", "has_more_path") and instead_of_opposite(text) is not None
        for name in () if is_said else _negated_alone(node):
            at = re.search(rf"!\s*\"?{re.escape(name)}\b", text)
            message = f"`!` takes `{name}` alone, and of what is left, which is true or false, the rest is null"
            help_text = f"write it in parentheses: `!({name}.…)`"
            yield subject.finding(Code.BAD_JMESPATH, path, message, help=help_text, part=at.span() if at else None)
        for match in re.finditer(_COMPARED_WITH, text):
            message, name = f"`{match['name']}` is a key here, and no text", match["name"].strip('"')
            part, severity = match.span("name"), Severity.WARNING
            caret = f"write `'{name}'` for the text"
            yield subject.finding(Code.BAD_JMESPATH, path, message, caret=caret, part=part, severity=severity)
        for name in dict.fromkeys(_asked_first(node)) if place == ("pagination", "stop") else ():
            if name not in _OF_STOP:
                seen = re.search(rf"(?<![.\w\"']){re.escape(name)}(?!\w)", text)
                message = f"`stop` sees no `{name}`, which is null here"
                part = seen.span() if seen else (0, len(text))
                of_page = f"!(page.{name})" if text[: part[0]].rstrip().endswith("!") else f"page.{name}"
                help_text = f"for a key of the answer write `{of_page}`; one of the last row is `last.{name}`"
                yield subject.finding(Code.BAD_JMESPATH, path, message, help=help_text, allowed=_OF_STOP, part=part)


_CONSTANT = "nothing in it looks at the answer, and text in single quotes is that text"
_READING = {"field", "current", "index", "slice", "flatten", "projection", "value_projection", "filter_projection"}


def _reads(node: Mapping[str, Any]) -> bool:
    """Whether an expression looks at what it is asked of."""
    return node["type"] in _READING or any(map(_reads, node["children"]))


def _name(text: str) -> str:
    """The name that is meant by a text in single quotes, as YAML has it."""
    match = re.fullmatch(r"\s*'([^'\\\"]+)'\s*", text)
    if match is None:
        return ""
    return f"write `{match[1]}`" if re.fullmatch(r"[A-Za-z_]\w*", match[1]) else f"""write `'"{match[1]}"'`"""


def _negated_alone(node: Mapping[str, Any]) -> Iterator[str]:
    """The keys that a `!` takes without what is behind their dot."""
    children = list(node["children"]) if node["type"] != "slice" else []
    if node["type"] == "subexpression" and children[0]["type"] == "not_expression":
        yield str(children[0]["children"][0].get("value", "@"))
    for child in children:
        yield from _negated_alone(child)


_LEFT_FIRST = ("subexpression", "index_expression", "pipe", "projection", "filter_projection", "value_projection")


def _asked_first(node: Mapping[str, Any]) -> Iterator[str]:
    """The keys that an expression asks of what it is given, and not of a part of that."""
    if node["type"] == "field":
        yield str(node["value"])
    elif node["type"] not in ("slice", "expref"):
        children = node["children"]
        for child in children[:1] if node["type"] in (*_LEFT_FIRST, "flatten") else children:
            yield from _asked_first(child)


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


def _inside(position: Any, expression: str) -> int | None:
    return position if isinstance(position, int) and 0 <= position < len(expression) else None
