"""The one way to a vendor's model: pydantic-ai's wire formats with our own limits around them.

Retries are ours, not the SDKs': theirs sleep inside a call whose end nobody sees, know nothing of
the deadline, and differ by vendor. So the SDK clients are built with `max_retries=0` and `stream`
holds the only loop, which repeats a call only while nothing of the reply has been passed on.

pydantic-ai and the SDKs take seconds and tens of megabytes to import; that happens in a thread
when the first question needs them.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from citewell.engine.errors import ProviderError
from citewell.engine.llm.base import ModelRequest, ReplyEnd, StreamItem, Timeouts
from citewell.engine.llm.provider import Endpoint, Provider
from citewell.kit.spans import SpanKind, span

if TYPE_CHECKING:
    from citewell.engine.llm.wire import Session

ATTEMPTS = 3
"""Calls made for one reply, the first included."""

LONGEST_WAIT = 10.0
"""Seconds a reader is kept waiting on a vendor's Retry-After; longer ones fail at once."""

PLACES = 256
"""Replies being written at once by one model object; more wait for a place. Reading a reply costs
next to nothing while the vendor writes, so the number only keeps one process from opening
connections without end: servers of models have queues of their own, and vendors say 429."""

MAX_WAITING = 64
"""Questions that may wait for a place; more are refused at once."""


class HostedModel:
    """A model behind HTTP; see `LanguageModel`."""

    def __init__(
        self, provider: Provider, endpoint: Endpoint, timeouts: Timeouts, places: int = PLACES
    ) -> None:
        self.name = f"{provider.name}:{endpoint.model}"
        self.has_json_format = provider.takes_json_format(endpoint.model)
        self._provider = provider
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._session: Session | None = None
        self._opening = asyncio.Lock()
        self._places = asyncio.Semaphore(places)
        self._waiting = 0
        self._is_closed = False

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamItem, None]:
        """Yield the reply as it comes, then one `ReplyEnd`; see the protocol."""
        session = await self._open()  # the time it takes to load is ours, not the vendor's
        # One deadline for the queue and all attempts: a retry never makes a reader wait for longer.
        deadline = time.monotonic() + self._timeouts.total
        await self._take_place(deadline)
        try:
            reply = self._attempts(session, request, deadline)
            named = {
                "gen_ai__provider__name": self._provider.name,
                "gen_ai__request__model": self._endpoint.model,
            }
            # Not the current one: a generator runs in the contexts of those who read it.
            with span("model", kind=SpanKind.CLIENT, is_current=False, **named) as told:
                async with aclosing(reply) as items:
                    async for item in items:
                        if isinstance(item, ReplyEnd):
                            told.note("gen_ai.usage.input_tokens", item.usage.input_tokens)
                            told.note("gen_ai.usage.output_tokens", item.usage.output_tokens)
                        yield item
        finally:
            self._places.release()

    async def open(self) -> None:
        """Import what speaks to the vendor, so that the first question does not wait for it."""
        await self._open()

    async def offered(self) -> list[str]:
        """Ask for the names of the models that the provider has.

        Raises:
            ProviderError: It does not say.
        """
        try:
            async with asyncio.timeout(self._timeouts.total):
                return await (await self._open()).offered()
        except TimeoutError:
            raise ProviderError(f"{self.name} lists no models in time.") from None

    async def close(self) -> None:
        """Close the connections."""
        self._is_closed = True
        # The lock waits for a session that is being built, whose connections would be left open.
        async with self._opening:
            session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _attempts(
        self, session: "Session", request: ModelRequest, deadline: float
    ) -> AsyncGenerator[StreamItem, None]:
        for attempt in range(1, ATTEMPTS + 1):
            has_begun = False
            try:
                left = deadline - time.monotonic()
                reply = session.stream(request, total=left)
                async with aclosing(reply) as items:
                    async for item in items:
                        has_begun = True
                        yield item
                return
            except ProviderError as error:
                wait = self._wait_before_retry(error, attempt, deadline)
                # Pieces that were passed on cannot be taken back: the reader would get both
                # replies.
                if has_begun or wait is None:
                    raise
            await asyncio.sleep(wait)

    def _wait_before_retry(
        self, error: ProviderError, attempt: int, deadline: float
    ) -> float | None:
        """Seconds to wait before the next attempt; None when there is to be none."""
        if not error.retryable or attempt == ATTEMPTS:
            return None
        wait = error.retry_after
        if wait is None:
            wait = self._timeouts.backoff * 2 ** (attempt - 1)
        if wait > LONGEST_WAIT or time.monotonic() + wait >= deadline:
            return None
        return wait

    async def _take_place(self, deadline: float) -> None:
        if self._places.locked() and self._waiting >= MAX_WAITING:
            raise ProviderError(f"{self.name} has too many questions waiting.", retryable=True)
        self._waiting += 1
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await self._places.acquire()
        except TimeoutError:
            raise ProviderError(f"{self.name} had no place free in time.", retryable=True) from None
        finally:
            self._waiting -= 1

    async def _open(self) -> "Session":
        async with self._opening:
            if self._session is None and not self._is_closed:
                self._session = await asyncio.to_thread(self._build)
            # Asked after building: the model may have been closed meanwhile.
            if self._session is None or self._is_closed:
                raise ProviderError(f"{self.name} is closed.")
            return self._session

    def _build(self) -> "Session":
        from citewell.engine.llm.wire import Session  # noqa: PLC0415 - imports the SDKs

        return Session(self.name, self._provider, self._endpoint, self._timeouts)
