"""A second generation of the index, built beside the one that answers."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from sqlalchemy import text

from citewell.core.context import unit_of_work
from citewell.core.embedders import Embedders
from citewell.core.jobs import TransientJobError
from citewell.core.platform import Platform
from citewell.engine.embedding.base import Vectors
from citewell.engine.embedding.testing import HashEmbedder
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.features.collections import service as collections
from citewell.features.collections.schemas import CollectionUpdate
from citewell.features.doctor import service as doctor
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import DocumentUpdate
from citewell.features.ingestion import rebuilding
from citewell.features.ingestion import service as ingestion
from citewell.features.ingestion.pace import IngestPace
from citewell.features.ingestion.rebuilding import Rebuilding
from citewell.features.search import service as search
from citewell.features.search.schemas import SearchReply, SearchRequest
from citewell.features.trash import service as trash
from citewell.features.versions import service as versions
from citewell.indexes.contract import GenerationChangedError, index_of
from citewell.indexes.postgres.index import postgres_index
from citewell.indexes.postgres.pace import TakeoverPace
from tests.conftest import new_caller
from tests.features.ingestion.conftest import Rows, recount, statistics
from tests.quiet import Shelf, quiet_platform

OTHER = "testing:other"
AT_ONCE = TakeoverPace(settling_seconds=0)
TEXTS = {
    "leave.txt": "# Leave\n\nEverybody has twenty days of annual leave a year.",
    "keys.txt": "# Keys\n\nThe silver keys hang behind the door of the porter.",
    "pump.txt": "# Pump\n\nThe pump is under warranty for two years from delivery.",
}
QUERIES = ("annual leave days", "silver keys", "warranty of the pump")


class Busy(HashEmbedder):
    """Another model; it can do something else before it embeds for the first time."""

    def __init__(self) -> None:
        super().__init__(64, name=OTHER)
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        action, self.meanwhile = self.meanwhile, None
        if action is not None:
            await action()
        return await super().embed_passages(texts)


class Models:
    """Opens `testing:` models of 64 dimensions, one of each."""

    def __init__(self) -> None:
        self.other: HashEmbedder = Busy()

    async def open_model(self, name: str) -> HashEmbedder:
        if name == OTHER:
            return self.other
        if name == "testing:hash":
            return HashEmbedder()
        raise ProviderConfigurationError(f"there is no model {name}")


@pytest.fixture
def models() -> Models:
    return Models()


@pytest.fixture
async def shelf(quiet: Platform, tmp_path: object, models: Models) -> AsyncIterator[Shelf]:
    """As in other tests, with another model within reach; nobody waits for other processes."""
    platform = dataclasses.replace(quiet, embedders=Embedders(models.open_model))
    platform = platform.holding(postgres_index(platform.database, pace=AT_ONCE))
    yield Shelf(platform, await new_caller(platform), tmp_path)  # pyright: ignore[reportArgumentType]
    await platform.embedders.close()


def another_process(shelf: Shelf, pace: TakeoverPace | None = None) -> Shelf:
    """The same library, without what the first process remembers."""
    index = postgres_index(shelf.platform.database, pace=pace or AT_ONCE)
    return dataclasses.replace(shelf, platform=shelf.platform.holding(index))


async def rebuild(
    shelf: Shelf,
    embedding: str | None = OTHER,
    *,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
    force: bool = False,
) -> Rebuilding | None:
    """Rebuild the index; `meanwhile` is done when it has begun."""
    work = await rebuilding.begin(shelf.platform, shelf.caller, embedding, force=force)
    if work is None:
        return None
    if meanwhile is not None:
        assert isinstance(work.embedder, Busy)
        work.embedder.meanwhile = meanwhile
    await rebuilding.run(shelf.platform, shelf.caller, work, lambda _: None)
    return work


async def ask(shelf: Shelf, query: str, **more: object) -> SearchReply:
    await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
    request = SearchRequest(query=query, top_k=50, explain=True, **more)  # pyright: ignore[reportArgumentType]
    return await search.search(shelf.platform, shelf.caller, request)


def told(reply: SearchReply) -> list[tuple[object, ...]]:
    """A reply without its ids."""
    assert reply.degraded == []
    return [
        (hit.title, hit.version, hit.start, hit.end, hit.score, hit.text) for hit in reply.results
    ]


async def fill(shelf: Shelf) -> None:
    for name, content in TEXTS.items():
        await shelf.add(name, content)


def is_whole(rows: Rows) -> None:
    """The statistics are those of what can be found, and each document can be found once."""
    [live] = rows.select("SELECT id FROM index_generation WHERE {t} AND status = 'live'")
    active = rows.select(
        "SELECT d.id, d.active_version_id, (SELECT count(*) FROM chunk c WHERE c.tenant_id = "
        "d.tenant_id AND c.version_id = d.active_version_id AND c.active AND c.generation_id = %s)"
        " AS chunks, v.chunk_count FROM document d JOIN document_version v ON v.id = "
        "d.active_version_id AND v.tenant_id = d.tenant_id WHERE d.{t}",
        live["id"],
    )
    assert all(row["chunks"] == row["chunk_count"] > 0 for row in active), active
    stray = rows.select(
        "SELECT count(*) AS n FROM chunk c JOIN document d ON d.tenant_id = c.tenant_id AND "
        "d.id = c.document_id WHERE c.{t} AND c.generation_id = %s AND "
        "c.active <> (c.version_id IS NOT DISTINCT FROM d.active_version_id)",
        live["id"],
    )
    assert stray == [{"n": 0}]


async def is_sound(shelf: Shelf) -> None:
    """The doctor finds nothing."""
    await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
    report = await doctor.check(shelf.platform, shelf.caller.tenant_id)
    assert [each for each in report.checks if each.problems] == []


class TestNewTerms:
    async def test_older_library_gets_the_terms_of_today_without_being_embedded(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        await shelf.add("first.txt", "An empty beginning.")
        rows.select(
            "UPDATE index_generation SET analysis = 1 WHERE {t} RETURNING id"
        )  # as a process of before begins one
        older = another_process(shelf)
        await fill(older)
        await older.add("code.txt", "# Code\n\nThe method getSilverKeys is slow.")
        assert "silver" not in _lexical(await ask(older, "silver"), "code.txt")
        work = await rebuild(older, None)
        assert work is not None
        assert work.building.analysis == 2
        vectors = rows.select(
            "SELECT count(DISTINCT embedding::text) AS n FROM chunk WHERE {t} GROUP BY text"
        )
        assert {row["n"] for row in vectors} == {1}
        assert "silver" in _lexical(await ask(older, "silver"), "code.txt")
        assert await rebuild(older, None) is None
        is_whole(rows)


def _lexical(reply: SearchReply, title: str) -> str:
    """The question, if the words of a document answer it."""
    for hit in reply.results:
        if title.removesuffix(".txt") in hit.title.lower() and hit.explain:
            return reply.query if (hit.explain.lexical.score or 0) > 0 else ""
    return ""


class TestNewModel:
    async def test_answers_are_those_of_a_library_begun_with_it(
        self, shelf: Shelf, models: Models
    ) -> None:
        await fill(shelf)
        before = [told(await ask(shelf, query)) for query in QUERIES]
        assert await rebuild(shelf) is not None
        after = [told(await ask(shelf, query)) for query in QUERIES]
        fresh = dataclasses.replace(
            shelf,
            platform=dataclasses.replace(shelf.platform, embedder=models.other),
            caller=await new_caller(shelf.platform),
        )
        await fill(fresh)
        assert after == [told(await ask(fresh, query)) for query in QUERIES]
        assert after != before

    async def test_former_generation_is_removed_once_nobody_searches_it(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        await fill(shelf)
        await rebuild(shelf)
        await index_of(shelf.platform).maintenance.purge_generations()
        assert len(rows.select("SELECT id FROM index_generation WHERE {t}")) == 2
        later = another_process(shelf, TakeoverPace(0, retained_seconds=0))
        await index_of(later.platform).maintenance.purge_generations()
        for table in ("chunk", "version_terms", "term_stat"):
            [count] = rows.select(
                f"SELECT count(DISTINCT generation_id) AS n FROM {table} WHERE {{t}}"
            )
            assert count["n"] == 1, table
        [left] = rows.select("SELECT status, embedding FROM index_generation WHERE {t}")
        assert left == {"status": "live", "embedding": OTHER}
        assert statistics(rows) == recount(rows)
        is_whole(rows)

    async def test_other_processes_search_the_new_one_at_once(self, shelf: Shelf) -> None:
        await fill(shelf)
        other = another_process(shelf)
        before = [told(await ask(other, query)) for query in QUERIES]
        await rebuild(shelf)
        after = [told(await ask(other, query)) for query in QUERIES]
        assert after != before
        fresh = another_process(shelf)
        assert [told(await ask(fresh, query)) for query in QUERIES] == after

    async def test_no_search_fails_or_mixes_while_it_is_built(self, shelf: Shelf) -> None:
        await fill(shelf)
        await rebuild(shelf)
        both = [[told(await ask(shelf, query)) for query in QUERIES]]
        await rebuild(shelf, "testing:hash")
        both.append([told(await ask(shelf, query)) for query in QUERIES])
        finished = asyncio.Event()
        seen: set[int] = set()

        async def keep_asking() -> None:
            while not finished.is_set():
                process = another_process(shelf)
                for number, query in enumerate(QUERIES):
                    reply = told(await ask(process, query))
                    assert reply in (both[0][number], both[1][number])
                    seen.add(0 if reply == both[0][number] else 1)

        asking = asyncio.ensure_future(keep_asking())
        for model in (OTHER, "testing:hash", OTHER):
            await rebuild(shelf, model)
        finished.set()
        await asking
        assert seen == {0, 1}

    async def test_nothing_to_do_is_said(self, shelf: Shelf) -> None:
        assert await rebuild(shelf) is None
        await fill(shelf)
        assert await rebuild(shelf, "testing:hash") is None
        assert await rebuild(shelf, None) is None
        assert await rebuild(shelf, None, force=True) is not None

    async def test_unknown_model_changes_nothing(self, shelf: Shelf, rows: Rows) -> None:
        await fill(shelf)
        with pytest.raises(ProviderConfigurationError):
            await rebuild(shelf, "testing:unknown")
        assert len(rows.select("SELECT id FROM index_generation WHERE {t}")) == 1


class TestMeanwhile:
    async def test_new_documents_and_versions_are_in_it(self, shelf: Shelf, rows: Rows) -> None:
        await fill(shelf)

        async def publish() -> None:
            await shelf.add("new.txt", "# New\n\nA bicycle stands in the yard.")
            await shelf.add("leave.txt", "# Leave\n\nEverybody has thirty days of annual leave.")

        await rebuild(shelf, meanwhile=publish)
        [hit] = [hit for hit in (await ask(shelf, "annual leave")).results if hit.version == 2]
        assert "thirty" in hit.text
        assert "bicycle" in (await ask(shelf, "bicycle yard")).results[0].text
        is_whole(rows)
        await is_sound(shelf)

    async def test_rollback_and_deletion_count(self, shelf: Shelf, rows: Rows) -> None:
        await fill(shelf)
        added = await shelf.add("leave.txt", "# Leave\n\nEverybody has thirty days of leave.")
        gone = await shelf.add("gone.txt", "# Gone\n\nThe ferry leaves at noon.")

        async def change() -> None:
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                await versions.rollback(ctx, added.document_id, 1)
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                await trash.delete(ctx, gone.document_id)

        await rebuild(shelf, meanwhile=change)
        texts = [hit.text for hit in (await ask(shelf, "annual leave ferry")).results]
        assert any("twenty" in text for text in texts)
        assert not any("thirty" in text or "ferry" in text for text in texts)
        is_whole(rows)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await versions.rollback(ctx, added.document_id, 2)
        assert "thirty" in (await ask(shelf, "annual leave")).results[0].text
        is_whole(rows)
        await is_sound(shelf)

    async def test_trashed_documents_come_back_in_it(self, shelf: Shelf, rows: Rows) -> None:
        await fill(shelf)
        gone = await shelf.add("gone.txt", "# Gone\n\nThe ferry leaves at noon.")

        async def throw_away() -> None:
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                await trash.delete(ctx, gone.document_id)

        await rebuild(shelf, meanwhile=throw_away)
        assert not any("ferry" in hit.text for hit in (await ask(shelf, "ferry noon")).results)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await trash.restore(ctx, gone.document_id)
        assert "ferry" in (await ask(shelf, "ferry noon")).results[0].text
        is_whole(rows)
        await is_sound(shelf)

    async def test_long_transaction_that_publishes_is_waited_for(
        self, shelf: Shelf, own_url: str, models: Models
    ) -> None:
        await shelf.add("leave.txt", TEXTS["leave.txt"])
        async with quiet_platform(
            shelf.platform.settings,
            own_url,
            embedders=Embedders(models.open_model),
            session_settings={"lock_timeout": "200ms"},
        ) as platform:
            hurried = dataclasses.replace(shelf, platform=platform)
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                held = text("SELECT 1 FROM index_generation WHERE status = 'live' FOR KEY SHARE")
                await ctx.session.execute(held)
                rebuilt = asyncio.create_task(rebuild(hurried))
                await asyncio.sleep(1.5)
                assert not rebuilt.done()
            await rebuilt
            live = await index_of(another_process(hurried).platform).searcher.current_generation(
                shelf.caller.tenant_id
            )
        assert live is not None
        assert live.embedding == OTHER

    async def test_version_that_is_read_again_is_built_again(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        """As the doctor has it done to one that was damaged."""
        await fill(shelf)
        added = await shelf.add("ferry.txt", "# Ferry\n\nThe ferry leaves at noon.")

        async def read_again() -> None:
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                job_id = await ingestion.read_again(ctx, added.version_id)
            assert job_id is not None
            await ingestion.process(shelf.platform, shelf.caller.tenant_id, job_id)

        await rebuild(shelf, meanwhile=read_again)
        is_whole(rows)
        await is_sound(shelf)

    async def test_access_level_and_title_follow(self, shelf: Shelf, rows: Rows) -> None:
        added = await shelf.add("pay.txt", "# Pay\n\nSalaries are paid on Friday.")
        await fill(shelf)

        async def restrict() -> None:
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                data = DocumentUpdate(access_level="restricted", title="Payroll")
                await documents.update(ctx, added.document_id, data)

        await rebuild(shelf, meanwhile=restrict)
        levels = rows.select(
            "SELECT DISTINCT access_level FROM chunk WHERE {t} AND document_id = %s",
            added.document_id,
        )
        assert levels == [{"access_level": 3}]

    async def test_times_past_answer_as_before(self, shelf: Shelf, rows: Rows) -> None:
        await fill(shelf)
        [then] = rows.select("SELECT clock_timestamp() AS now")
        await shelf.add("leave.txt", "# Leave\n\nEverybody has thirty days of annual leave.")
        await rebuild(shelf)
        texts = [hit.text for hit in (await ask(shelf, "leave", as_of=then["now"])).results]
        assert any("twenty" in text for text in texts)
        assert not any("thirty" in text for text in texts)

    async def test_attempt_for_the_former_one_is_made_again(self, shelf: Shelf, rows: Rows) -> None:
        """It began before the other took over, and ends after."""
        await fill(shelf)
        added = await shelf.register("new.txt", "# New\n\nA bicycle stands in the yard.")
        slow = another_process(shelf)
        await index_of(slow.platform).searcher.current_generation(shelf.caller.tenant_id)
        await rebuild(shelf)
        with pytest.raises(TransientJobError) as caught:
            await slow.process(added)
        assert caught.value.retry_after == GenerationChangedError.retry_after
        assert (await shelf.state(added))[0].status == "processing"
        await slow.process(added)
        assert "bicycle" in (await ask(shelf, "bicycle")).results[0].text
        assert statistics(rows)
        is_whole(rows)

    async def test_nothing_is_published_before_all_processes_search_the_new_one(
        self, shelf: Shelf
    ) -> None:
        await fill(shelf)
        await rebuild(shelf)
        added = await shelf.register("new.txt", "# New\n\nA bicycle stands in the yard.")
        with pytest.raises(TransientJobError):
            await another_process(shelf, TakeoverPace(settling_seconds=3600)).process(added)
        await shelf.process(added)
        assert (await shelf.state(added))[0].status == "ready"


class TestResuming:
    async def test_what_is_built_is_not_built_again(
        self, shelf: Shelf, models: Models, rows: Rows
    ) -> None:
        await fill(shelf)
        work = await rebuilding.begin(shelf.platform, shelf.caller, OTHER)
        assert work is not None

        def end(_: Rebuilding) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await rebuilding.run(shelf.platform, shelf.caller, work, end)
        assert models.other.embedded
        assert (await ask(shelf, "silver keys")).degraded == []
        again = await rebuild(shelf)
        assert again is not None
        assert again.building.id == work.building.id
        assert again.documents < len(TEXTS)
        is_whole(rows)

    async def test_another_model_begins_anew(self, shelf: Shelf, rows: Rows) -> None:
        await fill(shelf)
        work = await rebuilding.begin(shelf.platform, shelf.caller, OTHER)
        again = await rebuild(shelf, "testing:hash", force=True)
        assert work is not None
        assert again is not None
        assert again.building.id != work.building.id
        statuses = rows.select("SELECT status FROM index_generation WHERE {t} ORDER BY id")
        assert [row["status"] for row in statuses] == ["retired", "retired", "live"]

    async def test_generation_that_was_given_up_does_not_take_over(self, shelf: Shelf) -> None:
        await fill(shelf)
        work = await rebuilding.begin(shelf.platform, shelf.caller, OTHER)
        assert work is not None
        await rebuilding.begin(shelf.platform, shelf.caller, "testing:hash", force=True)
        with pytest.raises(GenerationChangedError):
            await rebuilding.run(shelf.platform, shelf.caller, work, lambda _: None)

    async def test_only_one_is_at_it(self, shelf: Shelf) -> None:
        async with rebuilding.alone(shelf.platform, shelf.caller):
            with pytest.raises(rebuilding.ConflictError):
                async with rebuilding.alone(shelf.platform, shelf.caller):
                    pass
        async with rebuilding.alone(shelf.platform, shelf.caller):
            pass

    async def test_model_that_fails_for_a_while_is_waited_for(
        self, shelf: Shelf, models: Models
    ) -> None:
        await fill(shelf)
        shelf.platform.state_of(IngestPace).longest_pause_seconds = 0.01
        models.other = Shaky(failures=5)
        assert await rebuild(shelf) is not None
        models.other = Shaky(failures=100)
        await rebuild(shelf, "testing:hash")

    async def test_model_that_stays_away_ends_it_and_nothing_is_lost(
        self, shelf: Shelf, models: Models, rows: Rows
    ) -> None:
        await fill(shelf)
        shelf.platform.state_of(IngestPace).longest_pause_seconds = 0.01
        models.other = Shaky(failures=10_000)
        with pytest.raises(ProviderError, match="no answer"):
            await rebuild(shelf)
        assert (await ask(shelf, "silver keys")).degraded == []
        is_whole(rows)


class Shaky(HashEmbedder):
    """Fails so many times."""

    def __init__(self, failures: int) -> None:
        super().__init__(64, name=OTHER)
        self.failures = failures

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if self.failures:
            self.failures -= 1
            raise ProviderError("no answer", retryable=True)
        return await super().embed_passages(texts)


LONG = "\n\n".join(
    f"Rule {number} says that the gate number {number} is shut at night." for number in range(60)
)


class TestChunking:
    async def recut(self, shelf: Shelf, size: int = 40) -> None:
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            found = await collections.find(ctx, collections.DEFAULT_COLLECTION)
            await collections.update(ctx, found.id, CollectionUpdate(chunk_size=size))

    async def test_passages_are_cut_as_the_collection_asks_now(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        added = await shelf.add("rules.txt", LONG)
        before = (await shelf.state(added))[0].chunk_count
        await self.recut(shelf)
        work = await rebuild(shelf, None)
        assert work is not None
        assert work.kept == []
        version, _ = await shelf.state(added)
        assert version.chunk_count > 2 * before
        [stored] = rows.select("SELECT string_agg(text, '' ORDER BY start_offset) AS text "
                               "FROM document_text WHERE {t}")  # fmt: skip
        for hit in (await ask(shelf, "gate shut at night")).results:
            assert stored["text"][hit.start : hit.end] == hit.text
        assert await rebuild(shelf, None) is None
        is_whole(rows)

    async def test_rollback_works_in_what_was_cut_anew(self, shelf: Shelf, rows: Rows) -> None:
        added = await shelf.add("rules.txt", LONG)
        await shelf.add("rules.txt", LONG.replace("Rule 3 ", "Rule three "))
        await self.recut(shelf)
        await rebuild(shelf, None)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await versions.rollback(ctx, added.document_id, 1)
        is_whole(rows)
        await is_sound(shelf)

    async def test_text_that_is_read_otherwise_today_keeps_its_passages(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        added = await shelf.add("rules.txt", LONG)
        before = [(row["start_offset"], row["text"]) for row in rows.chunks()]
        await self.recut(shelf)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            from sqlalchemy import text

            await ctx.session.execute(
                text("UPDATE document_text SET text = text || ' ' WHERE version_id = :id"),
                {"id": added.version_id},
            )
        work = await rebuild(shelf, None)
        assert work is not None
        [(document_id, number, why)] = work.kept
        assert (document_id, number) == (added.document_id, 1)
        assert "different if it were read" in why
        [live] = rows.select("SELECT id FROM index_generation WHERE {t} AND status = 'live'")
        kept = [row for row in rows.chunks() if row["generation_id"] == live["id"]]
        assert [(row["start_offset"], row["text"]) for row in kept] == before
        is_whole(rows)

    async def test_lost_original_keeps_its_passages(self, shelf: Shelf, rows: Rows) -> None:
        await shelf.add("rules.txt", LONG)
        await self.recut(shelf)
        await shelf.platform.blobs.delete_all(shelf.caller.tenant_id)
        work = await rebuild(shelf, None)
        assert work is not None
        assert "lost" in work.kept[0][2]
        is_whole(rows)

    async def test_passages_too_long_for_the_model_are_cut_anew(
        self, shelf: Shelf, models: Models, rows: Rows
    ) -> None:
        added = await shelf.add("rules.txt", LONG)
        before = (await shelf.state(added))[0].chunk_count
        models.other.spec = dataclasses.replace(models.other.spec, max_tokens=80)
        await rebuild(shelf)
        version, _ = await shelf.state(added)
        assert version.chunk_count > before
        is_whole(rows)

    async def test_small_batches_of_a_long_document_are_all_there(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        pace = shelf.platform.state_of(IngestPace)
        pace.batch_chunks, pace.feed_chars = 2, 1
        await shelf.add("rules.txt", LONG)
        await self.recut(shelf)
        await shelf.add("more.txt", LONG.replace("Rule", "Law"))
        await rebuild(shelf)
        is_whole(rows)
