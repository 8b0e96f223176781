"""Rate limits, counted in this process, or in Redis for all processes."""

import bisect
import hashlib
import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MovingWindowSupport, RedisStorage, Storage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import MovingWindowRateLimiter

from citewell.core.redis_errors import redis_failures
from citewell.core.slots import Slots

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

# A healthy Redis answers in a millisecond; longer, and counting alone is better than waiting.
REDIS_TIMEOUT_SECONDS = 0.5
REDIS_PAUSE_SECONDS = 5.0
"""Pause before a failed Redis is asked again, so that not every request waits for its time-out."""

REDIS_PREFIX = "citewell:limits"
SWEEP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A rate limit: an amount per window of time, under a name of its own."""

    name: str
    window: RateLimitItem

    @property
    def is_off(self) -> bool:
        """Whether it limits nothing (an amount of 0)."""
        return self.window.amount == 0

    def of(self, amount: int) -> "Rule":
        """The rule with another amount; 0 switches it off."""
        return Rule(self.name, type(self.window)(amount, self.window.multiples))


def rule(name: str, limit: str) -> Rule:
    """The rule `limit` says: `100 per minute`, `10 per 15 minutes`."""
    return Rule(name, parse(limit))


@dataclass(frozen=True, slots=True)
class Decision:
    """Result of asking a limit."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    """Seconds until the next hit is free again; 0 if none was used."""


class RateLimiter:
    """Moving windows: any period of a rule's length holds at most its amount of hits.

    If Redis fails, this process counts alone until it answers again: limits get looser by the
    number of processes, but nobody is locked out and nobody is unlimited.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        *,
        key: bytes = b"",
        redis_timeout: float = REDIS_TIMEOUT_SECONDS,
    ) -> None:
        """Connect to nothing yet.

        Args:
            redis_url: Redis in which all processes count together; None: each counts alone.
            key: Hashes the names in Redis, so that no addresses of people or machines are stored.
            redis_timeout: Seconds Redis may take before this process counts alone.
        """
        self._key = key[: hashlib.blake2b.MAX_KEY_SIZE]
        self._local = MovingWindowRateLimiter(_ProcessMemory())
        self._redis: Redis | None = None
        self._shared: MovingWindowRateLimiter | None = None
        self._asks_redis_from = 0.0
        self._is_failing = False
        if redis_url is not None:
            address = redis_url.replace("unix://", "redis+unix://", 1)
            storage = RedisStorage(
                f"async+{address}",
                implementation="redispy",
                key_prefix=REDIS_PREFIX,
                socket_timeout=redis_timeout,
                socket_connect_timeout=redis_timeout,
            )
            self._redis = cast(RedispyBridge, storage.bridge).storage
            self._shared = MovingWindowRateLimiter(storage)
        self.slots = Slots(self._redis, self._digest)
        """Counts what goes on at the same time, in the same place."""

    async def hit(self, rule: Rule, *parts: str) -> Decision:
        """Count one try, unless it is one too many.

        Args:
            rule: The limit.
            parts: The subject it is counted for: an address, or a user and their tenant.
        """
        return await self._decide(rule, parts, counts=True)

    async def test(self, rule: Rule, *parts: str) -> Decision:
        """The decision `hit` would make, without counting."""
        return await self._decide(rule, parts, counts=False)

    async def close(self) -> None:
        """Close the connection to Redis."""
        if self._redis is not None:
            await self._redis.aclose(close_connection_pool=True)

    async def _decide(self, rule: Rule, parts: tuple[str, ...], *, counts: bool) -> Decision:
        if rule.is_off:
            return Decision(allowed=True, limit=0, remaining=0, reset_seconds=0)
        key = self._name(rule, parts)
        if self._shared is not None and time.monotonic() >= self._asks_redis_from:
            try:
                decision = await _ask(self._shared, rule.window, key, counts=counts)
            except redis_failures() as error:
                self._note_failure(error)
            else:
                if self._is_failing:
                    self._is_failing = False
                    log.warning("rate_limits_shared_again")
                return decision
        return await _ask(self._local, rule.window, key, counts=counts)

    def _note_failure(self, error: Exception) -> None:
        self._asks_redis_from = time.monotonic() + REDIS_PAUSE_SECONDS
        if not self._is_failing:
            self._is_failing = True
            log.warning(
                "rate_limits_not_shared",
                reason=type(error).__name__,
                until="Redis answers; this process counts for itself",
            )

    def _name(self, rule: Rule, parts: tuple[str, ...]) -> str:
        return f"{rule.name}:{self._digest(parts)}"

    def _digest(self, parts: tuple[str, ...]) -> str:
        digest = hashlib.blake2b(digest_size=16, key=self._key)
        for part in parts:
            encoded = part.encode(errors="surrogatepass")
            # With its length, so that ("ab", "c") and ("a", "bc") are different keys.
            digest.update(len(encoded).to_bytes(4, "big") + encoded)
        return digest.hexdigest()


async def _ask(
    limiter: MovingWindowRateLimiter, window: RateLimitItem, key: str, *, counts: bool
) -> Decision:
    allowed = await (limiter.hit(window, key) if counts else limiter.test(window, key))
    stats = await limiter.get_window_stats(window, key)
    is_used = stats.remaining < window.amount
    wait = math.ceil(stats.reset_time - time.time()) if is_used else 0
    return Decision(
        allowed,
        window.amount,
        # Other hits may have been counted between the two calls.
        max(0, stats.remaining) if allowed else 0,
        min(max(wait, 1 if is_used else 0), window.get_expiry()),
    )


class _ProcessMemory(Storage, MovingWindowSupport):
    """Times of hits, oldest first, by key.

    The library's own store scans all keys at every hit, in a thread; this one sweeps twice a
    minute. It belongs to one event loop and never awaits, so it needs no locks.
    """

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._hits: dict[str, tuple[int, deque[float]]] = {}
        """The window's length in seconds, and the hits."""
        self._swept_at = time.time()

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        now = time.time()
        self._sweep(now)
        hits = self._hits.setdefault(key, (expiry, deque()))[1]
        _forget(hits, now - expiry)
        if len(hits) + amount > limit:
            return False
        hits.extend([now] * amount)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 - the protocol's
        now = time.time()
        _, hits = self._hits.get(key, (expiry, ()))
        first = bisect.bisect_right(hits, now - expiry)
        return (hits[first], len(hits) - first) if first < len(hits) else (now, 0)

    async def clear(self, key: str) -> None:
        self._hits.pop(key, None)

    async def reset(self) -> int:
        count = len(self._hits)
        self._hits.clear()
        return count

    async def check(self) -> bool:
        return True

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError("fixed windows are not kept")

    async def get(self, key: str) -> int:
        raise NotImplementedError("fixed windows are not kept")

    async def get_expiry(self, key: str) -> float:
        raise NotImplementedError("fixed windows are not kept")

    def _sweep(self, now: float) -> None:
        if now - self._swept_at < SWEEP_SECONDS:
            return
        self._swept_at = now
        gone = [
            key
            for key, (expiry, hits) in self._hits.items()
            if not hits or hits[-1] <= now - expiry
        ]
        for key in gone:
            del self._hits[key]


def _forget(hits: deque[float], until: float) -> None:
    while hits and hits[0] <= until:
        hits.popleft()
