"""Credentials that a server hands out: OAuth 2.0 access tokens, and the token or cookie of a login."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from factory.http.body import BODY_TIMEOUTS, AnswerError, BodyDeadline, read_body
from factory.http.call import HttpCall
from factory.http.credentials import basic
from factory.http.errors import HttpError, Timeouts
from factory.http.expectations import status_text
from factory.http.selection import JmesPathError, search
from factory.http.session import HttpSession

_LARGEST_TOKEN_ANSWER = 256 * 1024
_EXPIRES_EARLY = 10.0
"""Seconds; a token is renewed so long before it ends, since a request takes time too."""
_LONGEST_CLAIM = 300
"""Seconds that a signed claim holds; servers take five minutes or more."""
_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
"""RFC 6749, section 5.2. Any other text is the server's own."""


@dataclass
class OAuthCredentials:
    """An OAuth 2.0 access token (RFC 6749), asked for when there is none, when it ends and when it is refused.

    `requests_of` gives the ways to ask for it, the usual one first; the one that a server took is kept. `learned` is
    told each token, so that it can be kept out of logs.
    """

    requests_of: Callable[[], list[HttpCall]] = field(repr=False)
    learned: Callable[[str], None] = field(repr=False)
    refreshed: Callable[[str], None] = field(default=lambda _: None, repr=False)
    _token: str | None = field(default=None, repr=False)
    _until: float = float("inf")
    _way: int | None = None

    def signed(self, call: HttpCall, session: HttpSession, timeouts: Timeouts) -> HttpCall:
        """The call with a token that holds, asking for one where there is none."""
        if self._token is None or time.monotonic() > self._until:
            self._ask(session, timeouts)
        return call.with_headers({"Authorization": f"Bearer {self._token}"})

    def renew(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 # that it was refused says enough
        """The next call gets a new token."""
        self._token = None
        return True

    def _ask(self, session: HttpSession, timeouts: Timeouts) -> None:
        calls = list(enumerate(self.requests_of()))
        for way, call in calls if self._way is None else [calls[self._way]]:
            try:
                status, answer = answered(call, session, timeouts)
                if status in (400, 401) and way + 1 < len(calls) and self._way is None:
                    continue
                _check_token(status, answer)
            except AnswerError as error:
                raise HttpError(call.method, call.url, f"no access token: {error}", passing=error.passing) from None
            self._way = way
            self._keep(answer)
            return

    def _keep(self, answer: Mapping[str, Any]) -> None:
        self._token = answer["access_token"]
        self.learned(str(self._token))
        if isinstance(answer.get("refresh_token"), str):
            self.refreshed(answer["refresh_token"])
        seconds = answer.get("expires_in")
        seconds = float(seconds) if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() else seconds
        lasting = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else float("inf")
        self._until = time.monotonic() + max(0.0, lasting - _EXPIRES_EARLY)


def token_requests(
    url: str, client: tuple[str, str], form: Mapping[str, str | None], secret_in: str | None
) -> list[HttpCall]:
    """The ways in which a client shows its id and secret: encoded before they are joined (RFC 6749, section 2.3.1), as
    they are, which many servers expect, and as fields of the form."""
    user, secret = client

    def ways() -> Iterator[HttpCall]:
        accept = {"Accept": "application/json"}
        if secret_in != "body":  # noqa: S105 # a place
            encoded = basic(quote(user, ""), quote(secret, ""))
            yield HttpCall.of("POST", url, accept | encoded, None, None, form)
            if basic(user, secret) != encoded:
                yield HttpCall.of("POST", url, accept | basic(user, secret), None, None, form)
        if secret_in != "header":  # noqa: S105 # a place
            yield HttpCall.of("POST", url, accept, None, None, {**form, "client_id": user, "client_secret": secret})

    return list(ways())


def claim_request(
    url: str, issuer: str, key: str, algorithm: str, claims: Mapping[str, str], form: Mapping[str, str | None]
) -> list[HttpCall]:
    """The request for a token by a claim that is signed with a private key (RFC 7523). Raises HttpError."""
    # Airflow itself brings it along.
    import jwt  # noqa: PLC0415

    now = int(time.time())
    claim = {"iss": issuer, "sub": issuer, "aud": url, "iat": now, "exp": now + _LONGEST_CLAIM, "jti": uuid.uuid4().hex}
    try:
        signed = jwt.encode(claim | dict(claims), key, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError):
        raise HttpError("POST", url, f"the connection's password is no private key for {algorithm}") from None
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed}
    return [HttpCall.of("POST", url, {"Accept": "application/json"}, None, None, grant | dict(form))]


