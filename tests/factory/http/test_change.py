"""What is kept of an answer, and whether the next one is another."""

from __future__ import annotations

from typing import Any

import pytest

from factory.http.change import condition, is_unchanged, known_of
from factory.http.poll import PollAnswer, PollFacts
from factory.http.state import Window, latest_cursor
from schemas.model.cursor import CursorError
from schemas.model.incremental import ChangeDetection, Incremental, ValueDetection


def answer(body: Any, headers: dict[str, str] | None = None) -> PollAnswer:
    return PollAnswer(
        status=200,
        headers=headers or {},
        body=body,
        rows=None,
        digest="d",
        not_modified=False,
        unkeepable=False,
        facts=PollFacts(),
    )


VERSION = ValueDetection(path="meta.version")


@pytest.mark.parametrize(
    ("detection", "headers", "body", "known"),
    [
        ("etag", {"ETag": 'W/"1"'}, None, {"etag": 'W/"1"'}),
        ("etag", {}, None, {}),
        ("last_modified", {"Last-Modified": "yesterday"}, None, {}),
        (VERSION, {}, {"meta": {"version": 7}}, {"path": "meta.version", "value": 7}),
        (VERSION, {}, {"meta": []}, {"path": "meta.version", "value": None}),
        (VERSION, {}, "text", {"path": "meta.version", "value": None}),
    ],
)
def test_what_is_kept(detection: ChangeDetection, headers: dict[str, str], body: Any, known: dict[str, Any]) -> None:
    assert known_of(detection, answer(body, headers)) == known


def test_a_long_value_is_kept_as_its_hash() -> None:
    known = known_of(VERSION, answer({"meta": {"version": "x" * 1000}}))
    assert len(known["value"]) == 64
    assert known != known_of(VERSION, answer({"meta": {"version": "x" * 999}}))


def test_what_counts_as_unchanged() -> None:
    assert is_unchanged({"hash": "a"}, {"hash": "a"})
    assert not is_unchanged(None, {"hash": "a"})
    assert not is_unchanged({"hash": "a"}, {"hash": "b"})
    # A server without ETag, and another way of looking than before.
    assert not is_unchanged({}, {})
    assert not is_unchanged({"etag": '"1"'}, {"hash": "a"})


def test_a_condition_is_what_the_same_way_of_looking_saw() -> None:
    assert condition("etag", {"etag": '"1"'}) == {"If-None-Match": '"1"'}
    assert condition("etag", {"hash": "a"}) == condition("etag", None) == condition("hash", {"hash": "a"}) == {}


def test_the_latest_cursor_is_found_in_any_order() -> None:
    incremental = Incremental(cursor_path="meta.id", start_param="after")
    assert latest_cursor([{"meta": {"id": n}} for n in (2, 10, 9)], incremental) == 10
    assert latest_cursor([], incremental) is latest_cursor(None, incremental) is None


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"id": 1}, {"key": 2, "v": 3}], "row 1 has no `id`; it has key, v"),
        ([{"id": 1}, {"id": None}], "row 1 at `id`: a cursor is a number or text, not None"),
        ([{"id": 1}, {"id": "2026-01-01"}], "row 1 at `id`: .* neither comes first"),
        ({"data": []}, "takes a list of rows, and the answer is a mapping"),
        ("text", "the answer is text"),
    ],
)
def test_rows_without_order(rows: Any, message: str) -> None:
    with pytest.raises(CursorError, match=message):
        latest_cursor(rows, Incremental(cursor_path="id", start_param="after"))


def test_rows_in_order_end_a_poll_at_the_other_end_of_its_window() -> None:
    newest_first = Incremental(cursor_path="id", start_param="after", row_order="desc")
    assert Window(5).is_behind([{"id": 6}, {"id": 4}], newest_first)
    assert not Window(5).is_behind([{"id": 6}, {"id": 5}], newest_first)
    assert not Window().is_behind([{"id": 6}], newest_first)
    assert not Window(5).is_behind([], newest_first)
    oldest_first = Incremental(cursor_path="id", start_param="after", end_param="until", row_order="asc")
    until = Window(None, "2026-01-02")
    assert until.is_behind([{"id": "2026-01-01"}, {"id": "2026-01-03"}], oldest_first)
    assert not until.is_behind([{"id": "2026-01-01"}], oldest_first)
    assert not until.is_behind([{"id": "2026-01-03"}], Incremental(cursor_path="id", start_param="after"))
