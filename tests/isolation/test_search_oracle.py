"""Search against a plain set of what each user may see, over random sequences of changes.

`ORACLE_SEED` repeats one sequence; `ORACLE_SEQUENCES` says how many the long form takes.
"""

import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from citewell.access.policy import Role
from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.features.conversations import files
from citewell.features.conversations import service as conversations
from citewell.features.conversations.schemas import ConversationCreate
from citewell.features.documents.schemas import NewFile
from citewell.features.identity import service as identity
from citewell.features.ingestion import service as ingestion
from citewell.features.search import service as search
from citewell.features.search.schemas import SearchRequest
from citewell.indexes.postgres.index import postgres_index
from tests.conftest import Servers, new_caller
from tests.isolation.oracle import WORDS, Walk
from tests.isolation.report import record
from tests.people import People
from tests.quiet import quiet_database, quiet_platform

STEPS = 40
SHORT, LONG = 5, 500
HNSW_EVERY = 5
"""One sequence of so many searches through HNSW indexes, whatever the size of the scope."""


@pytest.fixture(scope="module")
def own_url(servers: Servers, template: str) -> Iterator[str]:
    """A migrated database for this module."""
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture
async def quiet(own_url: str, settings: Settings) -> AsyncIterator[Platform]:
    """Light parts; jobs run when a step runs them."""
    async with quiet_platform(settings, own_url) as platform:
        yield platform


async def walk(platform: Platform, folder: Path, seed: int) -> Walk:
    """One sequence; returns it when nothing was other than the model says."""
    has_hnsw = seed % HNSW_EVERY == 0
    index = postgres_index(platform.database, exact_limit=0)
    if has_hnsw:
        platform = platform.holding(index)
    tenant_id = (await new_caller(platform)).tenant_id
    taken = Walk(platform, People(platform, tenant_id), folder, seed)
    await taken.begin()
    if has_hnsw:
        await index.maintenance.fold_statistics(tenant_id)
        assert await index.maintenance.build_indexes(tenant_id, min_chunks=1) == 1
    people = People(platform, tenant_id)
    owner = await people.user(Role.EMPLOYEE)
    talk, file_id = await attach(platform, owner)
    for _ in range(STEPS):
        await taken.step()
    asked = SearchRequest(query=" ".join(WORDS), top_k=50)
    within = await search.search(platform, owner.within(talk), asked)
    alone = await search.search(platform, owner, asked)
    beside = await search.search(platform, people.operator.within(talk), asked)
    assert file_id in [hit.document_id for hit in within.results]
    assert file_id not in [hit.document_id for hit in (*alone.results, *beside.results)]
    if has_hnsw:
        await identity.delete_tenant(platform, tenant_id)
    return taken


async def attach(platform: Platform, owner: Caller) -> tuple[uuid.UUID, uuid.UUID]:
    """A conversation and a file of it, with all words that are searched."""
    text = BytesIO(" ".join(WORDS).encode())
    async with unit_of_work(platform, owner) as ctx:
        talk = (await conversations.create(ctx, ConversationCreate())).id
    new = NewFile(path=text, filename="attached.md", source="attached", collection_id=talk)
    [made] = (await files.attach(platform, owner, talk, [new])).documents
    assert made.job_id is not None
    await ingestion.process(platform, owner.tenant_id, made.job_id)
    return talk, made.id


async def walks(platform: Platform, folder: Path, seeds: range) -> None:
    begun, steps, searches, found, cached = time.monotonic(), 0, 0, 0, 0
    for seed in seeds:
        taken = await walk(platform, folder, seed)
        steps += len(taken.done)
        searches += taken.searches
        found += taken.found
        cached += taken.cached
    assert steps == len(seeds) * STEPS
    assert searches > steps // 4
    assert found > searches  # it was not all about nothing
    assert cached > searches // 20
    taken_seconds = round(time.monotonic() - begun, 1)
    record(
        "oracle", steps=steps, searches=searches, hits=found, cached=cached, seconds=taken_seconds
    )


class TestSearchOracle:
    @pytest.mark.volume
    async def test_search_finds_what_may_be_seen_and_never_less(
        self, quiet: Platform, tmp_path: Path
    ) -> None:
        wanted = os.environ.get("ORACLE_SEED")
        seeds = range(int(wanted), int(wanted) + 1) if wanted else range(SHORT)
        await walks(quiet, tmp_path, seeds)

    @pytest.mark.slow
    @pytest.mark.timeout(3_600)
    async def test_over_many_sequences(self, quiet: Platform, tmp_path: Path) -> None:
        count = int(os.environ.get("ORACLE_SEQUENCES", str(LONG)))
        await walks(quiet, tmp_path, range(1_000, 1_000 + count))
