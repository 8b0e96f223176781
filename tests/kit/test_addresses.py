"""Which hosts may be reached."""

import ipaddress

import pytest

from citewell.kit.addresses import PrivateAddressError, ReachableHosts

PRIVATE = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0",    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2001:db8::1", "198.18.0.1", "192.0.2.1", "64:ff9b:1::7f00:1", "fec0::1", "::ffff:0:127.0.0.1",
    "::127.0.0.1", "3fff::1", "5f00::1", "168.63.129.16",
)  # fmt: skip
PUBLIC = ("1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101")


def test_only_public_addresses_may_be_reached() -> None:
    hosts = ReachableHosts()
    for text in PRIVATE:
        assert not hosts.may_reach(ipaddress.ip_address(text)), text
    for text in PUBLIC:
        assert hosts.may_reach(ipaddress.ip_address(text)), text


async def test_what_is_listed_may_be_reached_by_name_and_by_network() -> None:
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"):
        with pytest.raises(PrivateAddressError):
            await ReachableHosts(("10.0.0.0/8", "ollama.internal")).address_of(host, 80)
    for allowed in ("127.0.0.0/8", "127.0.0.1"):
        assert await ReachableHosts((allowed,)).address_of("127.0.0.1", 80) == "127.0.0.1"
    assert await ReachableHosts(("LOCALHOST",)).address_of("localhost", 80) in ("127.0.0.1", "::1")
