"""Exact and HNSW search over the same random corpus, against plain arithmetic."""

import uuid
from dataclasses import replace

import numpy as np
import psycopg
import pytest
from sqlalchemy import text

from citewell.access.policy import NO_LEVEL, IdSet, Reach
from citewell.core.database.sessions import Database
from citewell.engine.lexical.bm25 import best_possible_score
from citewell.engine.retrieval.base import Hit, HitList, HybridQuery
from citewell.indexes.contract import SearchScope
from citewell.indexes.events import AccessChanged
from citewell.indexes.postgres.index import postgres_index
from citewell.indexes.postgres.work import SessionWork
from citewell.indexes.testing_library import search as search_index

from .conftest import EVERYBODY, PERCENT, PERMILLE, Corpus, Libraries, Part

EVERYTHING = 1_000_000
QUESTIONS = 25
LEGS = {"dense": 1.0, "lexical": 0.0, "hybrid": 0.4}


async def search(
    database: Database, scope: SearchScope, query: HybridQuery, *, exact_limit: int
) -> HitList:
    """One search; scopes of more chunks than the limit go through the HNSW indexes."""
    index = postgres_index(database, exact_limit=exact_limit)
    async with database.unit_of_work(scope.tenant_id) as session:
        return await search_index(index.searcher, SessionWork(session), scope, query)


def arithmetic(corpus: Corpus, query: HybridQuery, allowed: set[str] | None = None) -> list[str]:
    """The best chunks by scores computed here, from the candidates both legs bring up."""
    dense = np.zeros(len(corpus.texts))
    if query.vector is not None:
        dense = corpus.vectors @ query.vector
    # The columns of the question alone: all of them are 90 MB.
    columns = corpus.weights[:, [term - 1 for term in query.terms]]
    lexical = columns.astype(float) @ np.array(list(query.terms.values()), dtype=float)
    keep = np.array([allowed is None or content in allowed for content in corpus.texts])
    pool: set[int] = set()
    for scores, is_asked in ((dense, query.vector is not None), (lexical, bool(query.terms))):
        if is_asked:
            order = np.argsort(np.where(keep, -scores, np.inf), kind="stable")
            pool |= set(order[: min(50, int(keep.sum()))].tolist())
    best = best_possible_score(query.terms) or 1.0
    fused = (1 - query.dense_weight) * np.clip(lexical / best, 0, 1)
    fused += query.dense_weight * np.clip(dense, 0, 1)
    return [corpus.texts[n] for n in sorted(pool, key=lambda n: -fused[n])[: query.top_k]]


def recall(found: list[Hit], wanted: list[str]) -> float:
    return len({hit.text for hit in found} & set(wanted)) / max(len(wanted), 1)


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(11)


class TestWholeLibrary:
    @pytest.mark.parametrize("weight", LEGS.values(), ids=LEGS.keys())
    async def test_exact_search_is_the_arithmetic(
        self, libraries: Libraries, database: Database, chance: np.random.Generator, weight: float
    ) -> None:
        recalls: list[float] = []
        for _ in range(10):
            query = libraries.large.query(chance, weight=weight)
            found = await search(database, libraries.large.scope(), query, exact_limit=EVERYTHING)
            assert found.is_exact
            assert found.scope_size == len(libraries.large.texts)
            assert [hit.score for hit in found.hits] == sorted(
                (hit.score for hit in found.hits), reverse=True
            )
            recalls.append(recall(found.hits, arithmetic(libraries.large, query)))
        assert np.mean(recalls) >= 0.98  # half precision swaps a few at the end

    @pytest.mark.parametrize("weight", LEGS.values(), ids=LEGS.keys())
    async def test_indexes_find_what_exact_search_finds(
        self, libraries: Libraries, database: Database, chance: np.random.Generator, weight: float
    ) -> None:
        scope, recalls = libraries.large.scope(), list[float]()
        for _ in range(QUESTIONS):
            query = libraries.large.query(chance, weight=weight)
            exact = await search(database, scope, query, exact_limit=EVERYTHING)
            quick = await search(database, scope, query, exact_limit=100)
            assert (quick.lexical is None) == (weight == 1)
            assert quick.is_exact == (weight == 0 and quick.lexical.is_proven)
            assert len(quick.hits) == 10
            recalls.append(recall(quick.hits, [hit.text for hit in exact.hits]))
        assert np.mean(recalls) >= 0.95

    async def test_scores_of_both_ways_are_the_same(
        self, libraries: Libraries, database: Database, chance: np.random.Generator
    ) -> None:
        query = libraries.large.query(chance, weight=0.4, top_k=5)
        scope = libraries.large.scope()
        exact = await search(database, scope, query, exact_limit=EVERYTHING)
        quick = await search(database, scope, query, exact_limit=100)
        scores = {hit.text: (hit.score, hit.dense_score, hit.lexical_score) for hit in exact.hits}
        shared = [hit for hit in quick.hits if hit.text in scores]
        assert shared
        for hit in shared:
            assert (hit.score, hit.dense_score, hit.lexical_score) == pytest.approx(
                scores[hit.text]
            )

    async def test_more_hits_than_chunks_gives_all(
        self, libraries: Libraries, database: Database, chance: np.random.Generator
    ) -> None:
        query = libraries.other.query(chance, weight=0.4, top_k=1_000)
        found = await search(database, libraries.other.scope(), query, exact_limit=EVERYTHING)
        assert {hit.text for hit in found.hits} == set(libraries.other.texts)


