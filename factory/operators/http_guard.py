"""What is never requested: hosts that an installation does not allow, link-local addresses, and those at which clouds
keep a machine's own credentials.

A host counts as the URL names it. An address counts as the connection really has it, so that neither a redirect nor a
name service gets around it. Behind a proxy it is the proxy that connects; then only a host that is written as an
address can be refused here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
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
HOSTS_VARIABLE = "PIPELINES_ALLOWED_HOSTS"


class RefusedError(OSError):
    """What is asked for is never requested; the text says why."""

    @classmethod
    def at_address(cls, address: str) -> RefusedError:
        """The error for a refused address."""
        what = "link-local addresses and those of cloud metadata are not requested"
        return cls(f"its host is {address}: {what} ({ALLOWED_VARIABLE} allows one)")


@dataclass(frozen=True, slots=True)
class Network:
    """`allowed`: networks that may be requested though they are refused otherwise. `hosts`: patterns of those that may
    be requested, as a shell matches names; None: all may."""

    allowed: tuple[IpNetwork, ...] = ()
    hosts: tuple[str, ...] | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Network:
        """What the installation allows, with commas: addresses or networks in `PIPELINES_ALLOWED_ADDRESSES`, patterns
        of hosts in `PIPELINES_ALLOWED_HOSTS`.

        Raises ValueError for what is neither an address nor a network.
        """
        hosts = _listed(environment, HOSTS_VARIABLE)
        try:
            networks = tuple(ipaddress.ip_network(text) for text in _listed(environment, ALLOWED_VARIABLE))
            return cls(networks, tuple(host.lower() for host in hosts) or None)
        except ValueError as error:
            raise ValueError(f"{ALLOWED_VARIABLE} does not hold addresses or networks: {error}") from None

    def refuses(self, address: str) -> bool:
        """Whether an address, written in digits, is refused; what is no address is not."""
        try:
            found = _meant(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        return any(found in network for network in _REFUSED) and not any(found in network for network in self.allowed)


def _listed(environment: Mapping[str, str], name: str) -> list[str]:
    return [text.strip() for text in environment.get(name, "").split(",") if text.strip()]


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
    """Raises RefusedError for a URL whose host is not allowed, or is written as a refused address."""
    host = urlsplit(url).hostname or ""
    if network.refuses(host):
        raise RefusedError.at_address(host)
    if network.hosts is not None and not any(fnmatchcase(host.rstrip("."), pattern) for pattern in network.hosts):
        raise RefusedError(f"its host `{host}` is not among those that {HOSTS_VARIABLE} allows")


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
