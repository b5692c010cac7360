"""Cron expressions, judged field by field so that a message can name the field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from schemas.findings.meant_times import meant_by_cron

LONGEST = 1000
"""Characters of an expression: each minute, hour, day and month named one by one take half of them."""

Field = tuple[int | str, ...]
"""The values of a field."""
EVERY: Field = ("*",)


class FieldKind(NamedTuple):
    name: str
    allowed: str
    lowest: int
    highest: int

    def value(self, word: str) -> int | str:
        """The number of a word in a range; Sunday is 0 and 7. Other words are returned as they are."""
        number = _NUMBERS.get(word.lower(), int(word) if word.isdecimal() else word)
        return 0 if number == 7 and self.highest == 6 else number

    def length(self, first: int, last: int) -> int:
        """How many values a range has; one that ends before it begins goes on at the lowest value."""
        return (last - first) % (self.highest - self.lowest + 1) + 1


FIELDS = (
    FieldKind("minute", "0-59", 0, 59),
    FieldKind("hour", "0-23", 0, 23),
    FieldKind("day of month", "1-31 or L", 1, 31),
    FieldKind("month", "1-12 or jan-dec", 1, 12),
    FieldKind("day of week", "0-7 or sun-sat", 0, 6),
)
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUMBERS: Mapping[str, int] = MappingProxyType(
    {name: number for names, first in ((_MONTHS, 1), (_WEEKDAYS, 0)) for number, name in enumerate(names, first)}
)
_NAMES_IN_FULL = (
    r"(?i)(?:sun|mon|tues|wednes|thurs|fri|satur)day"
    r"|january|february|march|april|june|july|august|september|october|november|december"
)
_ANY_TIME = datetime(2026, 1, 1)  # a wall clock's
ONE_WEEKDAY_HELP = "the day of week alone names the day: write `* * {}` for the last three fields"
_ODD_SPACE = re.compile(r"(?![ \t\n\r\f\v])\s")
_TEXT = re.compile(r"\S+", re.ASCII)
"""croniter knows no other spaces than those of ASCII."""
_PLAIN_PART = re.compile(r"(?:\*|(?P<first>[0-9]{1,2})(?:-(?P<last>[0-9]{1,2}))?)(?:/(?P<step>[0-9]{1,2}))?", re.ASCII)


class CronProblem(NamedTuple):
    """What is wrong with an expression; `start` and `end` are the place of the wrong field or part of it."""

    message: str
    start: int
    end: int
    help: str = ""


def cron_problem(expression: str) -> CronProblem | None:
    """The first thing wrong with a cron expression of five fields; None for a good one."""
    return next(cron_problems(expression), None)


def cron_problems(expression: str) -> Iterator[CronProblem]:
    """What is wrong with a cron expression of five fields: each field that is wrong by itself."""
    if len(expression) > LONGEST:
        yield CronProblem(f"a cron expression has at most {LONGEST:,} characters", 0, 0)
        return
    odd = _ODD_SPACE.search(expression)
    if odd is not None:
        message = f"U+{ord(odd.group()):04X} looks like a space, but cron does not accept it"
        yield CronProblem(message, *odd.span(), help="type the space again")
        return
    fields = fields_of(expression)
    if len(fields) != len(FIELDS):
        yield _wrong_count(expression, len(fields))
        return
    values = expanded(expression)
    if values is None:
        found = list(_wrong_fields(fields))
        yield from found or [CronProblem("the fields do not fit together", 0, len(expression))]
    elif _never_comes(values):
        (start, day), (_, month) = fields[2:4]
        yield CronProblem(f"the day `{day}` does not exist in month `{month}`", start, start + len(day))
    elif names_one_weekday_of_a_month(fields) and next(slots(expression, _ANY_TIME), None) is None:
        (start, day), _, (last, weekday) = fields[2:5]
        message = f"Airflow finds no day that is day of month `{day}` and day of week `{weekday}`"
        yield CronProblem(message, start, last + len(weekday), help=ONE_WEEKDAY_HELP.format(weekday))


def _wrong_fields(fields: list[tuple[int, str]]) -> Iterator[CronProblem]:
    """The fields that are wrong also where all others are `*`."""
    for (start, text), kind in zip(fields, FIELDS, strict=True):
        if expanded_alone(kind, text) is None:
            help_text = f"allowed: {kind.allowed}, *, */n, a-b, a,b"
            short = re.sub(_NAMES_IN_FULL, lambda match: match.group()[:3], text)
            if kind in FIELDS[3:] and short != text:
                help_text += f"; a name has three letters: `{short}`"
            help_text = "`H` is a number that Jenkins chooses: write one yourself" if text[0] == "H" else help_text
            if kind is FIELDS[4] and re.fullmatch(r"(?i)\w{1,3}L", text):
                help_text = f"for the last one of each month write `L{_NUMBERS.get(text[:-1].lower(), text[:-1])}`"
            yield CronProblem(f"the {kind.name} `{text}` is not valid", start, start + len(text), help=help_text)


def _wrong_count(expression: str, count: int) -> CronProblem:
    text = expression.strip()
    if count == 0:
        return CronProblem("the cron expression is empty", 0, len(expression), help="write null for no schedule")
    help_text = meant_by_cron(text, count)
    if count == 1 and "/" in text and _PLAIN_PART.fullmatch(text):
        help_text = f'for minutes of each hour write "{text} * * * *"'
    return CronProblem(f"a cron expression has 5 fields, this one has {count}", 0, len(expression), help=help_text)


def _never_comes(fields: tuple[Field, ...]) -> bool:
    """Whether none of the months has such a day; with a day of week given, that one counts, too."""
    days, months, weekdays = fields[2:5]
    day_numbers = [day for day in days if isinstance(day, int)]
    month_numbers = [month for month in months if isinstance(month, int)]
    if weekdays != EVERY or len(day_numbers) < len(days) or len(month_numbers) < len(months):
        return False
    return min(day_numbers) > max(_LONGEST_MONTHS[month - 1] for month in month_numbers)


def names_one_weekday_of_a_month(fields: list[tuple[int, str]]) -> bool:
    """Whether there is a day of month as well as `L5` or `5#2`.

    croniter looks for a day that is both, fails where there is none, and else takes every one that the weekday names.
    """
    return fields[2][1] != "*" and re.search(r"(?i)#|^L", fields[4][1]) is not None


def fields_of(expression: str) -> list[tuple[int, str]]:
    """The fields with their places, separated by any space; the caller has rejected spaces that croniter does not
    know."""
    return [(match.start(), match.group()) for match in re.finditer(r"\S+", expression)]


@lru_cache(maxsize=1024)  # several rules ask for the same expression, and so do many files
def expanded(expression: str) -> tuple[Field, ...] | None:
    """The values of each field; None for an expression that is not valid."""
    if len(expression) > LONGEST:
        return None
    plain = plain_fields(expression)
    if plain is not None:
        return plain
    from croniter import CroniterError, croniter  # noqa: PLC0415 # its import starts a process: docs/decisions/0011

    try:
        fields: list[list[int | str]] = croniter.expand(expression)[0]
    except (CroniterError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None  # croniter lets some of Python's own errors through on malformed fields
    return tuple(map(tuple, fields))


def expanded_alone(kind: FieldKind, text: str) -> Field | None:
    """The values of one field where all others are `*`; None where it is not valid."""
    fields = expanded(" ".join(text if other is kind else "*" for other in FIELDS))
    return fields[FIELDS.index(kind)] if fields is not None else None


def slots(expression: str, start: datetime) -> Iterator[datetime]:
    """The times of a valid expression after `start`, as wall-clock times."""
    from croniter import CroniterBadDateError, croniter  # noqa: PLC0415 # as above

    times = croniter(expression, start)
    with suppress(CroniterBadDateError):  # there is none
        while True:
            yield times.get_next(datetime)


def plain_fields(expression: str) -> tuple[Field, ...] | None:
    """The values of each of the five fields, sorted; None where croniter is needed."""
    texts = _TEXT.findall(expression)
    if len(texts) != len(FIELDS):
        return None
    fields = []
    for text, kind in zip(texts, FIELDS, strict=True):
        field = EVERY if text == "*" else _plain_values(text, kind)
        if field is None:
            return None
        fields.append(field)
    return tuple(fields)


def _plain_values(text: str, kind: FieldKind) -> Field | None:
    """The values of `n`, `a-b`, `a-b/n` and `*/n`, where the step has room; of others croniter makes its own."""
    found: set[int] = set()
    _, _, lowest, highest = kind
    for part in text.split(","):
        match = _PLAIN_PART.fullmatch(part)
        if match is None:
            return None
        written, step = match["first"], int(match["step"] or 1)
        first, last = int(written or lowest), int(match["last"] or written or highest)
        if not lowest <= first <= last <= highest:
            return None
        is_single = match["step"] is None and match["last"] is None
        if written is None if is_single else not 0 < step <= last - first:
            return None
        found.update(range(first, last + 1, step))
    return tuple(sorted(found)) if len(found) <= highest - lowest else None  # all of them: `*`, or not, by the field
