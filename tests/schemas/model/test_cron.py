"""Cron expressions: which field is wrong and where, and which values are expanded without croniter."""

from __future__ import annotations

import subprocess
import sys

import pytest
from croniter import CroniterError, croniter
from hypothesis import given
from hypothesis import strategies as st

from schemas.model.cron import cron_problem, expanded, plain_fields
from schemas.model.cron_surprises import ranges_read_otherwise, steps_without_effect


@pytest.mark.parametrize(
    "text",
    [
        *("* * * * *", "*/5 * * * *", "0 0 1 1 *", "59 23 31 12 7", "0-30/10 * * * *", "1,2,3 * * * *"),
        *("0 6 * * mon-fri", "0 6 * jan,feb *", "0 0 L * *", "0 0 * * 0", "  0   6 * * *  ", "0 0 * * sun#1"),
    ],
)
def test_good_expressions(text: str) -> None:
    assert cron_problem(text) is None


@pytest.mark.parametrize(
    ("text", "name", "part"),
    [
        ("60 * * * *", "minute", "60"),
        ("* 24 * * *", "hour", "24"),
        ("* * 32 * *", "day of month", "32"),
        ("* * 0 * *", "day of month", "0"),
        ("* * * 13 *", "month", "13"),
        ("* * * januar *", "month", "januar"),
        ("* * * * 8", "day of week", "8"),
        ("* * * * monday", "day of week", "monday"),
        ("*/0 * * * *", "minute", "*/0"),
        ("5-1-2 * * * *", "minute", "5-1-2"),
        (", * * * *", "minute", ","),
        ("* * * * \ud55c", "day of week", "\ud55c"),
        ("5 5 5 55 5", "month", "55"),
    ],
)
def test_the_wrong_field_is_named(text: str, name: str, part: str) -> None:
    problem = cron_problem(text)

    assert problem is not None
    assert problem.message == f"the {name} `{part}` is not valid"
    assert text[problem.start : problem.end] == part
    assert problem.help.startswith("allowed: ")


@pytest.mark.parametrize(("text", "count"), [("* * * *", 4), ("0 * * * * *", 6), ("0 0 0 1 1 ? 2026", 7), ("hello", 1)])
def test_the_number_of_fields(text: str, count: int) -> None:
    problem = cron_problem(text)

    assert problem is not None
    assert problem.message == f"a cron expression has 5 fields, this one has {count}"
    assert ("seconds" in problem.help) == (count > 5)


def test_a_clock_time_is_answered_with_its_expression() -> None:
    problem = cron_problem("01:30")

    assert problem is not None
    assert problem.help == 'for 01:30 every day write "30 1 * * *"'
    assert cron_problem("30 1 * * *") is None


def test_an_empty_expression() -> None:
    problem = cron_problem(" ")

    assert problem is not None
    assert problem.message == "the cron expression is empty"


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("0 0 30 2 *", True),
        ("0 0 31 feb,4,6 *", True),
        ("0 0 29 2 *", False),
        ("0 0 31 4,5 *", False),
        ("0 0 30 2 mon", False),
        ("0 0 31 * *", False),
        ("0 0 L 2 *", False),
    ],
)
def test_a_day_that_no_month_has(text: str, never: bool) -> None:
    problem = cron_problem(text)

    assert (problem is not None) == never
    assert problem is None or text[problem.start : problem.end] in ("30", "31")


@given(st.text(alphabet="0123456789*/-,LW#? hjanmosu", max_size=30) | st.text(max_size=20))
def test_every_text_has_an_answer_inside_the_text(text: str) -> None:
    problem = cron_problem(text)

    if problem is not None:
        assert 0 <= problem.start <= problem.end <= len(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("30/45 * * * *", "30/45"),
        ("* 1-3/3 * * *", "1-3/3"),
        ("* 22-1/4 * * *", "22-1/4"),
        ("* * * * fri/2", "fri/2"),
        ("59/1 * * * *", None),
        ("30/15 * * * *", None),
        ("* * * * sun/2", None),
        ("5-5/9 * * * *", None),
    ],
)
def test_a_step_that_leads_past_the_end(text: str, part: str | None) -> None:
    assert [text[found.start : found.end] for found in steps_without_effect(text)] == ([part] if part else [])


