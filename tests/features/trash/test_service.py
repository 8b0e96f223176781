"""Deleting and restoring: what is findable, and how it was before."""

import asyncio
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from citewell.access.policy import AccessLevel, Role
from citewell.core.context import unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.engine.embedding.testing import HashEmbedder
from citewell.features.doctor import service as doctor
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.ingestion import service as ingestion
from citewell.features.jobs import service as jobs
from citewell.features.jobs.errors import JobNotFoundError
from citewell.features.sharing import service as sharing
from citewell.features.sharing.schemas import GrantPut
from citewell.features.trash import service as trash
from citewell.features.trash.errors import NotInTrashError
from citewell.features.usage.errors import QuotaReachedError
from citewell.features.usage.service import Metric
from citewell.features.versions import service as versions
from citewell.indexes.contract import index_of
from citewell.kit.clock import utc_now
from citewell.kit.pagination import PageRequest
from citewell.models.documents import Document
from citewell.models.trash import trash_shown
from tests.acting import act_for
from tests.conftest import new_caller
from tests.features.ingestion.conftest import Rows, recount, statistics
from tests.people import People
from tests.quiet import Shelf

from .looking import (
    HANDBOOK,
    ask,
    counted,
    document_row,
    fill,
    left,
    listed,
    stored_files,
    told,
)


@pytest.fixture
def embedder(shelf: Shelf) -> HashEmbedder:
    assert isinstance(shelf.platform.embedder, HashEmbedder)
    return shelf.platform.embedder