@dataclass
class LoginCredentials:
    """A login before the first request, and again when an answer is 401. Without a `token_path`, the session keeps the
    cookies that the login brought."""

    call: HttpCall
    token_path: str | None
    name: str
    prefix: str
    learned: Callable[[str], None] = field(repr=False)
    _header: dict[str, str] | None = field(default=None, repr=False)

    def signed(self, call: HttpCall, session: HttpSession, timeouts: Timeouts) -> HttpCall:
        """The call with the token, logging in where that is needed."""
        if self._header is None:
            self._header = self._log_in(session, timeouts)
        return call.with_headers(self._header)

    def renew(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 # that it was refused says enough
        """The next call logs in again."""
        self._header = None
        return True

    def _log_in(self, session: HttpSession, timeouts: Timeouts) -> dict[str, str]:
        def refused(reason: object, *, passing: bool = False) -> HttpError:
            return HttpError(self.call.method, self.call.url, f"no login: {reason}", passing=passing)

        try:
            status, answer = answered(self.call, session, timeouts)
            token = search(self.token_path)(answer) if self.token_path is not None else None
        except AnswerError as error:
            raise refused(error, passing=error.passing) from None
        except JmesPathError as error:
            raise refused(error) from None
        if not 200 <= status < 400:
            raise refused(f"it answered {status_text(status)}", passing=status == 429 or status >= 500)
        if self.token_path is None:
            return {}
        if not isinstance(token, str) or not token:
            raise refused("`token_path` finds no text in the answer")
        self.learned(token)
        return {self.name: self.prefix + token}


def login_call(url: str, body: Any, form: Mapping[str, str] | None, login: str, password: str) -> HttpCall:
    """The request that logs in; `$login` and `$password` in it are those of the connection."""

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("$login", login).replace("$password", password)
        if isinstance(value, dict):
            return {key: filled(child) for key, child in value.items()}
        return [filled(child) for child in value] if isinstance(value, list) else value

    if form is None and body is None:
        body = {"username": "$login", "password": "$password"}
    return HttpCall.of("POST", url, {"Accept": "application/json"}, None, filled(body), filled(form))


def answered(call: HttpCall, session: HttpSession, timeouts: Timeouts) -> tuple[int, Any]:
    """Status and decoded JSON of an answer, None where it is none. Nothing of the body is ever shown: it is where
    secrets are handed out. Raises AnswerError, HttpError."""
    response = session.sent(call.method, call.url, call.headers, call.body, timeouts, repeatable=True)
    deadline = BodyDeadline(BODY_TIMEOUTS * timeouts.read)
    try:
        body = read_body(response, _LARGEST_TOKEN_ANSWER, timeouts, deadline)
    finally:
        deadline.close()
        response.close()
    try:
        return response.status_code, json.loads(body)
    except (ValueError, RecursionError):
        return response.status_code, None


def _check_token(status: int, answer: Any) -> None:
    if not 200 <= status < 300:
        code = answer.get("error") if isinstance(answer, dict) else None
        known = f" ({code})" if code in _ERRORS else ""
        raise AnswerError(f"it answered {status_text(status)}{known}", passing=status == 429 or status >= 500)
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise AnswerError("the answer is no JSON mapping with an `access_token`")
