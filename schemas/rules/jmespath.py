"""JMESPath expressions that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView

_PLACES: tuple[DataPath, ...] = (
    ("data_selector",),
    ("expect", "condition"),
    ("pagination", "next_url_path"),
    ("pagination", "cursor_path"),
    ("pagination", "total_path"),
    ("incremental", "cursor_path"),
    ("change_detection", "path"),
)
_KEYS = (*(str(place[-1]) for place in _PLACES[:-1]), "change_detection")
_LONGEST = 1000
"""Characters; the shape of a longer one is wrong already."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Expressions of requests. What an environment variable holds is looked at when the task runs."""
    if not subject.may_hold(*_KEYS):
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
            help="see https://jmespath.org; a text in it stands in single quotes, a number in backticks",
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
        return f"`{error.token_value}` cannot stand here", _inside(error.lex_position, expression)
    except exceptions.JMESPathError as error:
        return str(error).splitlines()[0], None
    return None


def _inside(position: Any, expression: str) -> int | None:
    return position if isinstance(position, int) and 0 <= position < len(expression) else None
