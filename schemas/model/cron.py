"""Cron expressions, judged field by field so that a message can name the field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from schemas.model.times import meant_duration

_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CLOCK = re.compile(r"(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])")
_ZONE_BEFORE = re.compile(r"(?:CRON_TZ|TZ)=(?P<zone>\S+)\s+(?P<cron>\S.*)")
_NAMES_IN_FULL = re.compile(
    r"(?:sun|mon|tues|wednes|thurs|fri|satur)day"
    r"|january|february|march|april|june|july|august|september|october|november|december",
    re.IGNORECASE,
)
_NO_SCHEDULE = ("none", "off", "never", "manual", "no", "false")
_FIELDS = (
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of month", "1-31 or L"),
    ("month", "1-12 or jan-dec"),
    ("day of week", "0-7 or sun-sat"),
)


LONGEST = 1000
"""Characters of an expression: each minute, hour, day and month named one by one take half of them."""

_STEP = re.compile(r"(?:\*|(?P<first>\d+)-(?P<last>\d+))/(?P<step>\d{1,9})")
_RANGE = re.compile(r"(?P<first>\w+)-(?P<last>\w+)(?P<step>/\d+)?")
_ODD_SPACE = re.compile(r"(?![ \t\n\r\f\v])\s")
_VALUES_OF_FIELD = (60, 24, 31, 12, 7)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUMBERS: Mapping[str, int] = MappingProxyType(
    {name: number for names, first in ((_MONTHS, 1), (_WEEKDAYS, 0)) for number, name in enumerate(names, first)}
)


class CronProblem(NamedTuple):
    """What is wrong with an expression; `start` and `end` are the offending field's place in it."""

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
        message = f"U+{ord(odd.group()):04X} looks like a space, and cron takes it for none"
        yield CronProblem(message, *odd.span(), help="type the space again")
        return
    fields = _split(expression)
    if len(fields) != len(_FIELDS):
        yield _wrong_count(expression, len(fields))
        return
    fields_expanded = expanded(expression)
    if fields_expanded is None:
        found = list(_wrong_fields(fields))
        yield from found or [CronProblem("the fields do not fit together", 0, len(expression))]
    elif _never_comes(fields_expanded):
        (start, day), (_, month) = fields[2:4]
        yield CronProblem(f"the day `{day}` does not exist in month `{month}`", start, start + len(day))


def _wrong_fields(fields: list[tuple[int, str]]) -> Iterator[CronProblem]:
    """The fields that are wrong also where all others are `*`."""
    for position, (start, text) in enumerate(fields):
        name, allowed = _FIELDS[position]
        alone = ["*"] * len(_FIELDS)
        alone[position] = text
        if expanded(" ".join(alone)) is None:
            help_text = f"allowed: {allowed}, *, */n, a-b, a,b"
            short = _NAMES_IN_FULL.sub(lambda match: match.group()[:3], text)
            if position > 2 and short != text:
                help_text += f"; a name has three letters: `{short}`"
            yield CronProblem(f"the {name} `{text}` is not valid", start, start + len(text), help=help_text)


def _wrong_count(expression: str, count: int) -> CronProblem:
    text = expression.strip()
    if count == 0:
        return CronProblem("the cron expression is empty", 0, len(expression), help="write null for no schedule")
    help_text = "write minute, hour, day of month, month, day of week"
    if count in (6, 7):
        help_text += "; seconds and years are not supported, use `{every: 30s}` for seconds"
    if clock := _CLOCK.fullmatch(text):
        help_text = f'for {text} every day write "{int(clock["minute"])} {int(clock["hour"])} * * *"'
    elif zone := _ZONE_BEFORE.fullmatch(text):
        help_text = f'the time zone stands beside it: {{cron: "{zone["cron"]}", timezone: {zone["zone"]}}}'
    elif text.lower() in _NO_SCHEDULE:
        help_text = "write null for no schedule"
    elif every := meant_duration(text.lower().removeprefix("every ")):
        help_text = f"a run every {every} is {{every: {every}}}"
    return CronProblem(f"a cron expression has 5 fields, this one has {count}", 0, len(expression), help=help_text)


def _never_comes(fields: tuple[Field, ...]) -> bool:
    """Whether none of the months has such a day; with a day of week given, that one counts, too."""
    days, months, weekdays = fields[2:5]
    day_numbers = [day for day in days if isinstance(day, int)]
    month_numbers = [month for month in months if isinstance(month, int)]
    if weekdays != EVERY or len(day_numbers) < len(days) or len(month_numbers) < len(months):
        return False
    return min(day_numbers) > max(_LONGEST[month - 1] for month in month_numbers)


