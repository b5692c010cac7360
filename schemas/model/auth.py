"""`auth`: what proves to a server who asks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.expressions.reading import DOTTED_PATH_PATTERN
from schemas.model.fields import JmesPath, Model, PlainValue

AuthType = Literal[
    "bearer",
    "api_key",
    "basic",
    "digest",
    "oauth2_client_credentials",
    "oauth2_refresh_token",
    "oauth2_jwt",
    "session",
    "hmac",
    "aws_sigv4",
    "custom",
]
_TOKEN_REQUEST = ("access_token_url", "scope", "secret_in", "token_fields")
KEYS_BY_TYPE = {
    "bearer": (),
    "api_key": ("name", "location"),
    "basic": (),
    "digest": (),
    "oauth2_client_credentials": _TOKEN_REQUEST,
    "oauth2_refresh_token": _TOKEN_REQUEST,
    "oauth2_jwt": ("access_token_url", "scope", "token_fields", "claims", "algorithm"),
    "session": ("login_url", "login_json", "login_form", "token_path", "name", "prefix"),
    "hmac": ("name", "algorithm", "encoding", "message", "prefix", "timestamp_header"),
    "aws_sigv4": ("service", "region"),
    "custom": ("uses", "with"),
}
"""The keys of each type besides `type` and `conn_id`."""
NEEDED = {"session": ("login_url",), "aws_sigv4": ("service", "region"), "custom": ("uses",)}
Text = Annotated[str, Field(min_length=1)]


class Auth(Model):
    """How a request is signed. Only the first server gets it, not one that it redirects or links to."""

    type: AuthType
    """`bearer`: the connection's password as a token. `api_key`: its password in a header field or a query parameter.
    `basic`, `digest`: its login and password. `oauth2_client_credentials`: an access token for its login (client
    id) and password (client secret); `oauth2_refresh_token`: for the `refresh_token` of its extra; `oauth2_jwt`: for a
    claim signed with the private key in its password. `session`: a login request first, and the token or cookie that it
    gives. `hmac`: a signature of each request with its password. `aws_sigv4`: a signature with its AWS keys.
    `custom`: a class of your own."""
    conn_id: Annotated[str, Field(min_length=1, max_length=250, examples=["orders_api"])]
    """The Airflow connection that holds the secret."""
    name: Text | None = Field(default=None, examples=["X-Api-Key"])
    """With `api_key`, `session` and `hmac`: name of the header field or query parameter. Default: `X-Api-Key`; with
    `session`, `Authorization`; with `hmac`, `X-Signature`."""
    location: Literal["header", "query"] | None = None
    """With `api_key`: where to send it. Default: `header`."""
    access_token_url: Text | None = Field(default=None, examples=["https://login.example.com/oauth2/token"])
    """With `oauth2_…`: where the token is asked for. Default: the connection's address."""
    scope: Text | None = None
    """With `oauth2_…`: what the token is for; several with spaces."""
    secret_in: Literal["header", "body"] | None = None
    """With `oauth2_client_credentials` and `oauth2_refresh_token`: where the client's id and secret are sent. Default:
    `header`, and where the server refuses that, `body`."""
    token_fields: dict[str, str] | None = Field(default=None, examples=[{"audience": "https://api.example.com"}])
    """With `oauth2_…`: more fields of the token request."""
    claims: dict[str, str] | None = Field(default=None, examples=[{"sub": "robot@example.com"}])
    """With `oauth2_jwt`: more claims. `iss` and `sub` are the connection's login, `aud` is the token's address,
    unless they are written."""
    algorithm: Literal["RS256", "ES256", "HS256", "sha256", "sha512", "sha1"] | None = None
    """With `oauth2_jwt`: `RS256` (default), `ES256` or `HS256`. With `hmac`: `sha256` (default), `sha512` or `sha1`."""
    login_url: Text | None = Field(default=None, examples=["https://api.example.com/login"])
    """With `session`: where to log in; requested once before the first page, and again when an answer is 401."""
    login_json: dict[str, PlainValue] | None = Field(
        default=None, examples=[{"user": "$login", "password": "$password"}]
    )
    """With `session`: body of the login request, sent as JSON. `$login` and `$password` are the connection's. Default:
    `{username: $login, password: $password}`."""
    login_form: dict[str, str] | None = None
    """With `session`: in place of `login_json`, the fields of a form."""
    token_path: JmesPath | None = Field(default=None, examples=["session.token"])
    """With `session`: JMESPath of the token in the answer to the login. Without it the cookies of the answer count."""
    prefix: str | None = None
    """With `session` and `hmac`: text before the token or signature. Default: `Bearer ` with `session` where `name` is
    left out; else none."""
    encoding: Literal["hex", "base64"] | None = None
    """With `hmac`: how the signature is written. Default: `hex`."""
    message: Text | None = Field(default=None, examples=["{timestamp}{method}{path}{body}"])
    """With `hmac`: what is signed, of `{method}`, `{path}` (with the query), `{url}`, `{body}` and `{timestamp}` (epoch
    seconds). Default: `{timestamp}{method}{path}{body}`."""
    timestamp_header: Text | None = None
    """With `hmac`: the header field that holds the timestamp. Default: `X-Timestamp`."""
    service: Text | None = Field(default=None, examples=["execute-api"])
    """With `aws_sigv4`: the AWS service."""
    region: Text | None = Field(default=None, examples=["eu-central-1"])
    """With `aws_sigv4`: the AWS region."""
    uses: Annotated[str, Field(pattern=DOTTED_PATH_PATTERN)] | None = Field(
        default=None, examples=["shop_auth.ShopAuth"]
    )
    """With `custom`: dotted path of a `requests.auth.AuthBase` class; it is made with `connection` (the Airflow
    connection) and the arguments in `with`."""
    with_: dict[str, PlainValue] | None = Field(default=None, alias="with")
    """With `custom`: arguments of the class."""
