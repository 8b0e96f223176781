"""The contract of search engines as a test class: a new engine inherits it and gives one fixture.

What is expected is worked out from the rows alone, by plain arithmetic over all of them.
"""

import asyncio
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from citewell.access.policy import NO_LEVEL, IdSet, Reach
from citewell.engine.embedding.base import EmbedderSpec
from citewell.indexes.contract import (
    Generation,
    GenerationChangedError,
    HybridQuery,
    IncompleteVersionError,
    UnitOfWork,
)
from citewell.indexes.events import (
    AccessChanged,
    ChunkRow,
    ChunksStaged,
    DocumentHidden,
    DocumentsRemoved,
    Event,
    VersionDiscarded,
    VersionKey,
    VersionPublished,
    VersionRebuilt,
    VersionRestored,
    VersionShelved,
)
from citewell.indexes.testing_library import (
    DIMENSIONS,
    SPEC,
    TOP_K,
    Engine,
    TenantLibrary,
    exact_scores,
    publication_of,
    random_query,
    random_rows,
    search,
)

OTHER_SPEC = EmbedderSpec("testing:other", DIMENSIONS * 2, max_tokens=256, languages=None)
HALF_PRECISION = 2e-3
"""Engines may keep vectors in half precision, and weights with five digits."""

RECALL = 0.95
"""Share of the exact top 10 that an engine has to find."""


class _Broken(Exception):  # noqa: N818 - no error: what a test breaks off with
    pass


@contextmanager
def _refused(*errors: type[Exception]) -> Generator[None, None, None]:
    """Expect the block to end with one of the errors."""
    try:
        yield
    except errors:
        return
    raise AssertionError(f"nothing was raised, wanted {errors}")