def _split(expression: str) -> list[tuple[int, str]]:
    fields, position = [], 0
    for text in expression.split():
        position = expression.index(text, position)
        fields.append((position, text))
        position += len(text)
    return fields


@lru_cache(maxsize=1024)  # several rules ask for the same expression, and so do many files
def expanded(expression: str) -> tuple[Field, ...] | None:
    """The values of each field; None for an expression that is not valid."""
    if len(expression) > LONGEST:
        return None
    plain = plain_fields(expression)
    if plain is not None:
        return plain
    from croniter import CroniterError, croniter  # noqa: PLC0415 # it starts a process: see `cron_fields`

    try:
        fields: list[list[int | str]] = croniter.expand(expression)[0]
    except (CroniterError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None  # croniter lets some of Python's own errors through on malformed fields
    return tuple(map(tuple, fields))


def steps_without_effect(expression: str) -> Iterator[CronProblem]:
    """The steps that are as long as their field or longer, so that they leave one value: `*/90` in minutes."""
    for (start, text), (name, _), values in zip(_split(expression), _FIELDS, _VALUES_OF_FIELD, strict=False):
        at = start
        for part in text.split(","):
            match = _STEP.fullmatch(part)
            if match is not None:
                length = values if match["first"] is None else int(match["last"]) - int(match["first"]) + 1
                step = int(match["step"])
                if step >= length > 1:
                    message = f"the step `/{match['step']}` leaves one {name} of {length}"
                    yield CronProblem(message, at, at + len(part), help=_instead_of_step(name, step))
            at += len(part) + 1


def ranges_of_one(expression: str) -> Iterator[CronProblem]:
    """The ranges that end where they begin, which croniter takes for the whole field."""
    for (start, text), (name, _) in zip(_split(expression), _FIELDS, strict=False):
        at = start
        for part in text.split(","):
            match = _RANGE.fullmatch(part)
            if match is not None and _value(match["first"]) == _value(match["last"]):
                step = match["step"]
                every = f"every {name}" if step in (None, "/1") else f"`*{step}`"
                message = f"Airflow reads `{part}` as {every}, not as the one that it names"
                yield CronProblem(message, at, at + len(part), help=f"write `{match['first'].lstrip('0') or 0}`")
            at += len(part) + 1


def _value(word: str) -> int | str:
    return _NUMBERS.get(word.lower(), int(word) if word.isdecimal() else word)


def _instead_of_step(name: str, step: int) -> str:
    if name in ("minute", "hour") and step > 1:
        return f"cron starts anew with each field; every {step} {name}s is {{every: {step}{name[0]}}}"
    return ""


def slots(expression: str, start: datetime) -> Iterator[datetime]:
    """The times of a valid expression after `start`, as wall-clock times."""
    from croniter import croniter  # noqa: PLC0415 # as above

    times = croniter(expression, start)
    while True:
        yield times.get_next(datetime)


Field = tuple[int | str, ...]
"""The values of a field."""
EVERY: Field = ("*",)

_TEXT = re.compile(r"\S+", re.ASCII)
"""croniter knows no other spaces than those of ASCII."""
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_PART = re.compile(r"(?:\*|(?P<first>[0-9]{1,2})(?:-(?P<last>[0-9]{1,2}))?)(?:/(?P<step>[0-9]{1,2}))?", re.ASCII)


def plain_fields(expression: str) -> tuple[Field, ...] | None:
    """The values of each of the five fields, sorted; None where croniter is needed."""
    texts = _TEXT.findall(expression)
    if len(texts) != len(_BOUNDS):
        return None
    fields = []
    for text, (lowest, highest) in zip(texts, _BOUNDS, strict=True):
        field = EVERY if text == "*" else _values(text, lowest, highest)
        if field is None:
            return None
        fields.append(field)
    return tuple(fields)


def _values(text: str, lowest: int, highest: int) -> Field | None:
    found: set[int] = set()
    for part in text.split(","):
        values = _range(part, lowest, highest)
        if values is None:
            return None
        found.update(values)
    return tuple(sorted(found)) if len(found) <= highest - lowest else None  # all of them: `*`, or not, by the field


def _range(part: str, lowest: int, highest: int) -> range | None:
    """`n`, `a-b`, `a-b/n` or `*/n`, where the step has room; of others croniter makes something of its own."""
    match = _PART.fullmatch(part)
    if match is None:
        return None
    written, step = match["first"], int(match["step"] or 1)
    first, last = int(written or lowest), int(match["last"] or written or highest)
    if not lowest <= first <= last <= highest:
        return None
    if match["step"] is None and match["last"] is None:
        return range(first, last + 1) if written is not None else None
    return range(first, last + 1, step) if 0 < step <= last - first else None
