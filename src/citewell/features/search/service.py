"""Finding the passages that fit a question, within what the caller may see."""

import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime

from citewell.core.caching.cache import OUTCOMES, Cache
from citewell.core.caching.readings import SharedReadings
from citewell.core.context import Actor, Caller, batched_work
from citewell.core.platform import Platform
from citewell.engine.embedding.base import Embedder
from citewell.engine.lexical.bm25 import query_weights
from citewell.engine.reranking.base import Reranking
from citewell.engine.retrieval.arranging import AS_RANKED, Arrangement
from citewell.engine.retrieval.pipeline import (
    NO_RERANKING,
    EmptyQuestionError,
    Options,
    retrieve,
)
from citewell.engine.retrieval.techniques import Rewriting
from citewell.engine.verification.base import Verifier
from citewell.engine.verification.registry import open_verifier
from citewell.features.connections import service as connections
from citewell.features.connections.schemas import Use
from citewell.features.question_policies import admission as policies
from citewell.features.question_policies.schemas import AskedQuestion
from citewell.features.search import repository
from citewell.features.search.cached_replies import CacheableQuestion, remembered
from citewell.features.search.errors import EmptyQueryError
from citewell.features.search.rewriting import retrieve_with_others, rewriting_of
from citewell.features.search.schemas import (
    CachesRead,
    DegradedRead,
    FilterValue,
    Found,
    KindRead,
    LexicalExplanation,
    OtherQuestionRead,
    QueryExplanation,
    SearchReply,
    SearchRequest,
    SpellingRead,
    hit_read,
)
from citewell.features.search.scopes import ReaderScope
from citewell.features.search.source import CallersLibrary
from citewell.features.search.writing import writing_of
from citewell.features.sharing import service as sharing
from citewell.indexes.contract import index_of
from citewell.kit.clock import Stopwatch


class UnreadLooks(SharedReadings[bool]):
    """Whether documents are being read, by tenant; a state of the platform."""


UNREAD = "unread documents"
"""Part that a reply was made without while the library is being read."""

MOST_UNREAD = 1000


async def search(platform: Platform, caller: Caller, request: SearchRequest) -> SearchReply:
    """Find passages, best first.

    It is a question to the tenant's rules, but not to the log of questions.

    Raises:
        AppError: The rules do not admit it, as `question_policies.admission.admitted` says.
        EmptyQueryError: There is nothing to search for.
        CollectionNotFoundError: A collection is not there for the caller.
        UnknownFilterError: No document has what a filter names.
        ForbiddenError, UserNotFoundError: The caller may not look as somebody, or nobody is that.
    """
    watch = Stopwatch()
    reader = await reader_of(platform, caller, request.as_user_id)
    asked = AskedQuestion(request.query, (), reader.actor.role, tuple(request.collection_ids or ()))
    async with policies.admitted(platform, caller, asked) as admission, admission.time():
        stamp = admission.rules.stamp
        caller, reader = caller.as_of(stamp), reader.as_of(stamp)
        question = CacheableQuestion(platform, caller, reader, request, stamp)
        return await _found(question, request, watch)


async def _found(asked: CacheableQuestion, request: SearchRequest, watch: Stopwatch) -> SearchReply:
    platform, caller, reader = asked.platform, asked.caller, asked.reader

    async def computing(scope: ReaderScope | None) -> AsyncGenerator[SearchReply, None]:
        found = await find(
            platform,
            reader,
            request.query,
            spender=caller.actor,
            top_k=request.top_k,
            filters=request.filters,
            collection_ids=request.collection_ids,
            as_of=request.as_of,
            scope=scope,
            watch=watch,
            arrangement=request.arrangement,
        )
        degraded = found.degraded
        if not found.hits:
            degraded += await unread(platform, reader, request.collection_ids, request.as_of)
        yield SearchReply(
            query=request.query,
            results=[hit_read(hit, explain=request.explain) for hit in found.hits],
            timings_ms=watch.finish(),
            degraded=degraded,
            explain=_explanation(found) if request.explain else None,
        )

    async with aclosing(remembered(asked, computing, _SearchCodec())) as items:
        async for each in items:
            reply: SearchReply = each.item
            if not each.is_cached:
                return reply
            watch.lap("cache")
            changes: dict[str, object] = {"query": request.query, "cached": True}
            if not (reply.results or reply.degraded):
                # Kept from before the documents came that are being read now.
                ids, as_of = request.collection_ids, request.as_of
                changes["degraded"] = await unread(platform, reader, ids, as_of)
            return reply.model_copy(update={**changes, "timings_ms": watch.finish()})
    raise AssertionError("a search has a reply")


async def unread(
    platform: Platform,
    reader: Caller,
    collection_ids: Sequence[uuid.UUID] | None,
    as_of: datetime | None,
) -> list[DegradedRead]:
    """Notes that documents are still being read, if any, for a reply that found nothing.

    Args:
        platform: The handles of the process.
        reader: Whose access counts.
        collection_ids: Where was looked; None: everywhere.
        as_of: The time that was asked about; what is read now had no answer then.
    """
    if as_of is not None:
        return []
    # Most often none is, whoever asks: that takes one round trip, for all who want to know it now.
    tenant_id = reader.tenant_id
    is_any = await platform.state_of(UnreadLooks).current(
        tenant_id, lambda: repository.is_any_unread(platform.database, tenant_id)
    )
    if not is_any:
        return []
    async with batched_work(platform, reader, has_kept_plans=False) as ctx:
        count = await repository.unread(ctx, collection_ids, MOST_UNREAD)
    if not count:
        return []
    number = f"{count} or more" if count == MOST_UNREAD else str(count)
    are = "document is" if number == "1" else "documents are"
    return [DegradedRead(what=UNREAD, why=f"{number} {are} still being read.")]


