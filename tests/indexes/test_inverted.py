"""The inverted index: its proof is honest, it holds what is findable, it keeps tenants apart."""

import uuid
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy import text

from citewell.core.context import unit_of_work
from citewell.core.database.sessions import APP_ROLE, Database
from citewell.engine.retrieval.base import HitList, HybridQuery
from citewell.features.versions import service as versions
from citewell.indexes.contract import SearchScope
from citewell.indexes.postgres import building
from citewell.indexes.postgres.index import postgres_index
from citewell.indexes.postgres.inverted import choose_terms
from citewell.indexes.postgres.work import SessionWork
from citewell.indexes.testing_library import search as search_index
from tests.acting import act_for
from tests.quiet import Shelf

from .conftest import Corpus, Libraries, Part, grow, new_corpus

WEIGHTS = st.dictionaries(st.integers(1, 40), st.floats(0.01, 9), min_size=1, max_size=12)


class TestChooseTerms:
    @given(
        WEIGHTS,
        st.dictionaries(st.integers(1, 40), st.integers(1, 500)),
        st.integers(1, 900),
        st.randoms(use_true_random=False),
        st.integers(1, 5),
    )
    def test_what_is_proven_is_true(self, weights, frequencies, postings, chance, wanted) -> None:
        """Against a library made up of chunks with any of the terms, in any weight."""
        chunks = [
            {term: chance.uniform(0.1, 2.2) for term in weights if chance.random() < 0.4}
            for _ in range(30)
        ]
        scores = [sum(weights[term] * each[term] for term in each) for each in chunks]
        reading = choose_terms(weights, frequencies, postings)
        assert {*reading.read, *reading.skipped} == set(weights)
        found = sorted(
            (s for s, each in zip(scores, chunks, strict=True) if {*each} & {*reading.read}),
            reverse=True,
        )
        if reading.proves(found, wanted):
            best = [score for score in sorted(scores, reverse=True)[:wanted] if score > 0]
            assert found[:wanted][: len(best)] == pytest.approx(best)

    def test_rarest_terms_are_read_first_and_at_least_one(self) -> None:
        weights, frequencies = {1: 1.0, 2: 2.0, 3: 3.0}, {1: 10, 2: 900, 3: 50}
        assert choose_terms(weights, frequencies, 60).read == (1, 3)
        assert choose_terms(weights, frequencies, 60).skipped == (2,)
        assert choose_terms(weights, frequencies, 1).read == (1,)
        assert choose_terms(weights, frequencies, 960).is_whole


async def ask(
    database: Database, scope: SearchScope, query: HybridQuery, budgets: tuple[int, int] | None
) -> HitList:
    """By the inverted index within budgets, or by comparing all terms."""
    if budgets is None:
        index = postgres_index(database, exact_limit=1_000_000)
    else:
        index = postgres_index(database, exact_limit=0, budgets=budgets)
    async with database.unit_of_work(scope.tenant_id) as session:
        return await search_index(index.searcher, SessionWork(session), scope, query)


def scores(found: HitList) -> list[float]:
    return [hit.lexical_score for hit in found.hits]


class TestLexicalLeg:
    @pytest.mark.volume
    @pytest.mark.parametrize("budget", [20, 100, 400])
    @pytest.mark.parametrize("max_level", [3, 0], ids=["everything", "1 %"])
    async def test_proven_result_is_the_exact_one(
        self, libraries: Libraries, database: Database, budget: int, max_level: int
    ) -> None:
        chance, scope = np.random.default_rng(5), libraries.large.scope(max_level=max_level)
        proven = 0
        for _ in range(20):
            query = libraries.large.query(chance, weight=0, top_k=5)
            found = await ask(database, scope, query, (budget, budget))
            exact = await ask(database, scope, query, None)
            assert len(found.hits) == len(exact.hits) == 5
            if found.lexical is None or found.lexical.is_proven:
                assert scores(found) == pytest.approx(scores(exact))
                proven += 1
            elif found.lexical is not None:
                assert found.lexical.skipped
                assert not found.is_exact
        assert proven or budget < 400

    async def test_reading_on_proves_more(self, libraries: Libraries, database: Database) -> None:
        proven = {(40, 40): 0, (40, 4_000): 0}
        for budgets in proven:
            chance = np.random.default_rng(6)
            for _ in range(15):
                query = libraries.large.query(chance, weight=0, top_k=5)
                found = await ask(database, libraries.large.scope(), query, budgets)
                proven[budgets] += found.lexical is not None and found.lexical.is_proven
        assert proven[40, 40] < proven[40, 4_000]

    async def test_question_of_unknown_words_gets_any_chunks(
        self, libraries: Libraries, database: Database
    ) -> None:
        query = HybridQuery(None, {2_999_999: 5.0}, 0.0, 7, frequencies={2_999_999: 1})
        found = await ask(database, libraries.large.scope(), query, (100, 100))
        assert len(found.hits) == 7
        assert set(scores(found)) == {0.0}


