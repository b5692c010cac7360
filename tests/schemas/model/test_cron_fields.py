"""Cron expressions that are expanded without croniter: as croniter does, which decides in Airflow."""

from __future__ import annotations

import subprocess
import sys

import pytest
from croniter import CroniterError, croniter
from hypothesis import given
from hypothesis import strategies as st

from schemas.model.cron import plain_fields

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
