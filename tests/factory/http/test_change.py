"""What is kept of an answer, and whether the next one is another."""

from __future__ import annotations

from typing import Any

import pytest

from factory.http.errors import HttpError
from factory.http.facts import PollAnswer, PollFacts
from factory.http.state import condition, is_unchanged, known_of
from schemas.model.polling import ChangeDetection, ValueDetection


def answer(body: Any, headers: dict[str, str] | None = None) -> PollAnswer:
    return PollAnswer(
        status=200,
        headers=headers or {},
        body=body,
        last=body,
        rows=None,
        digest="d",
        not_modified=False,
        unkeepable=False,
        pending=False,
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
        (VERSION, {}, {"meta": {"version": 0}}, {"path": "meta.version", "value": 0}),
        (VERSION, {}, {"meta": {"version": None}}, {}),
    ],
)
def test_what_is_kept(detection: ChangeDetection, headers: dict[str, str], body: Any, known: dict[str, Any]) -> None:
    assert known_of(detection, answer(body, headers)) == known


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"meta": {"ver": 1}}, "`meta` has no `version`; it has ver"),
        ({"meta": []}, "`meta` is a list, which has no `version`"),
        ("text", "the answer is text, which has no `meta`"),
    ],
)
def test_a_value_that_is_not_there_is_no_value(body: Any, reason: str) -> None:
    with pytest.raises(HttpError, match=f"of `change_detection` \\(meta.version\\) finds nothing: {reason}"):
        known_of(VERSION, answer(body))


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
