"""A version of many chunks is published by a session that has worked on small ones for long."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
from psycopg.errors import Diagnostic
from sqlalchemy import text

from citewell.core.database.sessions import Database, driver_connection
from citewell.indexes.contract import Index
from citewell.indexes.events import ChunksStaged, VersionKey, VersionPublished
from citewell.indexes.postgres.index import postgres_index
from citewell.indexes.postgres.work import SessionWork
from citewell.kit.ids import uuid7
from citewell.models.documents import Blob

from .conftest import Corpus, Part, RandomRow, add_document, new_corpus, publication_of, random_rows

_JOINS = re.compile(r"\{(NESTLOOP|HASHJOIN|MERGEJOIN)\b")
"""Nodes of a plan as `debug_print_plan` writes it."""

_READ = text("""
SELECT sum(coalesce(idx_tup_fetch, 0) + seq_tup_read)::int FROM pg_stat_xact_user_tables
WHERE relname ~ '^chunk_[0-9]$'
""")
"""Rows of chunks that the transaction has read so far."""


class Plans:
    """Joins of the plans that were made for the triggers' tables of changed rows."""

    def __init__(self) -> None:
        self.joins: list[set[str]] = []

    def note(self, told: Diagnostic) -> None:
        """Keep a plan that the server tells of."""
        plan = told.message_detail or ""
        if plan.count("{NAMEDTUPLESTORESCAN") == 2:
            self.joins.append(set(_JOINS.findall(plan)))


@pytest.fixture
async def telling(own_url: str) -> AsyncIterator[Database]:
    """One connection, which tells its plans."""
    settings = {"debug_print_plan": "on", "client_min_messages": "log"}
    database = Database(own_url, pool_size=1, session_settings=settings)
    yield database
    await database.close()


async def stage(
    database: Database, index: Index, corpus: Corpus, rows: list[RandomRow]
) -> VersionKey:
    """A version all of whose chunks but the last are staged."""
    async with database.unit_of_work(corpus.tenant_id) as session:
        blob = Blob(tenant_id=corpus.tenant_id, id=uuid7(), sha256=bytes(32), size_bytes=1)
        session.add(blob)
        await session.flush()
        key = await add_document(session, corpus, Part(1, len(rows)), blob.id)
        staged = ChunksStaged(key, corpus.generation.id, [row for row, _, _ in rows[:-1]])
        await index.writer.apply(SessionWork(session), staged)
    return key


class TestLongLivedSession:
    async def test_changed_rows_are_not_joined_row_by_row(self, telling: Database) -> None:
        index, plans = postgres_index(telling), Plans()
        # The triggers' first calls in this session see a few rows, or none.
        corpus = await new_corpus(telling, index, Part(3, 2))
        rows = random_rows(np.random.default_rng(3), 600, "en")
        key = await stage(telling, index, corpus, rows)
        async with telling.unit_of_work(corpus.tenant_id) as session:
            connection = await driver_connection(session)
            connection.add_notice_handler(plans.note)
            publication = replace(publication_of(rows), last_rows=[rows[-1][0]])
            published = VersionPublished(key, corpus.generation.id, publication)
            await index.writer.apply(SessionWork(session), published)
            connection.remove_notice_handler(plans.note)
        assert len(plans.joins) == 2, (
            "one statement removes, one adds; each is planned for 599 rows"
        )
        # Removed rows may be looked up one by one in the index, which holds little.
        assert all(joins & {"HASHJOIN", "MERGEJOIN"} for joins in plans.joins)


class TestKnownVectors:
    async def test_one_of_many_equal_passages_is_read(self, database: Database) -> None:
        index = postgres_index(database)
        corpus = await new_corpus(database, index, Part(3, 2))
        rows = random_rows(np.random.default_rng(4), 500, "en")
        same = rows[0][0].content_hash
        equal = [(replace(row, content_hash=same), vector, terms) for row, vector, terms in rows]
        key = await stage(database, index, corpus, equal)
        async with database.unit_of_work(corpus.tenant_id) as session:
            known = await index.writer.known_vectors(
                SessionWork(session), key.document_id, corpus.generation.id, [same, same, b"other"]
            )
            read = await session.scalar(_READ)
        assert known.keys() == {same}
        # One row of it; a scan of so small a table would read at least those of the document.
        assert read is not None
        assert read < 10
