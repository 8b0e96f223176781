"""The caller behind a secret, cached for a moment."""

import hashlib
import time

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


class Credentials:
    """Cache of valid credentials by hash; asking the database would cost a third of a search."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[float, Caller]] = {}

    async def caller(self, platform: Platform, secret: str) -> Caller:
        """The caller that an API key or an access token belongs to.

        Raises:
            CredentialError: It is none of ours, or not valid any more.
        """
        if not secret:
            raise CredentialError
        # The hash is the key, so that no secret stays in memory longer than its request.
        digest, now = hashlib.sha256(secret.encode()).digest(), time.monotonic()
        known = self._known.get(digest)
        if known is not None and now - known[0] < MEMORY_SECONDS:
            return known[1]
        authenticate = identity.authenticate if secret.startswith("cw_") else sessions.authenticate
        caller = await authenticate(platform, secret)
        # Emptied rather than evicted one by one: entries live half a second, so little is lost.
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[digest] = (now, caller)
        return caller
