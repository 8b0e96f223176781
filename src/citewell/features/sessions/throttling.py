"""Limits on wrong passwords: per account from one address, per account, and per address."""

import ipaddress

from citewell.core.platform import Platform
from citewell.core.ratelimit import Rule, rule
from citewell.features.sessions.errors import TooManyAttemptsError

PAIR = rule("sign-in-pair", "10 per 15 minutes")
"""Failures of one account from one address: a forgotten password, or guessing."""

ACCOUNT = rule("sign-in-account", "50 per 15 minutes")
"""Failures of one account from all addresses: guessing from many machines."""

ADDRESS = rule("sign-in-address", "100 per 15 minutes")
"""Failures of all accounts from one address: one password tried with many names."""

REGISTRATION = rule("registration", "100 per 15 minutes")
"""Attempts to register from one address, successful or not."""


class Attempts:
    """The failures of one e-mail address, seen from one network address."""

    def __init__(self, platform: Platform, email: str, address: str | None) -> None:
        self._limiter = platform.limiter
        self._network = _network(address)
        self._limits: tuple[tuple[Rule, tuple[str, ...]], ...] = (
            (PAIR, (email, self._network)),
            (ACCOUNT, (email,)),
            (ADDRESS, (self._network,)),
        )

    async def admit(self) -> None:
        """Let an attempt through.

        Ask before a password is compared, and again before a match is accepted: then parallel
        guesses get no more answers than sequential ones.

        Raises:
            TooManyAttemptsError: Too many have failed in the last minutes.
        """
        for limit, parts in self._limits:
            # Tested, not counted: right passwords cost nothing, so a shared office address is not
            # locked out by people who sign in.
            decision = await self._limiter.test(limit, *parts)
            if not decision.allowed:
                raise TooManyAttemptsError(decision.reset_seconds)

    async def admit_registration(self) -> None:
        """Let an attempt to register through, and count it.

        Raises:
            TooManyAttemptsError: Too many came or have failed in the last minutes.
        """
        await self.admit()
        decision = await self._limiter.hit(REGISTRATION, self._network)
        if not decision.allowed:
            raise TooManyAttemptsError(decision.reset_seconds)

    async def note_failure(self) -> None:
        """Count an attempt that failed.

        Raises:
            TooManyAttemptsError: Attempts made at the same time have used up the limit.
        """
        for limit, parts in self._limits:
            decision = await self._limiter.hit(limit, *parts)
            if not decision.allowed:
                raise TooManyAttemptsError(decision.reset_seconds)


def _network(address: str | None) -> str:
    """The IPv4 address, or the /64 network of an IPv6 address."""
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
