"""Which addresses are never requested: link-local ones, and those at which clouds keep a machine's own credentials.

What counts is the address that a connection really has, so that neither a redirect nor a name service gets around it.
Behind a proxy it is the proxy that connects; then only a host that is written as an address can be refused here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16",  # link-local (RFC 3927); metadata of AWS, Azure, Google and others
        "fe80::/10",  # link-local (RFC 4291)
        "100.100.100.200/32",  # metadata of Alibaba
        "168.63.129.16/32",  # the host of an Azure machine
        "192.0.0.192/32",  # metadata of Oracle
        "fd00:ec2::254/128",  # metadata of AWS
        "fd20:ce::254/128",  # metadata of Google
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
ALLOWED_VARIABLE = "PIPELINES_ALLOWED_ADDRESSES"


class RefusedAddressError(OSError):
    """A connection to an address that is never requested."""


@dataclass(frozen=True, slots=True)
class Network:
    """`allowed`: networks that may be requested though they are refused otherwise."""

    allowed: tuple[IpNetwork, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Network:
        """What the installation allows: addresses or networks in `PIPELINES_ALLOWED_ADDRESSES`, with commas.

        Raises ValueError for what is neither.
        """
        texts = environment.get(ALLOWED_VARIABLE, "").split(",")
        try:
            return cls(tuple(ipaddress.ip_network(text.strip()) for text in texts if text.strip()))
        except ValueError as error:
            raise ValueError(f"{ALLOWED_VARIABLE} does not hold addresses or networks: {error}") from None

    def refuses(self, address: str) -> bool:
        """Whether an address, written in digits, is refused; what is no address is not."""
        try:
            found = _meant(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        return any(found in network for network in _REFUSED) and not any(found in network for network in self.allowed)


def _meant(address: IpAddress) -> IpAddress:
    """The IPv4 address that an IPv6 address carries, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.sixtofour or address
    return address


def refuse_host(url: str, network: Network) -> None:
    """Raises RefusedAddressError for a URL whose host is written as a refused address."""
    host = urlsplit(url).hostname or ""
    if network.refuses(host):
        raise RefusedAddressError(host)


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
        raise urllib3.exceptions.LocationValueError(RefusedAddressError(address))
    return connection
