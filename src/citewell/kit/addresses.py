"""Addresses of this network and of the outside: by name only, and only once."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""All IPv6 addresses that are assigned for the public network (IANA); what lies outside is local,
translated or not in use."""

_SPECIAL: Final = (
    ipaddress.ip_network("3fff::/20"),  # documentation, RFC 9637; unknown to Python 3.11
    ipaddress.ip_network("168.63.129.16"),  # the service of Azure's hosts for their machines
)


class PrivateAddressError(Exception):
    """A host is in a network that must not be reached; the message names the host."""

    def __init__(self, host: str) -> None:
        super().__init__(f"`{host}` is an address of a private network")


@dataclass(frozen=True, slots=True)
class ReachableHosts:
    """Hosts that may be reached: public ones, and what is listed.

    Args:
        allowed: Host names, addresses, and networks like `10.1.0.0/16`.
    """

    allowed: tuple[str, ...] = ()

    async def address_of(self, host: str, port: int) -> str:
        """An address of the host to connect to; asked once, so that it cannot change afterwards.

        Raises:
            PrivateAddressError: It has an address that may not be reached.
            OSError: It has none.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        # All of them: a name with a public address beside a private one is no accident.
        if not self._is_listed(host) and not all(self.may_reach(each) for each in addresses):
            raise PrivateAddressError(host)
        return str(addresses[0])

    def may_reach(self, address: IpAddress) -> bool:
        """Whether an address is public, or listed."""
        inner = _inner(address)
        return _is_public(inner) or any(inner in network for network in self._networks())

    def _is_listed(self, host: str) -> bool:
        return host.lower().rstrip(".") in {name.lower() for name in self.allowed}

    def _networks(self) -> Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        return [network for name in self.allowed if (network := network_of(name)) is not None]


def network_of(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network, or the single address, that a text names; None: it is a host's name."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _inner(address: IpAddress) -> IpAddress:
    """The IPv4 address that an IPv6 one carries: both lead to the same host."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        # 64:ff9b::/96, by which translators (NAT64, RFC 6052) carry IPv4.
        if address.packed[:12] == bytes.fromhex("0064ff9b0000000000000000"):
            return ipaddress.IPv4Address(address.packed[12:])
    return address


def _is_public(address: IpAddress) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST:
        return False
    # `is_global` leaves multicast in; metadata services (169.254.169.254) are link-local.
    is_public = address.is_global and not address.is_multicast
    return is_public and not any(address in network for network in _SPECIAL)


def customer_of(address: str | None) -> str:
    """The IPv4 address, or the /64 network of an IPv6 address, to count what comes from there."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        # A /64 is what one customer gets: counting addresses would give a guesser 2**64 of them.
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
