"""Readiness of a started VM: the condition in the settings that makes it count as recovered."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

RIGHT_READINESS = "one of power, tools, ip, tcp:PORT, http:URL (with {ip} where the VM's address goes)"
_DOCKER = "172.17.0.0/16"
"""The bridge that container engines make by default, which every such guest has."""


class Readiness(NamedTuple):
    """A condition for a started VM to count as ready.

    `kind`: power, tools, ip, tcp or http; `port` of tcp; `url` of http, with {ip} in it.
    """

    kind: str
    port: int = 0
    url: str = ""

    @property
    def needs_address(self) -> bool:
        return self.kind not in ("power", "tools")

    @property
    def is_probed(self) -> bool:
        """Only a connection tells whether it holds."""
        return self.kind in ("tcp", "http")


@lru_cache(maxsize=256)
def parse_readiness(text: str) -> Readiness:
    """The condition that a text of the settings means. Raises ValueError."""
    if text in ("power", "tools", "ip"):
        return Readiness(text)
    kind, _, rest = text.partition(":")
    if kind == "tcp" and rest.isascii() and rest.isdigit() and 1 <= int(rest) <= 65535:
        return Readiness("tcp", port=int(rest))
    url = text if text.startswith(("http://", "https://")) else rest if kind == "http" else ""
    parts = urlsplit(url.replace("{ip}", "192.0.2.1"))
    if parts.scheme in ("http", "https") and parts.hostname and url.count("{") == url.count("{ip}"):
        return Readiness("http", url=url)
    raise ValueError(RIGHT_READINESS)


@lru_cache(maxsize=256)
def parse_subnet(text: str) -> IPv4Network | IPv6Network:
    """A network such as "10.20.0.0/16". Raises ValueError."""
    import ipaddress  # here: few commands look at an address

    return ipaddress.ip_network(text, strict=True)


def reachable_address(addresses: Iterable[str], subnet: str = "") -> str:
    """The first address that others can reach; empty where there is none.

    Guests tell of addresses that only they know: link-local ones, where DHCP gave none, and those of
    container bridges. With `subnet` only an address in it counts.
    """
    import ipaddress

    network, docker = parse_subnet(subnet) if subnet else None, parse_subnet(_DOCKER)
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if network is not None:
            if address in network:
                return text
            continue
        useless = address.is_link_local or address.is_loopback or address.is_unspecified
        if not (useless or address.is_multicast or (address.version == 4 and address in docker)):
            return text
    return ""
