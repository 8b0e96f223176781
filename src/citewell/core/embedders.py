"""The embedding models of one process: the configured one, and those of existing libraries."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from citewell.engine.embedding.base import Embedder
from citewell.engine.errors import ProviderConfigurationError, ProviderError

OPENING_SECONDS = 5.0
"""Longest wait for a model that is being opened; a search then goes on with its lexical leg."""

RETRY_SECONDS = 30.0
"""Pause before a model that could not be opened is tried again: a service that is down takes half
a minute to fail, and every search would wait for it."""


@dataclass(slots=True)
class _Opening:
    """A model that is being opened, is open, or failed to open."""

    task: asyncio.Future[Embedder]
    retry_seconds: float
    begun: float = field(default_factory=time.monotonic)

    @property
    def is_there(self) -> bool:
        """Whether it can be used."""
        task = self.task
        return task.done() and not task.cancelled() and task.exception() is None

    @property
    def is_stale(self) -> bool:
        """Whether it failed and the pause before another attempt is over."""
        has_failed = self.task.done() and not self.is_there
        return has_failed and time.monotonic() - self.begun > self.retry_seconds


class Embedders:
    """Gives out embedding models by name; each is opened when a library first needs it.

    Args:
        open_model: Opens the model of a name.
        opening_seconds: Longest wait of a caller for a model.
        retry_seconds: Pause after a failure before the next attempt.
    """

    def __init__(
        self,
        open_model: Callable[[str], Awaitable[Embedder]],
        *,
        opening_seconds: float = OPENING_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._open_model = open_model
        self._opening_seconds = opening_seconds
        self._retry_seconds = retry_seconds
        self._models: dict[str, _Opening] = {}

    async def named(self, name: str) -> Embedder:
        """The embedder with this `spec.name`.

        Raises:
            ProviderConfigurationError: It cannot be opened with this process's settings.
            ProviderError: It does not answer now, or is not open yet.
        """
        opening = self._models.get(name)
        if opening is None or opening.is_stale:
            opening = _Opening(asyncio.ensure_future(self._open(name)), self._retry_seconds)
            self._models[name] = opening
        # `wait` does not cancel: a model that is slow to load goes on for the next caller.
        await asyncio.wait([opening.task], timeout=self._opening_seconds)
        if not opening.task.done():
            raise ProviderError(f"The model {name} is being opened.", retryable=True)
        return opening.task.result()

    async def open(self, name: str) -> Embedder:
        """The embedder that a setting names: `bundled`, for example, without its model.

        Raises:
            ProviderConfigurationError, ProviderError: It cannot be opened now; the reason says why.
        """
        if (known := self._models.get(name)) is not None and known.is_there:
            return known.task.result()
        embedder = await self._open_model(name)
        there: asyncio.Future[Embedder] = asyncio.get_running_loop().create_future()
        there.set_result(embedder)
        before = self._models.get(embedder.spec.name)
        # Two names can open one model (`bundled` and its full name); one copy in memory is enough.
        if before is not None and before.is_there:
            await embedder.close()
            return before.task.result()
        self._models[embedder.spec.name] = _Opening(there, self._retry_seconds)
        return embedder

    async def close(self) -> None:
        """Close all models."""
        for opening in self._models.values():
            opening.task.cancel()
            await asyncio.wait([opening.task])
            if opening.is_there:
                await opening.task.result().close()
        self._models.clear()

    async def _open(self, name: str) -> Embedder:
        cannot = f"The library was embedded with {name}, which cannot be opened: "
        try:
            embedder = await self._open_model(name)
        except ProviderConfigurationError as error:
            raise ProviderConfigurationError(cannot + str(error)) from error
        except ProviderError as error:
            raise ProviderError(
                cannot + str(error), retryable=error.retryable, retry_after=error.retry_after
            ) from error
        if embedder.spec.name != name:
            await embedder.close()
            raise ProviderConfigurationError(f"{cannot}it calls itself {embedder.spec.name}.")
        return embedder
