"""Connections that are never made use of: an address counts as the connection really has it, so that neither a redirect
nor a name service gets around what the installation allows.

Behind a proxy it is the proxy that connects; then only a host that is written as an address can be refused
(`http_network.refuse_host`).
"""

from __future__ import annotations

from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from factory.operators.http_network import Network, RefusedError


class GuardedAdapter(HTTPAdapter):
    """Ends a connection to a refused address before anything is sent."""

    def __init__(self, network: Network) -> None:
        self._network = network
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        # Not those to a proxy (`proxy_manager_for`): its address is the installation's own choice.
        self.poolmanager.pool_classes_by_scheme = _pools(self._network)


def _pools(network: Network) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> Any:
            return _checked(super()._new_conn(), network)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> Any:
            return _checked(super()._new_conn(), network)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _checked(connection: Any, network: Network) -> Any:
    address = connection.getpeername()[0]
    if network.refuses(address):
        connection.close()
        # Not an OSError, for which urllib3 would have reasons of its own.
        raise urllib3.exceptions.LocationValueError(RefusedError.at_address(address))
    return connection
