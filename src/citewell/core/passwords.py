"""Passwords: what is accepted, and Argon2id hashes that are made and compared off the loop."""

import asyncio
import os
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TypeVar

from pwdlib.hashers.argon2 import Argon2Hasher

from citewell.core.errors import InvalidInputError, UnavailableError
from citewell.core.weak_passwords import weakness

T = TypeVar("T")

MIN_PASSWORD_CHARS = 15
"""NIST SP 800-63B-4, section 3.1.1.2, for passwords without a second factor."""

MAX_PASSWORD_BYTES = 1024
"""Bounds the work of one hash; far above the 64 characters that NIST SP 800-63B-4 asks to allow."""

MEMORY_KIB = 32 * 1024
PASSES = 2
"""About 70 ms on one core of a small server; OWASP asks for at least 19 MiB and two passes."""

MAX_WAITING = 100
"""Most hashes waiting; with more, people would give up before their turn, so they are refused."""

_HASHER = Argon2Hasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)

_NOBODY = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${'c2FsdG9mbm9ib2R5' + 'AAAA'}${'A' * 43}"
"""A hash that no password has: comparing with it takes as long as with a real one."""


class WeakPasswordError(InvalidInputError):
    """The password can be guessed; `detail` says why and what to do."""

    code = "weak_password"
    title = "The password is too weak"


class HashingQueue:
    """Threads that hash; few, since each takes a core and tens of MiB while it runs."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        # Half of the cores, so that a wave of sign-ins leaves the other half to searches; at most
        # four, since each hash holds `MEMORY_KIB`.
        threads = max(1, min(4, (os.cpu_count() or 1) // 2))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._places = threading.BoundedSemaphore(max_waiting)

    async def run(self, work: Callable[[], T]) -> T:
        """The result of the work.

        Raises:
            UnavailableError: Too much waits already.
        """
        if not self._places.acquire(blocking=False):
            raise UnavailableError("Too many people are signing in; try again in a moment.")
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)


@cache
def _line() -> HashingQueue:
    """The hashing queue of this process; one per process, as it bounds the process's memory."""
    return HashingQueue()


def check_password_rules(password: str, email: str = "", name: str = "", tenant: str = "") -> None:
    """Refuse a password that is short or easily guessed; any characters are welcome.

    Args:
        password: As it was typed.
        email: Of its owner.
        name: Of its owner.
        tenant: Name or slug of the organisation.

    Raises:
        WeakPasswordError: It must not be used; the detail says why.
    """
    composed = unicodedata.normalize("NFC", password)
    if len(composed) < MIN_PASSWORD_CHARS:
        raise WeakPasswordError(
            f"A password needs at least {MIN_PASSWORD_CHARS} characters; a few words that do not "
            "belong together are easy to remember."
        )
    if len(_bytes(password)) > MAX_PASSWORD_BYTES:
        raise WeakPasswordError(f"A password can have at most {MAX_PASSWORD_BYTES:,} bytes.")
    why = weakness(composed, [email, name, tenant])
    if why is not None:
        raise WeakPasswordError(f"{why} Take a few words that do not belong together.")


async def hash_password(password: str) -> str:
    """The Argon2id hash to store; the rules are the caller's business.

    Raises:
        UnavailableError: Too many are waiting for theirs.
    """
    return await _line().run(partial(_HASHER.hash, _bytes(password)))


async def verify_password(password: str, stored: str | None) -> bool:
    """Whether the password is the stored one.

    Takes the same time when there is nothing to compare with; then the answer is no.

    Raises:
        UnavailableError: Too many are waiting for theirs.
    """
    given = _bytes(password)
    is_usable = bool(stored) and len(given) <= MAX_PASSWORD_BYTES
    # An unknown address costs one hash too, or the time of the reply would tell which exist.
    compared = stored if is_usable and stored else _NOBODY
    is_same = await _line().run(partial(_HASHER.verify, given[:MAX_PASSWORD_BYTES], compared))
    return is_same and is_usable


def _bytes(password: str) -> bytes:
    """The password as bytes in one Unicode form, so that every keyboard gives the same ones."""
    # JSON can hold half a surrogate pair; it must be refused as wrong, not end in an error.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
