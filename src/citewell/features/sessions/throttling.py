"""Limits on wrong passwords: per account from one address, per account, and per address.

Guesses from many addresses slow an account's sign-in down instead of closing it: else anybody who
knows an e-mail address could lock its owner out. Addresses from which the account was signed in to
before are spared, so its owner notices nothing.
"""

import asyncio
import uuid
from dataclasses import dataclass

from citewell.core.platform import Platform
from citewell.core.ratelimit import Rule, rule
from citewell.features.sessions.errors import TooManyAttemptsError
from citewell.kit.addresses import customer_of

PAIR = rule("sign-in-pair", "10 per 15 minutes")
"""Failures of one account from one address: a forgotten password, or guessing."""

SUSPICIOUS = rule("sign-in-account", "50 per 15 minutes")
"""Failures of one account from all addresses; beyond it each attempt takes `SlowPace.seconds`."""

ACCOUNT = rule("sign-in-flood", "1000 per 15 minutes")
"""The same, beyond which attempts from new addresses are refused: that takes a hundred addresses,
and without any bound those of a large network could try a list of common passwords."""

CODES = rule("sign-in-code", "10 per 15 minutes")
"""Codes sent beside a right password of one account, right or wrong, from all addresses: whoever
has the password guesses one of three valid codes in a million, and gets 960 guesses a day."""

KNOWN = rule("sign-in-known", "1 per 30 days")
"""Used up by a right password for an account from an address: that address is known to it."""

ADDRESS = rule("sign-in-address", "100 per 15 minutes")
"""Failures of all accounts from one address: one password tried with many names."""

REGISTRATION = rule("registration", "100 per 15 minutes")
"""Attempts to register from one address, successful or not."""

ASKED = rule("link-address", "20 per 15 minutes")
"""Links by mail that are asked for, or confirmed, from one address."""

REMINDED = rule("link-account", "3 per hour")
"""Links to set a password that go to one e-mail address: nobody fills another's mailbox."""

READDRESSED = rule("link-new-email", "5 per day")
"""Links to new addresses that one user has sent: they go to mailboxes of others."""


@dataclass(frozen=True, slots=True)
class SlowPace:
    """Length of a slowed-down attempt; an object of a process."""

    seconds: float = 3.0
    """Long for a guesser, short for the owner at a new place."""


async def admit_link(platform: Platform, address: str | None) -> None:
    """Let a request for a mailed link, or one with its token, through, and count it.

    Raises:
        TooManyAttemptsError: Too many came from the network address.
    """
    decision = await platform.limiter.hit(ASKED, customer_of(address))
    if not decision.allowed:
        raise TooManyAttemptsError(decision.reset_seconds)


async def may_remind(platform: Platform, email: str) -> bool:
    """Whether one more link goes to an e-mail address; counted whether or not it is anybody's."""
    return (await platform.limiter.hit(REMINDED, email)).allowed


async def admit_new_email(platform: Platform, user_id: uuid.UUID) -> None:
    """Let a user's request for another address through, and count it.

    Raises:
        TooManyAttemptsError: They have asked too often today.
    """
    decision = await platform.limiter.hit(READDRESSED, str(user_id))
    if not decision.allowed:
        raise TooManyAttemptsError(decision.reset_seconds)


class Attempts:
    """The failures of one e-mail address, seen from one network address."""

    def __init__(self, platform: Platform, email: str, address: str | None) -> None:
        self._limiter = platform.limiter
        self._email = email
        self._pace = platform.state_of(SlowPace)
        self._network = customer_of(address)
        self._limits: tuple[tuple[Rule, tuple[str, ...]], ...] = (
            (PAIR, (email, self._network)),
            (SUSPICIOUS, (email,)),
            (ACCOUNT, (email,)),
            (ADDRESS, (self._network,)),
        )

    async def slow_down(self) -> None:
        """Wait if an account that is being guessed at is signed in to from a new address."""
        suspicion = await self._limiter.test(SUSPICIOUS, self._email)
        if not suspicion.allowed and not await self._is_known():
            await asyncio.sleep(self._pace.seconds)

    async def note_success(self) -> None:
        """Remember the address as one of the account's own."""
        await self._limiter.hit(KNOWN, self._email, self._network)

    async def _is_known(self) -> bool:
        return not (await self._limiter.test(KNOWN, self._email, self._network)).allowed

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
            if not decision.allowed and await self._refuses(limit):
                raise TooManyAttemptsError(decision.reset_seconds)

    async def admit_code(self) -> None:
        """Let a code of a second factor through, and count it.

        Raises:
            TooManyAttemptsError: Too many were sent for the account in the last minutes.
        """
        decision = await self._limiter.hit(CODES, self._email)
        if not decision.allowed:
            raise TooManyAttemptsError(decision.reset_seconds)

    async def _refuses(self, limit: Rule) -> bool:
        """Whether going over a limit ends an attempt from this address."""
        return limit is not SUSPICIOUS and not (limit is ACCOUNT and await self._is_known())

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
            if not decision.allowed and await self._refuses(limit):
                raise TooManyAttemptsError(decision.reset_seconds)
