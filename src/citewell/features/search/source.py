"""A tenant's library as one caller may search it: who may see what, and what is counted."""

import json
import uuid
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from citewell.core.caching.cache import Cache
from citewell.core.caching.embeddings import RememberingEmbedder
from citewell.core.caching.flights import Flights
from citewell.core.context import Actor, BatchContext, Caller, batched_work
from citewell.core.platform import Platform
from citewell.engine.embedding.base import Embedder
from citewell.engine.lexical.base import CorpusStatistics
from citewell.engine.retrieval.base import ChunkView, HybridQuery, Legs
from citewell.engine.retrieval.pipeline import Held
from citewell.features.collections import service as collections
from citewell.features.search import repository
from citewell.features.search.errors import InvalidFilterError, UnknownFilterError
from citewell.features.search.schemas import FilterValue
from citewell.features.search.scopes import ReaderScope, ScopeChangedError
from citewell.features.usage import service as usage
from citewell.indexes.contract import FILTER_FIELDS, LibraryFacts, SearchScope, index_of


@dataclass(slots=True)
class CallersLibrary:
    """Opens the caller's library: one transaction for each question (`retrieval.pipeline.Source`).

    Args:
        platform: Index and embedders.
        caller: Whose access it has.
        spender: Whose query it is counted as; None: it is not counted.
        filters: What documents must have.
        collection_ids: Where to look; None: everywhere.
        as_of: Find what answered at this time; None: what answers now.
        scope: What the caller is taken to have as scope; None: whatever it is.
        uses_cache: Whether vectors of questions may be known from before.
    """

    platform: Platform
    caller: Caller
    spender: Actor | None
    filters: Mapping[str, FilterValue]
    collection_ids: Sequence[uuid.UUID] | None
    as_of: datetime | None
    scope: ReaderScope | None = None
    uses_cache: bool = False
    reads_all: bool = False
    """Whether nothing of the tenant is hidden from the caller; known once it was opened."""

    @property
    def expected_embedding(self) -> str | None:
        return index_of(self.platform).searcher.expected_embedding(self.caller.tenant_id)

    async def embedder(self, embedding: str | None) -> Embedder:
        embedder = self.platform.embedder
        if embedding is not None:
            embedder = await self.platform.embedder_of(embedding)
        if not self.uses_cache:
            return embedder
        cache, flights = self.platform.state_of(Cache), self.platform.state_of(Flights)
        return RememberingEmbedder(embedder, cache, flights, self.caller.tenant_id)

    @asynccontextmanager
    async def open(self, term_ids: Sequence[int]) -> AsyncGenerator["_OpenLibrary", None]:
        """One round trip sets the tenant, and reads who may see what and what is there.

        Raises:
            CollectionNotFoundError: A collection is not there for the caller.
            InvalidFilterError, UnknownFilterError: A filter names what no document has.
            QuotaReachedError: The queries of the day are used up.
            ScopeChangedError: The caller's scope is not what it was taken for.
        """
        async with batched_work(
            self.platform, self.caller, has_kept_plans=self._has_common_form
        ) as ctx:
            asked = index_of(self.platform).searcher.facts(ctx, term_ids)
            access = await ctx.access()
            facts = await asked
            self.reads_all = access.read.is_all
            if self.scope is not None and ReaderScope.of(access) != self.scope:
                raise ScopeChangedError
            collection_ids = self.collection_ids
            if collection_ids is not None:
                await collections.require_all(ctx, collection_ids)
                # Files of the conversation are read wherever else the question is asked of.
                talk = ctx.conversation_id
                if talk is not None and talk in access.read.collections:
                    collection_ids = [*collection_ids, talk]
            fields, metadata = await self._filters(ctx)
            scope = None
            if facts is not None:
                scope = SearchScope(
                    tenant_id=ctx.tenant_id,
                    generation=facts.generation,
                    reach=access.read,
                    as_of=self.as_of,
                    writable=access.write if "source" in self.filters else None,
                    collection_ids=None if collection_ids is None else tuple(collection_ids),
                    metadata=tuple(metadata),
                    fields=tuple(fields),
                )
            yield _OpenLibrary(ctx, facts, scope, self.spender)

    @property
    def _has_common_form(self) -> bool:
        """Whether one plan suits all such searches: what filters leave has to be estimated anew."""
        return not self.filters and self.collection_ids is None and self.as_of is None

    async def _filters(
        self, ctx: BatchContext
    ) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """The filters of document fields, and those of metadata."""
        fields: list[tuple[str, str]] = []
        metadata: list[tuple[str, str]] = []
        for key, value in sorted(self.filters.items()):
            if key in FILTER_FIELDS:
                fields.append((key, _field_value(key, value)))
            elif await repository.has_metadata_key(ctx, key):
                metadata.append((key, json.dumps(value)))
            else:
                raise UnknownFilterError(key, FILTER_FIELDS)
        return fields, metadata


@dataclass(frozen=True, slots=True)
class _OpenLibrary:
    """Read access of the caller within one transaction (`retrieval.pipeline.Reader`)."""

    ctx: BatchContext
    facts: LibraryFacts | None
    scope: SearchScope | None
    spender: Actor | None

    @property
    def embedding(self) -> str | None:
        return self.facts.generation.embedding if self.facts else None

    @property
    def statistics(self) -> CorpusStatistics:
        return self.facts.statistics if self.facts else CorpusStatistics(0, {})

    @property
    def reads_all(self) -> bool:
        return self.scope is not None and self.scope.reach.is_all

    @property
    def knows_words(self) -> bool:
        is_now = self.scope is not None and self.scope.as_of is None
        return is_now and self.facts is not None and self.facts.has_lexical_index

    def held(self, term_ids: Sequence[int], *, at_most: int | None = None) -> Awaitable[Held]:
        assert self.scope is not None
        return index_of(self.ctx.platform).searcher.held(
            self.ctx, self.scope, term_ids, at_most=at_most
        )

    async def legs(self, query: HybridQuery) -> Legs:
        assert self.facts is not None
        assert self.scope is not None
        return await index_of(self.ctx.platform).searcher.legs(
            self.ctx, self.facts, self.scope, query
        )

    async def passages(
        self, ids: Sequence[uuid.UUID], neighbours: int = 0
    ) -> Mapping[uuid.UUID, ChunkView]:
        """Read the chunks, count the query and commit, all with one round trip."""
        if self.scope is None or not ids:
            await self._count()
            return {}
        self.ctx.batch.commit_with_next()
        asked = index_of(self.ctx.platform).searcher.passages(
            self.ctx, self.scope, ids, neighbours=neighbours
        )
        await self._count()
        return await asked

    async def _count(self) -> None:
        """Count the query, last of all: the row that all of a tenant share is held for a moment."""
        if self.spender is not None:
            await usage.consume_query(self.ctx, self.spender)


def _field_value(key: str, value: FilterValue) -> str:
    if not isinstance(value, str):
        raise InvalidFilterError(f"The filter `{key}` takes a string.")
    if key == "document_id":
        try:
            return str(uuid.UUID(value))
        except ValueError:
            raise InvalidFilterError("The filter `document_id` takes a UUID.") from None
    return value
