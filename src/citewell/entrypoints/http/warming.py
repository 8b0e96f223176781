"""The first question's work, done between the start and readiness.

Models of libraries open at their first use, patterns are compiled and statements planned then: a
first question took three to six times the processor time of the next one. What speaks to a language
model takes two seconds of processor time to import.
"""

import asyncio
import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from citewell.core.context import OPERATOR, Caller
from citewell.core.platform import Platform
from citewell.engine.llm.hosted import HostedModel
from citewell.features.identity import service as identity
from citewell.features.search import answers
from citewell.features.search import service as search
from citewell.kit.clock import Stopwatch

LONGEST_SECONDS = 10.0
"""Readiness waits no longer: a model behind a network may not answer at all."""

COLLECTIONS = (10_000, 20, 20)
"""Thresholds of the garbage collector, whose default for the first is 700. Requests leave hardly
any circles: at 16 in flight its small collections took 0.2 ms of processor time of each search."""

QUESTION = "How many days of annual leave do employees get?"
PASSAGES = 8
"""As many as answers read unless told otherwise."""


@dataclass(slots=True)
class Warming:
    """Whether the process is still getting ready for its first question."""

    _under_way: asyncio.Event | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it has begun and not ended."""
        return self._under_way is not None and not self._under_way.is_set()

    def begin(self) -> None:
        """From now on it is under way."""
        self._under_way = self._under_way or asyncio.Event()

    def end(self) -> None:
        """It is over, well or not."""
        if self._under_way is not None:
            self._under_way.set()

    async def wait(self) -> None:
        """Return once it is over; at once where it has not begun."""
        if self._under_way is not None:
            await self._under_way.wait()


@asynccontextmanager
async def warming(platform: Platform) -> AsyncGenerator[None, None]:
    """Get ready beside the block; liveness and requests do not wait for it, readiness does."""
    state = platform.state_of(Warming)
    state.begin()

    async def work() -> None:
        try:
            async with asyncio.timeout(LONGEST_SECONDS), asyncio.TaskGroup() as group:
                group.create_task(warm(platform))
                if isinstance(platform.llm, HostedModel):
                    group.create_task(platform.llm.open())
        finally:
            keep_loaded()
            state.end()

    # Under the supervisor, so that a failure is logged and readiness comes all the same.
    task = asyncio.ensure_future(platform.supervisor.attempt("warming", work))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def keep_loaded() -> None:
    """Take what is loaded by now and stays to the end out of the garbage collector's sight.

    A full collection looks through 200,000 objects of modules, routes and models before the first
    question and 90,000 that it leaves, and every request waits meanwhile.
    """
    gc.freeze()
    gc.set_threshold(*COLLECTIONS)


async def warm(platform: Platform) -> None:
    """Answer a question to the default tenant's library; no model writes, nothing is counted."""
    tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
    found = await search.find(
        platform,
        Caller(tenant_id, OPERATOR),
        QUESTION,
        top_k=PASSAGES,
        filters={},
        collection_ids=None,
        watch=Stopwatch(),
        reranks=False,
    )
    reading = await answers.reading_of(platform, found)
    reading.extract()
