"""A collection leaves and arrives."""

import asyncio
import random
import sys
import time
import uuid
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace

import anyio
import pytest
from sqlalchemy import select

from citewell.access.policy import AccessLevel, Effect, Role
from citewell.core.context import Caller, unit_of_work
from citewell.core.database.sessions import Database
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.engine.embedding.testing import HashEmbedder
from citewell.features.audit import service as audit
from citewell.features.audit.schemas import AuditFilter
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionExistsError, CollectionNotFoundError
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.documents.schemas import OnDuplicate
from citewell.features.ingestion import service as ingestion
from citewell.features.transfers.errors import PassphraseError, UnknownDenialError
from citewell.features.transfers.exporting import export
from citewell.features.transfers.pace import ImportPace
from citewell.features.usage import service as usage
from citewell.features.versions import service as versions
from citewell.indexes.contract import index_of
from citewell.kit.clock import utc_now
from citewell.kit.pagination import PageRequest
from citewell.models.work import Job
from tests.conftest import new_caller
from tests.features.documents.test_slow_store import open_transactions
from tests.features.transfers.conftest import PASSPHRASE, exported, frames_of, hits, imported
from tests.people import People
from tests.quiet import Shelf, quiet_platform

TEXT = "# Hall {0}\n\nThe marker{0} stands in hall {0}. " + "It is looked after daily. " * 60


async def text_of(platform: Platform, caller: Caller, document_id: uuid.UUID) -> str:
    async with documents.original_file(platform, caller, document_id) as original:
        return await anyio.Path(original.path).read_text()


class TestRoundTrip:
    async def test_ids_order_scores_and_originals_are_the_same_and_nothing_is_embedded(
        self, shelf: Shelf, target: Caller
    ) -> None:
        added = [await shelf.add(f"{n}.md", TEXT.format(n), metadata={"n": n}) for n in range(6)]
        await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
        content = await exported(shelf.platform, shelf.caller)
        embedder = shelf.platform.embedder
        assert isinstance(embedder, HashEmbedder)
        before = len(embedder.embedded)
        shelf.platform.state_of(ImportPace).checked_share = 0
        report = await imported(shelf.platform, target, content)
        # But for the first one's vector, which is compared, with each title it may have had.
        assert 1 <= len(embedder.embedded) - before <= 3
        assert (report.documents, report.versions, report.new_ids) == (6, 6, 0)
        for query in ("marker3", "looked after daily", "hall 5 stands"):
            theirs = await hits(shelf.platform, shelf.caller, query)
            assert theirs
            assert await hits(shelf.platform, target, query) == theirs
        for number, registered in enumerate(added):
            found = await text_of(shelf.platform, target, registered.document_id)
            assert found == TEXT.format(number)
            async with unit_of_work(shelf.platform, target) as ctx:
                state = await documents.get(ctx, registered.document_id)
                assert state.document.metadata_ == {"n": number}
        async with unit_of_work(shelf.platform, target) as ctx:
            assert await usage.differences(ctx) == {}

    async def test_history_answers_as_before_and_can_be_rolled_back(
        self, shelf: Shelf, target: Caller
    ) -> None:
        moments = []
        for days in (27, 30):
            added = await shelf.add("leave.md", f"# Leave\n\nThere are {days} days of leave.")
            moments.append(utc_now().isoformat())
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await versions.rollback(ctx, added.document_id, 1)
        moments.append(utc_now().isoformat())
        await imported(shelf.platform, target, await exported(shelf.platform, shelf.caller))
        for moment in moments:
            theirs = await hits(shelf.platform, shelf.caller, "days of leave", as_of=moment)
            assert len(theirs) == 1
            found = await hits(shelf.platform, target, "days of leave", as_of=moment)
            assert [hit for hit, _ in found] == [hit for hit, _ in theirs]
        async with unit_of_work(shelf.platform, target) as ctx:
            state = await versions.rollback(ctx, added.document_id, 2)
        assert state.active is not None
        assert state.active.number == 2

    async def test_taken_ids_are_new_ones_and_both_copies_answer(self, shelf: Shelf) -> None:
        added = await shelf.add("a.md", TEXT.format(1))
        content = await exported(shelf.platform, shelf.caller)
        report = await imported(shelf.platform, shelf.caller, content, name="copy")
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            copy = await collections.find(ctx, "copy")
            original = await documents.get(ctx, added.document_id)
        assert report.new_ids == 1 + 1 + report.chunks
        assert original.document.collection_id != copy.id
        found = await hits(shelf.platform, shelf.caller, "marker1", collection_ids=[str(copy.id)])
        assert len(found) == report.chunks
        assert len(await hits(shelf.platform, shelf.caller, "marker1")) == 2 * report.chunks

    async def test_failed_versions_come_along_and_unfinished_ones_are_queued(
        self, shelf: Shelf, target: Caller
    ) -> None:
        empty = await shelf.add("empty.md", " ")
        waiting = await shelf.register("waiting.md", TEXT.format(2))
        report = await imported(
            shelf.platform, target, await exported(shelf.platform, shelf.caller)
        )
        assert (report.documents, report.chunks, report.to_embed) == (2, 0, 1)
        async with unit_of_work(shelf.platform, target) as ctx:
            states = [
                (await documents.get(ctx, each.document_id)).newest.status
                for each in (empty, waiting)
            ]
        assert states == ["failed", "queued"]


