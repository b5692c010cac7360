"""`factory new`: what an answer says becomes a pipeline that lint accepts, with a test that passes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from factory.plan.proposal import proposed
from tests.factory.http.http_server import Server

from .commands import factory

ORDERS = [
    {"id": 7, "total": 3.5, "paid": True, "at": "2026-01-02T06:00:00Z", "day": "2026-01-02", "who": {"name": "Ada"}},
    {"id": 8, "total": 4, "paid": False, "at": "2026-01-02T07:00:00Z", "day": "2026-01-02", "who": None, "note": "x"},
    {"id": 9, "total": 1, "paid": True, "at": "2026-01-02T08:00:00Z", "day": "2026-01-03", "who": None, "note": None},
    {"id": 10, "total": 2, "paid": True, "at": "2026-01-02T09:00:00Z", "day": "2026-01-03", "who": None, "note": None},
]
ODD: dict[str, Any] = {
    "state": {"status": "up", "since": 3},
    "none": {"data": [], "next": None},
    "numbers": [1, 2, 3],
    "offset": {"total": 9, "offset": 0, "limit": 4, "items": ORDERS},
    "mixed": {"items": [*ORDERS, 5]},
    "columns": [
        {"id": 7, "n": 1, "N": 2, "": 1, "a\x07": 1, "b\u2028": 1, "\ud83d": 1, "half": "\ud83d", 'c: #\\"': "x"},
        {"id": 2**63, "n": 2, "password": "hush-one", "api_token": 4711, "by": {"accessToken": ["hush-two"]}},
        {"id": 2**70, "n": 3, "said": "curl -H 'X-Api-Key: hush-three'", "sure": True, "by": None},
    ],
}
ECHO = {
    "url": "https://shop.example/echo?country=KR&api_key=pw%40-1234&accessToken=1&page=1",
    "args": {"country": "KR", "api_key": "pw@-1234", "accessToken": "1"},
    "self": "https%3A%2F%2Fshop.example%2Fecho%3Fapi_key%3Dpw%2540-1234",
    "said": "you are pw@-1234",
    "rows": [{"id": 11, "amount": 1}, {"id": 12, "amount": 21}],
}
"""An API that repeats its URL."""
"""Answers that are no plain list of orders, by their path."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    body = {"data": {"orders": ORDERS}, "page": 2, "total_pages": 5}
    server.answers("/orders", json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    for path, answer in ODD.items():
        server.answers(f"/{path}", json.dumps(answer).encode(), headers={"Content-Type": "application/json"})
    server.answers("/echo", json.dumps(ECHO).encode(), headers={"Content-Type": "application/json"})
    server.answers("/deep", b"[" * 100_000, headers={"Content-Type": "application/json"})
    server.answers("/nan", b'{"rows": [{"a": NaN}]}', headers={"Content-Type": "application/json"})
    server.answers("/gone", b"", status=410)
    server.answers("/page", b"<html>", headers={"Content-Type": "text/html"})
    yield server
    server.close()


@pytest.mark.parametrize(
    ("body", "headers", "params", "pagination"),
    [
        ({"next": "https://a.example/2", "rows": ORDERS}, {}, {}, {"type": "json_link", "next_url_path": "next"}),
        (
            {"@odata.nextLink": "https://a.example/2", "value": ORDERS},
            {},
            {},
            {"type": "json_link", "next_url_path": '"@odata.nextLink"'},
        ),
        (ORDERS, {"link": '<https://a.example/2>; rel="next"'}, {}, {"type": "header_link"}),
        (
            {"meta": {"next_cursor": "abc"}, "rows": ORDERS},
            {},
            {},
            {"type": "cursor", "cursor_path": "meta.next_cursor", "cursor_param": "cursor"},
        ),
        (
            {"nextPageToken": "abc", "items": ORDERS},
            {},
            {},
            {"type": "cursor", "cursor_path": "nextPageToken", "cursor_param": "pageToken"},
        ),
        (
            {"total": 40, "rows": ORDERS},
            {},
            {"limit": "4"},
            {"type": "offset", "limit": 4, "limit_param": "limit", "total_path": "total"},
        ),
        (
            {"total_pages": 3, "page": 0, "rows": ORDERS},
            {},
            {},
            {"type": "page_number", "page_param": "page", "base_page": 0, "total_path": "total_pages"},
        ),
        (
            {"next_cursor": 3, "rows": ORDERS},
            {},
            {},
            {"type": "cursor", "cursor_path": "next_cursor", "cursor_param": "cursor"},
        ),
        (ORDERS, {}, {}, {}),
        ({"count": 4, "rows": ORDERS}, {}, {}, {}),
    ],
)
def test_pages_are_recognized(body: Any, headers: dict[str, str], params: dict[str, str], pagination: Any) -> None:
    assert proposed(body, headers, params).pagination == pagination


def test_columns_and_the_key_are_those_of_the_rows() -> None:
    found = proposed({"result": {"list": ORDERS, "few": ORDERS[:1]}}, {}, {})

    assert (found.selector, found.primary_key) == ("result.list", "id")
    assert found.columns == {
        **{"id": "bigint", "total": "double", "paid": "bool", "at": "timestamp", "day": "date"},
        **{"who": "json", "note": "text"},
    }
    assert len(found.last_page["result"]["list"]) == len(found.rows) == 3


def test_new_pipelines_lint_and_pass_their_tests(tmp_path: Path, server: Server) -> None:
    (tmp_path / "pipelines").mkdir()
    url = server.url("/orders") + "?country=KR&page=2&api_key=hush-hush"
    made = [new(tmp_path, "poll", "shop_orders", "--url", url)]
    made += [new(tmp_path, kind, f"my_{kind}") for kind in ("etl", "sql", "empty", "template")]

    assert [done.returncode for done in made] == [0] * 5, made
    poll = yaml.safe_load((tmp_path / "pipelines/shop_orders.yaml").read_text())
    assert poll["poll"]["params"] == {"country": "KR", "api_key": "{{ var.value.shop_orders_api_key }}"}
    assert poll["poll"]["data_selector"] == "data.orders"
    assert poll["tasks"][0]["with"]["primary_key"] == "id"
    assert not [path for path in tmp_path.rglob("*.*") if path.is_file() and "hush" in path.read_text()]
    linted = factory("lint", cwd=tmp_path)
    assert (linted.returncode, linted.stdout) == (0, ""), linted.stdout
    tested = factory("test", cwd=tmp_path)
    assert "4 passed, 0 failed" in tested.stdout, tested.stdout + tested.stderr


def test_an_answer_that_repeats_its_url_gives_away_no_secret(tmp_path: Path, server: Server) -> None:
    (tmp_path / "pipelines").mkdir()
    done = new(tmp_path, "poll", "echo", "--url", server.url("/echo") + "?country=KR&api_key=pw%40-1234&accessToken=1")

    assert done.returncode == 0, done.stderr
    assert not [p for p in tmp_path.rglob("*.*") if p.is_file() and re.search(r"pw.{0,4}40?-?1234|pw@", p.read_text())]
    kept = json.loads((tmp_path / "pipelines/fixtures/echo.json").read_text())
    assert kept["rows"] == ECHO["rows"]
    assert kept["url"] == "https://shop.example/echo?country=KR&api_key=hidden&accessToken=hidden&page=1"
    assert kept["args"] == {"country": "KR", "api_key": "hidden", "accessToken": "hidden"}


def test_odd_answers_make_what_lint_and_their_tests_accept(tmp_path: Path, server: Server) -> None:
    (tmp_path / "pipelines" / "shop").mkdir(parents=True)
    made = [new(tmp_path, "poll", f"{path}_rows", "--url", server.url(f"/{path}")) for path in ODD]
    made.append(new(tmp_path, "etl", "day", "--pipelines", "pipelines/shop"))

    assert [done.returncode for done in made] == [0] * len(made), made
    assert "rows     none found" in made[0].stdout
    said = dict(zip(ODD, (done.stdout for done in made), strict=False))
    assert "none found (not all of `items` are objects)" in said["mixed"]
    assert "`accessToken`, `api_token`, `password`: not in the fixture" in said["columns"]
    assert all(f"left out {key}" in said["columns"] for key in ('"N"', '""', '"half"', r'"a\u0007"', r'"\ud83d"'))
    columns = yaml.safe_load((tmp_path / "pipelines/columns_rows.yaml").read_text())["tasks"][0]["with"]
    assert (columns["write_disposition"], "primary_key" in columns) == ("append", False)
    assert list(columns["columns"]) == ["n", 'c: #\\"', "by", "said", "sure"]
    kept = (tmp_path / "pipelines/fixtures/columns_rows.json").read_text()
    assert not [word for word in ("hush", "4711") if word in kept]
    assert "in the table" not in (tmp_path / "pipelines/numbers_rows.yaml").read_text()
    assert (tmp_path / "pipelines/shop/day.yaml").is_file()
    linted = factory("lint", cwd=tmp_path)
    assert (linted.returncode, linted.stdout) == (0, ""), linted.stdout
    tested = factory("test", cwd=tmp_path)
    assert f"{len(made)} passed, 0 failed" in tested.stdout, tested.stdout + tested.stderr


def test_nothing_is_overwritten_and_wrong_usage_is_said(tmp_path: Path, server: Server) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/orders.yaml").write_text("# mine\n")
    (tmp_path / "pipelines/shop").mkdir()
    (tmp_path / "pipelines/shop/all.yaml").write_text("dag_id: sales\ntasks: [{id: a, uses: empty}]\n")

    for arguments, said in (
        (("empty", "orders"), "is there already, and is not overwritten"),
        (("empty", "sales"), "pipelines/shop/all.yaml has the DAG id `sales` already"),
        (("empty", "My-Orders"), "write lower-case letters"),
        (("poll", "null", "--url", server.url("/orders")), "is a word of YAML"),
        (("etl", "json"), "Python has a module `json`"),
        (("sql", "order"), "is a word of SQL"),
        (("poll", "a", "--url", "http://[::1"), "--url takes an absolute URL"),
        (("poll", "a", "--url", "http://h:abc/"), "--url takes an absolute URL"),
        (("poll", "a", "--url", "http://127.0.0.1/x y"), "the URL cannot be asked"),
        (("poll", "a", "--url", server.url("/nan")), "the answer is no JSON"),
        (("poll", "a", "--url", server.url("/deep")), "the answer is nested too deeply"),
        (("poll", "a", "--url", "https:///x?api_key=hush-hush"), "not `https:///x?api_key=•••`"),
        (("poll", "a"), "poll needs --url URL"),
        (("poll", "a", "--url", "shop.example"), "--url takes an absolute URL"),
        (("poll", "a", "--url", server.url("/page")), "the answer is no JSON (text/html)"),
        (("poll", "a", "--url", server.url("/gone")), "the URL answers with status 410"),
        (("poll", "a", "--url", "http://127.0.0.1:9/"), "the URL cannot be asked: "),
        (("poll", "a", "--url", "https://ada:hush@shop.example"), "the URL has a password"),
    ):
        done = new(tmp_path, *arguments)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert sorted(path.name for path in (tmp_path / "pipelines").iterdir()) == ["orders.yaml", "shop"]
    assert (tmp_path / "pipelines/orders.yaml").read_text() == "# mine\n"


def new(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return factory("new", *arguments, cwd=folder)


@pytest.mark.parametrize("chosen", ["pipelines", "other/mine"])
def test_a_template_goes_into_a_folder_that_is_yet_to_be_made(tmp_path: Path, chosen: str) -> None:
    done = factory("new", "template", "load", "--pipelines", chosen, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.yaml")] == [
        f"{chosen}/_templates/load.yaml"
    ]
