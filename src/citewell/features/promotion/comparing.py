"""Compares the search results of two installations."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import islice, zip_longest

from citewell.core.context import OPERATOR, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.promotion import repository
from citewell.features.search import service as search
from citewell.features.search.errors import EmptyQueryError
from citewell.indexes.contract import index_of
from citewell.kit.clock import Stopwatch

TOP_K = 10
MOST_DIFFERENT = 5


@dataclass(slots=True)
class SearchComparison:
    """Numbers of questions asked and answered alike, and examples of differences."""

    asked: int = 0
    same: int = 0
    different: list[str] = field(default_factory=list[str])
    """The first questions with different results."""


async def compare_searches(
    one: Platform, other: Platform, wanted: int, on_search: Callable[[int], None]
) -> SearchComparison:
    """Search both for titles and headings of their documents; nothing is counted or written.

    Args:
        one: An installation; the questions are taken from it.
        other: One that holds the same.
        wanted: Number of questions over all tenants; a small library may have fewer.
        on_search: Called with the number of questions asked so far.
    """
    compared = SearchComparison()
    async for caller, query in _questions(one, wanted):
        try:
            found = [await _found(platform, caller, query) for platform in (one, other)]
        except EmptyQueryError:
            continue
        compared.asked += 1
        if found[0] == found[1]:
            compared.same += 1
        elif len(compared.different) < MOST_DIFFERENT:
            compared.different.append(query)
        on_search(compared.asked)
    return compared


async def find_named(platform: Platform, wanted: int) -> SearchComparison:
    """Search for titles and headings of an installation's own documents; each finds some passage.

    Args:
        platform: The installation.
        wanted: Number of questions over all tenants; a small library may have fewer.
    """
    compared = SearchComparison()
    async for caller, query in _questions(platform, wanted):
        try:
            found = await _found(platform, caller, query)
        except EmptyQueryError:
            continue
        compared.asked += 1
        if found:
            compared.same += 1
        elif len(compared.different) < MOST_DIFFERENT:
            compared.different.append(query)
    return compared


async def build_indexes(platform: Platform) -> None:
    """Build the HNSW indexes of libraries that are large enough, without waiting for a worker."""
    async with platform.database.unit_of_work(None) as session:
        tenants = await repository.all_tenants(session)
    for tenant_id in tenants:
        await index_of(platform).maintenance.build_indexes(tenant_id, at_once=True)


async def _found(platform: Platform, caller: Caller, query: str) -> list[tuple[object, float]]:
    """Ids and scores of the hits, in order."""
    found = await search.find(
        platform, caller, query, top_k=TOP_K, filters={}, collection_ids=None, watch=Stopwatch()
    )
    # Six digits: sums of floats differ in the last ones with the order in which rows are read.
    return [(hit.chunk_id, round(hit.score, 6)) for hit in found.hits]


async def _questions(platform: Platform, wanted: int) -> AsyncIterator[tuple[Caller, str]]:
    """Questions from all tenants in turn, so that a large one does not take them all."""
    async with platform.database.unit_of_work(None) as session:
        tenants = await repository.all_tenants(session)
    asked: list[tuple[Caller, list[str]]] = []
    for tenant_id in tenants:
        # The operator sees every document, so a rule that was lost on the way does not show here;
        # the rows of rules are compared by `copying`.
        caller = Caller(tenant_id, OPERATOR)
        async with unit_of_work(platform, caller) as ctx:
            asked.append((caller, await repository.names_in_documents(ctx.session, wanted)))
    turns = zip_longest(*([(caller, name) for name in names] for caller, names in asked))
    for question in islice((each for turn in turns for each in turn if each), wanted):
        yield question
