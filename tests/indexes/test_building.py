import asyncio
import uuid
from dataclasses import replace

import numpy as np
import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from citewell.core.database.sessions import Database
from citewell.engine.retrieval.base import HybridQuery
from citewell.features.identity import repository
from citewell.indexes.contract import Index
from citewell.indexes.events import ChunksStaged
from citewell.indexes.postgres import building
from citewell.indexes.postgres.index import postgres_index
from citewell.indexes.postgres.work import SessionWork
from citewell.indexes.testing_library import search as search_index
from tests.acting import act_for
from tests.waiting import PATIENCE

from .conftest import Corpus, Part, grow, new_corpus, random_rows


def indexes(url: str, corpus: Corpus) -> dict[str, bool]:
    """HNSW indexes of a generation, and whether they are complete."""
    plan = building.IndexPlan("", corpus.generation.id, 0)
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT c.relname, i.indisvalid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid"
            " WHERE c.relname IN (%s, %s)",
            (plan.dense, plan.former),
        ).fetchall()
    return dict(rows)


def is_building(url: str, corpus: Corpus) -> bool:
    """Whether a process holds the lock of a generation's build."""
    key = building.lock_key(corpus.generation.id)
    with psycopg.connect(url) as connection:
        # Of the transaction: a lock of the session outlasts its client for a moment, and the next
        # build would find it taken.
        row = connection.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", (key,)
        ).fetchone()
    return row == (False,)


async def nearest(database: Database, corpus: Corpus, number: int) -> str | None:
    """Text of the chunk an HNSW search finds for a chunk's own vector."""
    index = postgres_index(database, exact_limit=0)
    query = HybridQuery(corpus.vectors[number], {}, 1.0, 1)
    async with database.unit_of_work(corpus.tenant_id) as session:
        found = await search_index(index.searcher, SessionWork(session), corpus.scope(), query)
    return found.hits[0].text if found.hits else None


@pytest.fixture
async def index(database: Database) -> Index:
    return postgres_index(database)


@pytest.fixture
async def corpus(database: Database, index: Index) -> Corpus:
    return await new_corpus(database, index, Part(20, 10))


class TestBuild:
    async def test_small_library_gets_none(self, index: Index, corpus: Corpus) -> None:
        assert await index.maintenance.build_indexes(corpus.tenant_id) == 0
        assert await index.maintenance.build_indexes(corpus.tenant_id, min_chunks=201) == 0

    async def test_grown_library_gets_one_once(
        self, own_url: str, index: Index, corpus: Corpus
    ) -> None:
        assert await index.maintenance.build_indexes(corpus.tenant_id, min_chunks=200) == 1
        assert list(indexes(own_url, corpus).values()) == [True]
        assert await index.maintenance.build_indexes(corpus.tenant_id, min_chunks=200) == 0

    async def test_two_builders_at_once_do_not_meet(
        self, own_url: str, database: Database, corpus: Corpus
    ) -> None:
        builders = [postgres_index(database) for _ in range(3)]
        built = await asyncio.gather(
            *(one.maintenance.build_indexes(corpus.tenant_id, min_chunks=100) for one in builders)
        )
        assert sum(built) >= 1
        assert list(indexes(own_url, corpus).values()) == [True]

    async def test_interrupted_build_is_done_again(
        self, own_url: str, database: Database, index: Index, corpus: Corpus
    ) -> None:
        with psycopg.connect(own_url) as holder:
            # A build waits for snapshots that are older than it: this one is cut off there. Without
            # this level of isolation a snapshot ends with its statement.
            holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            holder.execute("SELECT count(*) FROM chunk")
            task = asyncio.ensure_future(
                index.maintenance.build_indexes(corpus.tenant_id, min_chunks=100)
            )
            while False not in (found := indexes(own_url, corpus)).values():
                assert not task.done()
                await asyncio.sleep(0.02)
            holder.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'"
            )
            with pytest.raises(DBAPIError):
                await task
            # A cut-off client gets its error before the server process gives up the build's lock.
            async with asyncio.timeout(PATIENCE):
                while is_building(own_url, corpus):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.02)
        assert False in found.values()
        assert await index.maintenance.build_indexes(corpus.tenant_id, min_chunks=100) == 1
        assert list(indexes(own_url, corpus).values()) == [True]
        assert await nearest(database, corpus, 7) == corpus.texts[7]

    async def test_documents_after_the_build_are_found(
        self, database: Database, index: Index, corpus: Corpus
    ) -> None:
        await index.maintenance.build_indexes(corpus.tenant_id, min_chunks=100)
        before = len(corpus.texts)
        await grow(database, index, corpus, Part(3, 10))
        for number in (before, before + 29, 0):
            assert await nearest(database, corpus, number) == corpus.texts[number]

    async def test_empty_tenant_needs_nothing(self, index: Index) -> None:
        assert await index.maintenance.build_indexes(uuid.uuid4(), min_chunks=0) == 0


