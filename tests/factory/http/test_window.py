"""What a run asks for, and how far its rows take it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from factory.http.progress import RowProgress
from factory.http.window import Forms, Window
from schemas.model.cursor import Cursor, CursorError
from schemas.model.polling import Incremental

NOW = datetime(2026, 1, 10, tzinfo=UTC)


def progress(window: Window | None = None, log: list[str] | None = None, **keys: Any) -> RowProgress:
    incremental = Incremental.model_validate({"cursor_path": "id", "start_param": "after", **keys})
    said = log if log is not None else []
    return RowProgress(incremental, Forms(incremental, "UTC"), window or Window(None, NOW), said.append)


def rows(*cursors: Any) -> list[dict[str, Any]]:
    return [{"id": cursor} for cursor in cursors]


@pytest.mark.parametrize(
    ("cursors", "latest", "keys"),
    [
        ((2, 10, 9), 10, {}),
        ((), None, {}),
        (("Wed, 07 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:00 GMT"), "Wed, 07 Jan 2026 00:00:00 GMT", {}),
        (("31/12/2025", "02/01/2026"), "02/01/2026", {"cursor_format": "%d/%m/%Y"}),
        (("9.5", "10.5"), "10.5", {}),
    ],
)
def test_the_latest_cursor_is_found_in_any_order(cursors: tuple[Any, ...], latest: Cursor, keys: Any) -> None:
    following = progress(**keys)
    assert following.take(rows(*cursors)) == rows(*cursors)
    assert following.watermark() == latest


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"id": 1}, {"key": 2, "v": 3}], "row 1 has no `id`; it has key, v"),
        ([{"id": 1}, {"id": None}], "row 1 at `id`: a cursor is a number or text, not None"),
        ([{"id": 1}, {"id": "2026-01-01"}], "row 1 at `id`: .* neither comes first"),
        ([{"id": "01/02/2026"}], "row 0 at `id`: .* can be read in several ways; `cursor_format` says how"),
    ],
)
def test_rows_without_order(given: Any, message: str) -> None:
    with pytest.raises(CursorError, match=message):
        progress().take(given)


def test_a_step_is_not_over_as_long_as_clocks_may_differ() -> None:
    now = datetime.now(UTC)
    incremental = Incremental.model_validate({"cursor_path": "id", "start_param": "after", "step": "1h"})
    for ago, is_step in ((timedelta(hours=3), True), (timedelta(minutes=61), False)):
        window = Window.after(incremental, Forms(incremental, "UTC"), (now - ago).isoformat(timespec="seconds"))
        assert window.is_step is is_step


def test_a_time_that_comes_twice_is_asked_for_from_its_first_time() -> None:
    incremental = Incremental.model_validate({"cursor_path": "id", "start_param": "after", "row_order": "asc"})
    forms = Forms(incremental, "Europe/Berlin")
    window = Window.after(incremental, forms, "2025-10-26T02:50:00")
    assert window.start == "2025-10-26T01:50:00"
    assert Window.after(incremental, forms, "2025-10-26T02:50:00+02:00").start == "2025-10-26T02:50:00+02:00"
    following = RowProgress(incremental, forms, window, print)
    following.take(rows("2025-10-26T02:50:00", "2025-10-26T02:10:00", "2025-10-26T03:05:00"))
    assert following.watermark() == "2025-10-26T03:05:00"


def test_rows_in_order_end_a_poll_at_the_other_end_of_its_window() -> None:
    newest_first = progress(Window(5, NOW), row_order="desc")
    newest_first.take(rows(6, 5))
    assert not newest_first.is_over()
    newest_first.take(rows(4))
    assert newest_first.is_over()
    oldest_first = progress(end_param="until", row_order="asc")
    oldest_first.take(rows("2026-01-01"))
    assert not oldest_first.is_over()
    oldest_first.take(rows("2026-01-11"))
    assert oldest_first.is_over()
    unordered = progress()
    unordered.take(rows("2026-01-11"))
    assert not unordered.is_over()


@pytest.mark.parametrize(("order", "cursors"), [("desc", (6, 4, 5)), ("asc", (4, 6, 5))])
def test_rows_in_another_order_than_was_said_fail(order: str, cursors: tuple[int, ...]) -> None:
    following = progress(row_order=order)
    following.take(rows(*cursors[:2]))
    with pytest.raises(CursorError, match=f"row 2 at `id`: 5 is not in the order that `row_order: {order}` says"):
        following.take(rows(cursors[2]))


def test_a_date_in_the_future_moves_no_watermark_and_is_said() -> None:
    said: list[str] = []
    following = progress(log=said)
    assert len(following.take(rows("2026-01-09", "2199-01-01", "2026-01-08"))) == 3
    assert following.watermark() == "2026-01-09"
    assert said == ["1 rows have a cursor after the moment of asking; the watermark does not move there"]


@pytest.mark.parametrize("cursor", ["2099-01-01 00:00:00 UTC", "20990101T000000Z", "/Date(4102444800000)/"])
def test_a_date_in_the_future_is_one_in_any_form(cursor: str) -> None:
    following = progress()
    following.take(rows(cursor))
    assert following.watermark() is None


@pytest.mark.parametrize(
    ("cursor", "name"),
    [
        (4102444800, "epoch"),
        ("4102444800.5", "epoch"),
        (4102444800000, "epoch_ms"),
        (20991231, "%Y%m%d"),
        ("20991231235959", "%Y%m%d%H%M%S"),
        (209910, "%Y%m"),
        (209910011200, "%Y%m%d%H%M"),
        ("20991001120000123", "%Y%m%d%H%M%S%f"),
    ],
)
def test_a_number_that_may_be_a_date_in_the_future_needs_a_format(cursor: Cursor, name: str) -> None:
    with pytest.raises(CursorError, match=rf"a moment in the future .* or a number; .* `{name}` or `number`"):
        progress(cursor_path="created").take([{"created": cursor}])
    for keys, watermark in (({"cursor_format": name}, None), ({"cursor_format": "number"}, cursor)):
        following = progress(cursor_path="created", **keys)
        following.take([{"created": cursor}])
        assert following.watermark() == watermark
    of_ids = progress()
    of_ids.take(rows(cursor))
    assert of_ids.watermark() == cursor


@pytest.mark.parametrize("cursor", [4102444800_000_000, "4102444800123456789"])
def test_a_number_that_may_be_microseconds_of_the_future_needs_a_format(cursor: Cursor) -> None:
    with pytest.raises(CursorError, match=r"a moment in the future \(2100-01-01\) or a number; .* which: `number`"):
        progress(cursor_path="created").take([{"created": cursor}])


@pytest.mark.parametrize("cursor", [202501011200, 202412, 199012, 712345, 1712010510, 1712010510_123456])
def test_a_number_of_the_past_moves_the_watermark(cursor: Cursor) -> None:
    following = progress(cursor_path="created")
    following.take([{"created": cursor}])
    assert following.watermark() == cursor


def test_a_number_that_may_be_now_by_another_clock_moves_no_watermark() -> None:
    following = progress(cursor_path="ts")
    second = int(NOW.timestamp())
    following.take([{"ts": second - 1}, {"ts": second + 5}])
    assert following.watermark() == second - 1


def test_rows_are_filtered_here_where_the_api_cannot() -> None:
    said: list[str] = []
    following = progress(Window(5, NOW), log=said, filter="client")
    assert following.take(rows(4, 5, 6)) == rows(5, 6)
    assert following.watermark() == 6
    assert said == ["1 rows were there before and are left out (`filter: client`)"]


@pytest.mark.parametrize(("what", "kept"), [("keep", 2), ("skip", 1)])
def test_a_row_without_a_cursor_is_kept_or_left_out(what: str, kept: int) -> None:
    following = progress(on_missing_cursor=what)
    assert len(following.take([{"id": 3}, {"no": 1}])) == kept
    assert following.watermark() == 3


def test_steps_of_a_long_back_fill() -> None:
    keys = {"cursor_path": "at", "initial_value": "2026-01-01T00:00:00Z", "end_param": "until", "step": "7d"}
    incremental = Incremental.model_validate({**keys, "start_param": "since"})
    forms = Forms(incremental, "UTC")
    window = Window.after(incremental, forms, None)
    assert (window.start, window.until, window.is_step) == (
        "2026-01-01T00:00:00Z",
        datetime(2026, 1, 8, tzinfo=UTC),
        True,
    )
    assert Window.stored(window.record()) == window
    following = RowProgress(incremental, forms, window, lambda _: None)
    # Also a step without rows goes on, to just before its end: an API may leave out the end and the next start.
    assert following.watermark() == "2026-01-07T23:59:59Z"
    following.take([{"at": "2026-01-08T00:00:00Z"}])
    assert following.watermark() == "2026-01-08T00:00:00Z"
    assert Window.after(incremental, forms, "2026-01-08T00:00:00Z").until == datetime(2026, 1, 15, tzinfo=UTC)
    now = datetime.now(UTC)
    assert not Window.after(incremental, forms, (now - timedelta(days=1)).isoformat()).is_step


def test_a_step_that_is_finer_than_its_cursor_goes_on() -> None:
    keys = {"cursor_path": "day", "start_param": "since", "end_param": "until", "step": "7h"}
    incremental = Incremental.model_validate(keys)
    forms, watermark = Forms(incremental, "UTC"), "2026-01-01"
    said: list[str] = []
    for day in ("2026-01-02", "2026-01-03"):
        window = Window.after(incremental, forms, watermark)
        following = RowProgress(incremental, forms, window, said.append)
        following.take([{"day": "2026-01-05"}])
        watermark = str(following.watermark())
        assert watermark == day
    assert said[0].startswith("1 rows have a cursor after the end of the step (2026-01-03T08:00:00+00:00)")


def test_a_window_is_written_as_the_request_takes_it() -> None:
    incremental = Incremental(cursor_path="at", start_param="since", param_format="epoch")
    forms = Forms(incremental, "UTC")
    assert forms.asked("2026-01-01T00:00:00Z") == 1767225600
    assert forms.asked_moment(NOW, None) == 1768003200
    plain = Forms(Incremental(cursor_path="at", start_param="since"), "Asia/Tokyo")
    assert plain.asked_moment(NOW, "2026-01-01T00:00:00") == "2026-01-10T09:00:00"


@pytest.mark.parametrize(
    ("path", "pages", "latest", "keys"),
    [
        ("version", ((1, 5), (3, 7)), 5, {}),
        ("version", ((1, 5), (6, 7)), 5, {}),
        ("version", ((1, 5), (6, 7)), 7, {"row_order": "asc"}),
        ("version", ((9, 7), (5, 3)), 9, {}),
        ("id", ((1, 5), (6, 7)), 7, {}),
        ("id", ((1, 5), (3, 7)), 5, {}),
        ("version", ((), (6, 7)), None, {}),
        ("code", (("a1", "c3"), ("b2", "d4")), "c3", {}),
        ("at", (("2026-01-01", "2026-01-05"), ("2026-01-03", "2026-01-07")), "2026-01-05", {}),
        ("at", (("2026-01-01", "2026-01-05"), ("2026-01-06", "2026-01-07")), "2026-01-07", {"row_order": "asc"}),
        ("at", (("2026-01-01", "2026-01-07"), ("2026-01-02", "2026-01-05")), "2026-01-07", {}),
    ],
)
def test_no_row_that_changed_on_a_page_that_was_read_is_passed(
    path: str, pages: tuple[tuple[Cursor, ...], ...], latest: Cursor | None, keys: Any
) -> None:
    """The server's clock says 2026-01-06 as the first page comes, which was asked for five minutes before."""
    said: list[str] = []
    following = progress(log=said, cursor_path=path, **keys)
    for number, cursors in enumerate(pages):
        following.take([{path: cursor} for cursor in cursors])
        if number == 0:
            following.began(datetime(2026, 1, 6, 0, 4, tzinfo=UTC), 300)
    assert following.watermark() == latest
    highest = max((cursor for page in pages for cursor in page), key=str)
    assert bool(said) is (latest != highest)
