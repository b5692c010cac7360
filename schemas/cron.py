"""Cron expressions, judged field by field so that a message can name the field."""

from __future__ import annotations

import re
from dataclasses import dataclass

from croniter import CroniterError, croniter

_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CLOCK = re.compile(r"(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])")
_FIELDS = (
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of month", "1-31 or L"),
    ("month", "1-12 or jan-dec"),
    ("day of week", "0-7 or sun-sat"),
)


@dataclass(frozen=True, slots=True)
class CronProblem:
    """What is wrong with an expression; `start` and `end` are the offending field's place in it."""

    message: str
    start: int
    end: int
    help: str = ""


def cron_problem(expression: str) -> CronProblem | None:
    """The first thing wrong with a cron expression of five fields; None for a good one."""
    fields = _split(expression)
    if len(fields) != len(_FIELDS):
        return _wrong_count(expression, len(fields))
    for position, (start, text) in enumerate(fields):
        name, allowed = _FIELDS[position]
        alone = ["*"] * len(_FIELDS)
        alone[position] = text
        if not _expands(" ".join(alone)):
            return CronProblem(
                f"the {name} `{text}` is not valid",
                start,
                start + len(text),
                help=f"allowed: {allowed}, *, */n, a-b, a,b",
            )
    if not _expands(expression):
        return CronProblem("the fields do not fit together", 0, len(expression))
    if _never_comes(expression):
        (start, day), (_, month) = fields[2:4]
        return CronProblem(f"the day `{day}` does not exist in month `{month}`", start, start + len(day))
    return None


def _wrong_count(expression: str, count: int) -> CronProblem:
    help_text = "write minute, hour, day of month, month, day of week"
    if count in (6, 7):
        help_text += "; seconds and years are not supported, use `{every: 30s}` for seconds"
    clock = _CLOCK.fullmatch(expression.strip())
    if clock is not None:
        help_text = f'for {expression.strip()} every day write "{int(clock["minute"])} {int(clock["hour"])} * * *"'
    if count == 0:
        return CronProblem("the cron expression is empty", 0, len(expression), help="write null for no schedule")
    return CronProblem(f"a cron expression has 5 fields, this one has {count}", 0, len(expression), help=help_text)


def _never_comes(expression: str) -> bool:
    """Whether none of the months has such a day; with a day of week given, that one counts, too."""
    days, months, weekdays = croniter.expand(expression)[0][2:5]
    if weekdays != ["*"] or not all(isinstance(value, int) for value in (*days, *months)):
        return False
    first_day: int = min(days)
    return first_day > max(_LONGEST[int(month) - 1] for month in months)


def _split(expression: str) -> list[tuple[int, str]]:
    fields, position = [], 0
    for text in expression.split():
        position = expression.index(text, position)
        fields.append((position, text))
        position += len(text)
    return fields


def _expands(expression: str) -> bool:
    try:
        croniter.expand(expression)
    except (CroniterError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return False  # croniter lets some of Python's own errors through on malformed fields
    return True
