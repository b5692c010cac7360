"""Cursors: what comes later, what is a lag before, and how moments are written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.model.cursor import Cursor, CursorError, cursor_before, cursor_kind, is_later, now_like


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0, "number"),
        (1.5, "number"),
        ("-12", "number"),
        ("2026-01-31", "time"),
        ("2026-01-31T10:00Z", "time"),
        ("2026-01-31 10:00:00.123456789+0900", "time"),
        ("2026-02-31", "text"),
        ("01HF7YAT31JZHSMW1CG6Q6MHB7", "text"),
        ("", "text"),
    ],
)
def test_kinds(value: Cursor, kind: str) -> None:
    assert cursor_kind(value) == kind


@pytest.mark.parametrize("value", [None, True, [1], {"a": 1}])
def test_what_is_no_cursor(value: Any) -> None:
    with pytest.raises(CursorError, match="a number or text"):
        cursor_kind(value)


@pytest.mark.parametrize("text", ["1e999", "-1e999"])
def test_a_number_too_large_for_one_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorError, match=r"a cursor is a finite number, not -?inf"):
        cursor_kind(json.loads(text))
    assert cursor_kind(10**400) == "number"


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (10, 9),
        ("10", 9),
        ("10", "9"),
        ("2026-01-01T00:00:00+09:00", "2025-12-31T14:59:59Z"),
        ("2026-01-01T00:00:01", "2026-01-01"),
        ("b", "a"),
    ],
)
def test_what_comes_later(value: Cursor, other: Cursor) -> None:
    assert is_later(value, other)
    assert not is_later(other, value)
    assert not is_later(value, value)


def test_two_kinds_have_no_order() -> None:
    with pytest.raises(CursorError, match="5 is a number and '2026-01-01' is a time"):
        is_later(5, "2026-01-01")


@pytest.mark.parametrize(
    ("value", "lag", "before"),
    [
        (10, 3, 7),
        ("10", 3, "7"),
        ("2026-01-01", timedelta(minutes=5), "2025-12-31"),
        ("2026-01-01T00:00", timedelta(seconds=1), "2025-12-31T23:59"),
        ("2026-01-01T00:00:00Z", timedelta(minutes=5), "2025-12-31T23:55:00Z"),
        ("2026-01-01 00:00:00.500+09:00", timedelta(seconds=1), "2025-12-31 23:59:59.500+09:00"),
    ],
)
def test_a_lag_keeps_the_form(value: Cursor, lag: timedelta | int, before: Cursor) -> None:
    assert cursor_before(value, lag) == before


@pytest.mark.parametrize(("value", "lag"), [(1, timedelta(1)), ("2026-01-01", 1), ("abc", 1), ("abc", timedelta(1))])
def test_a_lag_of_another_kind(value: Cursor, lag: timedelta | int) -> None:
    with pytest.raises(CursorError, match="`lag` is"):
        cursor_before(value, lag)


def test_a_lag_before_all_years() -> None:
    with pytest.raises(CursorError, match="first year"):
        cursor_before("0001-01-01", timedelta(days=1))


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("2026-01-01", "2026-03-04"),
        ("2026-01-01T00:00:00Z", "2026-03-04T05:06:07Z"),
        ("2026-01-01 00:00+09:00", "2026-03-04 14:06+09:00"),
        ("2026-01-01T00:00:00.000", "2026-03-04T05:06:07.890"),
    ],
)
def test_now_is_written_like_the_pattern(pattern: str, written: str) -> None:
    assert now_like(pattern, datetime(2026, 3, 4, 5, 6, 7, 890123, UTC)) == written


@given(st.one_of(st.text(max_size=40), st.integers(), st.floats(allow_nan=False)), st.integers(0, 10**9))
def test_any_value_is_ordered_or_refused(value: Cursor, lag: int) -> None:
    kind = cursor_kind(value)
    assert not is_later(value, value)
    if kind == "number":
        assert not is_later(cursor_before(value, lag), value)
