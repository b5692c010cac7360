"""Did you mean …?: typos that people make, words that are no typo of anything."""

from __future__ import annotations

import pytest

from schemas.findings.suggestions import meant, nearest, unmistakable
from schemas.model.http import Poll
from schemas.model.pipeline import Pipeline
from schemas.model.settings import SETTING_KEYS

TOP = tuple(Pipeline.model_fields)
POLL = tuple(Poll.model_fields)


@pytest.mark.parametrize(
    ("written", "allowed", "word"),
    [
        ("schedul", TOP, "schedule"),
        ("schedule_interval", TOP, "schedule"),
        ("Schedule", TOP, "schedule"),
        ("start-date", TOP, "start_date"),
        ("startDate", TOP, "start_date"),
        ("catchupp", TOP, "catchup"),
        ("taks", TOP, "tasks"),
        ("task", TOP, "tasks"),
        ("tag", TOP, "tags"),
        ("retrys", SETTING_KEYS, "retries"),
        ("retry", SETTING_KEYS, "retries"),
        ("timeout", SETTING_KEYS, "execution_timeout"),
        ("metod", POLL, "method"),
        ("URL", POLL, "url"),
        ("header", POLL, "headers"),
        ("param", POLL, "params"),
        ("get", ("GET", "POST"), "GET"),
        ("x", TOP, None),
        ("", TOP, None),
        ("colour", TOP, None),
        ("anything", (), None),
    ],
)
def test_nearest(written: str, allowed: tuple[str, ...], word: str | None) -> None:
    assert nearest(written, allowed) == word


def test_a_word_is_its_own_nearest() -> None:
    assert all(nearest(word, TOP) == word for word in TOP)


def test_the_order_of_the_words_does_not_matter() -> None:
    assert nearest("max_active", TOP) == nearest("max_active", reversed(TOP))


def test_the_text_behind_the_caret() -> None:
    assert meant("metod", POLL) == "did you mean `method`?"
    assert meant("colour", POLL) == ""


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("metod", "method"),
        ("get", "GET"),
        ("max-retries", "max_retries"),
        ("pst", None),
        ("mehtod", "method"),
        ("xy", None),
        ("POST 📦", None),
        ("schedule_interval", "schedule"),
        ("cron", None),
        ("m" * 1000, None),
    ],
)
def test_what_can_mean_one_word_only(written: str, word: str | None) -> None:
    assert unmistakable(written, ["method", "GET", "PUT", "POST", "max_retries", "id", "schedule"]) == word
