"""What Airflow's connections say of a request: where it goes, TLS, and what proves to the server who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlsplit

import requests
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowException
from airflow.sdk.log import mask_secret

from factory.http.credentials import ClientCredentials, Credentials, FixedCredentials, basic
from factory.http.session import Transport


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


def credentials(auth: Mapping[str, Any] | None) -> Credentials:
    """What `auth` asks for, read from its connection. Raises UnusableConnectionError."""
    if auth is None:
        return FixedCredentials()
    conn_id, kind = auth["conn_id"], auth["type"]
    connection = _connection(conn_id)
    if kind == "basic":
        return FixedCredentials(basic(_part(connection, "login"), connection.password or ""))
    secret = _part(connection, "password")
    if kind == "bearer":
        return FixedCredentials({"Authorization": f"Bearer {secret}"})
    if kind == "api_key":
        name = auth.get("name") or "X-Api-Key"
        if auth.get("location") == "query":
            # Airflow masks the password itself, which a log of urllib3 holds as it stands in a URL.
            mask_secret(quote_plus(secret))
            return FixedCredentials(query={name: secret})
        return FixedCredentials({name: secret})
    url = auth.get("access_token_url") or target(conn_id, None).url
    return ClientCredentials(url, _part(connection, "login"), secret, auth.get("scope"), mask_secret)


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