class SearchContract:
    """Tests of searches for every engine; inherit it and give the fixture `engine`."""

    async def test_ranking_is_that_of_the_arithmetic(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        rows = [row for _ in range(12) for row in (await shelf.add(20))[1]]
        await engine.settle(shelf.tenant_id)
        for weight in (0.0, 0.4, 1.0):
            recalls: list[float] = []
            for _ in range(8):
                query = random_query(shelf.chance, rows, weight)
                exact = exact_scores(rows, query)
                best = sorted(exact.values(), reverse=True)[TOP_K - 1]
                hits = (await shelf.search(query=query)).hits
                assert len(hits) == TOP_K
                for hit in hits:
                    assert abs(hit.score - exact[hit.text]) < HALF_PRECISION
                assert [hit.score for hit in hits] == sorted(
                    (hit.score for hit in hits), reverse=True
                )
                found = sum(exact[hit.text] >= best - HALF_PRECISION for hit in hits)
                recalls.append(found / TOP_K)
            assert np.mean(recalls) >= RECALL

    async def test_hit_says_where_it_stands(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        key, (row,) = await shelf.add(1, language="vi")
        (hit,) = (await shelf.search()).hits
        assert (hit.document_id, hit.title, hit.version) == (key.document_id, "title 0", 1)
        assert (hit.text, hit.page, hit.heading) == (row.text, row.page, row.heading)
        assert hit.page_breaks == row.page_breaks
        assert (hit.start, hit.end, hit.language) == (row.start, row.end, "vi")

    async def test_hit_brings_its_neighbours(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        texts = [row.text for row in (await shelf.add(6))[1]]
        await shelf.add(6)
        query = random_query(shelf.chance, shelf.rows(1), 1.0)
        for neighbours in (0, 2):
            asked = replace(query, top_k=100, neighbours=neighbours)
            hits = {hit.text: hit for hit in (await shelf.search(query=asked)).hits}
            assert len(hits) == 12
            for at, text in enumerate(texts):
                before = texts[max(0, at - neighbours) : at]
                assert [each.text for each in hits[text].before] == before
                after = texts[at + 1 : at + 1 + neighbours]
                assert [each.text for each in hits[text].after] == after

    async def test_more_hits_than_chunks_gives_all(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        await shelf.answers_with(*(await shelf.add())[1], *(await shelf.add())[1])

    async def test_phrases_come_first(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        _, rows = await shelf.add(20)
        query = random_query(shelf.chance, rows, 0.4)
        found = await shelf.search(query=replace(query, phrases=(rows[13].text.upper(),)))
        assert [hit.has_phrases for hit in found.hits] == [True] + [False] * (TOP_K - 1)
        assert found.hits[0].text == rows[13].text

    async def test_other_tenants_are_never_found(self, engine: Engine) -> None:
        one, other = await TenantLibrary.of(engine), await TenantLibrary.of(engine)
        _, mine = await one.add()
        _, theirs = await other.add()
        await one.answers_with(*mine)
        await other.answers_with(*theirs)
        async with engine.unit_of_work(one.tenant_id) as work:  # should a scope ever be mixed up
            query = random_query(one.chance, theirs, 0.4)
            assert (await search(engine.searcher, work, other.scope(), query)).hits == []

    async def test_terms_are_held_by_what_may_be_found(self, engine: Engine) -> None:
        shelf, other = await TenantLibrary.of(engine), await TenantLibrary.of(engine)
        (_, lows), (_, highs) = await shelf.add(level=0), await shelf.add(level=3)
        await other.add()
        low, high = ({term for row in rows for term in row.terms} for rows in (lows, highs))
        counted = (await shelf.counts())[1]
        asked = [*low, *high, max(low | high) + 1]
        async with engine.unit_of_work(shelf.tenant_id) as work:
            for scope, terms in ((shelf.scope(), low | high), (shelf.scope(Reach(2)), low)):
                held = await engine.searcher.held(work, scope, asked)
                assert held == {term: counted[term] for term in terms}
            held = await engine.searcher.held(work, shelf.scope(Reach(2)), asked, at_most=1)
        assert held.keys() == low | {term for term in high if counted[term] > 1}

    async def test_reach_decides_what_is_found(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        (low, lows), (high, highs) = await shelf.add(level=0), await shelf.add(level=3)
        every = sorted(row.text for row in (*lows, *highs))
        of_low, of_high = sorted(row.text for row in lows), sorted(row.text for row in highs)
        for reach, wanted in (
            (Reach(3), every),
            (Reach(2), of_low),
            (Reach(NO_LEVEL), []),
            (Reach(0, documents=IdSet.of([high.document_id])), every),
            (Reach(NO_LEVEL, collections=IdSet.of([high.collection_id])), of_high),
            (Reach(3, denied_documents=IdSet.of([low.document_id])), of_high),
            (Reach(3, denied_collections=IdSet.of([high.collection_id])), of_low),
            (
                Reach(
                    NO_LEVEL,
                    documents=IdSet.of([low.document_id]),
                    denied_collections=IdSet.of([low.collection_id]),
                ),
                [],
            ),
        ):
            assert await shelf.texts(shelf.scope(reach)) == wanted

    async def test_filters_narrow(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        facts = {"kind": "rule", "year": 2024}
        chosen, rows = await shelf.add(language="vi", metadata=facts)
        await shelf.add(metadata={"kind": "rule"})
        await shelf.add()
        everything = shelf.scope()
        for narrow in (
            replace(everything, collection_ids=(chosen.collection_id,)),
            replace(everything, metadata=(("kind", '"rule"'), ("year", "2024"))),
            replace(everything, fields=(("document_id", str(chosen.document_id)),)),
            replace(everything, fields=(("title", "title 0"),)),
            replace(everything, fields=(("language", "vi"),)),
        ):
            assert await shelf.texts(narrow) == sorted(row.text for row in rows)
        nothing = replace(everything, fields=(("title", "' OR true --"),))
        assert await shelf.texts(nothing) == []


class WriteContract:
    """Tests of events for every engine; inherit it and give the fixture `engine`."""

    async def test_staged_chunks_are_found_when_published(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        _, others = await shelf.add()
        key, _ = await engine.new_document(shelf.tenant_id)
        rows = shelf.rows(8)
        await shelf.apply(ChunksStaged(key, shelf.generation.id, rows[:5]))
        await shelf.answers_with(*others)
        publication = publication_of(rows, staged=5, has_predecessor=False, is_retry=False)
        await shelf.apply(VersionPublished(key, shelf.generation.id, publication))
        await shelf.answers_with(*others, *rows)

    async def test_next_version_replaces_the_first(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        first, second = await engine.new_document(shelf.tenant_id)
        old, new = shelf.rows(5), shelf.rows(3)
        await shelf.apply(shelf.published(first, old))
        await shelf.apply(ChunksStaged(second, shelf.generation.id, new[:2]))
        await shelf.answers_with(*old)
        publication = publication_of(new, staged=2, is_retry=False)
        await shelf.apply(VersionPublished(second, shelf.generation.id, publication))
        await shelf.answers_with(*new)

    async def test_version_that_is_read_again_answers_meanwhile(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        key, old = await shelf.add(6)
        new = shelf.rows(4)
        opened = replace(key, access_level=0)  # counts once it is published
        await shelf.apply(ChunksStaged(opened, shelf.generation.id, old[:3]))
        await shelf.answers_with(*old)
        assert await shelf.texts(shelf.scope(Reach(0))) == []
        await shelf.apply(shelf.published(key, new))
        await shelf.answers_with(*new)

    async def test_leftovers_of_a_longer_attempt_go(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        key, _ = await engine.new_document(shelf.tenant_id)
        rows = shelf.rows(9)
        await shelf.apply(ChunksStaged(key, shelf.generation.id, rows))
        await shelf.apply(shelf.published(key, rows[:4]))
        await shelf.answers_with(*rows[:4])

    async def test_discarded_version_leaves_what_answers(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        first, second = await engine.new_document(shelf.tenant_id)
        old, new = shelf.rows(5), shelf.rows(3)
        await shelf.apply(shelf.published(first, old))
        await shelf.apply(ChunksStaged(second, shelf.generation.id, new))
        await shelf.apply(VersionDiscarded(second.version_id), VersionDiscarded(first.version_id))
        await shelf.answers_with(*old)
        async with engine.unit_of_work(shelf.tenant_id) as work:
            assert await self._chunks(engine, work, second, shelf.generation) == []

    async def test_shelved_version_waits_for_a_rollback(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        first, second = await engine.new_document(shelf.tenant_id)
        old, new = shelf.rows(5), shelf.rows(3)
        await shelf.apply(shelf.published(second, new))
        publication = publication_of(old)
        await shelf.apply(VersionShelved(first, shelf.generation.id, publication))
        await shelf.answers_with(*new)
        await shelf.apply(VersionRestored(first, shelf.generation.id, len(old)))
        await shelf.answers_with(*old)

    async def test_hidden_document_comes_back_as_it_was(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        _, others = await shelf.add()
        key, rows = await shelf.add()
        before = {hit.chunk_id for hit in (await shelf.search()).hits}
        await shelf.apply(DocumentHidden(key.document_id))
        await shelf.answers_with(*others)
        await shelf.apply(VersionRestored(key, shelf.generation.id, len(rows)))
        await shelf.answers_with(*others, *rows)
        assert {hit.chunk_id for hit in (await shelf.search()).hits} == before

    async def test_many_are_restored_at_once_with_their_access(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        restored, number = list[VersionRestored](), shelf.generation.id
        all_rows, allowed = list[ChunkRow](), list[str]()
        for level in (0, 3, 2):
            key, rows = await shelf.add()
            await shelf.apply(DocumentHidden(key.document_id))
            restored.append(VersionRestored(replace(key, access_level=level), number, len(rows)))
            all_rows += rows
            allowed += [row.text for row in rows if level < 3]
        # Twice in one unit of work: an event that comes again changes nothing.
        await shelf.apply(*restored, *restored)
        await shelf.answers_with(*all_rows)
        assert await shelf.texts(shelf.scope(Reach(2))) == sorted(allowed)

    async def test_version_that_is_not_whole_is_not_restored(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        first, second = await engine.new_document(shelf.tenant_id)
        old, new = shelf.rows(5), shelf.rows(3)
        await shelf.apply(shelf.published(first, old))
        await shelf.apply(ChunksStaged(second, shelf.generation.id, new))
        async with engine.unit_of_work(shelf.tenant_id) as work:
            for version, count in ((second, len(new)), (first, len(old) + 1)):
                with _refused(IncompleteVersionError):
                    await engine.writer.apply(
                        work, VersionRestored(version, shelf.generation.id, count)
                    )
        await shelf.answers_with(*old)

    async def test_access_changes_with_its_document(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        key, rows = await shelf.add(level=0)
        elsewhere = (await engine.new_document(shelf.tenant_id))[0].collection_id
        await shelf.apply(AccessChanged(key.document_id, elsewhere, 3))
        assert await shelf.texts(shelf.scope(Reach(2))) == []
        there = replace(shelf.scope(Reach(3)), collection_ids=(elsewhere,))
        assert await shelf.texts(there) == sorted(row.text for row in rows)

    async def test_removed_documents_leave_nothing(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        key, _ = await shelf.add()
        _, others = await shelf.add()
        ids = [hit.chunk_id for hit in (await shelf.search()).hits]
        await shelf.apply(DocumentHidden(key.document_id), DocumentsRemoved([key.document_id]))
        await shelf.answers_with(*others)
        async with engine.unit_of_work(shelf.tenant_id) as work:
            taken = await engine.writer.taken_ids(work, ids)
            assert taken == {hit.chunk_id for hit in (await shelf.search()).hits}
            assert await self._chunks(engine, work, key, shelf.generation) == []

    async def test_vectors_of_a_document_are_known(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        key, rows = await shelf.add()
        _, others = await shelf.add()
        hashes = [row.content_hash for row in (*rows, *others)]
        async with engine.unit_of_work(shelf.tenant_id) as work:
            known = await engine.writer.known_vectors(
                work, key.document_id, shelf.generation.id, hashes
            )
        assert known.keys() == {row.content_hash for row in rows}
        for row in rows:
            assert np.allclose(known[row.content_hash], row.embedding, atol=HALF_PRECISION)

    async def test_chunks_are_read_as_they_were_kept(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        key, rows = await shelf.add(6)
        async with engine.unit_of_work(shelf.tenant_id) as work:
            read = await engine.generations.chunks(
                work, key.version_id, shelf.generation.id, first=2, limit=3
            )
        assert [row.ordinal for row in read] == [2, 3, 4]
        for row in read:
            kept = rows[row.ordinal]
            assert (row.text, row.heading, row.page) == (kept.text, kept.heading, kept.page)
            assert (row.content_hash, row.terms) == (kept.content_hash, kept.terms)
            assert np.allclose(row.embedding, kept.embedding, atol=HALF_PRECISION)

    async def test_event_that_is_applied_again_changes_nothing(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        first, second = await engine.new_document(shelf.tenant_id)
        old, new = shelf.rows(5), shelf.rows(3)
        number = shelf.generation.id
        for event, wanted in (
            (ChunksStaged(first, number, old[:2]), []),
            (VersionPublished(first, number, publication_of(old, staged=2)), old),
            (ChunksStaged(second, number, new), old),
            (VersionPublished(second, number, publication_of(new, is_retry=False)), new),
            (VersionRestored(first, number, len(old)), old),
            (VersionShelved(second, number, publication_of(new)), old),
            (AccessChanged(first.document_id, first.collection_id, 2), old),
            (DocumentHidden(first.document_id), []),
            (VersionRestored(replace(second, access_level=2), number, len(new)), new),
            (VersionDiscarded(first.version_id), new),
            (DocumentHidden(first.document_id), []),
            (DocumentsRemoved([first.document_id]), []),
        ):
            for _ in range(2):
                await shelf.apply(event)
                await shelf.answers_with(*wanted)

    async def _chunks(
        self, engine: Engine, work: UnitOfWork, key: VersionKey, generation: Generation
    ) -> list[ChunkRow]:
        return await engine.generations.chunks(
            work, key.version_id, generation.id, first=0, limit=100
        )


class TransactionContract:
    """Tests of units of work for every engine; inherit it and give the fixture `engine`."""

    async def test_unit_of_work_sees_what_it_wrote_and_nobody_else_does(
        self, engine: Engine
    ) -> None:
        shelf = await TenantLibrary.of(engine)
        _, old = await shelf.add()
        key, _ = await engine.new_document(shelf.tenant_id)
        rows = shelf.rows(4)
        with _refused(_Broken):
            async with engine.unit_of_work(shelf.tenant_id) as work:
                await engine.writer.apply(work, shelf.published(key, rows))
                query = HybridQuery(None, {1: 1.0}, 0.0, 100)
                found = await search(engine.searcher, work, shelf.scope(), query)
                assert len(found.hits) == len(old) + len(rows)
                await shelf.answers_with(*old)
                raise _Broken
        await shelf.answers_with(*old)

    async def test_events_that_are_broken_off_count_once_when_they_come_again(
        self, engine: Engine
    ) -> None:
        shelf = await TenantLibrary.of(engine)
        first, second = await engine.new_document(shelf.tenant_id)
        old, new = shelf.rows(5), shelf.rows(6)
        await shelf.apply(shelf.published(first, old))
        number = shelf.generation.id
        events: list[Event] = [
            ChunksStaged(second, number, new[:4]),
            VersionPublished(second, number, publication_of(new, staged=4)),
            DocumentHidden(second.document_id),
            VersionRestored(second, number, len(new)),
        ]
        for applied in range(1, len(events) + 1):
            # Any error: engines and drivers name the loss of a connection differently.
            with _refused(Exception):
                async with engine.unit_of_work(shelf.tenant_id) as work:
                    await engine.writer.apply(work, *events[:applied])
                    await engine.kill(work)
            await shelf.answers_with(*old)
        await shelf.apply(*events)
        await shelf.answers_with(*new)

    async def test_generation_that_was_rolled_back_is_not_there(self, engine: Engine) -> None:
        tenant_id = await engine.new_tenant()
        with _refused(_Broken):
            async with engine.unit_of_work(tenant_id) as work:
                await engine.generations.ensure(work, SPEC)
                assert await engine.generations.live(work) is not None
                raise _Broken
        async with engine.unit_of_work(tenant_id) as work:
            assert await engine.generations.live(work) is None

    async def test_documents_published_at_once_are_all_there(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        keys = [(await engine.new_document(shelf.tenant_id))[0] for _ in range(4)]
        rows = [shelf.rows(5) for _ in keys]
        waiting = dict(zip(keys, rows, strict=True))
        while waiting:  # an engine may refuse one of two, and loses neither
            asked = list(waiting)
            applied = [shelf.apply(shelf.published(key, waiting[key])) for key in asked]
            ended = await asyncio.gather(*applied, return_exceptions=True)
            for key, error in zip(asked, ended, strict=True):
                if error is None:
                    del waiting[key]
        await shelf.answers_with(*(row for some in rows for row in some))


class GenerationContract:
    """Tests of replacing a generation by another; inherit it and give the fixture `engine`."""

    async def _begin(self, shelf: TenantLibrary, *, anew: bool = False) -> Generation:
        async with shelf.engine.unit_of_work(shelf.tenant_id) as work:
            return await shelf.engine.generations.begin(work, OTHER_SPEC, anew=anew)

    async def test_first_generation_goes_on(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        async with engine.unit_of_work(shelf.tenant_id) as work:
            assert await engine.generations.ensure(work, OTHER_SPEC) == shelf.generation
            assert await engine.generations.live(work) == shelf.generation
        assert await engine.searcher.current_generation(shelf.tenant_id) == shelf.generation

    async def test_new_one_answers_once_it_has_every_version(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        first, second = await engine.new_document(shelf.tenant_id)
        old, new = shelf.rows(5), shelf.rows(3)
        await shelf.apply(shelf.published(first, old))
        await shelf.apply(shelf.published(second, new))
        building = await self._begin(shelf)
        rebuilt = {
            key: random_rows(shelf.chance, count, dimensions=building.dimensions)
            for key, count in ((first, 5), (second, 4))
        }
        for key, rows in rebuilt.items():
            async with engine.unit_of_work(shelf.tenant_id) as work:
                lacking = await engine.generations.lacking(
                    work, shelf.generation, building, limit=10
                )
                assert {each.version_id for each in lacking} == {
                    each.version_id for each in list(rebuilt)[list(rebuilt).index(key) :]
                }
                assert await engine.generations.take_over(work, building) is None
            await shelf.apply(ChunksStaged(key, building.id, rows[:2]))
            publication = publication_of(rows, staged=2)
            event = VersionRebuilt(key, building.id, publication, is_active=key is second)
            await shelf.apply(event)
            await shelf.apply(event)
            await shelf.answers_with(*new)
        async with engine.unit_of_work(shelf.tenant_id) as work:
            recut = await engine.generations.take_over(work, building)
            assert await engine.generations.chunk_count(work, building.id) == 9
            both = [first.version_id, second.version_id, uuid.UUID(int=1)]
            complete = await engine.generations.complete(work, building.id, both)
        assert {(each.version_id, each.chunk_count) for each in complete} == {
            (first.version_id, 5),
            (second.version_id, 4),
        }
        assert recut == [(second.version_id, 4)]
        after = replace(shelf, generation=building)
        await after.answers_with(*rebuilt[second])
        # For whoever had begun to search it.
        assert await shelf.texts() == sorted(row.text for row in new)
        async with engine.unit_of_work(shelf.tenant_id) as work:
            assert await engine.generations.live(work) == building
        await after.apply(VersionRestored(first, building.id, 5))
        await after.answers_with(*rebuilt[first])

    async def test_replaced_one_takes_nothing_new(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        building = await self._begin(shelf)
        async with engine.unit_of_work(shelf.tenant_id) as work:
            assert await engine.generations.take_over(work, building) == []
        key, _ = await engine.new_document(shelf.tenant_id)
        rows = shelf.rows(2)
        for event in (
            ChunksStaged(key, shelf.generation.id, rows),
            shelf.published(key, rows),
            VersionShelved(key, shelf.generation.id, publication_of(rows)),
        ):
            with _refused(GenerationChangedError):
                await shelf.apply(event)

    async def test_one_that_was_given_up_takes_nothing_new(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        key, rows = await shelf.add()
        given_up = await self._begin(shelf)
        assert await self._begin(shelf) == given_up
        building = await self._begin(shelf, anew=True)
        assert building.id != given_up.id
        rebuilt = random_rows(shelf.chance, 5, dimensions=given_up.dimensions)
        event = VersionRebuilt(key, given_up.id, publication_of(rebuilt), is_active=True)
        with _refused(GenerationChangedError):
            await shelf.apply(event)
        async with engine.unit_of_work(shelf.tenant_id) as work:
            with _refused(GenerationChangedError):
                await engine.generations.take_over(work, given_up)
        await shelf.answers_with(*rows)

    async def test_what_is_hidden_meanwhile_is_hidden_in_both(self, engine: Engine) -> None:
        shelf = await TenantLibrary.of(engine)
        key, rows = await shelf.add()
        building = await self._begin(shelf)
        rebuilt = random_rows(shelf.chance, len(rows), dimensions=building.dimensions)
        await shelf.apply(VersionRebuilt(key, building.id, publication_of(rebuilt), is_active=True))
        await shelf.apply(DocumentHidden(key.document_id))
        async with engine.unit_of_work(shelf.tenant_id) as work:
            assert await engine.generations.take_over(work, building) == []
        after = replace(shelf, generation=building)
        await after.answers_with()
        await after.apply(VersionRestored(key, building.id, len(rebuilt)))
        await after.answers_with(*rebuilt)


class IndexContract(SearchContract, WriteContract, TransactionContract, GenerationContract):
    """The whole contract; inherit it and give the fixture `engine`."""
