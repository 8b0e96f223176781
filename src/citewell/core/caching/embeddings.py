"""Vectors of questions that were asked before."""

import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import numpy as np

from citewell.core.caching.cache import Cache, Key, ValueKind
from citewell.core.caching.flights import Flights
from citewell.engine.embedding.base import Embedder, Vector, Vectors


class RememberingEmbedder:
    """An embedder that knows the questions of a tenant; passages it embeds anew each time.

    The passages of a document whose text stays the same keep their vectors in the index, by model
    and hash (`Writer.known_vectors`), for as long as the document is there.

    Args:
        embedder: Embeds what is not known.
        cache: Where vectors are.
        flights: Equal questions at one moment are embedded once.
        tenant_id: Whose questions; how fast a reply comes must not tell what others ask.
    """

    def __init__(
        self, embedder: Embedder, cache: Cache, flights: Flights, tenant_id: uuid.UUID
    ) -> None:
        self.spec = embedder.spec
        self._embedder = embedder
        self._cache = cache
        self._flights = flights
        self._tenant_id = tenant_id

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count as the embedder does."""
        return self._embedder.count_tokens(texts)

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed passages."""
        return await self._embedder.embed_passages(texts)

    async def embed_query(self, text: str) -> Vector:
        """Embed a question, or give the vector it has.

        Raises:
            ProviderError: The model did not answer.
        """
        kind = ValueKind.EMBEDDINGS
        if not self._cache.keeps(kind):
            return await self._embedder.embed_query(text)
        key = self._cache.key(kind, self._tenant_id, self.spec.name, text)
        counts = self._cache.counts[kind]
        counts.asked += 1
        value = self._cache.near(kind, key)
        if value is None:
            counts.outcomes["joined"] += self._flights.is_flying(key.digest)
            items = self._flights.follow(key.digest, lambda: self._computing(key, text))
            async with aclosing(items):
                async for item in items:
                    value = item
        assert value is not None
        return np.frombuffer(value, np.float32)

    async def close(self) -> None:
        """Close the embedder."""
        await self._embedder.close()

    async def _computing(self, key: Key, text: str) -> AsyncGenerator[bytes, None]:
        kind = ValueKind.EMBEDDINGS
        value = await self._cache.far(kind, key)
        if value is None:
            self._cache.counts[kind].outcomes["computed"] += 1
            vector = await self._embedder.embed_query(text)
            value = np.asarray(vector, np.float32).tobytes()
            await self._cache.put(kind, key, value)
        yield value
