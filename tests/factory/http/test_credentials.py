"""Connections of Airflow: where they lead, how they sign, and that what they hold is never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException
from airflow.sdk.log import redact
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from factory.http.call import HttpCall
from factory.http.credentials import Secrets, proofs, without_proofs
from factory.http.errors import HttpError

from .http_server import Server, answer

# ruff: noqa: S106 # passwords of connections that a test makes

Runner = Callable[..., Any]
Connect = Callable[..., None]


def test_a_connection_gives_address_login_and_header_fields(server: Server, run: Runner, connect: Connect) -> None:
    server.answers("/v1/orders", b"here")
    extra = {"X-Tenant": "t", "Accept": "text/csv"}
    connect("api", host="127.0.0.1", port=server.port, login="me", password="sesame", extra=extra)
    assert run(None, conn_id="api", endpoint="/v1/orders", headers={"Accept": "text/plain"}) == "here"
    headers = server.received[0].headers
    assert headers["Authorization"] == "Basic bWU6c2VzYW1l"
    assert (headers["X-Tenant"], headers["Accept"]) == ("t", "text/plain")


def test_a_connection_that_leads_somewhere_has_a_host(server: Server, run: Runner, connect: Connect) -> None:
    connect("my_login", login="me", password="sesame")
    with pytest.raises(AirflowException, match=r"^the connection `my_login` has no host$"):
        run(None, conn_id="my_login", endpoint="/basic")
    server.answers("/x", b"here")
    assert run(server.url("/x"), auth={"type": "basic", "conn_id": "my_login"}) == "here"


def test_a_connections_certificates_hold(server: Server, run: Runner, connect: Connect) -> None:
    connect("api", host="127.0.0.1", port=server.port, schema="https", extra={"verify": "/no/such/file.pem"})
    with pytest.raises(HttpError, match=r"https://127\.0\.0\.1"):
        run(None, conn_id="api", endpoint="/")
    assert server.received == []


@pytest.mark.parametrize(
    ("auth", "header", "path"),
    [
        ({"type": "bearer"}, ("Authorization", "Bearer sesame"), "/?a=1"),
        ({"type": "basic"}, ("Authorization", "Basic bWU6c2VzYW1l"), "/?a=1"),
        ({"type": "api_key"}, ("X-Api-Key", "sesame"), "/?a=1"),
        ({"type": "api_key", "name": "X-K", "location": "header"}, ("X-K", "sesame"), "/?a=1"),
        ({"type": "api_key", "name": "key", "location": "query"}, None, "/?a=1&key=sesame"),
    ],
)
def test_auth(
    server: Server,
    other_server: Server,
    run: Runner,
    connect: Connect,
    auth: dict[str, Any],
    header: tuple[str, str] | None,
    path: str,
) -> None:
    connect("secret", login="me", password="sesame")
    server.answers("/", status=302, headers={"Location": other_server.url("/there")})
    other_server.answers("/there", b"sesame", status=500)
    with pytest.raises(HttpError) as caught:
        run(server.url("/?a=1"), auth={**auth, "conn_id": "secret"})
    assert server.received[0].path == path
    if header is not None:
        assert server.received[0].headers[header[0]] == header[1]
    there = other_server.received[0]
    assert "sesame" not in str(there.headers)
    assert "sesame" not in there.path
    assert "Basic" not in str(there.headers)
    # What a server sends back of it is blanked too.
    assert "sesame" not in str(caught.value)


def test_a_key_in_the_query_is_masked_as_it_stands_in_a_url(server: Server, run: Runner, connect: Connect) -> None:
    # urllib3 logs the whole path, where somebody has turned its messages on.
    connect("secret", password="se&same of 9f1c")
    server.answers("/", b"here")
    run(server.url("/"), auth={"type": "api_key", "conn_id": "secret", "name": "key", "location": "query"})
    assert redact(f'"GET {server.received[0].path} HTTP/1.1" 200') == '"GET /?key=*** HTTP/1.1" 200'


@pytest.mark.parametrize(
    ("parts", "auth", "reason"),
    [
        (None, {"type": "bearer"}, "there is no connection `secret`"),
        ({"login": "me"}, {"type": "bearer"}, "the connection `secret` has no password"),
        ({"password": "p"}, {"type": "basic"}, "the connection `secret` has no login"),
    ],
)
def test_a_connection_that_does_not_hold_what_is_needed(
    run: Runner, connect: Connect, parts: dict[str, Any] | None, auth: dict[str, Any], reason: str
) -> None:
    if parts is not None:
        connect("secret", **parts)
    with pytest.raises(AirflowException, match=reason):
        run("http://localhost/", auth={**auth, "conn_id": "secret"})


@pytest.mark.parametrize(
    "echoed",
    [
        "s/ö+&e",
        r"s\/\u00f6+&e",
        r"s\/ö\u002B\u0026e",
        "s%2f%c3%b6%2b%26e",
        "s%2F%C3%B6%2B%26e",
        "s&#47;&#xF6;+&amp;e",
        "cy/DtismZQ==",
    ],
)
def test_a_secret_is_blanked_however_a_server_writes_it(echoed: str) -> None:
    call = HttpCall("GET", "https://api.example.com/", {"X-Api-Key": "s/ö+&e"}, None)
    assert Secrets(call).blanked_in(f"the key {echoed} is wrong").partition("***")[2].lstrip("=") == " is wrong"


def test_a_secret_in_xml_is_blanked() -> None:
    body = '<e:Body><o:Login pwd="attri&amp;bute"><o:Password Type="T">el"em ent</o:Password><id>1234</id></e:Body>'
    call = HttpCall("POST", "https://api.example.com/", {}, body.encode())
    assert Secrets(call).blanked_in(f"{body} attri&bute 1234") == (
        '<e:Body><o:Login pwd="***"><o:Password Type="T">***</o:Password><id>1234</id></e:Body> *** 1234'
    )


def test_form_fields(server: Server, run: Runner) -> None:
    server.answers("/", b"here")
    run(server.url("/"), method="POST", data={"a": "ö &", "many": [1, True]})
    assert server.received[0].body == b"a=%C3%B6+%26&many=1&many=true"
    assert server.received[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "sent",
    [
        {"query": {"name": "a b/ü&c", "empty": "", "list": ["2", "1"]}},
        {"method": "POST", "json_body": {"name": "ü"}},
        {"method": "PUT", "data": {"day": "2026-01-02"}},
    ],
)
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/a%20b/or(d)ers"])
def test_what_comes_over_the_wire_is_what_aws_would_verify(
    server: Server, run: Runner, connect: Connect, sent: dict[str, Any], path: str
) -> None:
    secret, token = "wJalrXUtnFEMI/K7MDENG", "session-token"
    server.answers(path, b"here")
    connect("aws", login="AKIDEXAMPLE", password=secret, extra={"aws_session_token": token})
    auth = {"type": "aws_sigv4", "conn_id": "aws", "service": "execute-api", "region": "eu-central-1"}
    assert run(server.url(path), auth=auth, **sent) == "here"
    (came,) = server.received
    given = dict(part.strip().split("=", 1) for part in came.headers["Authorization"].partition(" ")[2].split(","))
    headers = {name.lower(): value for name, value in came.headers.items()}
    signed = {name: headers[name] for name in given["SignedHeaders"].split(";")}
    assert {"host", "x-amz-date", "x-amz-security-token"} <= set(signed)
    # botocore's own steps, over what the server got.
    verifier = SigV4Auth(Credentials("AKIDEXAMPLE", secret, token), "execute-api", "eu-central-1")
    request = AWSRequest(came.method, server.url(came.path), signed, came.body)
    request.context["timestamp"] = signed["x-amz-date"]
    text = verifier.string_to_sign(request, verifier.canonical_request(request))
    assert verifier.signature(text, request) == given["Signature"]


@pytest.mark.parametrize("status", [401, 403])
def test_another_server_that_wants_credentials_is_told_from_a_wrong_password(
    server: Server, other_server: Server, run: Runner, connect: Connect, status: int
) -> None:
    connect("token", password="sesame")
    server.routes["/rows"] = lambda handler: answer(handler, {"data": [1], "next": other_server.url("/rows")})
    server.answers("/moved", status=302, headers={"Location": other_server.url("/rows")})
    other_server.answers("/rows", b"who are you?", status=status)
    auth = {"type": "bearer", "conn_id": "token"}
    linked = {"data_selector": "data", "pagination": {"type": "json_link"}}
    for url, more in ((server.url("/rows"), linked), (server.url("/moved"), {})):
        with pytest.raises(HttpError, match="is another server than the one first requested, so it got no credentials"):
            run(url, auth=auth, **more)
    assert {"Authorization"} & {name for one in other_server.received for name in one.headers} == set()


def test_a_link_is_kept_without_what_proves_who_asks() -> None:
    unsigned = HttpCall.of("GET", "https://api/rows?kind=sesame", {"X-Api-Version": "2024"}, None, None)
    found = proofs(unsigned, unsigned.with_headers({"Authorization": "Bearer s/same"}).with_query({"key": "q+ery"}))
    for link, kept in (
        ("https://me:s%2Fsame@api/rows?a=1", "https://api/rows?a=1"),
        ("/rows?access_token=s%2Fsame&kind=sesame&a=1", "/rows?kind=sesame&a=1"),
        ("/rows?k=q%2Bery", "/rows"),
        ("/rows?v=2024&KEY=another", "/rows?v=2024"),
    ):
        assert without_proofs(link, found, "key") == kept
