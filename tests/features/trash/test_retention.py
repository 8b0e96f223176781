"""Rules on how long documents are kept."""

from datetime import timedelta
from typing import LiteralString

import psycopg
import pytest

from citewell.access.policy import AccessLevel, Role, Visibility
from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.features.collections import service as collections
from citewell.features.collections.schemas import CollectionCreate, CollectionUpdate
from citewell.features.documents.registering import Registered
from citewell.features.ingestion import service as ingestion
from citewell.features.trash import retention
from citewell.features.trash import service as trash
from citewell.features.trash.schemas import RetentionRead
from citewell.features.versions import service as versions
from tests.acting import act_for
from tests.features.ingestion.conftest import Rows
from tests.people import People
from tests.quiet import Shelf

from .looking import HANDBOOK, age, counted, left, listed


async def keep(shelf: Shelf, days: int | None, name: str = "library") -> None:
    """Give a collection a rule."""
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        found = await collections.find(ctx, name)
        await collections.update(ctx, found.id, CollectionUpdate(keep_days=days))


def change(rows: Rows, statement: LiteralString, *values: object) -> None:
    """Change rows of the tenant as their owner."""
    with psycopg.connect(rows.url) as connection:
        act_for(connection, rows.shelf.caller.tenant_id)
        connection.execute(statement, values or None)


def answers_for(
    rows: Rows, registered: Registered, days: int, *, collection_days: int = 1_000
) -> None:
    """Let the version that answers have answered for so long, and its collection be older."""
    activation = (
        "UPDATE document_activation SET active_from = active_from - %s"
        " WHERE document_id = %s AND active_until IS NULL"
    )
    change(rows, activation, timedelta(days=days), registered.document_id)
    collection = "UPDATE collection SET created_at = created_at - %s"
    change(rows, collection, timedelta(days=collection_days))


async def preview(shelf: Shelf, days: int | None, by: Caller | None = None) -> RetentionRead:
    async with unit_of_work(shelf.platform, by or shelf.caller) as ctx:
        found = await collections.find(ctx, "library")
        return await retention.preview(ctx, found.id, days)


async def night(shelf: Shelf) -> None:
    await retention.trash_overdue(shelf.platform)


