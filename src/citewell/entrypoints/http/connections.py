"""Limits on the connections of a process, in total and by address, and on their waiting.

A connection costs a file descriptor for as long as it stays open. Unless connections are counted
and timed, a single machine can keep everybody out (slow loris). They are counted by their peer
address, which cannot be forged; a trusted proxy stands for many users and has no share.
"""

import asyncio
import resource
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

import structlog

from citewell.core.settings import Settings

log = structlog.get_logger(__name__)

MOST_FILES = 65_536
"""File descriptors that a process asks the system for: more than connections and files need."""

WAITING_PER_ADDRESS = 256
"""Most connections of one address whose request has not arrived. A head arrives within a round
trip, so this many stand for thousands of requests a second; browsers open one or two ahead."""

SILENT_SOCKETS = 500
"""Most sockets of a process that have not signed in. They have ten seconds to do so, and places of
their own, so that they cannot displace sockets that have."""

SILENT_SOCKETS_PER_ADDRESS = 50

LOG_SECONDS = 10.0
"""Shortest interval between two log lines about refused connections."""


def raise_file_limit() -> int:
    """Let this process open as many files as the system allows; says how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST_FILES if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # some systems allow less than they say
        return soft
    return wanted


@dataclass(slots=True)
class Place:
    """Places one connection takes; released once, whatever ends it."""

    address: str
    is_counted: bool
    """Whether its address has a share; that of a trusted proxy has none."""
    is_waiting: bool = False
    is_silent_socket: bool = False


@dataclass
class Connections:
    """The connections of this process."""

    most: int
    per_address: int
    head_seconds: float
    """How long the head of a request may take, and a new connection until its first."""
    body_seconds: float
    """How long a body may make no progress."""
    trusted: tuple[str, ...] = ()
    is_draining: bool = False
    """Whether the server stops soon: replies close their connections."""
    _open: Counter[str] = field(default_factory=Counter[str])
    _waiting: Counter[str] = field(default_factory=Counter[str])
    _silent: Counter[str] = field(default_factory=Counter[str])
    _total: int = 0
    _silent_total: int = 0
    _said_at: float = float("-inf")
    _unsaid: int = 0

    @classmethod
    def of(cls, settings: Settings) -> "Connections":
        """As the settings and the system's limit of files allow: half of them for connections."""
        return cls(
            most=min(settings.max_connections, raise_file_limit() // 2),
            per_address=settings.max_connections_per_address,
            head_seconds=settings.request_head_seconds,
            body_seconds=settings.request_body_seconds,
            trusted=settings.trusted_proxies,
        )

    def take(self, address: str) -> Place | None:
        """A place for a new connection; None if there is none for its address, or at all."""
        place = Place(address, is_counted=not self._is_trusted(address))
        is_over = place.is_counted and self._open[address] >= self.per_address
        if is_over or self._total >= self.most:
            self.say("connection_refused", address=address, open=self._total)
            return None
        self._total += 1
        if place.is_counted:
            self._open[address] += 1
        return place

    def wait(self, place: Place) -> bool:
        """Note that a request of the connection is awaited; False if too many are already."""
        if place.is_waiting:
            return True
        if place.is_counted and self._waiting[place.address] >= WAITING_PER_ADDRESS:
            self.say("connection_refused", address=place.address, waiting=WAITING_PER_ADDRESS)
            return False
        place.is_waiting = True
        self._waiting[place.address] += 1
        return True

    def arrived(self, place: Place) -> None:
        """Note that the awaited request is there."""
        if place.is_waiting:
            place.is_waiting = False
            _less(self._waiting, place.address)

    def begin_socket(self, place: Place) -> bool:
        """Note a socket that has to sign in; False if too many have not."""
        is_over = place.is_counted and self._silent[place.address] >= SILENT_SOCKETS_PER_ADDRESS
        if is_over or self._silent_total >= SILENT_SOCKETS:
            self.say("socket_refused", address=place.address, silent=self._silent_total)
            return False
        place.is_silent_socket = True
        self._silent[place.address] += 1
        self._silent_total += 1
        return True

    def signed_in(self, place: Place) -> None:
        """Note that a socket has signed in, or is gone."""
        if place.is_silent_socket:
            place.is_silent_socket = False
            _less(self._silent, place.address)
            self._silent_total -= 1

    def leave(self, place: Place) -> None:
        """Give a place back."""
        self.arrived(place)
        self.signed_in(place)
        self._total -= 1
        if place.is_counted:
            _less(self._open, place.address)

    def say(self, event: str, **values: object) -> None:
        """Log it, unless something was logged just now; then it is only counted."""
        now = asyncio.get_running_loop().time()
        if now - self._said_at < LOG_SECONDS:
            self._unsaid += 1
            return
        log.warning(event, more_before=self._unsaid, **values)
        self._said_at, self._unsaid = now, 0

    def watch_accepting(self) -> None:
        """Keep what the running loop says of connections it cannot accept to a line now and then.

        Out of descriptors it says so for each place of the backlog, and again every second.
        """
        loop = asyncio.get_running_loop()

        def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            if str(context.get("message", "")).startswith("socket.accept() out of"):
                self.say("connections_not_accepted", reason=str(context.get("exception")))
            else:
                loop.default_exception_handler(context)

        loop.set_exception_handler(handle)

    def _is_trusted(self, address: str) -> bool:
        if not self.trusted:
            return False
        try:
            given = ip_address(address)
        except ValueError:
            return False
        return any(given in ip_network(network) for network in self.trusted)


def _less(counts: Counter[str], address: str) -> None:
    counts[address] -= 1
    if counts[address] <= 0:
        del counts[address]
