"""Ports for processes that are told where to listen, instead of taking whatever is free."""

import random
import socket
from contextlib import suppress
from pathlib import Path

_LOWEST, _HIGHEST = 10_000, 20_000
"""Ports that no common service has, below those that Linux gives to connections by default."""

_GIVEN: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on, given to nobody else in this process.

    It is none of those that the kernel gives to connections: one of other tests could have such a
    port before the server listens there, or while it is started again.
    """
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(given.read_text().split()[0]) if given.exists() else 32_768
    for port in random.SystemRandom().sample(range(_LOWEST, max(lowest, _HIGHEST)), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _GIVEN:
                _GIVEN.add(port)
                return port
    raise AssertionError("no free port was found")
