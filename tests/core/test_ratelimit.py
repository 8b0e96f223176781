import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
import structlog
from fakeredis import TcpFakeServer
from limits.aio.storage.redis.bridge import RedisBridge
from redis import Redis

from citewell.core.ratelimit import RateLimiter, rule
from tests.ports import free_port

PATIENT = 30.0
"""Seconds: the fake Redis shares its process with the tests, on whatever machine."""

THREE = rule("three", "3 per minute")
BRIEF = rule("brief", "2 per second")


@dataclass
class FakeRedis:
    """A server that speaks Redis on loopback and can be stopped and started again."""

    port: int = field(default_factory=free_port)
    server: TcpFakeServer | None = None
    thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.server = TcpFakeServer(("127.0.0.1", self.port))
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        # It hangs up after any error, also after the one that makes clients send a script.
        with Redis(port=self.port) as client:
            for script in (
                RedisBridge.SCRIPT_MOVING_WINDOW,
                RedisBridge.SCRIPT_ACQUIRE_MOVING_WINDOW,
            ):
                client.script_load(script)

    def stop(self) -> None:
        if self.server is not None and self.thread is not None:
            self.server.shutdown()
            self.thread.join()
            self.server.socket.close()
            self.server = None


@pytest.fixture
def redis() -> Iterator[FakeRedis]:
    fake = FakeRedis()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[RateLimiter]:
    url = request.getfixturevalue("redis").url if request.param == "redis" else None
    opened = RateLimiter(url, key=b"k" * 32, redis_timeout=PATIENT)
    yield opened
    assert not opened._is_failing
    await opened.close()


class TestHit:
    async def test_up_to_the_limit_is_allowed_and_the_next_refused(self, limiter: RateLimiter):
        decisions = [await limiter.hit(THREE, "anna") for _ in range(4)]
        assert [d.allowed for d in decisions] == [True, True, True, False]
        assert [d.remaining for d in decisions] == [2, 1, 0, 0]
        assert {d.limit for d in decisions} == {3}
        assert all(0 < d.reset_seconds <= 60 for d in decisions)

    async def test_others_and_other_rules_are_counted_apart(self, limiter: RateLimiter):
        for _ in range(3):
            await limiter.hit(THREE, "anna", "1")
        assert not (await limiter.hit(THREE, "anna", "1")).allowed
        assert (await limiter.hit(THREE, "anna", "2")).allowed
        assert (await limiter.hit(THREE, "ann", "a1")).allowed
        assert (await limiter.hit(rule("else", "3 per minute"), "anna", "1")).allowed

    async def test_after_the_window_it_is_allowed_again(self, limiter: RateLimiter):
        assert (await limiter.hit(BRIEF, "a")).allowed
        assert (await limiter.hit(BRIEF, "a")).allowed
        refusal = await limiter.hit(BRIEF, "a")
        assert (refusal.allowed, refusal.reset_seconds) == (False, 1)
        await asyncio.sleep(1.05)
        assert (await limiter.hit(BRIEF, "a")).allowed

    async def test_refused_tries_do_not_make_the_wait_longer(self, limiter: RateLimiter):
        for _ in range(20):
            await limiter.hit(BRIEF, "a")
        await asyncio.sleep(1.05)
        assert (await limiter.hit(BRIEF, "a")).allowed

    async def test_racing_tries_never_pass_the_limit(self, limiter: RateLimiter):
        decisions = await asyncio.gather(*(limiter.hit(THREE, "race") for _ in range(30)))
        assert sum(d.allowed for d in decisions) == 3

    async def test_amount_zero_limits_nothing(self, limiter: RateLimiter):
        off = THREE.of(0)
        assert all([(await limiter.hit(off, "a")).allowed for _ in range(10)])
        assert THREE.of(7).window.amount == 7

    async def test_any_text_can_be_counted_for(self, limiter: RateLimiter):
        for part in ("", "a/b", "é" * 5000, "\udcff", "%s{}"):
            assert (await limiter.hit(THREE, part)).remaining == 2


class TestTest:
    async def test_it_says_what_hit_would_and_counts_nothing(self, limiter: RateLimiter):
        for _ in range(5):
            decision = await limiter.test(THREE, "anna")
            assert (decision.allowed, decision.remaining, decision.reset_seconds) == (True, 3, 0)
        for _ in range(3):
            await limiter.hit(THREE, "anna")
        assert not (await limiter.test(THREE, "anna")).allowed


class TestSharedLimits:
    async def test_two_processes_count_together(self, redis: FakeRedis):
        one, two = (
            RateLimiter(redis.url, key=b"k", redis_timeout=PATIENT),
            RateLimiter(redis.url, key=b"k", redis_timeout=PATIENT),
        )
        decisions = [await (one, two)[turn % 2].hit(THREE, "a") for turn in range(4)]
        assert [d.allowed for d in decisions] == [True, True, True, False]
        await one.close()
        await two.close()

    async def test_nothing_readable_stands_in_redis(self, redis: FakeRedis):
        limiter = RateLimiter(redis.url, key=b"k", redis_timeout=PATIENT)
        await limiter.hit(THREE, "anna@example.org")
        assert redis.server is not None
        keys = [key for base in redis.server.fake_server.dbs.values() for key in base]
        assert len(keys) == 1
        assert b"citewell:limits" in keys[0]
        assert b"anna" not in keys[0]
        await limiter.close()


class TestOutage:
    async def test_without_redis_each_process_limits_alone_and_says_so_once(self, redis: FakeRedis):
        limiter = RateLimiter(redis.url, key=b"k", redis_timeout=PATIENT)
        await limiter.hit(THREE, "a")
        redis.stop()
        await limiter.close()  # the fake keeps answering on connections that are open
        with structlog.testing.capture_logs() as logs:
            decisions = [await limiter.hit(THREE, "a") for _ in range(4)]
            limiter._asks_redis_from = 0.0
            assert not (await limiter.hit(THREE, "a")).allowed
        assert [d.allowed for d in decisions] == [True, True, True, False]
        assert [line["event"] for line in logs] == ["rate_limits_not_shared"]
        redis.start()
        limiter._asks_redis_from = 0.0
        with structlog.testing.capture_logs() as logs:
            assert (await limiter.hit(THREE, "a")).remaining == 2
        assert [line["event"] for line in logs] == ["rate_limits_shared_again"]
        await limiter.close()


class TestMemory:
    async def test_what_has_passed_is_forgotten(self):
        limiter = RateLimiter()
        memory = limiter._local.storage
        for number in range(500):
            await limiter.hit(BRIEF, str(number))
        assert len(memory._hits) == 500
        await asyncio.sleep(1.05)
        memory._swept_at -= 60
        await limiter.hit(BRIEF, "another")
        assert len(memory._hits) == 1
