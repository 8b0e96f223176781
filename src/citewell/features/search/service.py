"""Finding the passages that fit a question, within what the caller may see."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from citewell.core.context import Actor, Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.embedding.base import EmbedderSpec, Vector
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.lexical.base import CorpusStatistics
from citewell.engine.lexical.bm25 import query_weights
from citewell.engine.retrieval.analysis import QueryAnalysis, analyse
from citewell.engine.retrieval.fusion import dense_weight
from citewell.features.collections import service as collections
from citewell.features.search import repository
from citewell.features.search.errors import (
    EmptyQueryError,
    InvalidFilterError,
    UnknownFilterError,
)
from citewell.features.search.schemas import (
    DegradedRead,
    FilterValue,
    Found,
    QueryExplanation,
    SearchReply,
    SearchRequest,
    hit_read,
)
from citewell.features.sharing import service as sharing
from citewell.features.usage import service as usage
from citewell.indexes.contract import (
    FILTER_FIELDS,
    Generation,
    HitList,
    HybridQuery,
    SearchScope,
    index_of,
)
from citewell.kit.clock import Stopwatch


async def search(platform: Platform, caller: Caller, request: SearchRequest) -> SearchReply:
    """Find passages, best first.

    Raises:
        EmptyQueryError: There is nothing to search for.
        CollectionNotFoundError: A collection is not there for the caller.
        UnknownFilterError: No document has what a filter names.
        ForbiddenError, UserNotFoundError: The caller may not look as somebody, or nobody is that.
    """
    watch = Stopwatch()
    found = await find(
        platform,
        await reader_of(platform, caller, request.as_user_id),
        request.query,
        spender=caller.actor,
        top_k=request.top_k,
        filters=request.filters,
        collection_ids=request.collection_ids,
        as_of=request.as_of,
        watch=watch,
    )
    return SearchReply(
        query=request.query,
        results=[hit_read(hit, explain=request.explain) for hit in found.hits.hits],
        timings_ms=watch.finish(),
        degraded=list(found.degraded),
        explain=_explanation(found) if request.explain else None,
    )


async def reader_of(platform: Platform, caller: Caller, user_id: uuid.UUID | None) -> Caller:
    """Whose access a search has: the caller's, or that of the user they look as."""
    return caller if user_id is None else await sharing.viewed_as(platform, caller, user_id)


async def find(
    platform: Platform,
    caller: Caller,
    query: str,
    *,
    spender: Actor | None = None,
    top_k: int,
    filters: Mapping[str, FilterValue],
    collection_ids: Sequence[uuid.UUID] | None,
    as_of: datetime | None = None,
    watch: Stopwatch,
    has_dense: bool = True,
    has_lexical: bool = True,
) -> Found:
    """Search, with all that an answer needs besides the passages; raises as `search` does.

    Args:
        platform: Index and embedder.
        caller: Whose access it has.
        query: What to look for.
        spender: Whose query it is counted as; None: it is not counted.
        top_k: Most passages.
        filters: What documents must have.
        collection_ids: Where to look; None: everywhere.
        as_of: Find what answered at this time; None: what answers now.
        watch: Takes the times.
        has_dense: Whether vectors are compared; without, the words are measured alone.
        has_lexical: Whether words are compared.
    """
    analysis = analyse(query)
    if analysis.is_empty:
        raise EmptyQueryError
    watch.lap("analyse")
    # Before the transaction: none stays open during a model call. What is searched is the
    # generation the question was embedded for, even if another one takes over meanwhile.
    generation = await index_of(platform).searcher.current_generation(caller.tenant_id)
    question, degraded = None, ()
    if has_dense and generation is not None:
        question, degraded = await _embed(platform, generation, analysis)
    watch.lap("embed")
    async with unit_of_work(platform, caller) as ctx:
        scope = await _scope(ctx, generation, filters, collection_ids, as_of)
        if scope is None:
            await _count(ctx, spender)
            return Found(analysis, CorpusStatistics(0, {}), HitList([], 0, True), 0.0, degraded)
        statistics = await index_of(platform).searcher.statistics(
            ctx, scope, [term.id for term in analysis.terms]
        )
        weights = query_weights(analysis.terms, statistics)
        watch.lap("statistics")
        weight = dense_weight(analysis, question.spec) if question is not None else 0.0
        if not has_lexical:
            weights, weight = {}, 1.0
        hits = await index_of(platform).searcher.search(
            ctx,
            scope,
            HybridQuery(
                question.vector if question else None, weights, weight, top_k, analysis.phrases
            ),
        )
        watch.lap("search")
        await _count(ctx, spender)
        watch.lap("usage")
    spec = question.spec if question else None
    return Found(analysis, statistics, hits, weight, degraded, scope.reach.is_all, spec)


