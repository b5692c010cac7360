"""What Airflow's connections say of a request: where it goes, TLS, and what proves to the server who asks."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlsplit

import requests
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowException
from airflow.sdk.log import mask_secret

from factory.http.call import HttpCall, same_server
from factory.http.credentials import (
    AwsCredentials,
    ClassCredentials,
    Credentials,
    DigestCredentials,
    FixedCredentials,
    HmacCredentials,
    basic,
)
from factory.http.network import Network
from factory.http.retries import STANDARD, Pace
from factory.http.session import HttpSession, Transport
from factory.http.tokens import LoginCredentials, OAuthCredentials, claim_request, login_call, token_requests
from pipeline_factory import requirement
from schemas.model.auth import Auth
from schemas.model.http import HttpRequest

KEY_NAME = "X-Api-Key"
_TLS = frozenset({"verify", "verify_ssl", "cert", "proxies", "proxy", "trust_env"})
"""Keys of a connection's extra that are about how to reach its server."""


class UnusableConnectionError(AirflowException):
    """A connection does not hold what a request needs of it."""


@dataclass(frozen=True)
class Target:
    """Where a connection leads. `headers` hold its credentials too."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    transport: Transport = field(repr=False)


def target(conn_id: str, endpoint: str | None) -> Target:
    """The address of an endpoint, as Airflow's HTTP provider understands the connection.

    Raises UnusableConnectionError.
    """
    # Imported where it is used: it brings aiohttp along.
    from airflow.providers.http.hooks.http import HttpHook  # noqa: PLC0415

    if not _connection(conn_id).host and urlsplit(endpoint or "").scheme not in ("http", "https"):
        raise UnusableConnectionError(f"the connection `{conn_id}` has no host")
    hook = HttpHook(http_conn_id=conn_id, tcp_keep_alive=False)
    session = hook.get_conn()
    headers = _own_headers(session)
    if session.auth is not None:
        headers |= _signed_headers(session.auth)
    transport = Transport(session.verify, session.cert, session.proxies, session.trust_env)
    return Target(hook.url_from_endpoint(endpoint), headers, transport)


def session_for(request: HttpRequest, transport: Transport, dag_id: str, tell: Callable[[str], None]) -> HttpSession:
    """The session of a request. `dag_id` says whose `rate_limit` it is. Raises UnusableConnectionError."""
    longest = (request.request_retries or STANDARD).max_delay.total_seconds()
    session = HttpSession(Network.of(os.environ), transport, Pace.of(request.rate_limit, dag_id, longest, tell))
    of_token = token_server(request.auth, str(request.url), transport)
    if of_token is not None:
        session.knows(*of_token)
    return session


def servers_of(conn_id: str | None, auth: Auth | None) -> list[str]:
    """The addresses of the connections of a request, those that have a host. Raises UnusableConnectionError."""
    ids = (conn_id, auth.conn_id if auth is not None else None)
    return [target(one, None).url for one in ids if one is not None and _connection(one).host]


def credentials(auth: Auth | None) -> Credentials:
    """What `auth` asks for, read from its connection. Raises UnusableConnectionError."""
    if auth is None:
        return FixedCredentials()
    connection = _connection(auth.conn_id)
    match auth.type:
        case "basic":
            return FixedCredentials(basic(_part(connection, "login"), connection.password or ""))
        case "digest":
            return DigestCredentials(_part(connection, "login"), connection.password or "")
        case "bearer":
            return FixedCredentials({"Authorization": f"Bearer {_part(connection, 'password')}"})
        case "api_key":
            secret, name = _part(connection, "password"), auth.name or KEY_NAME
            if auth.location != "query":
                return FixedCredentials({name: secret})
            # Airflow masks the password itself; a log of urllib3 holds it as a URL writes it.
            mask_secret(quote_plus(secret))
            return FixedCredentials(query={name: secret})
        case "hmac":
            return HmacCredentials(
                _part(connection, "password").encode(),
                auth.name or "X-Signature",
                auth.algorithm or "sha256",
                auth.encoding or "hex",
                auth.message or "{timestamp}{method}{path}{body}",
                auth.prefix or "",
                auth.timestamp_header or "X-Timestamp",
            )
        case "aws_sigv4":
            return _aws(auth, connection)
        case "custom":
            return _custom(auth, connection)
        case "session":
            return _login(auth, connection)
        case _:
            return _oauth(auth, connection)


def token_server(auth: Auth | None, url: str, transport: Transport) -> tuple[str, Transport] | None:
    """The server that gives the token for a request of `url`, and what its own connection says of TLS there; None where
    it is the same server, or where there is none. Proxies are those of the request, unless it says otherwise."""
    if auth is None or not (auth.type == "session" or auth.type.startswith("oauth2_")):
        return None
    address = auth.login_url or auth.access_token_url or target(auth.conn_id, None).url
    server = HttpCall.of("POST", address, None, None, None).url
    if same_server(HttpCall.of("POST", url, None, None, None).url, server):
        return None
    if not _TLS & set(_connection(auth.conn_id).extra_dejson):
        is_host = urlsplit(server).hostname == urlsplit(url).hostname
        return server, transport._replace(cert=None, verify=transport.verify if is_host else None)
    return server, target(auth.conn_id, server).transport


def _oauth(auth: Auth, connection: Connection) -> OAuthCredentials:
    url = auth.access_token_url or target(auth.conn_id, None).url
    form: dict[str, str | None] = {"scope": auth.scope, **(auth.token_fields or {})}
    login = _part(connection, "login")
    if auth.type == "oauth2_jwt":
        key, algorithm = _part(connection, "password"), auth.algorithm or "RS256"
        return OAuthCredentials(lambda: claim_request(url, login, key, algorithm, auth.claims or {}, form), mask_secret)
    if auth.type == "oauth2_client_credentials":
        client = login, _part(connection, "password")
        grant = {"grant_type": "client_credentials", **form}
        return OAuthCredentials(lambda: token_requests(url, client, grant, auth.secret_in), mask_secret)
    client = login, connection.password or ""
    latest = [_extra(connection, "refresh_token")]

    def refreshed(token: str) -> None:
        # A server that hands out another one takes it until the poll ends; the connection keeps the first.
        mask_secret(token)
        latest.append(token)

    def requests_of() -> list[HttpCall]:
        return token_requests(
            url, client, {"grant_type": "refresh_token", "refresh_token": latest[-1], **form}, auth.secret_in
        )

    return OAuthCredentials(requests_of, mask_secret, refreshed)


def _login(auth: Auth, connection: Connection) -> LoginCredentials:
    login, password = _part(connection, "login"), connection.password or ""
    call = login_call(str(auth.login_url), auth.login_json, auth.login_form, login, password)
    prefix = auth.prefix if auth.prefix is not None else "" if auth.name else "Bearer "
    return LoginCredentials(call, auth.token_path, auth.name or "Authorization", prefix, mask_secret)


def _aws(auth: Auth, connection: Connection) -> AwsCredentials:
    token = connection.extra_dejson.get("aws_session_token")
    try:
        return AwsCredentials.of(
            _part(connection, "login"), _part(connection, "password"), token, str(auth.service), str(auth.region)
        )
    except ImportError:
        raise UnusableConnectionError(
            "`auth: {type: aws_sigv4}` needs botocore, which is not installed where this task runs: "
            f"pip install {requirement('aws')}"
        ) from None


def _custom(auth: Auth, connection: Connection) -> ClassCredentials:
    module, _, name = str(auth.uses).rpartition(".")
    try:
        # Airflow puts the pipelines folder on the path of a task.
        made = getattr(importlib.import_module(module), name)(connection=connection, **(auth.with_ or {}))
    except (ImportError, AttributeError, TypeError) as error:
        raise UnusableConnectionError(f"`auth` cannot use `{auth.uses}`: {error}") from None
    return ClassCredentials(made)


def _extra(connection: Connection, name: str) -> str:
    value = connection.extra_dejson.get(name)
    if not isinstance(value, str) or not value:
        raise UnusableConnectionError(f"the connection `{connection.conn_id}` has no {name} in its extra")
    mask_secret(value)
    return value


def _connection(conn_id: str) -> Connection:
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowException as error:
        raise UnusableConnectionError(f"there is no connection `{conn_id}`: {error}") from None


def _part(connection: Connection, name: str) -> str:
    value = getattr(connection, name)
    if not value:
        raise UnusableConnectionError(f"the connection `{connection.conn_id}` has no {name}")
    return str(value)


def _own_headers(session: requests.Session) -> dict[str, str]:
    """What the connection adds to the header fields that every session has."""
    usual = requests.utils.default_headers()
    return {name: str(value) for name, value in session.headers.items() if usual.get(name) != value}


def _signed_headers(auth: Any) -> dict[str, str]:
    request = requests.Request("GET", "http://localhost/").prepare()
    before = dict(request.headers)
    signed = auth(request)
    return {name: str(value) for name, value in signed.headers.items() if before.get(name) != value}
