"""Cursors: what comes later, what is a lag before, and how moments are written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.model.cursor import Cursor, CursorError, CursorForm, format_problem

FORM = CursorForm()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0, "number"),
        (1.5, "number"),
        ("-12", "number"),
        ("2026-01-31", "time"),
        ("2026-01-31T10:00Z", "time"),
        ("2026-01-31 10:00:00.123456789+0900", "time"),
        ("20260131T100000.5+0900", "time"),
        ("/Date(1769853600000)/", "time"),
        ("2026-007", "text"),
        ("market 5", "text"),
        ("01HF7YAT31JZHSMW1CG6Q6MHB7", "text"),
        ("", "text"),
    ],
)
def test_kinds(value: Cursor, kind: str) -> None:
    assert FORM.kind(value) == kind


@pytest.mark.parametrize("value", [None, True, [1], {"a": 1}])
def test_what_is_no_cursor(value: Any) -> None:
    with pytest.raises(CursorError, match="a number or text"):
        FORM.kind(value)


@pytest.mark.parametrize("text", ["1e999", "-1e999"])
def test_a_number_too_large_for_one_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorError, match=r"a cursor is a finite number, not -?inf"):
        FORM.kind(json.loads(text))
    assert FORM.kind(10**400) == "number"


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (10, 9),
        ("10", 9),
        ("10", "9"),
        ("2026-01-01T00:00:00+09:00", "2025-12-31T14:59:59Z"),
        ("2026-01-01T00:00:01", "2026-01-01"),
        ("b", "a"),
        ("10.5", "9.5"),
        ("v10", "v09"),
        ("2026-01-07 10:00:00 UTC", "2026-01-07 10:30:00 +0100"),
        ("Wed, 04 Feb 2026 00:00:00 GMT", "Thu, 08 Jan 2026 23:59:59 +0000"),
    ],
)
def test_what_comes_later(value: Cursor, other: Cursor) -> None:
    assert FORM.is_later(value, other)
    assert not FORM.is_later(other, value)
    assert not FORM.is_later(value, value)


def test_two_kinds_have_no_order() -> None:
    with pytest.raises(CursorError, match=r"5 is a number and '2026-01-01T00:00:00.00:00' is a time"):
        FORM.is_later(5, "2026-01-01")


@pytest.mark.parametrize(
    ("value", "lag", "before"),
    [
        (10, 3, 7),
        ("10", 3, "7"),
        ("2026-01-01", timedelta(minutes=5), "2025-12-31"),
        ("2026-01-01T00:00", timedelta(seconds=1), "2025-12-31T23:59"),
        ("2026-01-01T00:00:00Z", timedelta(minutes=5), "2025-12-31T23:55:00Z"),
        ("2026-01-01 00:00:00.500+09:00", timedelta(seconds=1), "2025-12-31 23:59:59.500+09:00"),
        ("20260101T000000Z", timedelta(seconds=1), "20251231T235959Z"),
        ("2026-01-01 00:00:00 UTC", timedelta(seconds=1), "2025-12-31 23:59:59 UTC"),
        ("/Date(1000)/", timedelta(seconds=1), "/Date(0)/"),
    ],
)
def test_a_lag_keeps_the_form(value: Cursor, lag: timedelta | int, before: Cursor) -> None:
    assert FORM.before(value, lag) == before


@pytest.mark.parametrize(("value", "lag"), [(1, timedelta(1)), ("2026-01-01", 1), ("abc", 1), ("abc", timedelta(1))])
def test_a_lag_of_another_kind(value: Cursor, lag: timedelta | int) -> None:
    with pytest.raises(CursorError, match="`lag` is"):
        FORM.before(value, lag)


def test_a_lag_before_all_years() -> None:
    assert FORM.before("0001-01-01T00:00:00Z", timedelta(days=1)) == "0001-01-01T00:00:00Z"
    assert FORM.before("0001-01-05T00:00:00-05:00", timedelta(days=9)) == "0001-01-01T19:00:00-05:00"


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("2026-01-01", "2026-03-04"),
        ("2026-01-01T00:00:00Z", "2026-03-04T05:06:07Z"),
        ("2026-01-01 00:00+09:00", "2026-03-04 14:06+09:00"),
        ("2026-01-01T00:00:00.000", "2026-03-04T05:06:07.890"),
        ("Wed, 07 Jan 2026 10:00:00 GMT", "Wed, 04 Mar 2026 05:06:07 GMT"),
        ("no time at all", "2026-03-04T05:06:07Z"),
    ],
)
def test_now_is_written_like_the_pattern(pattern: str, written: str) -> None:
    assert FORM.written(datetime(2026, 3, 4, 5, 6, 7, 890123, UTC), pattern) == written


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("%d/%m/%Y", "01/02/2026", "31/01/2026"),
        ("%m/%d/%Y", "02/01/2026", "01/31/2026"),
        ("epoch", "1767225601", 1767225600),
        ("epoch_ms", 1767225600001, "1767225600000"),
        ("rfc2822", "1 Feb 2026 00:00 +0000", "31 Jan 2026 00:00 +0000"),
        ("number", "10.25", 9),
        ("text", "v9", "v10"),
    ],
)
def test_a_format_says_how_values_are_read(name: str, value: Cursor, other: Cursor) -> None:
    assert CursorForm(name).is_later(value, other)
    assert not CursorForm(name).is_later(other, value)


@pytest.mark.parametrize(
    "value",
    [
        "01/02/2026",
        "1.2.26",
        "12-31-2026 10:00",
        "Jan 7, 2026",
        "7 January 2026",
        "2026/1/7",
        "31-JAN-26",
        "7. Dezember 2026",
        "2026-9-30",
        "2026-02-31",
        "2026-01",
        "2026-W05",
        "Q4 2025",
        "W7, 2026",
        "H1-2026",
        "2026-01-07 11:00 AM",
        "11:00 AM",
        "Wednesday, 07-Jan-26 10:00:00 GMT",
        "Wed, 07 Jan 2026 10:00:00 CET",
        "30/Sep/2026:10:00:00 +0000",
    ],
)
def test_a_date_that_can_be_read_in_several_ways_is_refused(value: str) -> None:
    with pytest.raises(CursorError, match="can be read in several ways; `cursor_format` says how"):
        FORM.kind(value)
    assert CursorForm("text").kind(value) == "text"


def test_text_with_numbers_of_several_lengths_is_refused() -> None:
    with pytest.raises(CursorError, match="'v9' and 'v10' hold numbers of different lengths"):
        FORM.is_later("v9", "v10")


def test_what_does_not_fit_the_format_is_refused() -> None:
    for name, value in {"%d/%m/%Y": "2026-01-01", "epoch": "soon", "iso": "1/2/2026", "number": "x"}.items():
        with pytest.raises(CursorError, match="does not fit `cursor_format:"):
            CursorForm(name).kind(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iso", "2026-01-07T10:00:00Z"),
        ("date", "2026-01-07"),
        ("epoch", 1767780000),
        ("epoch_ms", 1767780000000),
        ("rfc2822", "Wed, 07 Jan 2026 10:00:00 GMT"),
        ("%d.%m.%Y %H:%M", "07.01.2026 10:00"),
        (None, "2026-01-07T10:00:00Z"),
    ],
)
def test_a_cursor_is_written_in_another_form(name: str | None, value: Cursor) -> None:
    assert FORM.converted("2026-01-07T11:00:00+01:00", CursorForm(name)) == value


def test_a_time_without_offset_is_in_the_zone() -> None:
    form = CursorForm(None, ZoneInfo("Asia/Tokyo"))
    assert form.is_later("2026-01-01T00:00:01Z", "2026-01-01T09:00:00")
    assert form.written(datetime(2026, 1, 1, tzinfo=UTC), "2025-01-01T00:00:00") == "2026-01-01T09:00:00"


@pytest.mark.parametrize(("name", "is_wrong"), [("iso", False), ("%Y%m%d", False), ("iso8601", True), ("%H:%M", True)])
def test_formats(name: str, is_wrong: bool) -> None:
    assert (format_problem(name) is not None) == is_wrong


@given(st.one_of(st.text(max_size=40), st.integers(), st.floats(allow_nan=False)), st.integers(0, 10**9))
def test_any_value_is_ordered_or_refused(value: Cursor, lag: int) -> None:
    try:
        kind = FORM.kind(value)
    except CursorError:
        return
    assert not FORM.is_later(value, value)
    if kind == "number":
        assert not FORM.is_later(FORM.before(value, lag), value)


ZONES = st.sampled_from(
    ["America/New_York", "Pacific/Honolulu", "UTC", "Europe/Berlin", "Asia/Tokyo", "Pacific/Kiritimati"]
)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
OFFSETS = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
UTC_FORMS = [
    (None, "%Y-%m-%dT%H:%M:%SZ"),
    (None, "%Y%m%dT%H%M%SZ"),
    (None, "%Y-%m-%d %H:%M:%S UTC"),
    (None, "%Y-%m-%d %H:%M:%S GMT"),
    (None, "%Y-%m-%dT%H:%M:%S-00:00"),
    ("iso", "%Y-%m-%dT%H:%M:%S+00:00"),
    (None, "%a, %d %b %Y %H:%M:%S -0000"),
    (None, "%a, %d %b %Y %H:%M:%S GMT"),
    (None, "%d %b %Y %H:%M:%S UT"),
    ("rfc2822", "%a, %d %b %Y %H:%M:%S -0000 (UTC)"),
    ("rfc2822", "%a, %d %b %Y %H:%M:%S Z"),
    *[
        (f"%d/%m/%Y %H:%M:%S{zone}", f"%d/%m/%Y %H:%M:%S{zone}")
        for zone in ("Z", " Z", " UTC", " GMT", " (UTC)", "+00:00", "-0000", " +0000")
    ],
    ("%d.%m.%Y %H:%M:%S %Z", "%d.%m.%Y %H:%M:%S UTC"),
    ("%d.%m.%Y %H:%M:%S (%Z)", "%d.%m.%Y %H:%M:%S (GMT)"),
    ("%d.%m.%Y %H:%M:%S %z", "%d.%m.%Y %H:%M:%S Z"),
]


@given(MOMENTS, ZONES, st.sampled_from(UTC_FORMS), st.integers(0, 100))
def test_a_time_that_says_utc_is_in_utc_in_every_zone(
    moment: datetime, zone: str, names: tuple[str | None, str], lag: int
) -> None:
    form = CursorForm(names[0], ZoneInfo(zone))
    written = moment.strftime(names[1])
    assert form.moment(written) == moment
    earlier = form.before(written, timedelta(minutes=lag))
    assert form.moment(earlier) == moment - timedelta(minutes=lag)
    assert form.converted(written, CursorForm("epoch")) == moment.timestamp()
    if names[0] is not None and "%Z" not in names[0]:
        assert CursorForm("epoch").converted(int(moment.timestamp()), form) == form.written(moment)
        assert form.moment(form.written(moment)) == moment


@given(MOMENTS, ZONES, OFFSETS, st.sampled_from(["%z", " %z"]))
def test_a_time_with_an_offset_is_there_in_every_zone(moment: datetime, zone: str, offset: timezone, end: str) -> None:
    local = moment.astimezone(offset)
    for name, pattern in [
        (None, "%Y-%m-%dT%H:%M:%S%z"),
        (None, "%a, %d %b %Y %H:%M:%S %z"),
        (f"%d/%m/%Y %H:%M:%S{end}", f"%d/%m/%Y %H:%M:%S{end}"),
        (local.strftime(f"%d/%m/%Y %H:%M:%S{end}").replace(local.strftime("%d/%m/%Y %H:%M:%S"), "%d/%m/%Y %H:%M:%S"),)
        * 2,
    ]:
        written = local.strftime(pattern)
        form = CursorForm(name, ZoneInfo(zone))
        assert form.moment(written) == moment, pattern
        assert form.moment(form.before(written, timedelta(hours=1))) == moment - timedelta(hours=1)


@given(MOMENTS, ZONES, st.sampled_from([None, "iso", "rfc2822", "%d/%m/%Y %H:%M:%S"]))
def test_a_time_that_says_nothing_is_in_the_zone(moment: datetime, zone: str, name: str | None) -> None:
    local = moment.astimezone(ZoneInfo(zone))
    patterns = {None: "%Y-%m-%dT%H:%M:%S", "iso": "%Y-%m-%d %H:%M:%S", "rfc2822": "%a, %d %b %Y %H:%M:%S"}
    form = CursorForm(name, ZoneInfo(zone))
    written = local.strftime(patterns.get(name) or str(name))
    # In the hour from which clocks are set back, the earlier one is meant.
    assert form.moment(written) in (moment, moment - timedelta(hours=1))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rfc2822", "Wed, 07 Jan 2026 10:00:00 CET"),
        ("rfc2822", "Wed, 07 Jan 2026 10:00:00 A"),
        ("%d/%m/%Y %H:%M:%S %Z", "07/01/2026 10:00:00 CET"),
    ],
)
def test_a_name_of_a_zone_that_is_not_known_is_refused(name: str, value: str) -> None:
    with pytest.raises(CursorError, match="does not fit `cursor_format:"):
        CursorForm(name, ZoneInfo("America/New_York")).moment(value)
