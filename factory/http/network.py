"""What an installation lets its polls request: never link-local addresses and those at which clouds keep a machine's
own credentials, unless it allows one; all hosts, unless it names some.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Iterator, Mapping
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
_ADDRESSES_FORM = "addresses or networks with commas between them, such as `169.254.10.0/24, fe80::1`"
_HOSTS_FORM = (
    "hosts with commas between them, where `*`, `?` and `[…]` stand for any, such as `*.shop.example, 10.0.0.7`"
)
_HOST_PATTERN = re.compile(r"(?:[\w.*?!-]|\[[^\]/:]+\])+|[0-9a-f*?]*:[0-9a-f*?]*:[0-9a-f:.*?]*", re.IGNORECASE)


class RefusedError(OSError):
    """What is asked for is never requested; the text says why."""

    @classmethod
    def at_address(cls, address: str) -> RefusedError:
        """The error for a refused address."""
        what = "link-local addresses and those of cloud metadata are not requested"
        return cls(f"its host is {address}: {what} ({ALLOWED_VARIABLE} allows one)")


class UnusableSettingError(Exception):
    """A variable of the installation does not say what may be requested, so nothing is; the text is for people."""

    @classmethod
    def of(cls, variable: str, reason: str, form: str) -> UnusableSettingError:
        """The error for what is wrong with a variable's value, and the form that it takes."""
        return cls(
            f"nothing is requested, for the environment variable {variable} is wrong: {reason}. It takes {form}."
        )


@dataclass(frozen=True, slots=True)
class Network:
    """`allowed`: networks that may be requested though they are refused otherwise. `hosts`: patterns of those that may
    be requested, as a shell matches names; None: all may."""

    allowed: tuple[IpNetwork, ...] = ()
    hosts: tuple[str, ...] | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Network:
        """What the installation allows, with commas: addresses or networks in `PIPELINES_ALLOWED_ADDRESSES`, patterns
        of hosts in `PIPELINES_ALLOWED_HOSTS`. A variable that is empty is one that is not set.

        Raises UnusableSettingError for anything else.
        """
        hosts = tuple(_host(text) for text in _listed(environment, HOSTS_VARIABLE, _HOSTS_FORM))
        networks = tuple(_network(text) for text in _listed(environment, ALLOWED_VARIABLE, _ADDRESSES_FORM))
        return cls(networks, hosts or None)

    def refuses(self, host: str) -> bool:
        """Whether a host that is written as an address, in any form, is refused; any other is not."""
        found = _address(host)
        if found is None:
            return False
        return any(found in network for network in _REFUSED) and not any(found in network for network in self.allowed)


def refuse_host(url: str, network: Network) -> None:
    """Raises RefusedError for a URL whose host is not allowed, or is written as a refused address."""
    host = urlsplit(url).hostname or ""
    if network.refuses(host):
        raise RefusedError.at_address(host)
    if network.hosts is not None and not any(fnmatchcase(host.rstrip("."), pattern) for pattern in network.hosts):
        raise RefusedError(f"its host `{host}` is not among those that {HOSTS_VARIABLE} allows")


def _listed(environment: Mapping[str, str], name: str, form: str) -> Iterator[str]:
    value = environment.get(name, "")
    for text in value.split(",") if value else ():
        if not text.strip():
            # Ignored, a lone comma would be a list of nothing, which stands for all hosts.
            raise UnusableSettingError.of(name, f"in `{value}` nothing is between or beside its commas", form)
        yield text.strip()


def _network(text: str) -> IpNetwork:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        reason = f"`{text}` is neither an address nor a network"
        if "host bits" in str(error):
            around = ipaddress.ip_network(text, strict=False)
            reason = (
                f"`{text}` is an address and the size of its network; write one of both, `{around}` for the network"
            )
        raise UnusableSettingError.of(ALLOWED_VARIABLE, reason, _ADDRESSES_FORM) from None


def _host(text: str) -> str:
    if _HOST_PATTERN.fullmatch(text) is None:
        reason = f"`{text}` is no host; it stands without scheme, port and path, and IPv6 without brackets"
        raise UnusableSettingError.of(HOSTS_VARIABLE, reason, _HOSTS_FORM)
    return text.lower()


def _address(host: str) -> IpAddress | None:
    """The address that a host is written as: also in the forms that only resolvers know, such as `0xA9FEA9FE`."""
    plain = unicodedata.normalize("NFKC", host).replace("\u3002", ".").rstrip(".").partition("%")[0]
    try:
        return _meant(ipaddress.ip_address(plain))
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(plain)) if plain[:1].isdigit() else None
    except (OSError, UnicodeError):
        return None


def _meant(address: IpAddress) -> IpAddress:
    """The IPv4 address that an IPv6 address carries, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.sixtofour or address
    return address


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