class TestRule:
    async def test_older_documents_go_to_the_trash_and_are_told_before(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        old, young = await shelf.add("old.txt", HANDBOOK), await shelf.add("young.txt", "Others.")
        answers_for(rows, old, 31)
        answers_for(rows, young, 29)
        await night(shelf)
        assert await listed(shelf) == []
        before = await counted(shelf)
        would = await preview(shelf, 30)
        assert (would.total, [each.id for each in would.documents]) == (1, [old.document_id])
        assert (await preview(shelf, None)).keep_days is None
        await keep(shelf, 30)
        assert await preview(shelf, None) == would
        await night(shelf)
        assert await listed(shelf) == ["old.txt"]
        assert (await preview(shelf, None)).total == 0
        assert await rows.found("others")
        assert (await counted(shelf))["documents"] == before["documents"] - 1
        [noted] = rows.select(
            "SELECT actor_kind, details FROM audit_event WHERE {t} AND action = 'document.deleted'"
        )
        assert noted["actor_kind"] == "system"
        assert noted["details"]["reason"] == "retention"
        assert noted["details"]["keep_days"] == 30

    async def test_a_rule_that_is_taken_away_deletes_nothing(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        old = await shelf.add("old.txt", HANDBOOK)
        answers_for(rows, old, 31)
        await keep(shelf, 30)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            found = await collections.find(ctx, "library")
            await collections.update(ctx, found.id, CollectionUpdate(description="Papers"))
        assert (await preview(shelf, None)).total == 1  # other changes leave the rule
        await keep(shelf, None)
        await night(shelf)
        assert await listed(shelf) == []

    async def test_it_holds_for_its_collection_alone(self, shelf: Shelf, rows: Rows) -> None:
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await collections.create(ctx, CollectionCreate(name="other", keep_days=1))
        old = await shelf.add("old.txt", HANDBOOK)
        answers_for(rows, old, 400)
        await night(shelf)
        assert await listed(shelf) == []

    async def test_a_trash_that_keeps_nothing_removes_for_good(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        old = await shelf.add("old.txt", HANDBOOK)
        answers_for(rows, old, 31)
        await keep(shelf, 30)
        with psycopg.connect(rows.url) as connection:
            act_for(connection, shelf.caller.tenant_id)
            connection.execute(
                "UPDATE tenant SET trash_days = 0 WHERE id = %s", [shelf.caller.tenant_id]
            )
        would = await preview(shelf, None)
        assert (would.total, would.is_final) == (1, True)
        await night(shelf)
        assert left(rows) == set()


class TestAge:
    async def test_a_restored_document_does_not_vanish_again(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        old = await shelf.add("old.txt", HANDBOOK)
        answers_for(rows, old, 31)
        await keep(shelf, 30)
        await night(shelf)
        await shelf.restore(old)
        await night(shelf)
        assert await listed(shelf) == []
        assert await rows.found("leave")
        answers_for(rows, old, 31)
        await night(shelf)
        assert await listed(shelf) == ["old.txt"]

    async def test_a_new_version_and_a_return_to_an_old_one_begin_anew(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        old = await shelf.add("old.txt", HANDBOOK)
        answers_for(rows, old, 31)
        await keep(shelf, 30)
        await shelf.add("old.txt", HANDBOOK + "\n\nMore.")
        await night(shelf)
        assert await listed(shelf) == []
        answers_for(rows, old, 31)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await versions.rollback(ctx, old.document_id, 1)
        await night(shelf)
        assert await listed(shelf) == []
        answers_for(rows, old, 31)
        await night(shelf)
        assert await listed(shelf) == ["old.txt"]

    async def test_reading_again_makes_nothing_young(self, shelf: Shelf, rows: Rows) -> None:
        old = await shelf.add("old.txt", HANDBOOK)
        answers_for(rows, old, 31)
        await keep(shelf, 30)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            job_id = await ingestion.read_again(ctx, old.version_id)
        await night(shelf)
        assert await listed(shelf) == []  # waits for the end of it
        assert job_id is not None
        await ingestion.process(shelf.platform, shelf.caller.tenant_id, job_id)
        await night(shelf)
        assert await listed(shelf) == ["old.txt"]

    async def test_the_time_in_the_trash_begins_with_it(self, shelf: Shelf, rows: Rows) -> None:
        old = await shelf.add("old.txt", HANDBOOK)
        answers_for(rows, old, 400)
        await keep(shelf, 30)
        await night(shelf)
        age(rows, old, shelf.platform.settings.trash_minutes - 1)
        await trash.purge_expired(shelf.platform)
        assert await listed(shelf) == ["old.txt"]
        age(rows, old, 1)
        await trash.purge_expired(shelf.platform)
        assert await listed(shelf) == []
        assert left(rows) == set()

    async def test_nothing_is_older_than_its_collection(self, shelf: Shelf, rows: Rows) -> None:
        """As what is imported, with the dates of where it comes from."""
        old = await shelf.add("old.txt", HANDBOOK)
        answers_for(rows, old, 400, collection_days=29)
        await keep(shelf, 30)
        await night(shelf)
        assert await listed(shelf) == []
        answers_for(rows, old, 0, collection_days=1)
        await night(shelf)
        assert await listed(shelf) == ["old.txt"]

    async def test_a_return_beside_it_is_not_trashed(self, shelf: Shelf, rows: Rows) -> None:
        old = await shelf.add("old.txt", HANDBOOK)
        await shelf.add("old.txt", HANDBOOK + "\n\nMore.")
        await keep(shelf, 30)
        for number in range(1, 9):
            answers_for(rows, old, 31)
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                await versions.rollback(ctx, old.document_id, 2 - number % 2)
                await night(shelf)  # it is locked
            await night(shelf)  # it has begun anew
            assert await listed(shelf) == []

    async def test_a_mail_waits_for_its_attachments(self, shelf: Shelf, rows: Rows) -> None:
        mail, part = await shelf.add("mail.txt", HANDBOOK), await shelf.add("part.txt", "Others.")
        for each in (mail, part):
            answers_for(rows, each, 31)
        attach = "UPDATE document SET attached_to = %s WHERE id = %s"
        change(rows, attach, mail.document_id, part.document_id)
        mark = "UPDATE document_version SET status = %s WHERE id = %s"
        change(rows, mark, "queued", part.version_id)
        await keep(shelf, 30)
        assert (await preview(shelf, None)).total == 0
        await night(shelf)
        assert await listed(shelf) == []
        change(rows, mark, "ready", part.version_id)
        await night(shelf)
        assert sorted(await listed(shelf)) == ["mail.txt", "part.txt"]

    async def test_one_that_cannot_be_deleted_stops_none_behind_it(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        stuck, free = await shelf.add("stuck.txt", HANDBOOK), await shelf.add("free.txt", "Others.")
        answers_for(rows, stuck, 40)
        answers_for(rows, free, 31)
        await keep(shelf, 30)
        change(
            rows,
            "ALTER TABLE document ADD CONSTRAINT stuck"
            " CHECK (filename <> 'stuck.txt' OR deleted_at IS NULL)",
        )
        try:
            await night(shelf)
        finally:
            change(rows, "ALTER TABLE document DROP CONSTRAINT stuck")
        assert await listed(shelf) == ["free.txt"]
        await night(shelf)
        assert sorted(await listed(shelf)) == ["free.txt", "stuck.txt"]


class TestRights:
    async def test_only_administrators_set_it_and_look(self, shelf: Shelf) -> None:
        await shelf.add("a.txt", HANDBOOK)
        people = People(shelf.platform, shelf.caller.tenant_id)
        director = await people.user(Role.DIRECTOR)
        async with unit_of_work(shelf.platform, director) as ctx:
            found = await collections.find(ctx, "library")
            await collections.update(ctx, found.id, CollectionUpdate(description="Papers"))
            for change in (CollectionUpdate(keep_days=3), CollectionUpdate(keep_days=None)):
                with pytest.raises(ForbiddenError):
                    await collections.update(ctx, found.id, change)
            with pytest.raises(ForbiddenError):
                await collections.create(ctx, CollectionCreate(name="new", keep_days=3))
            with pytest.raises(ForbiddenError):
                await retention.preview(ctx, found.id, 3)

    async def test_an_administrator_is_told_the_count_and_names_of_what_they_read(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        secret = await shelf.add("secret.txt", HANDBOOK, access_level=AccessLevel.RESTRICTED)
        public = await shelf.add("public.txt", "Others.", access_level=AccessLevel.PUBLIC)
        for each in (secret, public):
            answers_for(rows, each, 31)
        people = People(shelf.platform, shelf.caller.tenant_id)
        admin = await people.user(Role.EMPLOYEE, is_admin=True)
        would = await preview(shelf, 30, admin)
        assert (would.total, [each.id for each in would.documents]) == (2, [public.document_id])

    async def test_private_collections_have_rules_too(self, shelf: Shelf, rows: Rows) -> None:
        old = await shelf.add("old.txt", HANDBOOK)
        answers_for(rows, old, 31)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            found = await collections.find(ctx, "library")
            change = CollectionUpdate(visibility=Visibility.PRIVATE, keep_days=30)
            await collections.update(ctx, found.id, change)
        people = People(shelf.platform, shelf.caller.tenant_id)
        admin = await people.user(Role.DIRECTOR, is_admin=True)
        would = await preview(shelf, None, admin)
        assert (would.total, would.documents) == (1, [])
        await night(shelf)
        assert await listed(shelf) == ["old.txt"]