class TestDelete:
    async def test_from_the_commit_on_nobody_finds_it(self, shelf: Shelf) -> None:
        library = await fill(shelf)
        gone = library["leave.txt"]
        assert gone.document_id in [hit.document_id for hit in (await ask(shelf, "leave")).results]
        await shelf.delete(gone)
        found = [hit.document_id for hit in (await ask(shelf, "leave")).results]
        assert set(found) == {library[name].document_id for name in ("other.txt", "trains.txt")}

    async def test_no_time_in_the_past_brings_it_up(self, shelf: Shelf) -> None:
        library = await fill(shelf)
        gone = library["leave.txt"]
        moment = utc_now().isoformat()
        before = (await ask(shelf, "leave", as_of=moment)).results
        assert gone.document_id in {hit.document_id for hit in before}
        await shelf.delete(gone)
        after = (await ask(shelf, "leave", as_of=moment)).results
        kept = [hit for hit in before if hit.document_id != gone.document_id]
        assert len(after) == len(kept) > 0
        assert {hit.chunk_id for hit in after} == {hit.chunk_id for hit in kept}
        await shelf.restore(gone)
        again = (await ask(shelf, "leave", as_of=moment)).results
        assert [hit.chunk_id for hit in again] == [hit.chunk_id for hit in before]

    async def test_it_is_missing_everywhere(self, shelf: Shelf) -> None:
        gone = await shelf.add("leave.txt", HANDBOOK, metadata={"rare": True})
        await shelf.add("leave.txt", HANDBOOK + "\n\nMore.")
        await shelf.delete(gone)
        id_ = gone.document_id

        async def does(action: object) -> None:
            with pytest.raises((DocumentNotFoundError, JobNotFoundError)):
                async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                    await action(ctx)  # type: ignore[operator]

        grant = GrantPut(user_id=id_, effect="read")
        for action in (
            lambda ctx: documents.get(ctx, id_),
            lambda ctx: documents.content(ctx, id_, number=1),
            lambda ctx: versions.page(ctx, id_, PageRequest()),
            lambda ctx: versions.get(ctx, id_, 1),
            lambda ctx: versions.rollback(ctx, id_, 1),
            lambda ctx: jobs.get(ctx, gone.job_id),
            lambda ctx: jobs.retry(ctx, gone.job_id),
            lambda ctx: sharing.explain_access(ctx, id_, None),
            lambda ctx: sharing.grants(ctx, sharing.document(id_), PageRequest()),
            lambda ctx: sharing.put_grant(ctx, sharing.document(id_), grant),
            lambda ctx: trash.delete(ctx, id_),
        ):
            await does(action)
        with pytest.raises(DocumentNotFoundError):
            await versions.compare(shelf.platform, shelf.caller, id_, 1, 2)
        with pytest.raises(DocumentNotFoundError):
            async with documents.original_file(shelf.platform, shelf.caller, id_):
                pass
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            assert (await documents.page(ctx, PageRequest())).total == 0
            assert (await jobs.page(ctx, PageRequest())).total == 0
            assert await documents.progress(ctx, [gone.version_id]) == []
            assert (await ctx.session.scalars(select(Document))).all() == []

    async def test_statistics_and_counts_follow(self, shelf: Shelf, rows: Rows) -> None:
        library = await fill(shelf)
        before = await counted(shelf)
        await shelf.delete(library["leave.txt"])
        assert statistics(rows) == recount(rows) != {}
        after = await counted(shelf)
        assert after[Metric.DOCUMENTS] == before[Metric.DOCUMENTS] - 1
        assert after[Metric.STORED_BYTES] == before[Metric.STORED_BYTES]
        await shelf.purge()
        freed = before[Metric.STORED_BYTES] - (await counted(shelf))[Metric.STORED_BYTES]
        assert freed == len(HANDBOOK.encode())

    async def test_of_two_at_once_one_does_it(self, shelf: Shelf, rows: Rows) -> None:
        library = await fill(shelf)
        results = await asyncio.gather(
            *(shelf.delete(library["leave.txt"]) for _ in range(4)), return_exceptions=True
        )
        assert [type(each) for each in results if each] == [DocumentNotFoundError] * 3
        assert statistics(rows) == recount(rows)
        assert (await counted(shelf))[Metric.DOCUMENTS] == 2

    async def test_nothing_is_kept_where_the_trash_keeps_nothing(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        gone = await shelf.add("leave.txt", HANDBOOK)
        settings = shelf.platform.settings.model_copy(update={"trash_minutes": 0})
        object.__setattr__(shelf.platform, "settings", settings)
        await shelf.delete(gone)
        assert left(rows) == set()
        assert stored_files(shelf) == []
        assert await counted(shelf) == dict.fromkeys(await counted(shelf), 0) | {"collections": 1}

    async def test_a_large_document_is_not_found_any_more(self, shelf: Shelf, rows: Rows) -> None:
        text = "\n\n".join(
            f"## Article {n}\n\n" + f"The rule of subject{n} is firm. " * 30 for n in range(500)
        )
        gone = await shelf.add("law.txt", text)
        assert len(rows.chunks(active=True)) >= 500
        await shelf.delete(gone)
        assert (await ask(shelf, "rule firm")).results == []


class TestRestore:
    async def test_everything_is_as_it_was(
        self, shelf: Shelf, rows: Rows, embedder: HashEmbedder
    ) -> None:
        library = await fill(shelf)
        await shelf.add("leave.txt", HANDBOOK + "\n\nMore leave.")
        back = library["leave.txt"]
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await versions.rollback(ctx, back.document_id, 1)
        await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
        queries = ("leave", "twenty days of leave", "trains")
        before = [await told(shelf, query) for query in queries]
        row, chunks, terms = document_row(rows, back), rows.chunks(), statistics(rows)
        use = await counted(shelf)
        embedded = len(embedder.embedded)
        await shelf.delete(back)
        assert [await told(shelf, query) for query in queries] != before
        await shelf.restore(back)
        assert [await told(shelf, query) for query in queries] == before
        assert document_row(rows, back) == row
        assert rows.chunks() == chunks
        assert statistics(rows) == terms == recount(rows)
        assert await counted(shelf) == use
        assert len(embedder.embedded) == embedded
        await shelf.purge()
        assert [await told(shelf, query) for query in queries] == before

    async def test_who_deleted_and_restored_is_in_the_trail(self, shelf: Shelf, rows: Rows) -> None:
        back = await shelf.add("leave.txt", HANDBOOK)
        await shelf.delete(back)
        await shelf.restore(back)
        await shelf.delete(back)
        await shelf.purge()
        noted = rows.select(
            "SELECT action, actor_kind FROM audit_event"
            " WHERE {t} AND object_id = %s AND action <> 'document.created' ORDER BY id",
            back.document_id,
        )
        assert [(each["action"], each["actor_kind"]) for each in noted] == [
            ("document.deleted", "operator"), ("document.restored", "operator"),
            ("document.deleted", "operator"), ("document.purged", "system"),
        ]  # fmt: skip

    async def test_work_that_was_stopped_goes_on(self, shelf: Shelf, rows: Rows) -> None:
        first = await shelf.add("leave.txt", HANDBOOK)
        second = await shelf.register("leave.txt", "# Leave\n\nThirty days of leave.")
        await shelf.delete(first)
        await shelf.process(second)  # the queue may have given it to a worker already
        version, job = await shelf.state(second)
        assert (version.status, job and job.status) == ("cancelled", "cancelled")
        await shelf.restore(first)
        version, job = await shelf.state(second)
        assert (version.status, job and job.status) == ("queued", "queued")
        assert await rows.found("twenty days")
        await shelf.process(second)
        assert await rows.found("thirty days")
        assert statistics(rows) == recount(rows)

    async def test_of_two_at_once_one_does_it(self, shelf: Shelf, rows: Rows) -> None:
        back = await shelf.add("leave.txt", HANDBOOK)
        await shelf.delete(back)
        results = await asyncio.gather(
            *(shelf.restore(back) for _ in range(4)), return_exceptions=True
        )
        assert [type(each) for each in results if each] == [NotInTrashError] * 3
        assert statistics(rows) == recount(rows)
        assert (await counted(shelf))[Metric.DOCUMENTS] == 1

    async def test_source_that_was_taken_meanwhile_stays_with_the_other(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        old = await shelf.add("leave.txt", HANDBOOK)
        await shelf.delete(old)
        new = await shelf.add("leave.txt", "# Leave\n\nThirty days of leave.")
        assert new.document_id != old.document_id
        await shelf.restore(old)
        assert document_row(rows, old)["source"] == f"file:leave.txt#{old.document_id}"
        assert await rows.found("twenty days")
        assert await rows.found("thirty days")
        third = await shelf.register("leave.txt", "# Leave\n\nForty days of leave.")
        assert (third.document_id, third.number) == (new.document_id, 2)
        await shelf.delete(old)
        await shelf.restore(old)
        assert document_row(rows, old)["source"] == f"file:leave.txt#{old.document_id}"

    async def test_source_that_is_taken_at_this_moment_too(self, shelf: Shelf) -> None:
        for number in range(4):
            old = await shelf.add(f"{number}.txt", f"{HANDBOOK} {number}")
            await shelf.delete(old)
            new, _ = await asyncio.gather(
                shelf.register(f"{number}.txt", f"# Leave\n\n3{number} days."), shelf.restore(old)
            )
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                await documents.get(ctx, old.document_id)
                await documents.get(ctx, new.document_id)

    async def test_index_that_was_begun_without_it_has_it_read_again(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        back = await shelf.add("leave.txt", HANDBOOK)
        await shelf.delete(back)
        with psycopg.connect(rows.url) as connection:
            act_for(connection, rows.shelf.caller.tenant_id)
            for table in ("chunk", "version_terms"):
                connection.execute(f"DELETE FROM {table} WHERE version_id = %s", [back.version_id])
        await shelf.restore(back)
        version, job = await shelf.state(back)
        assert version.status == "queued"
        assert job is not None
        await ingestion.process(shelf.platform, shelf.caller.tenant_id, job.id)
        assert await rows.found("twenty days")
        assert statistics(rows) == recount(rows)

    async def test_version_that_is_read_again_keeps_answering(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        back = await shelf.add("leave.txt", HANDBOOK)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await ingestion.read_again(ctx, back.version_id)
        await shelf.delete(back)
        await shelf.restore(back)
        assert await rows.found("twenty days")
        version, job = await shelf.state(back)
        assert (version.status, job and job.status) == ("queued", "queued")
        assert job is not None
        await ingestion.process(shelf.platform, shelf.caller.tenant_id, job.id)
        assert await rows.found("twenty days")
        assert statistics(rows) == recount(rows)

    async def test_only_who_may_change_it_sees_and_restores_it(
        self, quiet: Platform, tmp_path: Path
    ) -> None:
        people = People(quiet, (await new_caller(quiet)).tenant_id)
        director, employee = await people.user(Role.DIRECTOR), await people.user(Role.EMPLOYEE)
        own = await Shelf(quiet, employee, tmp_path).add("own.txt", "# Own\n\nMine.")
        shelf = Shelf(quiet, director, tmp_path)
        shown = await shelf.add("shown.txt", HANDBOOK, access_level=AccessLevel.INTERNAL)
        await shelf.delete(shown)
        await shelf.delete(own)
        assert set(await listed(shelf)) == {"shown.txt", "own.txt"}
        assert await listed(shelf, employee) == ["own.txt"]
        for action in (trash.restore, trash.purge, trash.delete, trash.delete_for_good):
            with pytest.raises(DocumentNotFoundError):
                async with unit_of_work(quiet, employee) as ctx:
                    await action(ctx, shown.document_id)
        await shelf.restore(shown)
        for action in (trash.restore, trash.purge, trash.delete, trash.delete_for_good):
            with pytest.raises(ForbiddenError):
                async with unit_of_work(quiet, employee) as ctx:
                    await action(ctx, shown.document_id)
        await Shelf(quiet, employee, tmp_path).restore(own)

    async def test_plan_that_is_full_keeps_it_in_the_trash(self, shelf: Shelf, rows: Rows) -> None:
        gone = await shelf.add("leave.txt", HANDBOOK)
        await shelf.delete(gone)
        with psycopg.connect(rows.url) as connection:
            act_for(connection, rows.shelf.caller.tenant_id)
            limits = "UPDATE tenant SET limits = '{\"documents\": 1}' WHERE id = %s"
            connection.execute(limits, [shelf.caller.tenant_id])
        other = await shelf.add("other.txt", "Others.")
        with pytest.raises(QuotaReachedError):
            await shelf.restore(gone)
        assert await listed(shelf) == ["leave.txt"]
        assert await rows.found("twenty days") == []
        await shelf.delete(other)
        await shelf.restore(gone)
        assert await rows.found("twenty days")

    async def test_other_tenants_have_a_trash_of_their_own(
        self, shelf: Shelf, tmp_path: Path
    ) -> None:
        gone = await shelf.add("leave.txt", HANDBOOK)
        await shelf.delete(gone)
        other = Shelf(shelf.platform, await new_caller(shelf.platform), tmp_path)
        assert await listed(other) == []
        for action in (trash.restore, trash.purge):
            with pytest.raises(DocumentNotFoundError):
                async with unit_of_work(other.platform, other.caller) as ctx:
                    await action(ctx, gone.document_id)
        async with unit_of_work(other.platform, other.caller) as ctx, trash_shown(ctx.session):
            assert (await ctx.session.scalars(select(Document))).all() == []
        assert await listed(shelf) == ["leave.txt"]


class TestDoctor:
    async def test_what_is_in_the_trash_is_no_drift(self, shelf: Shelf) -> None:
        people = People(shelf.platform, shelf.caller.tenant_id)
        reader = await people.user(Role.GUEST)
        library = await fill(shelf)
        gone = library["leave.txt"]
        await shelf.add("leave.txt", HANDBOOK + "\n\nMore.")
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            grant = GrantPut(user_id=reader.actor.user_id, effect="read")
            await sharing.put_grant(ctx, sharing.document(gone.document_id), grant)
        before = await told(shelf, "leave")
        await shelf.delete(gone)
        for other in library.values():  # an installation with nothing but a trash too
            report = await doctor.check(
                shelf.platform, shelf.caller.tenant_id, repair=True, grace=timedelta(0)
            )
            # The users of this test were counted by nobody.
            drift = [each for each in report.checks if each.problems and each.name != "usage"]
            assert drift == []
            if other is not gone:
                await shelf.delete(other)
        for each in library.values():
            await shelf.restore(each)
        assert await told(shelf, "leave") == before
        assert await told(Shelf(shelf.platform, reader, shelf.folder), "leave")
