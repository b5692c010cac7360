"""Which servers get credentials, where a value of the run says which is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory.http.errors import HttpError
from schemas.compose.servers import is_named_later, named_servers
from tests.factory.build.built_dags import built

from .conftest import Connect, operator
from .http_server import Server

Runner = Callable[..., Any]
SECRET = {"password": "sesame"}
TOKEN = {"type": "bearer", "conn_id": "tok"}


@pytest.fixture
def secrets(connect: Connect, server: Server) -> None:
    connect("tok", **SECRET)
    connect("home", **SECRET, host=f"http://127.0.0.1:{server.port}")
    connect("nobody", login="me", **SECRET)


@pytest.mark.parametrize(
    ("url", "later"),
    [
        ("https://api.example/orders", False),
        ("https://api.example/${each.id}", False),
        ("https://api.example/?next=https://${each.host}/", False),
        ("https://api.example/{{ params.path }}", False),
        ("{{ var.value.api }}/orders", False),
        ("{{ conn.shop.host }}/{{ params.path }}", False),
        ("${env.API}/orders", False),
        ("${vars.api}/orders", False),
        ("v1/${each.id}", False),
        ("/${each.id}", False),
        ("${each.link}", True),
        ("${tasks.list.output.next}", True),
        ("${expand.url}", True),
        ("${cursor.start}", True),
        ("https://${each.host}/orders", True),
        ("https://api.example${each.path}", True),
        ("https://{{ params.host }}/orders", True),
        ("{{ ti.xcom_pull('list')['next'] }}", True),
        ("{{ var.value.get(params.name) }}", True),
        ("{% if params.test %}https://a.example/{% endif %}", True),
    ],
)
def test_whether_a_value_of_the_run_names_the_server(url: str, later: bool) -> None:
    assert is_named_later(url) is later


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("carried", "named"),
    [
        ({"auth": TOKEN}, "`auth`"),
        ({"headers": {"X-Key": "sesame"}}, "the header `X-Key`"),
        ({"headers": {"Cookie": "sid=sesame"}}, "the header `Cookie`"),
        ({"auth": {"type": "api_key", "conn_id": "tok", "location": "query"}}, "`auth`"),
        ({"query": {"api_key": "sesame"}}, "`params.api_key`"),
        ({"method": "POST", "json_body": {"login": {"password": "sesame"}}}, "`json.login.password`"),
        ({"method": "POST", "data": {"client_secret": "sesame"}}, "`data.client_secret`"),
    ],
)
@pytest.mark.parametrize("url", ["${each.link}", "http://${each.host}:{port}/steal"])
def test_a_row_gets_no_credentials_to_its_server(
    run: Runner, server: Server, url: str, carried: dict[str, Any], named: str
) -> None:
    server.answers("/steal", b"[]")
    row = {"link": server.url("/steal"), "host": server.host}
    with pytest.raises(HttpError, match="not sent the credentials of the request") as told:
        run(url.replace("{port}", str(server.port)), each={"rows": [row]}, each_rows=[row], **carried)
    assert server.received == []
    assert f"({named})" in str(told.value)
    assert "sesame" not in str(told.value)


@pytest.mark.usefixtures("secrets")
def test_a_row_without_credentials_names_any_server(run: Runner, server: Server) -> None:
    server.answers("/public", b"[1]")
    row = {"link": server.url("/public")}
    harmless = {"Accept": "application/json", "User-Agent": "us"}
    asked = run("${each.link}", each={"rows": [row]}, each_rows=[row], data_selector="@", headers=harmless)
    assert asked == [1]


@pytest.mark.usefixtures("secrets")
def test_the_host_of_the_connection_gets_its_own(run: Runner, server: Server, other_server: Server) -> None:
    for one in (server, other_server):
        one.answers("/items", b"[1]")
    rows = [{"link": server.url("/items")}, {"link": other_server.url("/items")}]
    with pytest.raises(HttpError, match=f":{other_server.port}/items: .*the host of the connection `home`"):
        run(
            "${each.link}",
            each={"rows": rows},
            each_rows=rows,
            data_selector="@",
            auth={"type": "bearer", "conn_id": "home"},
        )
    assert [one.headers["Authorization"] for one in server.received] == ["Bearer sesame"]
    assert other_server.received == []


@pytest.mark.usefixtures("secrets")
def test_an_endpoint_of_a_connection_without_a_host(server: Server) -> None:
    server.answers("/items", b"[1]")
    row = {"host": f"127.0.0.1:{server.port}"}
    with pytest.raises(HttpError, match="it is not sent the credentials of the request"):
        operator(conn_id="nobody", endpoint="http://${each.host}/items", each={"rows": [row]}, each_rows=[row]).execute(
            {}
        )
    assert server.received == []


@pytest.mark.usefixtures("secrets")
def test_cookies_go_to_no_other_port_between_rows(run: Runner, server: Server, other_server: Server) -> None:
    for one in (server, other_server):
        one.answers("/items", b"[1]", headers={"Set-Cookie": "sid=abc; Path=/"})
    rows = [{"link": one.url("/items")} for one in (server, server, other_server)]
    assert run("${each.link}", each={"rows": rows}, each_rows=rows, data_selector="@") == [1, 1, 1]
    assert [one.headers.get("Cookie") for one in server.received] == [None, "sid=abc"]
    assert [one.headers.get("Cookie") for one in other_server.received] == [None]


PIPELINE = """
schedule: "@daily"
params: {region: https://eu.example}
poll:
  url: https://api.example/orders
  auth: {type: bearer, conn_id: tok}
tasks:
  - {id: other, uses: http, with: {url: "https://other.example/", auth: {type: bearer, conn_id: other}}}
  - id: listed
    uses: http
    with:
      url: ${each.link}
      auth: {type: bearer, conn_id: tok}
      each: {rows: [{link: "https://listed.example/1"}]}
  - id: rows
    uses: http
    with:
      url: ${each.link}
      auth: {type: bearer, conn_id: tok}
      each: {rows: "${tasks.poll.output}"}
  - id: mapped
    uses: http
    with: {auth: {type: bearer, conn_id: other}}
    expand: {url: "${tasks.poll.output.links}"}
  - {id: fixed, uses: http, with: {url: "https://api.example/x"}}
"""


def test_what_a_pipeline_names(tmp_path: Path) -> None:
    dag = built(PIPELINE, tmp_path)
    own = ["https://eu.example", "https://api.example/orders", "https://listed.example/1"]
    assert dag.task_dict["rows"].servers == own
    assert dag.task_dict["mapped"].partial_kwargs["servers"] == [own[0], "https://other.example/", own[2]]
    assert dag.task_dict["fixed"].servers is None


def test_requests_with_other_header_fields_name_nothing() -> None:
    one = {"url": "https://api.example/", "headers": {"X-Key": "a", "Accept": "text/csv"}}
    request = {"url": "${each.link}", "headers": {"x-key": "a"}}
    pipeline = {"tasks": [{"id": "g", "tasks": [{"uses": "http", "with": one}]}]}
    assert named_servers(pipeline, request) == ["https://api.example/"]
    assert named_servers(pipeline, {**request, "headers": {"X-Key": "b"}}) == []
    assert named_servers(pipeline, {"url": "${each.link}"}) == []
