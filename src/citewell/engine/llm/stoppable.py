"""A model whose replies can be cut off by the reader."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from citewell.engine.errors import ProviderError
from citewell.engine.llm.base import LanguageModel, ModelRequest, StreamItem

STOPPED = "The answer was stopped by its reader."


class StoppableModel:
    """Another model until it is stopped; then its replies fail as if their wire had been cut.

    What was written up to there is kept by whoever keeps what a failing model has written.
    """

    def __init__(self, model: LanguageModel, stop: asyncio.Event) -> None:
        self.name = model.name
        self.has_json_format = model.has_json_format
        self._model = model
        self._stop = stop

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamItem, None]:
        """As the model; raises ProviderError too once it is stopped."""
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            async with aclosing(self._model.stream(request)) as items:
                while True:
                    next_item = asyncio.ensure_future(anext(items, None))
                    try:
                        await asyncio.wait(
                            {stopping, next_item}, return_when=asyncio.FIRST_COMPLETED
                        )
                    finally:
                        if not next_item.done():
                            next_item.cancel()
                            await asyncio.wait([next_item])
                    if self._stop.is_set():
                        if not next_item.cancelled():
                            next_item.exception()  # the stop tells more
                        raise ProviderError(STOPPED, retryable=False)
                    item = next_item.result()
                    if item is None:
                        return
                    yield item
        finally:
            stopping.cancel()

    async def close(self) -> None:
        """Nothing: the model is not its own."""
