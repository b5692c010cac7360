"""What an answer must be, and what is said where it is something else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from factory.http.answers import ways_to
from factory.http.errors import HttpError
from factory.http.failures import signs_of_part
from factory.http.signs import more_in_rows

from .http_server import Server

Runner = Callable[..., Any]
SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        ({"content_type": "application/json"}, None),
        ({"content_type": ["text/csv", "Application/JSON"]}, None),
        ({"content_type": ["text/csv"]}, 'its content type is application/json, expected text/csv; it sent: {"id"'),
        ({"condition": "status == 'ok'"}, "the condition `status == 'ok'` does not hold; it sent: "),
        ({"condition": "id"}, None),
        ({"condition": "length(id)"}, "`condition` cannot be asked of the answer"),
        ({"json_schema": SCHEMA}, None),
        ({"json_schema": {**SCHEMA, "required": ["id", "name"]}}, r"at \$: 'name' is a required property; it sent: "),
        ({"json_schema": {"properties": {"id": {"type": "string"}}}}, r"at \$.id: 7 is not of type 'string'"),
        (
            {"json_schema": {"$ref": "http://127.0.0.1:9/schema"}},
            "it refers to http://127.0.0.1:9/schema, which is not",
        ),
    ],
)
def test_expectations(server: Server, run: Runner, expect: dict[str, Any], reason: str | None) -> None:
    server.answers("/", b'{"id": 7, "zero": 0}', headers={"Content-Type": "application/json; charset=utf-8"})
    if reason is None:
        assert run(server.url("/"), expect=expect) == {"id": 7, "zero": 0}
    else:
        with pytest.raises(HttpError, match=reason):
            run(server.url("/"), expect=expect)


def test_where_there_is_no_body_there_is_no_type_to_expect(server: Server, run: Runner) -> None:
    server.answers("/", status=204)
    assert run(server.url("/"), expect={"content_type": "application/json"}) is None


def test_what_came_is_shortened_and_without_secrets(server: Server, run: Runner) -> None:
    server.answers("/", b'{"id": "sesame' + b"x" * 5000 + b'"}', headers={"Content-Type": "application/json"})
    with pytest.raises(HttpError) as caught:
        run(server.url("/"), headers={"X-Api-Key": "sesame"}, expect={"json_schema": SCHEMA})
    text = str(caught.value)
    assert "sesame" not in text
    assert "***xxx" in text
    assert len(text) < 800
    assert "\n" not in text


def test_every_page_is_held_against_it(server: Server, run: Runner) -> None:
    def route(handler: Any) -> None:
        body = b'{"rows": [1], "ok": true}' if "page=1" in handler.path else b'{"rows": [2], "ok": false}'
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        handler.wfile.write(body)

    server.routes["/"] = route
    with pytest.raises(HttpError, match=r"/\?….*the condition `ok` does not hold"):
        run(server.url("/"), expect={"condition": "ok"}, data_selector="rows", pagination={"type": "page_number"})
    assert len(server.received) == 2


@pytest.mark.parametrize("selector", ["data[].attributes", "data[].lines.data[]"])
def test_what_rows_say_is_asked_of_all_at_once(selector: str) -> None:
    calls = []
    for number in (10, 10, 1000):  # the first fills caches
        row = {"id": 1, "status": "paid", "attributes": {"a": 1}, "lines": {"data": [{"k": 1}], "has_more": False}}
        value, found = {"data": [row] * number}, 0

        def count(_: Any, event: str, __: Any) -> None:
            nonlocal found
            found += event == "call"

        sys.setprofile(count)
        try:
            said = [*signs_of_part(value, ways_to(selector)), *more_in_rows(value, ways_to(selector))]
        finally:
            sys.setprofile(None)
        assert said == []
        calls.append(found)
    assert calls[2] - calls[1] <= 990 * 2  # steps of generators are counted, too
