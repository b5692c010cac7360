"""Cron expressions, judged field by field so that a message can name the field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from schemas.findings.suggestions import meant_by_cron

LONGEST = 1000
"""Characters of an expression: each minute, hour, day and month named one by one take half of them."""

Field = tuple[int | str, ...]
"""The values of a field."""
EVERY: Field = ("*",)


class _FieldKind(NamedTuple):
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


_FIELDS = (
    _FieldKind("minute", "0-59", 0, 59),
    _FieldKind("hour", "0-23", 0, 23),
    _FieldKind("day of month", "1-31 or L", 1, 31),
    _FieldKind("month", "1-12 or jan-dec", 1, 12),
    _FieldKind("day of week", "0-7 or sun-sat", 0, 6),
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
_ODD_SPACE = re.compile(r"(?![ \t\n\r\f\v])\s")
_TEXT = re.compile(r"\S+", re.ASCII)
"""croniter knows no other spaces than those of ASCII."""
_PLAIN_PART = re.compile(r"(?:\*|(?P<first>[0-9]{1,2})(?:-(?P<last>[0-9]{1,2}))?)(?:/(?P<step>[0-9]{1,2}))?", re.ASCII)
_STEP_OR_RANGE = r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d{1,9}))?"


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
    fields = _split(expression)
    if len(fields) != len(_FIELDS):
        yield _wrong_count(expression, len(fields))
        return
    values = expanded(expression)
    if values is None:
        found = list(_wrong_fields(fields))
        yield from found or [CronProblem("the fields do not fit together", 0, len(expression))]
    elif _never_comes(values):
        (start, day), (_, month) = fields[2:4]
        yield CronProblem(f"the day `{day}` does not exist in month `{month}`", start, start + len(day))


def _wrong_fields(fields: list[tuple[int, str]]) -> Iterator[CronProblem]:
    """The fields that are wrong also where all others are `*`."""
    for (start, text), kind in zip(fields, _FIELDS, strict=True):
        if _expanded_alone(kind, text) is None:
            help_text = f"allowed: {kind.allowed}, *, */n, a-b, a,b"
            short = re.sub(_NAMES_IN_FULL, lambda match: match.group()[:3], text)
            if kind in _FIELDS[3:] and short != text:
                help_text += f"; a name has three letters: `{short}`"
            help_text = "`H` is a number that Jenkins chooses: write one yourself" if text[0] == "H" else help_text
            if kind is _FIELDS[4] and re.fullmatch(r"(?i)\w{1,3}L", text):
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


def _split(expression: str) -> list[tuple[int, str]]:
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


def _expanded_alone(kind: _FieldKind, text: str) -> Field | None:
    """The values of one field where all others are `*`; None where it is not valid."""
    fields = expanded(" ".join(text if other is kind else "*" for other in _FIELDS))
    return fields[_FIELDS.index(kind)] if fields is not None else None


class _Part(NamedTuple):
    """A step or a range of a field of a valid expression, `first-last/step`."""

    text: str
    start: int
    kind: _FieldKind
    first: int
    last: int
    step: int | None
    written: re.Match[str]

    def problem(self, message: str, help: str) -> CronProblem:
        return CronProblem(message, self.start, self.start + len(self.text), help=help)


def _parts(expression: str) -> Iterator[_Part]:
    if "/" not in expression and "-" not in expression:
        return
    for (start, field), kind in zip(_split(expression), _FIELDS, strict=False):
        at = start
        for text in field.split(","):
            match = re.fullmatch(_STEP_OR_RANGE, text)
            if match is not None and (match["step"] or match["last"]):
                first = kind.value(match["first"]) if match["first"] else kind.lowest
                last = kind.value(match["last"]) if match["last"] else kind.highest
                if isinstance(first, int) and isinstance(last, int):
                    step = int(match["step"]) if match["step"] else None
                    yield _Part(text, at, kind, first, last, step, match)
            at += len(text) + 1


def steps_without_effect(expression: str) -> Iterator[CronProblem]:
    """The steps that lead past the end of their field or range, so that they leave one value: `*/90` or `30/45`."""
    for part in _parts(expression):
        length = part.kind.length(part.first, part.last)
        is_single = part.written["first"] is not None and part.written["last"] is None
        if part.step is None or part.step < length or (length == 1 and (part.step == 1 or not is_single)):
            continue
        left = f"{part.kind.name} `{part.written['first']}` only" if is_single else f"one {part.kind.name} of {length}"
        message, help_text = f"the step `/{part.written['step']}` leaves {left}", ""
        if part.kind.name in ("minute", "hour") and part.step > 1:
            every = f"{{every: {part.step}{part.kind.name[0]}}}"
            help_text = f"cron starts again in each field; for every {part.step} {part.kind.name}s write {every}"
        yield part.problem(message, help_text)


def ranges_read_otherwise(expression: str) -> Iterator[CronProblem]:
    """The ranges of which croniter, and so Airflow, makes other values than those that are written.

    It takes a range that ends where it begins for the whole field (`0-7` is meant so, `7-0` is Sunday to Sunday). Where
    a range with a step goes on at the start of the field, it may count one value too many there.
    """
    for part in _parts(expression):
        first, last = part.written["first"], part.written["last"]
        if last is None:
            continue
        if part.first == part.last and (last != "7" or first == "7"):
            whole = f"every {part.kind.name}" if part.step in (None, 1) else f"`*/{part.written['step']}`"
            message = f"Airflow reads `{part.text}` as {whole}, not as the one value in it"
            yield part.problem(message, f"write `{first.lstrip('0') or 0}`")
        elif part.first > part.last and part.step is not None:
            lowest, size = part.kind.lowest, part.kind.highest - part.kind.lowest + 1
            written = range(part.first, part.first + part.kind.length(part.first, part.last), part.step)
            values = ",".join(str(n) for n in sorted(lowest + (value - lowest) % size for value in written))
            read = ",".join(map(str, _expanded_alone(part.kind, part.text) or ()))
            if read != values:
                yield part.problem(f"Airflow reads `{part.text}` as `{read}`", f"write the values: `{values}`")


def surprises(expression: str) -> Iterator[CronProblem]:
    """What people read into a valid expression, and cron does not mean."""
    fields = expanded(expression)
    if fields is None or len(fields) != len(_FIELDS):
        return
    minutes, hours, days, _, weekdays = fields
    if minutes != EVERY and EVERY in (days, weekdays) and "/" not in expression:
        return
    texts = _split(expression)
    if EVERY not in (days, weekdays) and "l" not in days:
        (start, day), (last, weekday) = texts[2], texts[4]
        which = f"day of month `{day}` or day of week `{weekday}`"
        yield CronProblem(f"cron runs on days of either: {which}", start, last + len(weekday))
    ends = [hour for hour in hours if isinstance(hour, int) and (hour + 1) % 24 not in hours]
    if texts[0][1] == "*" and ends and (len(hours) == 1 or len(ends) > 1):  # of a range, each minute may be meant
        when = f"from {hours[0]}:00 to {hours[0]}:59" if len(hours) == 1 else f"of the hours `{texts[1][1]}`"
        start, text = texts[0]
        help_text = f"for one run in the hour write `0 {' '.join(text for _, text in texts[1:])}`"
        yield CronProblem(f"this runs every minute {when}", start, start + len(text), help_text)
    around = ("hour", "day", "month", "year", "week")
    for kind, (start, text), unit in zip(_FIELDS, texts, around, strict=False):
        match = re.fullmatch(_STEP_OR_RANGE, text)
        size = kind.highest - kind.lowest + 1
        step = int(match["step"]) if match is not None and match["first"] is None and match["step"] else 1
        if size % step and step < size:
            message = f"`{text}` starts again in each {unit}, so the last step is shorter"
            equal = f"for equal steps write {{every: {step}{kind.name[0]}}}"
            yield CronProblem(message, start, start + len(text), equal if unit in around[:3] else "name the values")


def slots(expression: str, start: datetime) -> Iterator[datetime]:
    """The times of a valid expression after `start`, as wall-clock times."""
    from croniter import croniter  # noqa: PLC0415 # as above

    times = croniter(expression, start)
    while True:
        yield times.get_next(datetime)


def plain_fields(expression: str) -> tuple[Field, ...] | None:
    """The values of each of the five fields, sorted; None where croniter is needed."""
    texts = _TEXT.findall(expression)
    if len(texts) != len(_FIELDS):
        return None
    fields = []
    for text, kind in zip(texts, _FIELDS, strict=True):
        field = EVERY if text == "*" else _plain_values(text, kind)
        if field is None:
            return None
        fields.append(field)
    return tuple(fields)


def _plain_values(text: str, kind: _FieldKind) -> Field | None:
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
