"""Replies that are given again as long as nothing they depend on has changed.

A reply is found by all that it depends on: the tenant, the stamp of its library, what the reader
may find, the question, and the models and settings that made it. So it is authorised by where it
lies, and what is revoked is not found any more by the next question.
"""

import unicodedata
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

import citewell
from citewell.core.caching.cache import Cache, Key, ValueKind
from citewell.core.caching.flights import Flights
from citewell.core.context import Caller
from citewell.core.database.stamps import LibraryStamp
from citewell.core.platform import Platform
from citewell.engine.reranking.base import Reranking
from citewell.engine.retrieval.techniques import Rewriting
from citewell.features.search.schemas import QueryRequest, SearchRequest
from citewell.features.search.scopes import ReaderScope, ScopeChangedError, Scopes
from citewell.features.usage import service as usage
from citewell.kit.clock import utc_now

MOST_ATTEMPTS = 3
"""Lookups of a question whose reader's rights change meanwhile."""

Computing = Callable[[ReaderScope | None], AsyncGenerator[Any, None]]
"""Computes a reply for a scope, and raises ScopeChangedError if the reader has another."""


class Codec(Protocol):
    """Writes the items of a reply as bytes."""

    def encode(self, items: Sequence[Any]) -> bytes | None:
        """The items as bytes; None: more are to come, or this reply must not be kept."""
        ...

    def decode(self, value: bytes) -> Sequence[Any]:
        """The items again; several askers get the same objects."""
        ...


@dataclass(frozen=True, slots=True)
class Remembered:
    """An item of a reply."""

    item: Any
    is_cached: bool
    """Whether it was not computed for this question."""


@dataclass(frozen=True, slots=True)
class CacheableQuestion:
    """A question with its caller.

    Args:
        platform: The handles of the process.
        caller: Whose query it is counted as.
        reader: Whose access it has.
        request: The question.
        stamp: Of the library, if it was read for this question.
    """

    platform: Platform
    caller: Caller
    reader: Caller
    request: SearchRequest | QueryRequest
    stamp: LibraryStamp | None = None

    @property
    def kind(self) -> ValueKind:
        """The kind of the reply."""
        return ValueKind.SEARCHES if isinstance(self.request, SearchRequest) else ValueKind.ANSWERS


async def remembered(
    asked: CacheableQuestion, computing: Computing, codec: Codec
) -> AsyncGenerator[Remembered, None]:
    """Yield a reply: out of the cache, with others who ask the same now, or computed.

    The query is counted in any case: by `computing`, or here.
    """
    for attempt in range(MOST_ATTEMPTS):
        place = await _place(asked, is_first=attempt == 0)
        if place is None:
            break
        try:
            async with aclosing(_found(asked, *place, computing, codec)) as items:
                async for item in items:
                    yield item
        except ScopeChangedError:
            continue  # raised before the first item
        return
    async with aclosing(computing(None)) as items:
        async for item in items:
            yield Remembered(item, is_cached=False)


async def _found(
    asked: CacheableQuestion, key: Key, scope: ReaderScope, computing: Computing, codec: Codec
) -> AsyncGenerator[Remembered, None]:
    cache, kind = asked.platform.state_of(Cache), asked.kind
    counts = cache.counts[kind]
    counts.asked += 1
    known = cache.near_read(kind, key, codec.decode)
    if known is not None:
        await usage.count_query(asked.platform, asked.caller)
        for item in known:
            yield Remembered(item, is_cached=True)
        return

    async def begin() -> AsyncGenerator[Remembered, None]:
        value = await cache.far(kind, key)
        if value is not None:
            for item in codec.decode(value):
                yield Remembered(item, is_cached=True)
            return
        counts.outcomes["computed"] += 1
        async with aclosing(computing(scope)) as items:
            given: list[Any] = []
            async for item in items:
                given.append(item)
                # Kept before the last item is given: with it all who wait may leave.
                value = codec.encode(given)
                if value is not None:
                    await cache.put(kind, key, value)
                yield Remembered(item, is_cached=False)

    flights = asked.platform.state_of(Flights)
    is_joining = flights.is_flying(key.digest)
    counts.outcomes["joined"] += is_joining
    is_counted = False
    async with aclosing(flights.follow(key.digest, begin)) as items:
        async for each in items:
            is_cached = each.is_cached or is_joining
            if is_cached and not is_counted:
                await usage.count_query(asked.platform, asked.caller)
                is_counted = True
            yield Remembered(each.item, is_cached)


async def _place(asked: CacheableQuestion, *, is_first: bool) -> tuple[Key, ReaderScope] | None:
    """Key and scope of the reply; None: it is not kept."""
    cache, reader, request = asked.platform.state_of(Cache), asked.reader, asked.request
    if not (request.cache and cache.keeps(asked.kind)):
        return None
    stamp = asked.stamp if is_first else None
    if stamp is None:
        stamp = await cache.stamps.current(asked.platform.database, reader.tenant_id)
    cache.note_stamp(reader.tenant_id, stamp.value)
    if not stamp.has_cache:
        return None
    scope = await asked.platform.state_of(Scopes).scope_of(asked.platform, reader, stamp.value)
    key = cache.key(
        asked.kind,
        reader.tenant_id,
        scope.reading.hex(),
        scope.writing.hex() if "source" in request.filters else None,
        _normalised(request),
        _made_by(asked.platform),
        # With the stamp it says which of the tenant's connections answer.
        int(asked.caller.actor.role),
        stamp=stamp.value,
    )
    return key, scope


def _normalised(request: SearchRequest | QueryRequest) -> dict[str, object]:
    """The request without what changes no reply: blanks, the order of collections."""
    values = request.model_dump(mode="json", exclude={"query", "as_user_id", "cache"})
    values["query"] = " ".join(unicodedata.normalize("NFC", request.query).split())
    if request.collection_ids is not None:
        values["collection_ids"] = sorted(map(str, request.collection_ids))
    return values


def _made_by(platform: Platform) -> list[object]:
    """Models and settings that make replies; the tenant's own settings are stamped.

    The day is a part of it, since prompts know it.
    """
    settings, reranking = platform.settings, platform.state_of(Reranking)
    return [
        citewell.__version__,
        utc_now().date().isoformat(),
        settings.embedding,
        settings.embedding_base_url,
        reranking.reranker.name if reranking.reranker else None,
        reranking.candidates,
        reranking.seconds,
        platform.llm.name if platform.llm else None,
        repr(platform.state_of(Rewriting)),
        settings.llm_base_url,
        settings.verifier,
    ]