def documents_of(corpus: Corpus, part: Part) -> list[uuid.UUID]:
    """Ids of the documents of one part."""
    return [
        document
        for document, its in zip(corpus.documents, corpus.parts, strict=True)
        if its is part
    ]


def narrow(corpus: Corpus, name: str) -> tuple[SearchScope, set[str]]:
    """A scope and the texts it allows."""
    permille = corpus.documents[corpus.parts.index(PERMILLE)]
    return {
        "1 % by collection": (
            corpus.scope(collection_ids=(corpus.collections["percent"],)),
            corpus.allowed(PERCENT),
        ),
        "0.1 % by collection": (
            corpus.scope(collection_ids=(corpus.collections["permille"],)),
            corpus.allowed(PERMILLE),
        ),
        "1.1 % by access level": (
            corpus.scope(max_level=0),
            corpus.allowed(PERCENT) | corpus.allowed(PERMILLE),
        ),
        "1 % by metadata": (
            corpus.scope(metadata=(("part", '"percent"'),)),
            corpus.allowed(PERCENT),
        ),
        "1 % by two facts": (
            corpus.scope(metadata=(("part", '"percent"'), ("year", "2024"))),
            corpus.allowed(PERCENT),
        ),
        "0.1 % by metadata": (
            corpus.scope(metadata=(("part", '"permille"'),)),
            corpus.allowed(PERMILLE),
        ),
        "0.1 % by document": (
            corpus.scope(fields=(("document_id", str(permille)),)),
            corpus.allowed(PERMILLE),
        ),
        "0.1 % by language": (
            corpus.scope(fields=(("language", "vi"),)),
            corpus.allowed(PERMILLE),
        ),
        "0.1 % by level and collection": (
            corpus.scope(max_level=0, collection_ids=(corpus.collections["permille"],)),
            corpus.allowed(PERMILLE),
        ),
        "1.1 % by grants of documents and a collection": (
            corpus.scope(
                reach=Reach(
                    NO_LEVEL,
                    collections=IdSet.of([corpus.collections["permille"]]),
                    documents=IdSet.of(documents_of(corpus, PERCENT)),
                )
            ),
            corpus.allowed(PERCENT) | corpus.allowed(PERMILLE),
        ),
        "0.1 % by level less a denial": (
            corpus.scope(
                reach=Reach(0, denied_collections=IdSet.of([corpus.collections["percent"]]))
            ),
            corpus.allowed(PERMILLE),
        ),
        "nothing by a grant that is denied": (
            corpus.scope(
                reach=Reach(
                    NO_LEVEL,
                    collections=IdSet.of([corpus.collections["permille"]]),
                    denied_documents=IdSet.of(documents_of(corpus, PERMILLE)),
                )
            ),
            set(),
        ),
        "nothing by collection and level": (
            corpus.scope(max_level=0, collection_ids=(corpus.collections["main"],)),
            set(),
        ),
    }[name]


NARROW = [
    "1 % by collection", "0.1 % by collection", "1.1 % by access level", "1 % by metadata",
    "1 % by two facts", "0.1 % by metadata", "0.1 % by document", "0.1 % by language",
    "0.1 % by level and collection", "nothing by collection and level",
    "1.1 % by grants of documents and a collection", "0.1 % by level less a denial",
    "nothing by a grant that is denied",
]  # fmt: skip


class TestNarrowScope:
    @pytest.mark.parametrize("exact_limit", [100, 0], ids=["as usual", "HNSW at any cost"])
    @pytest.mark.parametrize("name", NARROW)
    async def test_restricted_reader_gets_all_that_is_allowed(
        self,
        libraries: Libraries,
        database: Database,
        chance: np.random.Generator,
        name: str,
        exact_limit: int,
    ) -> None:
        scope, allowed = narrow(libraries.large, name)
        recalls: list[float] = []
        for weight in LEGS.values():
            for _ in range(3):
                query = libraries.large.query(chance, weight=weight)
                found = await search(database, scope, query, exact_limit=exact_limit)
                texts = [hit.text for hit in found.hits]
                assert len(texts) == len(set(texts)) == min(10, len(allowed))
                assert set(texts) <= allowed
                assert found.is_exact or exact_limit == 0
                if allowed:
                    wanted = arithmetic(libraries.large, query, allowed)
                    recalls.append(recall(found.hits, wanted))
        assert not recalls or np.mean(recalls) >= 0.95