class TestIsolation:
    @pytest.fixture
    def app(self, libraries: Libraries) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """A connection as the application has it, for the small tenant."""
        with psycopg.connect(libraries.url) as connection:
            connection.execute(f"SET ROLE {APP_ROLE}")
            act_for(connection, libraries.other.tenant_id)
            yield connection

    @pytest.mark.parametrize(
        "statement",
        [
            "SELECT 1 FROM lexical_chunk",
            "DELETE FROM lexical_chunk",
            "UPDATE lexical_chunk SET generation_id = 1",
            "INSERT INTO lexical_chunk SELECT * FROM lexical_chunk",
        ],
    )
    def test_application_may_not_touch_the_table(
        self, app: psycopg.Connection[tuple[object, ...]], statement: str
    ) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(statement)

    def test_candidates_are_the_sessions_tenants_whatever_generation_is_named(
        self, libraries: Libraries, app: psycopg.Connection[tuple[object, ...]]
    ) -> None:
        def candidates(corpus: Corpus) -> list[tuple[object, ...]]:
            terms = list(range(1, corpus.weights.shape[1] + 1))
            return app.execute(
                "SELECT id FROM citewell_lexical_candidates(%s, %s::bigint[], "
                "'{1:1}/536870912', NULL)",
                (corpus.generation.id, terms),
            ).fetchall()

        assert len(candidates(libraries.other)) == len(libraries.other.texts)
        assert candidates(libraries.large) == []
        app.execute("SELECT set_config('citewell.tenant_id', '', true)")
        assert candidates(libraries.other) == []

    def test_no_posting_list_is_shared_among_generations(self, libraries: Libraries) -> None:
        with psycopg.connect(libraries.url) as connection:
            shared = connection.execute(
                "SELECT count(*) FROM (SELECT key FROM lexical_chunk, "
                "unnest(citewell_lexical_keys(generation_id, weights)) AS key "
                "GROUP BY key HAVING count(DISTINCT generation_id) > 1) AS shared"
            ).fetchone()
        assert shared == (0,)