class TestOtherModel:
    async def test_documents_go_through_ingestion(self, shelf: Shelf, own_url: str) -> None:
        for days in (27, 30, 31):
            added = await shelf.add("leave.md", f"# Leave\n\nThere are {days} days of leave.")
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await versions.rollback(ctx, added.document_id, 2)
        content = await exported(shelf.platform, shelf.caller)
        other = HashEmbedder(64, name="testing:other")
        async with quiet_platform(shelf.platform.settings, own_url, embedder=other) as platform:
            target = await new_caller(platform)
            report = await imported(platform, target, content)
            assert (report.to_embed, report.left_out, report.chunks) == (2, 1, 0)
            async with unit_of_work(platform, target) as ctx:
                jobs = (await ctx.session.scalars(select(Job).order_by(Job.id))).all()
            for job in jobs:
                await ingestion.process(platform, target.tenant_id, job.id)
            assert len(other.embedded) == 2
            assert len(await hits(platform, target, "days of leave")) == 1
            async with unit_of_work(platform, target) as ctx:
                state = await documents.get(ctx, added.document_id)
            assert state.active is not None
            assert state.active.number == 2

    async def test_version_that_was_still_to_be_read_is_not_left_out(
        self, shelf: Shelf, own_url: str
    ) -> None:
        await shelf.add("leave.md", "# Leave\n\nThere are 27 days of leave.")
        await shelf.register("leave.md", "# Leave\n\nThere are 30 days of leave.")
        content = await exported(shelf.platform, shelf.caller)
        other = HashEmbedder(64, name="testing:other")
        async with quiet_platform(shelf.platform.settings, own_url, embedder=other) as platform:
            report = await imported(platform, await new_caller(platform), content)
        assert (report.versions, report.to_embed, report.left_out) == (2, 2, 0)


class TestRules:
    async def test_known_people_keep_their_rules_and_unknown_ones_get_nothing(
        self, shelf: Shelf, target: Caller
    ) -> None:
        added = await shelf.add("a.md", TEXT.format(1), access_level=AccessLevel.CONFIDENTIAL)
        here = People(shelf.platform, shelf.caller.tenant_id)
        there = People(shelf.platform, target.tenant_id)
        known = await here.user(email="known@example.org")
        unknown = await here.user(email="unknown@example.org")
        same = await there.user(email="known@example.org")
        other = await there.user()
        for user in (known, unknown):
            await here.rule(Effect.READ, document=added.document_id, user=user)
        report = await imported(
            shelf.platform, target, await exported(shelf.platform, shelf.caller)
        )
        assert (report.rules, report.unknown) == (1, ["unknown@example.org"])
        assert await hits(shelf.platform, same, "marker1")
        assert not await hits(shelf.platform, other, "marker1")

    @pytest.mark.parametrize("kind", ["document", "collection"])
    async def test_denial_of_somebody_unknown_is_refused_or_restricts(
        self, shelf: Shelf, target: Caller, kind: str
    ) -> None:
        added = await shelf.add("a.md", TEXT.format(1), access_level=AccessLevel.PUBLIC)
        here = People(shelf.platform, shelf.caller.tenant_id)
        denied = await here.user(email="denied@example.org")
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            collection = (await collections.find(ctx, "library")).id
        place = (
            {"document": added.document_id} if kind == "document" else {"collection": collection}
        )
        await here.rule(Effect.DENY, user=denied, **place)
        content = await exported(shelf.platform, shelf.caller)
        with pytest.raises(UnknownDenialError, match=r"denied@example\.org"):
            await imported(shelf.platform, target, content)
        async with unit_of_work(shelf.platform, target) as ctx:
            with pytest.raises(CollectionNotFoundError):
                await collections.find(ctx, "library")
        report = await imported(shelf.platform, target, content, restrict=True)
        assert (report.restricted, report.unknown) == (1, ["denied@example.org"])
        there = People(shelf.platform, target.tenant_id)
        assert not await hits(shelf.platform, await there.user(Role.MANAGER), "marker1")
        assert await hits(shelf.platform, await there.user(Role.DIRECTOR), "marker1")

    async def test_only_administrators_who_read_everything_export(self, shelf: Shelf) -> None:
        added = await shelf.add("a.md", TEXT.format(1))
        people = People(shelf.platform, shelf.caller.tenant_id)
        for caller in (
            await people.user(Role.DIRECTOR),
            await people.user(Role.MANAGER, is_admin=True),
        ):
            with pytest.raises(ForbiddenError):
                await exported(shelf.platform, caller)
            with pytest.raises(ForbiddenError):
                await imported(shelf.platform, caller, b"")
        chief = await people.user(Role.DIRECTOR, is_admin=True)
        assert await exported(shelf.platform, chief)
        await people.rule(Effect.DENY, document=added.document_id, user=chief)
        with pytest.raises(ForbiddenError, match="denied to you"):
            await exported(shelf.platform, chief)


