"""Connections of Airflow: where they lead, how they sign, and that what they hold is never shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from airflow.sdk.exceptions import AirflowException
from airflow.sdk.log import redact
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from factory.http.call import HttpCall
from factory.http.credentials import proofs, without_proofs
from factory.http.errors import HttpError

from .http_server import Server
from .paged_answers import answer

# ruff: noqa: S106 # passwords of connections that a test makes

Runner = Callable[..., Any]
Connect = Callable[..., None]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    def connect(conn_id: str, **parts: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "http", **parts}))

    return connect


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


class TokenServer:
    """Gives token 1, 2, …; `/rows` takes the last one only."""

    def __init__(self, server: Server, expires_in: object = 3600) -> None:
        self.given = 0
        self.seconds = expires_in
        server.routes |= {"/token": self.token, "/rows": self.rows}

    def token(self, handler: BaseHTTPRequestHandler) -> None:
        self.given += 1
        self.answer(handler, 200, {"access_token": f"token-{self.given}", "expires_in": self.seconds})

    def rows(self, handler: BaseHTTPRequestHandler) -> None:
        right = handler.headers["Authorization"] == f"Bearer token-{self.given}"
        if right and "page=2" in handler.path and self.given == 1:
            self.given = 5  # the server has forgotten the token
            right = False
        page = [] if "page=3" in handler.path else [handler.path[-1]]
        self.answer(handler, 200 if right else 401, page)

    def answer(self, handler: BaseHTTPRequestHandler, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def test_client_credentials_get_a_token_and_a_new_one_when_it_is_refused(
    server: Server, run: Runner, connect: Connect
) -> None:
    TokenServer(server)
    connect("login", login="client:1", password="se%same")
    auth = {
        "type": "oauth2_client_credentials",
        "conn_id": "login",
        "access_token_url": server.url("/token"),
        "scope": "a b",
    }
    assert run(server.url("/rows"), auth=auth, pagination={"type": "page_number"}) == ["1", "2"]
    assert [r.path.partition("?")[0] for r in server.received] == [
        "/token",
        "/rows",
        "/rows",
        "/token",
        "/rows",
        "/rows",
    ]
    asked = server.received[0]
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["a b"]}
    assert asked.headers["Authorization"] == "Basic Y2xpZW50JTNBMTpzZSUyNXNhbWU="
    # Airflow keeps it out of logs from now on.
    assert redact("it is token-1") == "it is ***"


def test_a_token_that_is_refused_again_fails(server: Server, run: Runner, connect: Connect) -> None:
    TokenServer(server)
    server.answers("/rows", b"not you", status=401)
    connect("login", login="c", password="s")
    auth = {"type": "oauth2_client_credentials", "conn_id": "login", "access_token_url": server.url("/token")}
    with pytest.raises(HttpError, match="it answered 401 Unauthorized, expected 2xx: not you"):
        run(server.url("/rows"), auth=auth)
    assert [r.path for r in server.received] == ["/token", "/rows", "/token", "/rows"]


def test_a_token_that_ends_is_renewed_before(server: Server, run: Runner, connect: Connect) -> None:
    TokenServer(server, expires_in=1)
    connect("login", login="c", password="s", host="127.0.0.1", port=server.port, schema="http")
    server.routes["/"] = server.routes["/token"]
    auth = {"type": "oauth2_client_credentials", "conn_id": "login"}
    assert run(server.url("/rows"), auth=auth, pagination={"type": "page_number"}) == ["1", "2"]
    assert sum(r.method == "POST" for r in server.received) == 3


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, b'{"error": "invalid_client", "hint": "sesame"}', "no access token: it answered 401 Unauthorized \\(inv"),
        (500, b"sesame", "no access token: it answered 500 Internal Server Error$"),
        (200, b'{"token": "sesame"}', "no access token: the answer is no JSON mapping"),
    ],
)
def test_no_token(server: Server, run: Runner, connect: Connect, status: int, body: bytes, reason: str) -> None:
    server.answers("/token", body, status=status)
    connect("login", login="c", password="sesame")
    auth = {"type": "oauth2_client_credentials", "conn_id": "login", "access_token_url": server.url("/token")}
    with pytest.raises(HttpError, match=reason) as caught:
        run(server.url("/rows"), auth=auth)
    assert "sesame" not in str(caught.value)


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


def test_form_fields(server: Server, run: Runner) -> None:
    server.answers("/", b"here")
    run(server.url("/"), method="POST", data={"a": "ö &", "many": [1, True]})
    assert server.received[0].body == b"a=%C3%B6+%26&many=1&many=true"
    assert server.received[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


def private_key(algorithm: str) -> Any:
    return ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_signed_claim_is_one_that_its_public_key_verifies(
    server: Server, run: Runner, connect: Connect, algorithm: str
) -> None:
    key = private_key(algorithm)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    claims: list[dict[str, Any]] = []

    def token(handler: BaseHTTPRequestHandler) -> None:
        form = parse_qs(server.received[-1].body.decode())
        (grant,), (assertion,) = form["grant_type"], form["assertion"]
        assert grant == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        # Raises where signature, audience or times are wrong; the poll then gets no answer.
        claims.append(jwt.decode(assertion, key.public_key(), [algorithm], audience=server.url("/token")))
        answer(handler, {"access_token": "for-the-robot"})

    server.routes["/token"] = token
    server.answers("/x", b"here")
    connect("robot", login="robot@shop", password=pem)
    auth = {"type": "oauth2_jwt", "conn_id": "robot", "access_token_url": server.url("/token"), "algorithm": algorithm}
    assert run(server.url("/x"), auth={**auth, "claims": {"sub": "orders"}, "scope": "read"}) == "here"
    assert server.received[-1].headers["Authorization"] == "Bearer for-the-robot"
    (claim,) = claims
    assert (claim["iss"], claim["sub"], claim["exp"] - claim["iat"]) == ("robot@shop", "orders", 300)


def test_a_password_that_is_no_private_key_is_said(server: Server, run: Runner, connect: Connect) -> None:
    connect("robot", login="robot@shop", password="sesame")
    auth = {"type": "oauth2_jwt", "conn_id": "robot", "access_token_url": server.url("/token")}
    with pytest.raises(HttpError, match="the connection's password is no private key for RS256") as caught:
        run(server.url("/x"), auth=auth)
    assert "sesame" not in str(caught.value)


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
