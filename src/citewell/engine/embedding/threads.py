"""Threads that run a model on one text at a time, several texts at once."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import numpy as np

from citewell.engine.embedding.base import Vector, Vectors
from citewell.engine.errors import ProviderError
from citewell.kit.tasks import TaskGroup

_GROUP_CHARACTERS: Final = 2_000
"""Characters of one turn in a thread, about 25 ms: short enough to be fair between callers."""

_SHORTEST: Final = 100
"""Characters that a shorter text counts as there: a run of one word takes 1 ms."""


class EmbeddingThreads:
    """Runs `embed` in threads; questions have threads of their own and never wait for passages.

    Args:
        embed: Embeds one text; called from several threads at once.
        dimensions: Length of its vectors.
        threads: Texts embedded at once.
    """

    def __init__(self, embed: Callable[[str], Vector], dimensions: int, threads: int) -> None:
        self._embed = embed
        self._dimensions = dimensions
        self._threads = threads
        self._passage_pool = ThreadPoolExecutor(threads, "embed-passage")
        self._query_pool = ThreadPoolExecutor(threads, "embed-query")

    async def passages(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, in the order given."""
        vectors = np.empty((len(texts), self._dimensions), dtype=np.float32)
        groups = _groups(texts)
        loop = asyncio.get_running_loop()

        async def lane() -> None:
            for start, stop in groups:
                work = partial(self._embed_into, vectors[start:stop], texts[start:stop])
                await loop.run_in_executor(self._passage_pool, work)

        async with TaskGroup() as lanes:
            # Two for each thread: the next group waits in the pool, not for the event loop.
            for _ in range(min(2 * self._threads, len(texts))):
                lanes.create_task(lane())
        return vectors

    async def query(self, text: str) -> Vector:
        """Embed one question."""
        return await asyncio.get_running_loop().run_in_executor(self._query_pool, self._embed, text)

    async def close(self) -> None:
        """End the threads."""
        for pool in (self._query_pool, self._passage_pool):
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        # `embed` belongs to the owner of these threads: without it nothing goes round in a circle,
        # and 30 MB of model are freed at once, not when the collector comes by.
        self._embed = _embed_nothing

    def _embed_into(self, vectors: Vectors, texts: Sequence[str]) -> None:
        for row, text in enumerate(texts):
            vectors[row] = self._embed(text)


def _embed_nothing(_: str) -> Vector:
    message = "The embedder is closed."
    raise ProviderError(message, retryable=False)


def _groups(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Cut into runs of neighbours that are short work together; give each one's bounds."""
    start, size = 0, 0
    for position, text in enumerate(texts):
        size += max(len(text), _SHORTEST)
        if size >= _GROUP_CHARACTERS:
            yield start, position + 1
            start, size = position + 1, 0
    if start < len(texts):
        yield start, len(texts)
