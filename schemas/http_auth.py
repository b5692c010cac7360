"""What proves to a server who asks: named here, kept in an Airflow connection."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.model import Model

KEYS_BY_TYPE = {
    "bearer": (),
    "api_key": ("name", "location"),
    "basic": (),
    "oauth2_client_credentials": ("access_token_url", "scope"),
}
"""The keys of each type besides `type` and `conn_id`."""


class Auth(Model):
    """How a request is signed. Only the first server gets it, not one that it redirects or links to."""

    type: Literal["bearer", "api_key", "basic", "oauth2_client_credentials"]
    """`bearer`: the connection's password as a token. `api_key`: its password in a header field or a query parameter.
    `basic`: its login and password. `oauth2_client_credentials`: an access token, asked for with its login (client
    id) and password (client secret)."""
    conn_id: Annotated[str, Field(min_length=1, max_length=250, examples=["orders_api"])]
    """The Airflow connection that holds the secret."""
    name: Annotated[str, Field(min_length=1)] | None = Field(default=None, examples=["X-Api-Key"])
    """With `api_key`: name of the header field or query parameter. Default: `X-Api-Key`."""
    location: Literal["header", "query"] | None = None
    """With `api_key`: where it stands. Default: `header`."""
    access_token_url: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, examples=["https://login.example.com/oauth2/token"]
    )
    """With `oauth2_client_credentials`: where the token is asked for. Default: the connection's address."""
    scope: Annotated[str, Field(min_length=1)] | None = None
    """With `oauth2_client_credentials`: what the token is for; several with spaces."""
