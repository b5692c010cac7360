"""Requests that are sent again, and particular answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from requests.structures import CaseInsensitiveDict

from factory.http.errors import HttpError
from factory.http.retries import STANDARD, asked_wait, delay
from schemas.model.http import RequestRetries

from .http_server import Server, answer

Runner = Callable[..., Any]
QUICK = {"attempts": 3, "initial_delay": 0.01, "max_delay": 5, "status": [429, "5xx"]}


def failing(server: Server, times: int, fail: Callable[[BaseHTTPRequestHandler], None]) -> None:
    def route(handler: BaseHTTPRequestHandler) -> None:
        if len(server.received) <= times:
            fail(handler)
        else:
            handler.send_response(200)
            handler.send_header("Content-Length", "4")
            handler.end_headers()
            handler.wfile.write(b"here")

    server.routes["/"] = route


def status(code: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def fail(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in {"Content-Length": "0", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return fail


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "50")
    handler.end_headers()
    handler.wfile.write(b"x")


@pytest.mark.parametrize("fail", [status(503), status(429), lambda _: None, cut_off])
def test_statuses_and_broken_connections_are_tried_again(
    server: Server, run: Runner, pushed: dict[str, Any], fail: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    failing(server, 2, fail)
    assert run(server.url("/"), request_retries=QUICK) == "here"
    assert len(server.received) == 3
    assert pushed["http"]["retries"] == 2


@pytest.mark.parametrize(
    ("fail", "arguments"),
    [
        (status(503), {}),
        (status(404), {"request_retries": QUICK}),
        (status(503), {"request_retries": QUICK, "method": "POST"}),
        (cut_off, {"request_retries": {**QUICK, "connection_errors": False}}),
        (status(503), {"request_retries": QUICK, "response_actions": [{"status_code": 503, "action": "fail"}]}),
    ],
)
def test_what_is_not_tried_again(
    server: Server, run: Runner, fail: Callable[[BaseHTTPRequestHandler], None], arguments: dict[str, Any]
) -> None:
    failing(server, 9, fail)
    with pytest.raises(HttpError):
        run(server.url("/"), **arguments)
    assert len(server.received) == 1


def test_a_post_is_tried_again_when_it_is_said(server: Server, run: Runner) -> None:
    failing(server, 1, status(503))
    assert run(server.url("/"), method="POST", request_retries={**QUICK, "non_idempotent": True}) == "here"


def test_the_last_failure_is_the_error(server: Server, run: Runner) -> None:
    failing(server, 9, status(503))
    with pytest.raises(HttpError, match="it answered 503 Service Unavailable, expected 2xx"):
        run(server.url("/"), request_retries=QUICK)
    assert len(server.received) == 3


def test_retry_after_is_waited_for(server: Server, run: Runner) -> None:
    failing(server, 1, status(429, Retry_After="1"))
    started = time.monotonic()
    assert run(server.url("/"), request_retries=QUICK) == "here"
    assert time.monotonic() - started > 0.95


def test_a_wait_that_is_too_long_fails_at_once(server: Server, run: Runner) -> None:
    failing(server, 1, status(429, Retry_After="3600"))
    with pytest.raises(HttpError, match="the server asks to wait 3600 s, longer than `max_delay`"):
        run(server.url("/"), request_retries=QUICK)


def test_delays_double_and_a_zero_is_no_hot_loop() -> None:
    retries = RequestRetries(attempts=9, initial_delay=timedelta(seconds=1), max_delay=timedelta(seconds=8))
    for attempt, longest in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (1000, 8)):
        for asked in (None, 0.0):
            seconds = delay(retries, attempt, asked)
            assert seconds is not None
            assert longest / 2 <= seconds <= longest
    assert delay(retries, 1, 5.0) == 5.0
    assert delay(retries, 1, 9.0) is None


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("0", 0, 0), ("120", 120, 120), (" 7 ", 7, 7), ("3.5", 3.5, 3.5), ("in-30", 28, 30), ("in--30", 0, 0)],
)
def test_retry_after_in_both_forms(text: str, low: float, high: float) -> None:
    if text.startswith("in-"):
        text = format_datetime(datetime.now(UTC) + timedelta(seconds=int(text[3:])), usegmt=True)
    seconds = asked_wait(503, {"Retry-After": text})
    assert seconds is not None
    assert low <= seconds <= high


@pytest.mark.parametrize("text", ["", "soon", "-1", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_that_says_nothing(text: str) -> None:
    assert asked_wait(503, {"Retry-After": text}) is None


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"X-RateLimit-Reset": "40"}, 40),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "{now+40}"}, 40),
        (429, {"x-ratelimit-reset": "{now+40}000"}, 40),
        (429, {"X-RateLimit-Reset-After": "1.25"}, 1.25),
        (429, {"RateLimit": '"default";r=0;t=7'}, 7),
        (429, {"RateLimit": '"burst";r=9;t=1, "day";r=0;t=40'}, 40),
        (429, {"RateLimit": "limit=100, remaining=0, reset=50"}, 50),
        (429, {"retry-after-ms": "1500"}, 1.5),
        (429, {"Retry-After": "5, 5"}, 5),
        (429, {"Retry-After": "0, 3"}, 3),
        (429, {"Retry-After": "30s"}, 30),
        (429, {"X-RateLimit-Remaining-Requests": "0", "X-RateLimit-Reset-Requests": "1m0.5s"}, 60.5),
        (429, {"X-RateLimit-Reset": "{iso+40}"}, 40),
        (403, {"Retry-After": "40", "X-RateLimit-Remaining": "14", "X-RateLimit-Reset": "9"}, 40),
        (429, {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "40"}, None),
        (503, {"X-RateLimit-Reset": "40"}, None),
    ],
)
def test_what_a_server_says_of_its_quota(status: int, headers: dict[str, str], seconds: float | None) -> None:
    now = int(time.time())
    iso = datetime.fromtimestamp(now + 40, UTC).isoformat()
    said = CaseInsensitiveDict(
        {name: text.replace("{now+40}", str(now + 40)).replace("{iso+40}", iso) for name, text in headers.items()}
    )
    found = asked_wait(status, said)
    assert (found is None) == (seconds is None)
    assert seconds is None or abs((found or 0) - seconds) < 2


def test_the_servers_own_clock_counts() -> None:
    said = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "Retry-After": "Thu, 01 Jan 2026 00:00:20 GMT"}
    assert asked_wait(503, said) == 20


def test_one_429_fails_no_poll_whatever_is_written(server: Server, run: Runner) -> None:
    failing(server, 1, status(429, Retry_After="0.1"))
    assert run(server.url("/"), request_retries=None) == "here"
    server.received.clear()
    failing(server, 1, status(429, Retry_After="0.1"))
    assert run(server.url("/"), request_retries=None, method="POST") == "here"


def test_without_a_word_of_retries_a_post_is_sent_once(server: Server, run: Runner) -> None:
    failing(server, 1, status(503))
    with pytest.raises(HttpError, match="it answered 503"):
        run(server.url("/"), request_retries=None, method="POST")
    server.received.clear()
    failing(server, 1, status(500))
    with pytest.raises(HttpError, match="it answered 500"):
        run(server.url("/"), request_retries=None)


def test_a_403_with_no_requests_left_is_asked_again(server: Server, run: Runner) -> None:
    failing(server, 1, status(403, X_RateLimit_Remaining="0", X_RateLimit_Reset="0.1"))
    assert run(server.url("/"), request_retries=QUICK) == "here"
    server.received.clear()
    failing(server, 1, status(403, X_RateLimit_Remaining="14", Retry_After="0.1"))
    assert run(server.url("/"), request_retries=QUICK, method="POST") == "here"


def test_a_403_that_asks_for_no_wait_is_a_refusal(server: Server, run: Runner) -> None:
    failing(server, 1, status(403, X_RateLimit_Remaining="14", X_RateLimit_Reset="0.1"))
    with pytest.raises(HttpError, match="it answered 403"):
        run(server.url("/"), request_retries=QUICK)


def test_the_next_request_waits_where_none_are_left(server: Server, run: Runner) -> None:
    def route(handler: BaseHTTPRequestHandler) -> None:
        first = len(server.received) == 1
        quota = {"X-Left": "0", "X-Again": "1"} if first else {}
        answer(handler, {"rows": [len(server.received)], "next": "/?2" if first else None}, **quota)

    server.routes["/"] = route
    started = time.monotonic()
    limit = {"remaining_header": "X-Left", "reset_header": "X-Again"}
    assert run(server.url("/"), data_selector="rows", pagination={"type": "json_link"}, rate_limit=limit) == [1, 2]
    assert time.monotonic() - started > 0.9


def test_actions_by_condition_and_by_header(server: Server, run: Runner) -> None:
    def route(handler: BaseHTTPRequestHandler) -> None:
        number = len(server.received)
        state = {1: "queued", 2: "running"}.get(number, "done")
        answer(handler, {"status": state, "n": number}, **({"X-State": "wait"} if number == 1 else {}))

    server.routes["/"] = route
    again = [
        {"headers": {"X-State": "wait"}, "action": "retry"},
        {"condition": "status == 'running'", "action": "retry"},
    ]
    assert run(server.url("/"), response_actions=again, request_retries=QUICK)["n"] == 3
    with pytest.raises(AirflowSkipException, match=r"has `skip` for the condition \"status == 'done'\""):
        run(server.url("/"), response_actions=[{"condition": "status == 'done'", "action": "skip"}])


def test_actions_by_status_and_by_body(server: Server, run: Runner) -> None:
    server.answers("/gone", b"no such order", status=404)
    server.answers("/later", b"come later", status=200)
    assert run(server.url("/gone"), response_actions=[{"status_code": 404, "action": "ignore"}]) is None
    gone = [{"status_code": "4xx", "content": "such", "action": "ignore"}]
    assert run(server.url("/gone"), response_actions=gone, data_selector="rows") == []
    with pytest.raises(AirflowSkipException, match=r"/gone: it answered 404 .* has `skip` for status 404"):
        run(server.url("/gone"), response_actions=[{"status_code": [404], "action": "skip"}])
    with pytest.raises(HttpError, match="has `fail` for the text 'come later'; it sent: come"):
        run(server.url("/later"), response_actions=[{"content": "come later", "action": "fail"}])
    other = [{"status_code": 404, "content": "else", "action": "ignore"}]
    with pytest.raises(HttpError, match="expected 2xx"):
        run(server.url("/gone"), response_actions=other)


def test_an_action_asks_again(server: Server, run: Runner) -> None:
    def pending(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"pending")

    failing(server, 2, pending)
    again = [{"content": "pending", "action": "retry"}]
    assert run(server.url("/"), response_actions=again, request_retries=QUICK) == "here"


def test_what_an_action_did_is_said(server: Server, run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    failing(server, 1, status(503))
    rules = [{"status_code": [503, "4xx"], "action": "retry"}, {"content": "here" + "!" * 50, "action": "skip"}]
    run(server.url("/"), response_actions=rules, request_retries={**QUICK, "status": [500]})
    said = capsys.readouterr().out
    assert "it answered 503 Service Unavailable, for which `response_actions` has `retry` for status 503 or 4xx" in said
    server.answers("/gone", b"no such order", status=404)
    run(server.url("/gone"), response_actions=[{"status_code": 404, "content": "such", "action": "ignore"}])
    said = capsys.readouterr().out
    assert "404 Not Found, for which `response_actions` has `ignore` for status 404 and the text 'such'" in said


def test_each_attempt_takes_a_slot_of_the_rate_limit(
    server: Server, run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pauses: list[float] = []
    monkeypatch.setattr("factory.http.retries.time.sleep", pauses.append)
    server.answers("/", status=503)
    with pytest.raises(HttpError):
        run(
            server.url("/"),
            request_retries={"attempts": 3, "status": [503]},
            rate_limit={"requests": 1, "per": timedelta(hours=1)},
        )
    assert [round(pause / 3600) for pause in pauses if pause > 60] == [1, 2]


def test_without_request_retries_a_wait_of_minutes_is_waited_for() -> None:
    assert delay(STANDARD, 1, 90.0) == 90.0
    assert delay(STANDARD, 1, 301.0) is None
