"""What people read into a valid cron expression, and Airflow does not: `*/90`, `7-7`, `0 0 1 * 1`, `0 0 1 * L5`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from schemas.model.cron import (
    EVERY,
    FIELDS,
    ONE_WEEKDAY_HELP,
    CronProblem,
    FieldKind,
    expanded,
    expanded_alone,
    fields_of,
    names_one_weekday_of_a_month,
)

_STEP_OR_RANGE = r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d{1,9}))?"


class _Part(NamedTuple):
    """A step or a range of a field of a valid expression, `first-last/step`."""

    text: str
    start: int
    kind: FieldKind
    first: int
    last: int
    step: int | None
    written: re.Match[str]

    def problem(self, message: str, help: str) -> CronProblem:
        return CronProblem(message, self.start, self.start + len(self.text), help=help)


def _parts(expression: str) -> Iterator[_Part]:
    if "/" not in expression and "-" not in expression:
        return
    for (start, field), kind in zip(fields_of(expression), FIELDS, strict=False):
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
        unit = part.kind.name.split()[0]
        if unit != "month" and part.step > 1:
            every = f"{{every: {part.step}{unit[0]}}}"
            help_text = f"cron starts again in each field; for every {part.step} {unit}s write {every}"
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
            read = ",".join(map(str, expanded_alone(part.kind, part.text) or ()))
            if read != values:
                yield part.problem(f"Airflow reads `{part.text}` as `{read}`", f"write the values: `{values}`")


def surprises(expression: str) -> Iterator[CronProblem]:
    """What people read into a valid expression, and cron does not mean."""
    fields = expanded(expression)
    if fields is None or len(fields) != len(FIELDS):
        return
    minutes, hours, days, _, weekdays = fields
    if minutes != EVERY and EVERY in (days, weekdays) and "/" not in expression:
        return
    texts = fields_of(expression)
    (start, day), (last, weekday) = texts[2], texts[4]
    if EVERY not in (days, weekdays) and names_one_weekday_of_a_month(texts):
        message = f"the day of month `{day}` has no effect beside the day of week `{weekday}`"
        yield CronProblem(message, start, start + len(day), ONE_WEEKDAY_HELP.format(weekday))
    elif EVERY not in (days, weekdays) and "l" not in days:
        which = f"day of month `{day}` or day of week `{weekday}`"
        yield CronProblem(f"cron runs on days of either: {which}", start, last + len(weekday))
    if minutes == hours == weekdays == EVERY != days and len(days) == 1:
        start, stop = texts[0][0], texts[1][0] + 1
        help_text = f"for one run on that day write `0 0 {' '.join(text for _, text in texts[2:])}`"
        yield CronProblem(f"this runs every minute of day `{day}` of the month", start, stop, help_text)
    ends = [hour for hour in hours if isinstance(hour, int) and (hour + 1) % 24 not in hours]
    if texts[0][1] == "*" and ends and (len(hours) == 1 or len(ends) > 1):  # of a range, each minute may be meant
        when = f"from {hours[0]}:00 to {hours[0]}:59" if len(hours) == 1 else f"of the hours `{texts[1][1]}`"
        start, text = texts[0]
        help_text = f"for one run in the hour write `0 {' '.join(text for _, text in texts[1:])}`"
        yield CronProblem(f"this runs every minute {when}", start, start + len(text), help_text)
    around = ("hour", "day", "month", "year", "week")
    for kind, (start, text), unit in zip(FIELDS, texts, around, strict=False):
        match = re.fullmatch(_STEP_OR_RANGE, text)
        if match is None or match["last"] or not match["step"]:
            continue
        first = kind.value(match["first"]) if match["first"] else kind.lowest
        size, step = kind.highest - kind.lowest + 1, int(match["step"])
        values = range(first, kind.highest + 1, step) if isinstance(first, int) else ()
        if len(values) > 1 and values[0] + size - values[-1] < step:
            message = f"`{text}` starts again in each {unit}, so the last step is shorter"
            equal = f"for equal steps write {{every: {step}{kind.name[0]}}}"
            yield CronProblem(message, start, start + len(text), equal if unit in around[:3] else "name the values")
