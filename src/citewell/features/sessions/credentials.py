"""The caller behind a secret, cached for a moment."""

import asyncio
import hashlib
import time
from dataclasses import dataclass

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.features.identity import service as identity
from citewell.features.identity.errors import CredentialError
from citewell.features.sessions import service as sessions

MEMORY_SECONDS = 0.5
"""Lifetime of a cached caller: a revoked key or an ended session is refused after this."""

CHECK_SECONDS = 0.25
"""Interval at which open streams check their credential; with the cache above they end at most
0.75 s after it is revoked."""

REMEMBERED = 10_000
"""Bounds the cache at a few MiB, also when somebody sends many different valid tokens."""


@dataclass(frozen=True, slots=True)
class _Check:
    """A credential that was checked, or is being checked."""

    begun: float
    caller: "asyncio.Future[Caller]"


class Credentials:
    """Cache of valid credentials by hash; asking the database would cost a third of a search.

    Requests that come while a credential is being checked share the check: otherwise a busy
    caller's requests would all ask the database whenever the cached one has ended.
    """

    def __init__(self) -> None:
        self._checks: dict[bytes, _Check] = {}

    async def caller(self, platform: Platform, secret: str) -> Caller:
        """The caller that an API key or an access token belongs to.

        Raises:
            CredentialError: It is none of ours, or not valid any more.
        """
        if not secret:
            raise CredentialError
        # The hash is the key, so that no secret stays in memory longer than its request.
        digest, now = hashlib.sha256(secret.encode()).digest(), time.monotonic()
        check = self._checks.get(digest)
        if check is None or now - check.begun >= MEMORY_SECONDS:
            # Emptied rather than evicted one by one: entries live half a second, so little is lost.
            if len(self._checks) >= REMEMBERED:
                self._checks.clear()
            authenticate = (
                identity.authenticate if secret.startswith("cw_") else sessions.authenticate
            )
            check = _Check(now, asyncio.ensure_future(authenticate(platform, secret)))
            self._checks[digest] = check
            # Refused is never cached: what failed is forgotten before anybody is told.
            check.caller.add_done_callback(lambda _: self._forget_failure(digest, check))
        # A caller who leaves must not take the check away from the others.
        await asyncio.wait([check.caller])
        return check.caller.result()

    def _forget_failure(self, digest: bytes, check: _Check) -> None:
        failed = check.caller.cancelled() or check.caller.exception() is not None
        if failed and self._checks.get(digest) is check:
            del self._checks[digest]