async def embedder_of(platform: Platform, caller: Caller) -> Embedder:
    """The embedder of the caller's library; the installation's before its first document.

    Raises:
        ProviderConfigurationError, ProviderError: It cannot be used any more.
    """
    async with batched_work(platform, caller, has_kept_plans=True) as ctx:
        facts = await index_of(platform).searcher.facts(ctx, ())
    if facts is None:
        return platform.embedder
    return await platform.embedder_of(facts.generation.embedding)


def figures(cache: Cache) -> CachesRead:
    """Contents of a cache, and how often it had a reply."""
    shared = "none" if cache.shared is None else "failing" if cache.shared.failures else "ok"
    kinds: list[KindRead] = []
    for kind, counts in cache.counts.items():
        parts = {name: counts.outcomes[name] for name in OUTCOMES}
        rate = 1 - parts["computed"] / counts.asked if counts.asked else None
        kinds.append(KindRead(kind=kind, asked=counts.asked, hit_rate=rate, **parts))
    memory = cache.memory
    return CachesRead(entries=len(memory), bytes=memory.bytes, shared=shared, kinds=kinds)


class _SearchCodec:
    """A search as JSON; one that had to do without something is not kept."""

    def encode(self, items: Sequence[SearchReply]) -> bytes | None:
        reply = items[-1]
        return None if reply.degraded else reply.model_dump_json().encode()

    def decode(self, value: bytes) -> Sequence[SearchReply]:
        return [SearchReply.model_validate_json(value)]


async def reader_of(platform: Platform, caller: Caller, user_id: uuid.UUID | None) -> Caller:
    """Whose access a search has: the caller's, or that of the user they look as."""
    if user_id is not None:
        caller = await sharing.viewed_as(platform, caller, user_id)
    return caller.asking()


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
    scope: ReaderScope | None = None,
    watch: Stopwatch,
    has_dense: bool = True,
    has_lexical: bool = True,
    reranks: bool = True,
    arrangement: Arrangement = AS_RANKED,
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
        scope: What the caller is taken to have as scope; ScopeChangedError if it is another.
        watch: Takes the times.
        has_dense: Whether vectors are compared; without, the words are measured alone.
        has_lexical: Whether words are compared.
        reranks: Whether the reranker, if one is set, puts the result in order.
        arrangement: How repetitions and like passages are dealt with.
    """
    # All that finds passages by a question comes by here: collections a role does not ask are
    # out of reach.
    caller = caller.asking()

    def library(counted: Actor | None) -> CallersLibrary:
        return CallersLibrary(
            platform,
            caller,
            counted,
            filters,
            collection_ids,
            as_of,
            scope,
            # A scope is given where a reply may come out of the cache.
            uses_cache=scope is not None,
        )

    own = library(spender)
    options = Options(
        top_k,
        has_dense=has_dense,
        has_lexical=has_lexical,
        reranking=platform.state_of(Reranking) if reranks else NO_RERANKING,
        arrangement=arrangement,
    )
    writing, rewriting = platform, Rewriting()
    if spender is not None and platform.llm is not None:
        writing = await connections.equipped(platform, caller, Use.REWRITE)
        rewriting = await rewriting_of(writing, caller)
    try:
        if rewriting.techniques and spender is not None:
            payer = Caller(caller.tenant_id, spender)
            found = await retrieve_with_others(
                writing, payer, rewriting, own, lambda: library(None), query, options, watch
            )
        else:
            found = await retrieve(own, query, options, watch)
    except EmptyQuestionError:
        raise EmptyQueryError from None
    return Found(found, reads_all=own.reads_all)


async def verifier_of(platform: Platform, caller: Caller) -> Verifier:
    """The second reading of sentences that the caller's tenant has chosen."""
    own = await writing_of(platform, caller)
    return await verifier_named(platform, caller, own.verifier)


async def verifier_named(platform: Platform, caller: Caller, name: str | None) -> Verifier:
    """The second reading of this name, with the tenant's model; None: the installation's."""
    if name is None:
        return await connections.discreet(platform, caller)
    model = await connections.model_for(platform, caller, Use.VERIFY)
    return await open_verifier(name, llm=model)


def _explanation(found: Found) -> QueryExplanation:
    analysis = found.retrieved.analysis
    texts = {term.id: f"{term.namespace}:{term.text}" for term in analysis.terms}
    terms: dict[str, float | None] = dict.fromkeys(texts.values())
    if found.reads_all:
        weights = query_weights(analysis.terms, found.retrieved.statistics)
        terms = {texts.get(term, str(term)): weight for term, weight in weights.items()}
    return QueryExplanation(
        language=analysis.language,
        is_unaccented_vietnamese=analysis.is_unaccented_vietnamese,
        codes=list(analysis.codes),
        phrases=list(analysis.phrases),
        terms=terms,
        spellings=[
            SpellingRead(word=each.word, written=each.written, how=each.how)
            for each in found.retrieved.spellings
        ],
        others=[
            OtherQuestionRead(technique=each.technique, text=each.text)
            for each in found.retrieved.others
        ],
        dense_weight=found.retrieved.dense_weight,
        reranker=found.retrieved.reranker,
        scope_size=found.retrieved.hits.scope_size,
        is_exact=found.retrieved.hits.is_exact,
        lexical=_lexical_explanation(found, texts),
    )


def _lexical_explanation(found: Found, texts: Mapping[int, str]) -> LexicalExplanation | None:
    lexical = found.retrieved.hits.lexical
    if lexical is None:
        return None
    shown = LexicalExplanation(budget=lexical.budget, is_proven=lexical.is_proven)
    if found.reads_all:
        shown.postings = lexical.postings
        shown.skipped_terms = [texts.get(term, str(term)) for term in lexical.skipped]
    return shown
