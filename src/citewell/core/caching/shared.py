"""Values in a Redis or Valkey that all processes of an installation share, sealed."""

import asyncio
import secrets
import time
from typing import cast

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 0.25
"""Longest wait for it, connecting included: about what a question takes without."""

PAUSE_SECONDS = 5.0
"""Pause before a Redis that failed is asked again, as long as that of the rate limits."""

MOST_CONNECTIONS = 16
PREFIX = "citewell:cache:"
_NONCE_BYTES = 12
"""96 bits, the length AES-GCM is made for. They are random: keys of one purpose may be used 2^32
times (NIST SP 800-38D, 8.3), which is 50 values a second for almost three years."""


class SharedStore:
    """Sealed values in Redis; without it everything goes on, only slower.

    A value is encrypted and bound to its key, so that Redis and whoever reads its memory or its
    files learn nothing, and a value under another key, by mistake or by intent, is none. Redis
    drops values by their age; `maxmemory-policy allkeys-lru` bounds their number.
    """

    def __init__(
        self,
        url: str,
        secret: bytes,
        *,
        timeout: float = TIMEOUT_SECONDS,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        """Connect to nothing yet.

        Args:
            url: As CITEWELL_REDIS_URL has it.
            secret: 32 bytes that seal the values.
            timeout: Seconds that Redis may take.
            pause: Seconds before it is asked again after a failure.
        """
        self._cipher = AESGCM(secret)
        self._timeout = timeout
        self._pause = pause
        self._asks_from = 0.0
        self.failures = 0
        """Failures in a row."""
        # A connection whose command was cancelled is closed by the client, never given back with a
        # reply outstanding; a test cancels thousands. More callers than connections wait in turn.
        self._redis = Redis.from_pool(
            BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType] - keywords
                url,
                protocol=2,  # no pushed messages, which would have to be told from replies
                max_connections=MOST_CONNECTIONS,
                timeout=timeout,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                # Once is enough: the value can be computed.
                retry=Retry(NoBackoff(), 0),
            )
        )

    @property
    def is_open(self) -> bool:
        """Whether it is asked: not in the pause after a failure."""
        return time.monotonic() >= self._asks_from

    async def get(self, key: bytes) -> bytes | None:
        """The value; None if there is none, or Redis does not answer in time."""
        if not self.is_open:
            return None
        try:
            async with asyncio.timeout(self._timeout):
                sealed = cast(bytes | None, await self._redis.get(_name(key)))
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error)
            return None
        self._note_success()
        return None if sealed is None else self._opened(key, sealed)

    async def put(self, key: bytes, value: bytes, *, seconds: float) -> None:
        """Keep a value, if Redis takes it in time."""
        if not self.is_open or seconds < 1:
            return
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, value, key)
        try:
            async with asyncio.timeout(self._timeout):
                await self._redis.set(_name(key), sealed, ex=int(seconds))
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error)
        else:
            self._note_success()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)

    def _opened(self, key: bytes, sealed: bytes) -> bytes | None:
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key)
        except (InvalidTag, ValueError):
            # Of a former master key, cut off, or not ours.
            log.warning("cache_value_refused")
            return None

    def _note_failure(self, error: Exception) -> None:
        self._asks_from = time.monotonic() + self._pause
        self.failures += 1
        if self.failures == 1:
            log.warning(
                "cache_not_shared",
                reason=type(error).__name__,
                until="Redis answers; this process keeps what it has for itself",
            )

    def _note_success(self) -> None:
        if self.failures:
            self.failures = 0
            log.warning("cache_shared_again")


def _name(key: bytes) -> str:
    return PREFIX + key.hex()
