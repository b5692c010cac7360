"""What proves to a server who asks, added to every page that this server is asked for."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

import requests

from factory.http.answer import AnswerError, read_body
from factory.http.deadline import BODY_TIMEOUTS, BodyDeadline
from factory.http.errors import HttpError, Timeouts
from factory.http.expectations import status_text
from factory.http.request import HttpCall
from factory.http.session import HttpSession

_LARGEST_TOKEN_ANSWER = 256 * 1024
_EXPIRES_EARLY = 10.0
"""Seconds; a token is renewed so long before it ends, since a request takes time too."""


class Credentials(Protocol):
    """Signs calls to the server that they are for."""

    def signed(self, call: HttpCall, session: HttpSession, timeouts: Timeouts) -> HttpCall:
        """The call with what proves who asks. Raises HttpError."""
        ...

    def renew(self) -> bool:
        """Give up what was refused; whether there can be something newer."""
        ...


@dataclass(frozen=True)
class FixedCredentials:
    """Header fields and query parameters that stay the same; none of either for a request without credentials."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    def signed(self, call: HttpCall, session: HttpSession, timeouts: Timeouts) -> HttpCall:  # noqa: ARG002
        """The call with them; what the call has itself of header fields is replaced."""
        if not self.headers and not self.query:
            return call
        return call.with_headers(self.headers).with_query(self.query)

    def renew(self) -> bool:
        """They are all there is."""
        return False


def basic(user: str, password: str) -> dict[str, str]:
    """The header field of basic authentication (RFC 7617)."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@dataclass
class ClientCredentials:
    """An OAuth 2.0 access token, asked for with a client's own id and secret (RFC 6749, section 4.4).

    `learned` is told the token, so that it can be kept out of logs.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None
    learned: Callable[[str], None] = field(repr=False)
    _token: str | None = field(default=None, repr=False)
    _until: float = float("inf")

    def signed(self, call: HttpCall, session: HttpSession, timeouts: Timeouts) -> HttpCall:
        """The call with a token that holds, asking for one where there is none."""
        if self._token is None or time.monotonic() > self._until:
            self._ask(session, timeouts)
        return call.with_headers({"Authorization": f"Bearer {self._token}"})

    def renew(self) -> bool:
        """The next call gets a new token."""
        self._token = None
        return True

    def _ask(self, session: HttpSession, timeouts: Timeouts) -> None:
        form = {"grant_type": "client_credentials", "scope": self.scope}
        # Encoded before they are joined (RFC 6749, section 2.3.1).
        headers = {"Accept": "application/json"} | basic(quote(self.client_id, ""), quote(self.client_secret, ""))
        call = HttpCall.of("POST", self.token_url, headers, None, None, form)
        response = session.sent(call.method, call.url, call.headers, call.body, timeouts, repeatable=True)
        deadline = BodyDeadline(BODY_TIMEOUTS * timeouts.read)
        try:
            answer = _token_answer(response, timeouts, deadline)
        except AnswerError as error:
            raise HttpError(call.method, call.url, f"no access token: {error}", passing=error.passing) from None
        finally:
            deadline.close()
            response.close()
        self._token = answer["access_token"]
        self.learned(self._token)
        seconds = answer.get("expires_in")
        lasting = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else float("inf")
        self._until = time.monotonic() + max(0.0, lasting - _EXPIRES_EARLY)


def _token_answer(response: requests.Response, timeouts: Timeouts, deadline: BodyDeadline) -> Mapping[str, Any]:
    """Nothing of the body is shown: it is where secrets are handed out."""
    body = read_body(response, _LARGEST_TOKEN_ANSWER, timeouts, deadline)
    passing = response.status_code == 429 or response.status_code >= 500
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if response.status_code != 200:
        code = answer.get("error") if isinstance(answer, dict) else None
        known = f" ({code})" if code in _ERRORS else ""
        raise AnswerError(f"it answered {status_text(response.status_code)}{known}", passing=passing)
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise AnswerError("the answer is no JSON mapping with an `access_token`")
    return answer


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