class TestManyGrants:
    """Scopes above the exact limit, made of rules: HNSW goes on until it has enough."""

    @pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
    @pytest.mark.parametrize("is_denied", [False, True], ids=["granted", "denied"])
    async def test_reader_gets_k_of_what_is_allowed(
        self,
        libraries: Libraries,
        database: Database,
        chance: np.random.Generator,
        share: float,
        is_denied: bool,
    ) -> None:
        corpus = libraries.large
        everybody = documents_of(corpus, EVERYBODY)
        named = set(everybody[: int(len(everybody) * share)])
        ids = IdSet.of(sorted(named))
        reach = Reach(3, denied_documents=ids) if is_denied else Reach(0, documents=ids)
        allowed = {
            content
            for content, owner in zip(corpus.texts, corpus.owner, strict=True)
            if (
                corpus.documents[owner] not in named
                if is_denied
                else corpus.documents[owner] in named or corpus.parts[owner].level == 0
            )
        }
        assert len(allowed) > 100
        recalls: list[float] = []
        for weight in LEGS.values():
            for top_k in (1, 10, 100):
                query = corpus.query(chance, weight=weight, top_k=top_k)
                scope = corpus.scope(reach=reach)
                found = await search(database, scope, query, exact_limit=100)
                texts = [hit.text for hit in found.hits]
                assert len(texts) == len(set(texts)) == min(top_k, len(allowed))
                assert set(texts) <= allowed
                recalls.append(recall(found.hits[:10], arithmetic(corpus, query, allowed)[:10]))
        assert np.mean(recalls) >= 0.95


class TestAccess:
    @pytest.mark.parametrize("exact_limit", [EVERYTHING, 0], ids=["exact", "HNSW"])
    @pytest.mark.parametrize("level", [0, 1, 2, 3])
    async def test_no_chunk_above_the_readers_level_is_ever_found(
        self,
        libraries: Libraries,
        database: Database,
        chance: np.random.Generator,
        level: int,
        exact_limit: int,
    ) -> None:
        scope = libraries.large.scope(max_level=level)
        permitted = set[str]()
        for part in (EVERYBODY, PERCENT, PERMILLE):
            if part.level <= level:
                permitted |= libraries.large.allowed(part)
        for weight in LEGS.values():
            query = libraries.large.query(chance, weight=weight, top_k=50)
            found = await search(database, scope, query, exact_limit=exact_limit)
            assert found.hits
            assert {hit.text for hit in found.hits} <= permitted

    async def test_changed_access_of_a_document_is_that_of_its_chunks(
        self, libraries: Libraries, database: Database, chance: np.random.Generator
    ) -> None:
        corpus = libraries.other
        key = corpus.versions[0]
        query = corpus.query(chance, weight=0.4, top_k=10)
        elsewhere = uuid.uuid4()
        there = corpus.scope(collection_ids=(elsewhere,))
        below = corpus.scope(collection_ids=(elsewhere,), max_level=2)
        async with database.unit_of_work(corpus.tenant_id) as session:
            index = postgres_index(database)
            await index.writer.apply(
                SessionWork(session), AccessChanged(key.document_id, elsewhere, 3)
            )
            found = (await search_index(index.searcher, SessionWork(session), there, query)).hits
            assert {hit.document_id for hit in found} == {key.document_id}
            assert (
                await search_index(index.searcher, SessionWork(session), below, query)
            ).hits == []
            await session.rollback()

    @pytest.mark.parametrize("exact_limit", [EVERYTHING, 0], ids=["exact", "HNSW"])
    async def test_other_tenants_chunks_are_never_found(
        self,
        libraries: Libraries,
        database: Database,
        chance: np.random.Generator,
        exact_limit: int,
    ) -> None:
        """Both are in one partition; the question is for what the other one has."""
        for asker, owner in (
            (libraries.large, libraries.other),
            (libraries.other, libraries.large),
        ):
            query = owner.query(chance, weight=0.4, top_k=50)
            found = await search(database, asker.scope(), query, exact_limit=exact_limit)
            assert {hit.text for hit in found.hits} <= set(asker.texts)

    async def test_scope_of_another_tenant_is_empty_in_ones_own_session(
        self, libraries: Libraries, database: Database, chance: np.random.Generator
    ) -> None:
        """Should a scope ever be mixed up, row-level security still holds."""
        index = postgres_index(database)
        query = libraries.large.query(chance, weight=0.4, top_k=50)
        async with database.unit_of_work(libraries.other.tenant_id) as session:
            found = await search_index(
                index.searcher, SessionWork(session), libraries.large.scope(), query
            )
        assert found.hits == []
        assert found.scope_size == 0