class TestRemoval:
    async def test_deleted_tenants_indexes_go(
        self, own_url: str, database: Database, index: Index, corpus: Corpus
    ) -> None:
        await index.maintenance.build_indexes(corpus.tenant_id, min_chunks=100)
        await remove(database, index, corpus)
        assert indexes(own_url, corpus) == {}

    async def test_builder_that_had_planned_before_builds_nothing(
        self, own_url: str, database: Database, index: Index, corpus: Corpus
    ) -> None:
        async with database.unit_of_work(corpus.tenant_id) as session:
            [plan] = await building.plans(session, corpus.tenant_id, min_chunks=100)
        async with index.generations.removing(corpus.tenant_id):
            assert not await building.build(database, corpus.tenant_id, plan)
        assert not await building.build(database, corpus.tenant_id, plan)
        assert indexes(own_url, corpus) == {}

    async def test_upkeep_meanwhile_leaves_nothing(
        self, own_url: str, database: Database, index: Index, corpus: Corpus
    ) -> None:
        is_gone = False

        async def keep() -> None:
            other = postgres_index(database)
            while not is_gone:
                await other.maintenance.fold_statistics(corpus.tenant_id)
                await other.maintenance.build_indexes(corpus.tenant_id, min_chunks=100)

        tasks = [asyncio.ensure_future(keep()) for _ in range(2)]
        await asyncio.sleep(0.05)
        await remove(database, index, corpus)
        is_gone = True
        await asyncio.gather(*tasks)
        assert indexes(own_url, corpus) == {}
        assert left_of(own_url, corpus.tenant_id) == {}

    async def test_no_table_is_forgotten(
        self, own_url: str, database: Database, index: Index, corpus: Corpus
    ) -> None:
        filled = left_of(own_url, corpus.tenant_id)
        assert {"document", "document_version", "chunk", "version_terms"} <= set(filled)
        other = await new_corpus(database, index, Part(1, 2))
        await remove(database, index, corpus)
        assert left_of(own_url, corpus.tenant_id) == {}
        assert left_of(own_url, other.tenant_id)["chunk"] == 2

    async def test_waiting_jobs_of_the_tenant_go(
        self, own_url: str, database: Database, index: Index, corpus: Corpus
    ) -> None:
        queue = "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('q', 't', %s)"
        with psycopg.connect(own_url) as connection:
            for tenant_id in (corpus.tenant_id, uuid.uuid4()):
                connection.execute(queue, [f'{{"tenant_id": "{tenant_id}"}}'])
        await remove(database, index, corpus)
        with psycopg.connect(own_url) as connection:
            waiting = connection.execute(
                "DELETE FROM procrastinate_jobs WHERE queue_name = 'q' RETURNING args->>'tenant_id'"
            ).fetchall()
        assert len(waiting) == 1
        assert waiting != [(str(corpus.tenant_id),)]

    async def test_other_tenant_cannot_be_removed(self, database: Database, corpus: Corpus) -> None:
        with pytest.raises(DBAPIError, match="does not act for this tenant"):
            async with database.unit_of_work(uuid.uuid4()) as session:
                await repository.remove_tenant(session, corpus.tenant_id)


async def remove(database: Database, index: Index, corpus: Corpus) -> None:
    async with (
        index.generations.removing(corpus.tenant_id),
        database.unit_of_work(corpus.tenant_id) as session,
    ):
        await repository.remove_tenant(session, corpus.tenant_id)


def left_of(url: str, tenant_id: uuid.UUID) -> dict[str, int]:
    """Rows of a tenant by table, where there are any."""
    with psycopg.connect(url) as connection:
        act_for(connection, tenant_id)
        tables = connection.execute(
            "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE a.attname = 'tenant_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND c.relnamespace = 'public'::regnamespace"
        ).fetchall()
        assert len(tables) >= 12
        counts = {
            name: connection.execute(
                f'SELECT count(*) FROM "{name}" WHERE tenant_id = %s', [tenant_id]
            ).fetchone()[0]
            for (name,) in tables
        }
    return {name: count for name, count in counts.items() if count}


class TestPublish:
    async def test_staged_chunks_are_not_found(
        self, database: Database, index: Index, corpus: Corpus
    ) -> None:
        [(row, vector, _)] = random_rows(np.random.default_rng(99), 1, "en")
        async with database.unit_of_work(corpus.tenant_id) as session:
            staged = [replace(row, ordinal=500)]
            work = SessionWork(session)
            await index.writer.apply(
                work, ChunksStaged(corpus.versions[0], corpus.generation.id, staged)
            )
            query = HybridQuery(vector, {}, 1.0, 300)
            found = await search_index(index.searcher, work, corpus.scope(), query)
        assert len(found.hits) == len(corpus.texts)
        assert row.text not in {hit.text for hit in found.hits}


class TestLookingAt:
    async def test_tenant_is_looked_at_again_only_when_it_has_changed(
        self, database: Database, own_url: str, index: Index, corpus: Corpus
    ) -> None:
        async def is_due() -> bool:
            async with database.lookup() as session:
                found = await building.tenants_to_look_at(session, building.MIN_CHUNKS)
            return corpus.tenant_id in found

        def count(chunks: int, changed: str) -> None:
            with psycopg.connect(own_url) as connection:
                act_for(connection, corpus.tenant_id)
                connection.execute(
                    "UPDATE index_generation SET chunk_count = %s,"
                    " updated_at = now() - %s::interval WHERE tenant_id = %s",
                    (chunks, changed, corpus.tenant_id),
                )

        assert await is_due()
        await index.maintenance.keep_indexes()
        assert not await is_due()
        assert indexes(own_url, corpus) == {}
        count(building.MIN_CHUNKS, "0s")
        assert await is_due()
        await index.maintenance.keep_indexes()
        assert list(indexes(own_url, corpus).values()) == [True]
        count(building.MIN_CHUNKS, "5min")
        assert not await is_due()