@pytest.mark.parametrize("text", ["7-0", "sun-0", "7-sun", "SUN-sun", "0-7", "sun-7", "1-7", "6-7", "7-1", "sat-sun"])
def test_sundays_at_the_ends_of_a_range(text: str) -> None:
    found = list(ranges_read_otherwise(f"0 6 * * {text}"))

    assert bool(found) == (text in ("7-0", "sun-0", "7-sun", "SUN-sun"))
    if found:
        values = expanded(f"0 6 * * {text}")
        assert values is not None
        assert values[4] == ("*",)


def test_a_range_over_midnight_with_a_step() -> None:
    """croniter counts one value too many at the start of the day; where it does not, there is nothing to say."""
    (found,) = ranges_read_otherwise("0 3-1/2,22-5/2,22-4 * * *")

    assert found.message == "Airflow reads `3-1/2` as `3,5,7,9,11,13,15,17,19,21,23`"
    assert found.help == "write the values: `1,3,5,7,9,11,13,15,17,19,21,23`"


_NUMBERS = st.integers(0, 62).map(str) | st.sampled_from(["05", "00", "007"])
_RANGES = st.builds("{}-{}".format, _NUMBERS, _NUMBERS)
_STEPS = st.builds("{}/{}".format, st.just("*") | _RANGES | _NUMBERS, _NUMBERS)
_ODD = st.sampled_from(["L", "?", "mon", "jan-mar", "sun#1", "", "-", "1-", "*-3", "W", "\uff11"])
_PARTS = st.just("*") | _NUMBERS | _RANGES | _STEPS | _ODD
_FIELDS = st.just("*") | st.lists(_PARTS, min_size=1, max_size=3).map(",".join)


_SPACES = st.sampled_from([" ", "  ", "\t", "\n", "\x1c", "\xa0", "\u2003"])
"""Of the last three croniter makes no space."""


@given(st.builds(str.join, st.just(" ") | _SPACES, st.lists(_FIELDS, min_size=4, max_size=6)))
def test_what_is_expanded_is_what_croniter_makes_of_it(expression: str) -> None:
    fields = plain_fields(expression)
    if fields is None:
        return
    try:
        expected = croniter.expand(expression)[0]
    except CroniterError as error:
        pytest.fail(f"croniter refuses `{expression}`: {error}")
    assert fields == tuple(map(tuple, expected))


@pytest.mark.parametrize(
    "expression",
    ["* * * * *", "0 6 * * *", "*/5 8-18 * * 1-5", "0,30 * 1,15 * *", "0-30/10 * * 6-8 *", "  0   6 * * 0  "],
)
def test_ordinary_expressions_do_not_need_croniter(expression: str) -> None:
    assert plain_fields(expression) is not None


@pytest.mark.parametrize(
    "expression",
    ["60 * * * *", "0 0 L * *", "0 6 * * mon", "5-5 * * * *", "*/60 * * * *", "0 0 * * 7", "* * * *", "0 6\xa0* * *"],
)
def test_others_are_left_to_it(expression: str) -> None:
    assert plain_fields(expression) is None


def test_a_check_of_an_ordinary_schedule_does_not_import_croniter() -> None:
    """Importing it asks the program `file` about the interpreter: lint starts no process."""
    code = """
import sys
from schemas.check import check_text
text = 'schedule: "30 6 * * 1-5"\\ntimezone: Europe/Berlin\\ntasks:\\n  - {id: load, uses: empty}\\n'
assert not check_text(text).diagnostics
sys.exit("croniter" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # our own interpreter
