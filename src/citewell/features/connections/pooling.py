"""Models of connections that stay open between questions: few, resting after failures."""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing

from citewell.core.platform import ClosedAtEnd
from citewell.engine.errors import ProviderConfigurationError, ProviderError, RequestRefusedError
from citewell.engine.llm.base import LanguageModel, ModelRequest, StreamItem

MAX_OPEN = 64
"""Models a process keeps open: each has connections and a megabyte of the vendor's SDK."""

FAILURES = 5
"""Failures in a row after which a model is left alone for a while."""

REST_SECONDS = 30.0
"""How long: an outage of minutes costs each question no wait, and its end is seen soon."""

Key = tuple[uuid.UUID, uuid.UUID, int]
"""Tenant, connection and its revision."""


class PooledModel:
    """A model that is closed when it is out of the pool and nobody reads from it any more.

    A question may hold it longer than the pool does: then it is opened again for its reply.
    """

    def __init__(self, model: LanguageModel, make: Callable[[], Awaitable[LanguageModel]]) -> None:
        self.name = model.name
        self.has_json_format = model.has_json_format
        self._model: LanguageModel | None = model
        self._make = make
        self._opening = asyncio.Lock()
        self._active = 0
        self._is_retired = False
        self._failures = 0
        self._rests_until = 0.0

    @property
    def is_resting(self) -> bool:
        """Whether it failed so often that it is left alone."""
        return time.monotonic() < self._rests_until

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamItem, None]:
        """Yield the reply; see `LanguageModel`. A model that rests fails at once."""
        if self.is_resting:
            raise ProviderError(
                f"{self.name} failed {self._failures} times in a row and is left alone for "
                f"{REST_SECONDS:.0f} s."
            )
        self._active += 1
        try:
            model = await self._open()
            async with aclosing(model.stream(request)) as items:
                async for item in items:
                    yield item
            self._failures = 0
        except RequestRefusedError:
            raise  # the caller's fault: others must not lose the model by it
        except (ProviderError, ProviderConfigurationError):
            self._failures += 1
            if self._failures >= FAILURES:
                self._rests_until = time.monotonic() + REST_SECONDS
            raise
        finally:
            self._active -= 1
            await self._close_if_done()

    async def close(self) -> None:
        """Close it, at once or when those who read from it have done so."""
        self._is_retired = True
        await self._close_if_done()

    async def _open(self) -> LanguageModel:
        async with self._opening:
            if self._model is None:
                self._model = await self._make()
            return self._model

    async def _close_if_done(self) -> None:
        if self._is_retired and not self._active and self._model is not None:
            model, self._model = self._model, None
            await model.close()


class StandInModel:
    """Several models of which the next is asked when one fails before it said anything."""

    def __init__(self, models: Sequence[PooledModel]) -> None:
        self.name = models[0].name
        """Of the model that was asked last."""
        # One request is made for all of them.
        self.has_json_format = all(model.has_json_format for model in models)
        self._models = models

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamItem, None]:
        """Yield the reply of the first that gives one; see `LanguageModel`."""
        awake = [model for model in self._models if not model.is_resting] or self._models[:1]
        for model in awake:
            self.name, has_begun = model.name, False
            try:
                async with aclosing(model.stream(request)) as items:
                    async for item in items:
                        has_begun = True
                        yield item
            except (ProviderError, ProviderConfigurationError):
                # Pieces that were passed on cannot be taken back.
                if has_begun or model is awake[-1]:
                    raise
            else:
                return

    async def close(self) -> None:
        """Nothing: the pool closes the models."""


class ModelPool(ClosedAtEnd):
    """The models that are open in this process, those used last at the end."""

    def __init__(self) -> None:
        self._models: OrderedDict[Key, PooledModel] = OrderedDict()

    async def get(self, key: Key, make: Callable[[], Awaitable[LanguageModel]]) -> PooledModel:
        """The model of a connection, made if it is not open."""
        known = self._models.get(key)
        if known is None:
            made = PooledModel(await make(), make)
            # Another question may have been faster meanwhile.
            known = self._models.setdefault(key, made)
            if known is not made:
                await made.close()
        self._models.move_to_end(key)
        while len(self._models) > MAX_OPEN:
            _, oldest = self._models.popitem(last=False)
            await oldest.close()
        return known

    async def keep_only(self, tenant_id: uuid.UUID, keys: Collection[Key]) -> None:
        """Close a tenant's models but these: of connections that were changed or removed."""
        gone = [key for key in self._models if key[0] == tenant_id and key not in keys]
        for model in [self._models.pop(key) for key in gone]:
            await model.close()

    async def close(self) -> None:
        """Close all of them."""
        models = list(self._models.values())
        self._models.clear()
        for model in models:
            await model.close()