def usage(url: str) -> dict[str, int]:
    """How often each chunk table and HNSW index was read."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0)"
            " FROM pg_stat_user_tables WHERE relname LIKE 'chunk_%' UNION ALL "
            "SELECT indexrelname, idx_scan FROM pg_stat_user_indexes"
            " WHERE indexrelname LIKE 'chunk_dense_%' OR indexrelname LIKE 'chunk_lexical_%'"
        ).fetchall()
    return dict(rows)


async def reads(
    url: str, database: Database, scope: SearchScope, query: HybridQuery, exact_limit: int
) -> set[str]:
    """Names what a search reads if sorting is made so dear that any index that fits is taken."""
    index = postgres_index(database, exact_limit=exact_limit)
    before = usage(url)
    async with database.unit_of_work(scope.tenant_id) as session:
        await session.execute(text("SET LOCAL enable_sort = off"))
        await search_index(index.searcher, SessionWork(session), scope, query)
        await session.execute(text("SELECT pg_stat_force_next_flush()"))
    after = usage(url)
    return {name for name in after if after[name] != before.get(name)}


def hnsw(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith(("chunk_dense", "chunk_lexical"))}


class TestPlans:
    async def test_large_scope_can_read_the_index_of_its_generation(
        self, libraries: Libraries, database: Database, chance: np.random.Generator
    ) -> None:
        corpus = libraries.large
        query = corpus.query(chance, weight=0.4)
        read = await reads(libraries.url, database, corpus.scope(), query, exact_limit=100)
        number = corpus.generation.id
        assert hnsw(read) == {f"chunk_dense_{number}"}

    async def test_small_scope_reads_no_hnsw_index(
        self, libraries: Libraries, database: Database, chance: np.random.Generator
    ) -> None:
        corpus = libraries.large
        for name in NARROW:
            scope, _ = narrow(corpus, name)
            query = corpus.query(chance, weight=0.4)
            read = await reads(libraries.url, database, scope, query, exact_limit=100)
            assert hnsw(read) == set()

    @pytest.mark.parametrize("exact_limit", [EVERYTHING, 100], ids=["exact", "HNSW"])
    async def test_search_reads_its_tenants_partition_alone(
        self,
        libraries: Libraries,
        database: Database,
        chance: np.random.Generator,
        exact_limit: int,
    ) -> None:
        corpus = libraries.large
        query = corpus.query(chance, weight=0.4)
        read = await reads(libraries.url, database, corpus.scope(), query, exact_limit=exact_limit)
        assert len({name for name in read if name.removeprefix("chunk_").isdigit()}) == 1


class TestFields:
    @pytest.mark.parametrize("name", ["title", "filename", "source"])
    async def test_field_of_the_document_narrows(
        self, libraries: Libraries, database: Database, chance: np.random.Generator, name: str
    ) -> None:
        corpus = libraries.large
        value = {"title": "title 7", "filename": "7.txt", "source": "source 7"}[name]
        query = corpus.query(chance, weight=0.4)
        found = await search(
            database, corpus.scope(fields=((name, value),)), query, exact_limit=100
        )
        assert {hit.document_id for hit in found.hits} == {corpus.documents[7]}
        assert len(found.hits) == 10

    async def test_value_is_a_value_not_a_statement(
        self, libraries: Libraries, database: Database, chance: np.random.Generator
    ) -> None:
        corpus = libraries.large
        query = corpus.query(chance, weight=0.4)
        for scope in (
            corpus.scope(fields=(("title", "' OR true --"),)),
            corpus.scope(metadata=(("part' OR true --", '"x"'),)),
            corpus.scope(metadata=(('pa"rt\\', '"x\\" y"'),)),
        ):
            found = await search(database, scope, query, exact_limit=100)
            assert found.hits == []

    async def test_phrase_comes_first_whatever_its_signs(
        self, libraries: Libraries, database: Database, chance: np.random.Generator
    ) -> None:
        corpus = libraries.large
        query = corpus.query(chance, weight=0.4, near=1234)  # whoever quotes words asks for them
        wanted = corpus.texts[1234]
        found = await search(
            database, corpus.scope(), replace(query, phrases=(wanted,)), exact_limit=100
        )
        assert found.hits[0].text == wanted
        assert found.hits[0].has_phrases
        assert not any(hit.has_phrases for hit in found.hits[1:])
        for signs in (".*", "(", "[a-", "\\", "chunk.{36}"):
            found = await search(
                database, corpus.scope(), replace(query, phrases=(signs,)), exact_limit=100
            )
            assert not any(hit.has_phrases for hit in found.hits)
