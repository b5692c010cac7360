"""The session that requests go through: how connections are made, and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3

from factory.operators.http_errors import HttpError, Timeouts, is_passing, reason_of
from factory.operators.http_guard import GuardedAdapter, Network, refuse_host


class Transport(NamedTuple):
    """What an Airflow connection says about TLS and proxies; the defaults are those of requests."""

    verify: bool | str | None = None
    cert: str | tuple[str, str] | None = None
    proxies: Mapping[str, str] | None = None
    trust_env: bool = True


class HttpSession(requests.Session):
    """Keeps connections open between requests. Environment proxies and certificates hold as for all of requests;
    `.netrc` does not, it would replace the pipeline's own credentials.

    A client certificate is shown to the first host that is requested only.
    """

    def __init__(self, network: Network | None = None, transport: Transport | None = None) -> None:
        super().__init__()
        self._network = network or Network()
        self._transport = transport or Transport()
        self._first_server: str | None = None
        self._settings: dict[str, Mapping[str, Any]] = {}
        self.trust_env = self._transport.trust_env
        adapter = GuardedAdapter(self._network)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 # the base class names it
        """None: requests prepares for a redirect even where it is not to follow it, and reads its body for that."""
        return None

    def location(self, response: requests.Response) -> str | None:
        """Where a response redirects to; None if it does not. Raises UnicodeError."""
        return super().get_redirect_target(response)

    def sent(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeouts: Timeouts
    ) -> requests.Response:
        """The response to a request, its body not read yet. Raises HttpError."""
        try:
            refuse_host(url, self._network)
            request = requests.Request(method, url, headers=dict(headers), data=body, auth=_as_it_is)
            prepared = self.prepare_request(request)
            settings = self._settings_for(prepared.url or url)
            return self.send(prepared, timeout=timeouts, allow_redirects=False, **settings)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            raise HttpError(method, url, reason_of(error, timeouts), passing=is_passing(error)) from None

    def _settings_for(self, url: str) -> Mapping[str, Any]:
        """Proxies and certificates, which requests looks up in the environment again and again."""
        parts = urlsplit(url)
        server = f"{parts.scheme}://{parts.netloc}"
        if server not in self._settings:
            self._first_server = self._first_server or server
            cert = self._transport.cert if server == self._first_server else None
            proxies = dict(self._transport.proxies or {})
            verify = self._transport.verify
            found = self.merge_environment_settings(url, proxies, True, verify, cert)
            self._settings[server] = found | {"stream": True, "cert": cert}
        return self._settings[server]


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authentication that changes nothing; without one, requests looks into `.netrc`."""
    return request
