"""Purging: what is left, and several at once."""

import asyncio

import psycopg
import pytest
from sqlalchemy import update

from citewell.access.policy import AccessLevel, Role
from citewell.core.context import unit_of_work
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionNotEmptyError
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.documents.registering import Registered
from citewell.features.documents.schemas import OnDuplicate
from citewell.features.trash import service as trash
from citewell.features.usage.service import Metric
from citewell.indexes.contract import index_of
from citewell.models.tenancy import Tenant
from tests.acting import act_for
from tests.features.ingestion.conftest import Rows, recount, statistics
from tests.people import People
from tests.quiet import Shelf

from .looking import (
    HANDBOOK,
    age,
    counted,
    fill,
    left,
    listed,
    outcomes,
    remove_row,
    stored_files,
)


class TestPurge:
    async def test_nothing_is_left(self, shelf: Shelf, rows: Rows) -> None:
        library = await fill(shelf)
        await shelf.add("leave.txt", "# Leave\n\nThirty days.")
        for registered in library.values():
            await shelf.delete(registered)
        assert stored_files(shelf)
        await shelf.purge()
        await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
        assert left(rows) == set()
        assert stored_files(shelf) == []
        assert statistics(rows) == {}

    async def test_nobody_is_purged_before_the_time(self, shelf: Shelf, rows: Rows) -> None:
        gone, other = await shelf.add("a.txt", HANDBOOK), await shelf.add("b.txt", "Others.")
        await shelf.delete(gone)
        await shelf.delete(other)
        age(rows, gone, shelf.platform.settings.trash_minutes)
        await trash.purge_expired(shelf.platform)
        assert await listed(shelf) == ["b.txt"]
        await shelf.restore(other)
        assert await rows.found("others")

    async def test_tenant_says_how_long(self, shelf: Shelf, rows: Rows) -> None:
        gone = await shelf.add("a.txt", HANDBOOK)
        await shelf.delete(gone)
        age(rows, gone, 3 * 24 * 60)
        for days, is_there in ((4, True), (2, False)):
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                assert await trash.minutes_kept(ctx) != days * 24 * 60
                await ctx.session.execute(update(Tenant).values(trash_days=days))
            await trash.purge_expired(shelf.platform)
            assert (await listed(shelf) == ["a.txt"]) is is_there

    async def test_content_that_another_document_needs_is_kept(self, shelf: Shelf) -> None:
        gone = await shelf.add("a.txt", HANDBOOK)
        kept = await shelf.add("b.txt", HANDBOOK, on_duplicate=OnDuplicate.KEEP_BOTH)
        await shelf.delete(gone)
        await shelf.purge()
        async with documents.original_file(
            shelf.platform, shelf.caller, kept.document_id
        ) as original:
            assert original.path.read_text() == HANDBOOK

    async def test_content_that_comes_again_in_between_is_kept(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        gone = await shelf.add("a.txt", HANDBOOK)
        await shelf.delete(gone)
        remove_row(rows, gone)  # and the process is killed before it sees to the file
        assert len(stored_files(shelf)) == 1
        again = await shelf.add("b.txt", HANDBOOK)
        await shelf.purge()
        async with documents.original_file(
            shelf.platform, shelf.caller, again.document_id
        ) as original:
            assert original.path.read_text() == HANDBOOK
        assert rows.select("SELECT 1 FROM blob WHERE {t} AND released_at IS NOT NULL") == []

    async def test_killed_after_the_rows_it_is_finished_later(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        gone = await shelf.add("a.txt", HANDBOOK)
        await shelf.delete(gone)
        remove_row(rows, gone)
        assert left(rows) == {"blob"}
        await trash.purge_expired(shelf.platform)  # whatever the age: nothing can be restored
        assert left(rows) == set()
        assert stored_files(shelf) == []

    async def test_killed_after_the_file_it_is_finished_later(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        gone = await shelf.add("a.txt", HANDBOOK)
        await shelf.delete(gone)
        remove_row(rows, gone)
        for path in stored_files(shelf):
            path.unlink()
        await trash.purge_expired(shelf.platform)
        assert left(rows) == set()
        assert (await counted(shelf))[Metric.STORED_BYTES] == 0

    async def test_file_that_cannot_be_removed_is_tried_again(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        gone, other = await shelf.add("a.txt", HANDBOOK), await shelf.add("b.txt", "Others.")
        [path, _] = stored_files(shelf)
        path.unlink()
        path.mkdir()  # no file, so it is not removed as one
        for registered in (gone, other):
            await shelf.delete(registered)
        await shelf.purge()
        assert len(rows.select("SELECT 1 FROM blob WHERE {t}")) == 1
        path.rmdir()
        await shelf.purge()
        assert left(rows) == set()

    @pytest.mark.volume
    async def test_several_at_once_share_the_work(self, shelf: Shelf, rows: Rows) -> None:
        for number in range(45):
            await shelf.delete(await shelf.register(f"{number}.txt", f"Text {number % 7}."))
        await asyncio.gather(*(shelf.purge() for _ in range(4)))
        await shelf.purge()
        assert left(rows) == set()
        assert stored_files(shelf) == []
        noted = "SELECT object_id FROM audit_event WHERE {t} AND action = 'document.purged'"
        assert len(rows.select(noted)) == 45
        assert (await counted(shelf))[Metric.STORED_BYTES] == 0

    async def test_uploads_of_the_same_contents_never_deadlock(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        async def live(number: int) -> None:
            for turn in range(3):
                text = f"Shared {turn % 3}."
                added = await shelf.register(
                    f"{number}-{turn}.txt", text, on_duplicate=OnDuplicate.KEEP_BOTH
                )
                await shelf.delete(added)
                await shelf.purge()

        await asyncio.gather(*(live(number) for number in range(6)))
        await shelf.purge()
        assert left(rows) == set()
        assert stored_files(shelf) == []

    async def test_collection_goes_with_its_trash(self, shelf: Shelf, rows: Rows) -> None:
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            made = await collections.create(ctx, CollectionCreate(name="Short"))
        gone = await shelf.add("a.txt", HANDBOOK, collection_id=made.id)
        await shelf.delete(gone)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await collections.delete(ctx, made.id)
        with pytest.raises(DocumentNotFoundError):
            await shelf.restore(gone)
        await trash.purge_expired(shelf.platform)
        assert left(rows) == set()
        assert stored_files(shelf) == []
        assert await counted(shelf) == dict.fromkeys(await counted(shelf), 0)

    @pytest.mark.volume
    async def test_large_collection_goes_in_batches_and_frees_its_name_at_once(
        self, shelf: Shelf, rows: Rows, own_url: str
    ) -> None:
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            made = await collections.create(ctx, CollectionCreate(name="Short"))
        for number in range(45):
            name = f"{number}.txt"
            await shelf.delete(await shelf.register(name, name, collection_id=made.id))
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await collections.delete(ctx, made.id)
            await collections.create(ctx, CollectionCreate(name="Short"))
        assert await listed(shelf) == []
        count = "SELECT 1 FROM {} WHERE {{t}}"
        with psycopg.connect(own_url) as other:  # somebody is at one of them
            act_for(other, shelf.caller.tenant_id)
            other.execute(
                "SELECT FROM document WHERE tenant_id = %s LIMIT 1 FOR UPDATE",
                (shelf.caller.tenant_id,),
            )
            await trash.purge_expired(shelf.platform)
            assert len(rows.select(count.format("document"))) == 1
            assert len(rows.select(count.format("collection"))) == 2
        await asyncio.gather(*(trash.purge_expired(shelf.platform) for _ in range(3)))
        assert left(rows) == set()
        assert len(rows.select(count.format("collection"))) == 1
        noted = "SELECT 1 FROM audit_event WHERE {t} AND action = 'document.purged'"
        assert len(rows.select(noted)) == 45
        assert (await counted(shelf))[Metric.COLLECTIONS] == 1

    async def test_collection_does_not_take_what_its_remover_may_not_change(
        self, shelf: Shelf
    ) -> None:
        gone = await shelf.add("leave.txt", HANDBOOK, access_level=AccessLevel.RESTRICTED)
        await shelf.delete(gone)
        manager = await People(shelf.platform, shelf.caller.tenant_id).user(Role.MANAGER)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            collection = await collections.find(ctx, "library")
        with pytest.raises(CollectionNotEmptyError):
            async with unit_of_work(shelf.platform, manager) as ctx:
                await collections.delete(ctx, collection.id)
        await shelf.restore(gone)

    async def test_collection_and_restoring_at_once_leave_both_or_none(self, shelf: Shelf) -> None:
        for number in range(5):
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                made = await collections.create(ctx, CollectionCreate(name=f"Short {number}"))
            gone = await shelf.register(f"{number}.txt", HANDBOOK, collection_id=made.id)
            await shelf.delete(gone)

            async def remove(collection_id: object = made.id) -> None:
                async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                    await collections.delete(ctx, collection_id)  # type: ignore[arg-type]

            restored, removed = await outcomes(shelf.restore(gone), remove())
            assert (restored is None) != (removed is None), (restored, removed)


class TestSeveralAtOnce:
    async def test_deleting_and_restoring_end_in_one_of_both(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        one = (await fill(shelf))["leave.txt"]
        for _ in range(6):
            await outcomes(shelf.delete(one), shelf.restore(one), shelf.delete(one))
            assert statistics(rows) == recount(rows)
            await counted(shelf)
        await outcomes(shelf.restore(one))
        assert await rows.found("twenty days")

    async def test_publishing_and_deleting_leave_nothing_findable(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        for number in range(4):
            first = await shelf.add("leave.txt", f"# Leave\n\nEdition{number} of leave.")
            second = await shelf.register("leave.txt", f"# Leave\n\nEdition{number} changed.")

            async def soon(pause: float, registered: Registered = first) -> None:
                await asyncio.sleep(pause)
                await shelf.delete(registered)

            await asyncio.gather(shelf.process(second), soon(number * 0.004))
            assert rows.chunks(active=True) == []
            assert statistics(rows) == {}
            await shelf.restore(first)
            version, _ = await shelf.state(second)
            if version.status == "queued":
                await shelf.process(second)
            assert await rows.found("changed")
            assert statistics(rows) == recount(rows)
            await shelf.delete(first)

    async def test_purging_and_restoring_leave_all_or_nothing(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        for number in range(4):
            one = await shelf.add(f"{number}.txt", HANDBOOK)
            await shelf.delete(one)
            await outcomes(shelf.purge(), shelf.restore(one))
            is_back = bool(rows.select("SELECT 1 FROM document WHERE {t}"))
            assert bool(await rows.found("twenty days")) == is_back
            assert statistics(rows) == recount(rows)
            if is_back:
                async with documents.original_file(
                    shelf.platform, shelf.caller, one.document_id
                ) as original:
                    assert original.path.read_text() == HANDBOOK
                await shelf.delete(one)
            await shelf.purge()
        assert left(rows) == set()
