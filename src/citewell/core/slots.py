"""Limits on what goes on at the same time, counted in this process, or in Redis for all of them.

A slot is leased: whoever holds it renews the lease, so that a process that dies gives its slots
back by itself.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import structlog

from citewell.core.redis_errors import redis_failures

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

SLOTS_PREFIX = "citewell:slots"

_PAUSE_SECONDS = 5.0
"""Pause before a failed Redis is asked again, as for rate limits."""

# One step for Redis, so that two processes never take the last slot both. By Redis's own clock:
# those of machines differ. `most` below 0: a slot that may not be refused.
_TAKE = """
local now = redis.call('TIME')
local moment = now[1] + now[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', moment)
local most = tonumber(ARGV[2])
if most >= 0 and not redis.call('ZSCORE', KEYS[1], ARGV[1])
  and redis.call('ZCARD', KEYS[1]) >= most then return 0 end
redis.call('ZADD', KEYS[1], moment + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[3] * 1000))
return 1
"""


@dataclass(frozen=True, slots=True)
class SlotLease:
    """How long a slot stays taken without a sign of life; a state of the platform."""

    seconds: float = 30.0
    """Until the slots of a process that died are free; a third of it is between two signs."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A limit under which something goes on."""

    name: str
    most: int
    parts: tuple[str, ...]
    """The subject it is counted for: a tenant, or a user and their tenant."""


class SlotsTakenError(Exception):
    """All slots of a limit are taken."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted.name)
        self.wanted = wanted


@dataclass(slots=True)
class Slots:
    """Slots that are taken, by limit and subject.

    If Redis fails, this process counts alone until it answers again, as rate limits do.

    Args:
        redis: Where all processes count together; None: each counts alone.
        digest: Makes a name of a subject, so that no ids are stored.
    """

    redis: "Redis | None"
    digest: Callable[[tuple[str, ...]], str]
    _taken: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    """Ends of the leases of this process by member, for each subject."""
    _freeing: "set[asyncio.Future[None]]" = field(default_factory=set["asyncio.Future[None]"])
    _asks_redis_from: float = 0.0

    @asynccontextmanager
    async def holding(
        self, wanted: Sequence[Wanted], member: str, lease: SlotLease, *, is_admitted: bool = False
    ) -> AsyncGenerator[None, None]:
        """Hold a slot of each limit inside the block.

        Args:
            wanted: The limits.
            member: What goes on; the same one never takes two slots.
            lease: How long a slot stays without a sign of life.
            is_admitted: Whether it was let in before, so that it is not refused any more.

        Raises:
            SlotsTakenError: One of them is full; none is held then.
        """
        await self.take(wanted, member, lease, is_admitted=is_admitted)
        if not wanted:
            yield
            return
        is_over = asyncio.Event()
        renewing = asyncio.ensure_future(self._renewing(wanted, member, lease, is_over))
        try:
            yield
        finally:
            is_over.set()
            await self._freed(renewing, wanted, member)

    async def take(
        self, wanted: Sequence[Wanted], member: str, lease: SlotLease, *, is_admitted: bool = False
    ) -> None:
        """Take a slot of each limit for one lease; raises as `holding` does.

        Cut off, it holds none either.
        """
        if not wanted:
            return
        taking = asyncio.ensure_future(self._take_all(wanted, member, lease, is_admitted))
        try:
            await asyncio.shield(taking)
        except asyncio.CancelledError:
            await self._freed(taking, wanted, member)
            raise

    async def give_back(self, wanted: Sequence[Wanted], member: str) -> None:
        """Give slots back as `free` does, also if the task is cut off meanwhile."""
        if wanted:
            await self._freed(None, wanted, member)

    async def free(self, wanted: Sequence[Wanted], member: str) -> None:
        """Give slots back; does nothing for those that are not held."""
        for each in wanted:
            key = self._key(each)
            here = self._taken.get(key, {})
            here.pop(member, None)
            if not here:
                self._taken.pop(key, None)
            if self._is_shared():
                await self._asked("ZREM", key, member)

    async def _freed(
        self, last: "asyncio.Future[None] | None", wanted: Sequence[Wanted], member: str
    ) -> None:
        """Free slots once what may still take them is through."""

        async def free() -> None:
            if last is not None:
                # Not cancelled: a command that is on its way would be carried out after the slot
                # was freed. What it raised has been told, or is that the limit is full.
                await asyncio.wait([last])
                if not last.cancelled():
                    last.exception()
            await self.free(wanted, member)

        # A client that left has the task cancelled at each wait: it is freed all the same.
        freeing = asyncio.ensure_future(free())
        self._freeing.add(freeing)
        freeing.add_done_callback(self._freeing.discard)
        await asyncio.shield(freeing)

    async def _take_all(
        self, wanted: Sequence[Wanted], member: str, lease: SlotLease, is_admitted: bool
    ) -> None:
        for place, each in enumerate(wanted):
            most = -1 if is_admitted else each.most
            if not await self._take(each, most, member, lease.seconds):
                await self.free(wanted[:place], member)
                raise SlotsTakenError(each)

    async def _renewing(
        self, wanted: Sequence[Wanted], member: str, lease: SlotLease, is_over: asyncio.Event
    ) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(is_over.wait(), lease.seconds / 3)
                return
            await self._take_all(wanted, member, lease, is_admitted=True)

    async def _take(self, wanted: Wanted, most: int, member: str, seconds: float) -> bool:
        key = self._key(wanted)
        if self._is_shared():
            answer = await self._asked("EVAL", _TAKE, 1, key, member, most, seconds)
            if answer is not None:
                return answer == 1
        now = time.monotonic()
        here = self._taken.setdefault(key, {})
        for gone in [each for each, end in here.items() if end <= now]:
            del here[gone]
        if most >= 0 and member not in here and len(here) >= most:
            return False
        here[member] = now + seconds
        return True

    async def _asked(self, *command: object) -> object | None:
        """The reply of Redis; None: it does not answer."""
        try:
            redis = cast(Any, self.redis)
            return cast(object, await redis.execute_command(*command))
        except redis_failures() as error:
            self._asks_redis_from = time.monotonic() + _PAUSE_SECONDS
            log.warning("slots_not_shared", reason=type(error).__name__)
            return None

    def _is_shared(self) -> bool:
        return self.redis is not None and time.monotonic() >= self._asks_redis_from

    def _key(self, wanted: Wanted) -> str:
        return f"{SLOTS_PREFIX}:{wanted.name}:{self.digest(wanted.parts)}"