class TestExport:
    async def test_one_that_is_broken_off_is_in_the_audit_trail(self, shelf: Shelf) -> None:
        await shelf.add("a.md", TEXT.format(1))
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            collection = await collections.find(ctx, "library")
        async with aclosing(
            export(shelf.platform, shelf.caller, collection.id, PASSPHRASE)
        ) as pieces:
            await anext(pieces)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            wanted = AuditFilter(action="collection.exported")
            [event] = (await audit.page(ctx, wanted, PageRequest())).items
        assert event.object_id == collection.id

    async def test_file_is_sealed_and_says_nothing(self, shelf: Shelf) -> None:
        await shelf.add("canary.md", TEXT.format("canary"), title="canary of the chronicle")
        content = await exported(shelf.platform, shelf.caller)
        for word in (b"canary", b"marker", b"library", b"Hall"):
            assert word not in content
        assert b"canary" in b"".join(
            inside if isinstance(inside, bytes) else repr(inside).encode()
            for _, inside in frames_of(content)
        )

    async def test_original_of_two_versions_is_in_it_once(self, shelf: Shelf) -> None:
        for name in ("a.md", "b.md"):
            await shelf.add(name, TEXT.format(1), on_duplicate=OnDuplicate.KEEP_BOTH)
        frames = frames_of(await exported(shelf.platform, shelf.caller))
        assert [kind for kind, _ in frames].count(b"B") == 1

    async def test_short_passphrase_is_refused(self, shelf: Shelf) -> None:
        await shelf.add("a.md", TEXT.format(1))
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            collection = await collections.find(ctx, "library")
        with pytest.raises(PassphraseError):
            await anext(export(shelf.platform, shelf.caller, collection.id, "short"))

    async def test_what_is_deleted_meanwhile_is_in_it_as_it_was(
        self, shelf: Shelf, target: Caller
    ) -> None:
        """All of the file is of one moment."""
        added = [await shelf.add(f"{n}.md", TEXT.format(n)) for n in range(3)]
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            collection = await collections.find(ctx, "library")
        pieces = export(shelf.platform, shelf.caller, collection.id, "a long enough passphrase")
        content = await anext(pieces)
        await shelf.add("late.md", TEXT.format("late"))
        content += b"".join([piece async for piece in pieces])
        report = await imported(shelf.platform, target, content)
        assert report.documents == len(added)
        with pytest.raises(DocumentNotFoundError):
            async with unit_of_work(shelf.platform, target) as ctx:
                await documents.get(ctx, uuid.uuid4())

    async def test_stalled_downloads_hold_no_connection(self, shelf: Shelf, own_url: str) -> None:
        """Three clients that do not read, and a pool of two."""
        await shelf.add("a.md", TEXT.format(1))
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            collection = await collections.find(ctx, "library")
        database = Database(own_url, pool_size=2)
        few = replace(shelf.platform, database=database)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            for _ in range(3):
                pieces = export(few, shelf.caller, collection.id, PASSPHRASE)
                await stack.enter_async_context(aclosing(pieces))
                await anext(pieces)
            assert open_transactions(own_url) == 0
            async with unit_of_work(few, shelf.caller) as ctx:
                assert await collections.find(ctx, "library")


class TestImport:
    async def test_name_that_is_taken_is_refused(self, shelf: Shelf) -> None:
        await shelf.add("a.md", TEXT.format(1))
        content = await exported(shelf.platform, shelf.caller)
        with pytest.raises(CollectionExistsError):
            await imported(shelf.platform, shelf.caller, content)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "chunks",
    [pytest.param(300, id="short"), pytest.param(10_000, marks=pytest.mark.slow, id="long")],
)
class TestSameSearches:
    @pytest.mark.volume
    async def test_hundred_searches_give_the_same_ids_and_order(
        self, shelf: Shelf, target: Caller, chunks: int
    ) -> None:
        rng = random.Random(7)
        words = [f"word{number}" for number in range(2_000)]
        made, number = 0, 0
        while made < chunks:
            paragraphs = [" ".join(rng.choices(words, k=60)) + "." for _ in range(100)]
            added = await shelf.add(f"{number}.md", "\n\n".join(paragraphs))
            version, _ = await shelf.state(added)
            made, number = made + version.chunk_count, number + 1
        await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
        start = time.monotonic()
        content = await exported(shelf.platform, shelf.caller)
        middle = time.monotonic()
        report = await imported(shelf.platform, target, content)
        seconds = f"out {middle - start:.1f} s, in {time.monotonic() - middle:.1f} s"
        sys.stdout.write(f"{made:,} chunks, {len(content):,} bytes: {seconds}\n")
        assert (report.chunks, report.new_ids) == (made, 0)
        for _ in range(100):
            query = " ".join(rng.choices(words, k=3))
            theirs, ours = await asyncio.gather(
                hits(shelf.platform, shelf.caller, query), hits(shelf.platform, target, query)
            )
            assert theirs
            assert ours == theirs