def entered(url: str, tenant_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """Weights of a tenant's chunks in the inverted index."""
    return _weights(url, tenant_id, "SELECT chunk_id, weights::text FROM lexical_chunk")


def findable(url: str, tenant_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """Weights of the chunks that should be there."""
    return _weights(url, tenant_id, "SELECT id, terms::text FROM chunk WHERE active")


def _weights(url: str, tenant_id: uuid.UUID, statement: str) -> dict[uuid.UUID, str]:
    with psycopg.connect(url) as connection:
        act_for(connection, tenant_id)
        column = "AND" if "WHERE" in statement else "WHERE"
        bound = sql.SQL(statement + " {} tenant_id = %s").format(sql.SQL(column))
        return dict(connection.execute(bound, [tenant_id]).fetchall())


class TestKeeping:
    async def test_a_documents_whole_life(self, own_url: str, shelf: Shelf) -> None:
        tenant = shelf.caller.tenant_id

        def check(count: int) -> None:
            there = entered(own_url, tenant)
            assert there == findable(own_url, tenant)
            assert len(there) == count

        first = await shelf.add("a.txt", "# Leave\n\nThere are twenty days of leave.")
        await shelf.add("b.txt", "# Pay\n\nSalaries are paid on the last day.")
        check(2)
        await shelf.add("a.txt", "# Leave\n\nThere are thirty days of leave.")
        check(2)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await versions.rollback(ctx, first.document_id, 1)
        check(2)
        assert any("{" in weights for weights in entered(own_url, tenant).values())
        await shelf.delete(first)
        check(1)
        await shelf.restore(first)
        check(2)
        await shelf.delete(first)
        await shelf.purge()
        check(1)

    async def test_staged_chunks_are_entered_when_they_are_published(
        self, own_url: str, database: Database
    ) -> None:
        index = postgres_index(database)
        corpus = await new_corpus(database, index, Part(2, 5))
        assert len(entered(own_url, corpus.tenant_id)) == 10
        await grow(database, index, corpus, Part(1, 5))
        assert entered(own_url, corpus.tenant_id) == findable(own_url, corpus.tenant_id)


class TestFilling:
    """A library from before the inverted index."""

    @pytest.fixture
    async def old(self, own_url: str, database: Database) -> Corpus:
        corpus = await new_corpus(database, postgres_index(database), Part(30, 10))
        with psycopg.connect(own_url, autocommit=True) as connection:
            act_for(connection, corpus.tenant_id)
            connection.execute("DELETE FROM lexical_chunk WHERE tenant_id = %s", [corpus.tenant_id])
            connection.execute(
                "UPDATE index_generation SET has_lexical = false WHERE tenant_id = %s",
                [corpus.tenant_id],
            )
            plan = building.IndexPlan("", corpus.generation.id, 0)
            connection.execute(
                f"CREATE INDEX {plan.former} ON chunk_0 USING hnsw (terms sparsevec_ip_ops) "
                f"WHERE generation_id = {corpus.generation.id}"
            )
        return corpus

    async def test_searches_are_right_before_and_after(
        self, own_url: str, database: Database, old: Corpus
    ) -> None:
        query = old.query(np.random.default_rng(1), weight=0)
        before = await ask(database, old.scope(), query, (4_000, 4_000))
        assert before.lexical is None
        await postgres_index(database).maintenance.build_indexes(old.tenant_id)
        after = await ask(database, old.scope(), query, (4_000, 4_000))
        assert after.lexical is not None
        assert scores(after) == pytest.approx(scores(before))
        assert entered(own_url, old.tenant_id) == findable(own_url, old.tenant_id)

    async def test_small_library_is_filled_and_the_former_index_goes(
        self, own_url: str, database: Database, old: Corpus
    ) -> None:
        index = postgres_index(database)
        assert await index.maintenance.build_indexes(old.tenant_id) == 1
        assert await index.maintenance.build_indexes(old.tenant_id) == 0
        plan = building.IndexPlan("", old.generation.id, 0)
        with psycopg.connect(own_url) as connection:
            there = connection.execute("SELECT to_regclass(%s)", [plan.former]).fetchone()
        assert there == (None,)

    async def test_what_is_published_meanwhile_is_there_once(
        self, own_url: str, database: Database, old: Corpus
    ) -> None:
        index = postgres_index(database)
        await grow(database, index, old, Part(1, 5))
        assert len(entered(own_url, old.tenant_id)) == 5
        await index.maintenance.build_indexes(old.tenant_id)
        assert entered(own_url, old.tenant_id) == findable(own_url, old.tenant_id)

    async def test_chunk_that_is_being_changed_waits_for_a_later_pass(
        self, own_url: str, database: Database, old: Corpus
    ) -> None:
        async with database.unit_of_work(old.tenant_id) as session:
            await session.execute(
                text("UPDATE chunk SET access_level = 2 WHERE document_id = :id"),
                {"id": old.documents[0]},
            )
            assert not await building.fill(database, old.tenant_id, old.generation.id)
            assert len(entered(own_url, old.tenant_id)) == 290
        assert await building.fill(database, old.tenant_id, old.generation.id)
        assert len(entered(own_url, old.tenant_id)) == 300
