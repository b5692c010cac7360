"""Tokens: asked for, sent, renewed, and claims that are signed for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from airflow.sdk.log import redact
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from factory.http.errors import HttpError

from .http_server import Server, answer

# ruff: noqa: S106 # passwords of connections that a test makes

Runner = Callable[..., Any]
Connect = Callable[..., None]


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