async def _count(ctx: Context, spender: Actor | None) -> None:
    """Count a query, last of all: the row that all of a tenant's share is held for a moment."""
    if spender is not None:
        await usage.consume_query(ctx, spender)


@dataclass(frozen=True, slots=True)
class _Question:
    """A question in a library's embedding space."""

    vector: Vector
    spec: EmbedderSpec


async def _embed(
    platform: Platform, generation: Generation, analysis: QueryAnalysis
) -> tuple[_Question | None, tuple[DegradedRead, ...]]:
    """The question's vector; without one the lexical leg answers alone, and says so."""
    try:
        embedder = await platform.embedder_of(generation.embedding)
        return _Question(await embedder.embed_query(analysis.text), embedder.spec), ()
    except (ProviderError, ProviderConfigurationError) as error:
        return None, (DegradedRead(what="embedding", why=str(error)),)


async def _scope(
    ctx: Context,
    generation: Generation | None,
    filters: Mapping[str, FilterValue],
    collection_ids: Sequence[uuid.UUID] | None,
    as_of: datetime | None,
) -> SearchScope | None:
    """What the caller may find; None if the tenant has nothing yet."""
    if collection_ids is not None:
        await collections.require_all(ctx, collection_ids)
    access = await ctx.access()
    fields: list[tuple[str, str]] = []
    metadata: list[tuple[str, str]] = []
    for key, value in sorted(filters.items()):
        if key in FILTER_FIELDS:
            fields.append((key, _field_value(key, value)))
        elif await repository.has_metadata_key(ctx.session, key, access.read):
            metadata.append((key, json.dumps(value)))
        else:
            raise UnknownFilterError(key, FILTER_FIELDS)
    if generation is None:
        return None
    return SearchScope(
        tenant_id=ctx.tenant_id,
        generation=generation,
        reach=access.read,
        as_of=as_of,
        writable=access.write if "source" in filters else None,
        collection_ids=tuple(collection_ids) if collection_ids is not None else None,
        metadata=tuple(metadata),
        fields=tuple(fields),
    )


def _field_value(key: str, value: FilterValue) -> str:
    if not isinstance(value, str):
        raise InvalidFilterError(f"The filter `{key}` takes a string.")
    if key == "document_id":
        try:
            return str(uuid.UUID(value))
        except ValueError:
            raise InvalidFilterError("The filter `document_id` takes a UUID.") from None
    return value


def _explanation(found: Found) -> QueryExplanation:
    analysis = found.analysis
    texts = {term.id: f"{term.namespace}:{term.text}" for term in analysis.terms}
    terms: dict[str, float | None] = dict.fromkeys(texts.values())
    if found.reads_all:
        weights = query_weights(analysis.terms, found.statistics)
        terms = {texts.get(term, str(term)): weight for term, weight in weights.items()}
    return QueryExplanation(
        language=analysis.language,
        is_unaccented_vietnamese=analysis.is_unaccented_vietnamese,
        codes=list(analysis.codes),
        phrases=list(analysis.phrases),
        terms=terms,
        dense_weight=found.dense_weight,
        scope_size=found.hits.scope_size,
        is_exact=found.hits.is_exact,
    )
