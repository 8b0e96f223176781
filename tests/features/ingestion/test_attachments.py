"""Files within mails and PDFs are documents of their own, which follow the one they came in."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path

import psycopg
import pytest
from document_files import write_pdf, write_xlsx
from sqlalchemy import select, update

from citewell.access.policy import AccessLevel, Effect, Role, Verb
from citewell.core.context import Context, unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.engine.parsing.limits import ParseLimits
from citewell.features.documents import placement
from citewell.features.documents import service as documents
from citewell.features.documents.registering import Registered
from citewell.features.documents.schemas import DocumentUpdate
from citewell.features.ingestion import service as ingestion
from citewell.features.sharing import service as sharing
from citewell.features.sharing.schemas import GrantPut
from citewell.features.trash import service as trash
from citewell.kit.ids import uuid7
from citewell.models.documents import Document
from citewell.models.grants import DocumentGrant
from citewell.models.tenancy import Tenant
from citewell.models.work import Job
from tests.acting import act_for
from tests.lasting import LastingParser
from tests.people import People
from tests.quiet import Shelf
from tests.waiting import PATIENCE

from .conftest import Rows


@pytest.fixture
async def desk(shelf: Shelf) -> AsyncIterator[Shelf]:
    """The shelf with the real parser."""
    parser = LastingParser(ParseLimits(memory_bytes=512 << 20, cpu_seconds=30))
    yield dataclasses.replace(shelf, platform=dataclasses.replace(shelf.platform, parser=parser))
    await parser.close()


def mail(folder: Path, *, price: str = "71.30", files: int = 2, inner: bytes = b"") -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"] = "Quarry prices", "Ana <ana@example.org>"
    message.set_content("Please find the prices attached.")
    sheet = write_xlsx(folder / "p.xlsx", {"S": [["Stone", "Price"], ["Basalt", price]]})
    page = write_pdf(folder / "p.pdf", [["The crane is inspected on 3 November 2026."]])
    attached = [
        (sheet.read_bytes(), "prices.xlsx"),
        (page.read_bytes(), "../../plan.pdf"),
        (sheet.read_bytes(), "prices.xlsx"),
    ]
    for data, name in attached[:files]:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    message.add_attachment(b"\0\1", maintype="application", subtype="zip", filename="drawings.zip")
    message.add_attachment(b"GIF8", maintype="image", subtype="gif", disposition="inline")
    if inner:
        message.add_attachment(
            inner, maintype="application", subtype="octet-stream", filename="inner.eml"
        )
    return message.as_bytes()


async def attached_to(desk: Shelf, mail: Registered) -> list[Document]:
    async with unit_of_work(desk.platform, desk.caller) as ctx:
        found = await ctx.session.scalars(
            select(Document)
            .where(Document.attached_to == mail.document_id)
            .order_by(Document.filename, Document.source)
        )
        return list(found)


async def do_jobs(desk: Shelf) -> None:
    """Do the open jobs until there are none."""
    while True:
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            ids = list(await ctx.session.scalars(select(Job.id).where(Job.status == "queued")))
        if not ids:
            return
        for job_id in ids:
            await ingestion.process(desk.platform, desk.caller.tenant_id, job_id)


async def waits(url: str, count: int) -> None:
    """Wait until so many sessions of the database wait for a lock of a row."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(PATIENCE):
        while True:
            with psycopg.connect(url, autocommit=True) as connection:
                if connection.execute(query).fetchone() == (count,):
                    return
            await asyncio.sleep(0.02)


async def prices(rows: Rows) -> set[str]:
    found = await rows.found("price of basalt")
    return {text.rpartition(" | ")[2] for text in found if "Basalt" in text}


class TestTakeIn:
    async def test_attachments_are_documents_and_follow_their_mail(
        self, desk: Shelf, rows: Rows
    ) -> None:
        added = await desk.register(
            "m.eml", mail(desk.folder), access_level=AccessLevel.CONFIDENTIAL
        )
        people = People(desk.platform, desk.caller.tenant_id)
        user_id = (await people.user(Role.EMPLOYEE)).actor.user_id
        other_id = (await people.user(Role.EMPLOYEE)).actor.user_id
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            rule = GrantPut(user_id=user_id, effect=Effect.READ)
            grant = await sharing.put_grant(ctx, sharing.document(added.document_id), rule)
        await desk.process(added)
        await do_jobs(desk)
        found = await attached_to(desk, added)
        assert [each.title for each in found] == [
            "plan.pdf (Quarry prices)", "prices.xlsx (Quarry prices)"
        ]  # fmt: skip
        assert {each.access_level for each in found} == {int(AccessLevel.CONFIDENTIAL)}
        assert await prices(rows) == {"71.30"}
        assert await rows.found("crane inspected")
        texts = [chunk["text"] for chunk in rows.chunks(active=True)]
        named = "Attachments: prices.xlsx, plan.pdf\nAttachments that are not read: drawings.zip"
        assert any(named in text for text in texts)

        async with unit_of_work(desk.platform, desk.caller) as ctx:
            page = await sharing.put_grant(
                ctx, sharing.document(added.document_id),
                GrantPut(user_id=other_id, effect=Effect.READ),
            )  # fmt: skip
            granted = await ctx.session.scalars(
                select(DocumentGrant.user_id).where(DocumentGrant.document_id == found[0].id)
            )
            assert set(granted) == {user_id, other_id}
            for each in (grant, page):
                await sharing.remove_grant(ctx, sharing.document(added.document_id), each.id)
            left = await ctx.session.scalars(select(DocumentGrant.id))
            assert list(left) == []
            change = DocumentUpdate(access_level="public")
            await documents.update(ctx, added.document_id, change)
        levels = {each.access_level for each in await attached_to(desk, added)}
        assert levels == {int(AccessLevel.PUBLIC)}

    async def test_the_same_mail_doubles_nothing_and_a_changed_one_is_a_new_version(
        self, desk: Shelf, rows: Rows
    ) -> None:
        added = await desk.add("m.eml", mail(desk.folder, files=3))
        await do_jobs(desk)
        first = [(each.id, each.filename) for each in await attached_to(desk, added)]
        assert [name for _, name in first] == ["plan.pdf", "prices.xlsx", "prices.xlsx"]
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            await documents.update(ctx, first[0][0], DocumentUpdate(title="The plan"))
            await ingestion.read_again(ctx, added.version_id)
        await do_jobs(desk)
        await desk.add("m.eml", mail(desk.folder, price="82.10", files=3))
        await do_jobs(desk)
        second = await attached_to(desk, added)
        assert [(each.id, each.filename) for each in second] == first
        assert second[0].title == "The plan"
        numbers = rows.select("SELECT document_id, max(number) AS n FROM document_version"
                              " WHERE {t} GROUP BY document_id")  # fmt: skip
        known = {row["document_id"]: row["n"] for row in numbers}
        assert [known[id_] for id_, _ in first] == [1, 2, 2]
        assert await prices(rows) == {"82.10"}

    async def test_they_are_deleted_restored_and_purged_with_it(
        self, desk: Shelf, rows: Rows
    ) -> None:
        added = await desk.add("m.eml", mail(desk.folder))
        await do_jobs(desk)
        plan, prices = await attached_to(desk, added)
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            await trash.delete(ctx, plan.id)
        await desk.delete(added)
        assert await attached_to(desk, added) == []
        assert await rows.found("basalt") == []
        await desk.restore(added)
        # An attachment that was deleted by itself before stays in the trash.
        assert [each.id for each in await attached_to(desk, added)] == [prices.id]
        assert await rows.found("basalt")
        await desk.delete(added)
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            await trash.purge(ctx, added.document_id)
        left = rows.select("SELECT id FROM document WHERE {t}")
        assert [row["id"] for row in left] == [plan.id]

    async def test_mails_within_mails_are_bounded(self, desk: Shelf, rows: Rows) -> None:
        inner = b""
        for price in ("1.11", "2.22", "3.33", "4.44", "5.55"):
            inner = mail(desk.folder, price=price, files=1, inner=inner)
        added = await desk.add("m.eml", inner)
        await do_jobs(desk)
        found = await attached_to(desk, added)
        assert sorted(each.filename for each in found) == ["inner.eml"] * 3 + ["prices.xlsx"] * 3
        assert await prices(rows) == {"5.55", "4.44", "3.33"}

    async def test_a_full_plan_is_said(self, desk: Shelf, own_url: str) -> None:
        added = await desk.register("m.eml", mail(desk.folder))
        with psycopg.connect(own_url) as connection:
            act_for(connection, desk.caller.tenant_id)
            limits = "UPDATE tenant SET limits = '{\"documents\": 1}' WHERE id = %s"
            connection.execute(limits, [desk.caller.tenant_id])
        await desk.process(added)
        version, _ = await desk.state(added)
        assert version.error_code == "attachments_refused"
        assert "attachments could not be taken in" in (version.error_detail or "")


class TestRights:
    async def test_a_rule_of_the_mail_opens_nothing_that_was_closed_further(
        self, desk: Shelf
    ) -> None:
        """Nobody gives what they do not have, nor purges what they may not change."""
        added = await desk.add("m.eml", mail(desk.folder), access_level=AccessLevel.INTERNAL)
        await do_jobs(desk)
        plan, prices = await attached_to(desk, added)
        people = People(desk.platform, desk.caller.tenant_id)
        manager, employee = await people.user(Role.MANAGER), await people.user(Role.EMPLOYEE)
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            await documents.update(ctx, plan.id, DocumentUpdate(access_level="restricted"))
        async with unit_of_work(desk.platform, manager) as ctx:
            for who, effect in ((manager, Effect.WRITE), (employee, Effect.READ)):
                given = GrantPut(user_id=who.actor.user_id, effect=effect)
                await sharing.put_grant(ctx, sharing.document(added.document_id), given)
        for who in (manager, employee):
            async with unit_of_work(desk.platform, who) as ctx:
                assert set(await documents.readable(ctx, [plan.id, prices.id])) == {prices.id}
        async with unit_of_work(desk.platform, manager) as ctx:
            await trash.delete(ctx, added.document_id)
        async with unit_of_work(desk.platform, manager) as ctx:
            await trash.purge(ctx, added.document_id)
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            await trash.restore(ctx, plan.id)

    async def test_a_rule_that_is_removed_or_lowered_leaves_closed_attachments_too(
        self, desk: Shelf
    ) -> None:
        added = await desk.add("m.eml", mail(desk.folder), access_level=AccessLevel.RESTRICTED)
        await do_jobs(desk)
        plan, prices = await attached_to(desk, added)
        people = People(desk.platform, desk.caller.tenant_id)
        first, second = await people.user(Role.EMPLOYEE), await people.user(Role.EMPLOYEE)
        shared = sharing.document(added.document_id)
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            rules = [
                await sharing.put_grant(
                    ctx, shared, GrantPut(user_id=each.actor.user_id, effect=Effect.WRITE)
                )
                for each in (first, second)
            ]
            # The mail is opened to others, the plan stays as closed as it was.
            await documents.update(ctx, plan.id, DocumentUpdate(access_level="restricted"))
            await documents.update(ctx, prices.id, DocumentUpdate(access_level="confidential"))
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            document = await documents.resolve(ctx, added.document_id, Verb.WRITE)
            document.access_level = int(AccessLevel.CONFIDENTIAL)
        async with unit_of_work(desk.platform, first) as ctx:
            assert set(await documents.readable(ctx, [plan.id])) == {plan.id}
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            await sharing.remove_grant(ctx, shared, rules[0].id)
            lower = GrantPut(user_id=second.actor.user_id, effect=Effect.READ)
            await sharing.put_grant(ctx, shared, lower)
        async with unit_of_work(desk.platform, first) as ctx:
            assert not await documents.readable(ctx, [added.document_id, plan.id, prices.id])
        async with unit_of_work(desk.platform, second) as ctx:
            assert set(await documents.readable(ctx, [plan.id])) == {plan.id}
            with pytest.raises(ForbiddenError):
                await documents.update(ctx, plan.id, DocumentUpdate(title="Mine"))

    async def test_without_a_trash_nobody_purges_attachments_they_may_not_change(
        self, desk: Shelf
    ) -> None:
        added = await desk.add("m.eml", mail(desk.folder), access_level=AccessLevel.INTERNAL)
        await do_jobs(desk)
        plan, _ = await attached_to(desk, added)
        people = People(desk.platform, desk.caller.tenant_id)
        manager = await people.user(Role.MANAGER)
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            await documents.update(ctx, plan.id, DocumentUpdate(access_level="restricted"))
        # The tenant's own choice counts, and not what the installation keeps.
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            await ctx.session.execute(update(Tenant).values(trash_days=0))
        for act in (trash.delete, trash.delete_for_good):
            with pytest.raises(ForbiddenError, match="attachments that you may not change"):
                async with unit_of_work(desk.platform, manager) as ctx:
                    await act(ctx, added.document_id)
        assert len(await attached_to(desk, added)) == 2
        await desk.delete(added)
        assert await attached_to(desk, added) == []

    async def test_what_is_denied_or_closed_while_a_nested_file_is_taken_in_holds_for_it(
        self, desk: Shelf, own_url: str
    ) -> None:
        inner = mail(desk.folder, files=1)
        added = await desk.add("m.eml", mail(desk.folder, files=0, inner=inner))
        [nested] = await attached_to(desk, added)
        reader = await People(desk.platform, desk.caller.tenant_id).user(Role.DIRECTOR)

        async def deny(ctx: Context) -> None:
            rule = GrantPut(user_id=reader.actor.user_id, effect=Effect.DENY)
            await sharing.put_grant(ctx, sharing.document(added.document_id), rule)

        async def close(ctx: Context) -> None:
            change = DocumentUpdate(access_level="restricted")
            await documents.update(ctx, added.document_id, change)

        async def done(action: Callable[[Context], Awaitable[None]]) -> None:
            async with unit_of_work(desk.platform, desk.caller) as ctx:
                await action(ctx)

        late: list[Document] = []
        for action in (deny, close):
            async with unit_of_work(desk.platform, desk.caller) as ctx:
                # As where a job registers what the mail within the mail holds.
                await placement.attached(ctx, nested.id, [])
                late.append(
                    Document(
                        tenant_id=ctx.tenant_id, id=uuid7(), collection_id=nested.collection_id,
                        title="late", filename="late", access_level=nested.access_level,
                        attached_to=added.document_id,
                    )
                )  # fmt: skip
                ctx.session.add(late[-1])
                await ctx.session.flush()
                acting = asyncio.create_task(done(action))
                await waits(own_url, 1)
            await acting
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            denied = await ctx.session.scalars(select(DocumentGrant.document_id))
            assert late[0].id in set(denied)
            level = await ctx.session.scalar(
                select(Document.access_level).where(Document.id == late[1].id)
            )
            assert level == AccessLevel.RESTRICTED

    async def test_another_mail_of_the_same_name_does_not_go_on_with_its_attachment(
        self, desk: Shelf
    ) -> None:
        first = await desk.add("m.eml", mail(desk.folder), access_level=AccessLevel.PUBLIC)
        await do_jobs(desk)
        _, kept = await attached_to(desk, first)
        await desk.delete(first)
        async with unit_of_work(desk.platform, desk.caller) as ctx:
            await trash.restore(ctx, kept.id)
        dearer = mail(desk.folder, price="999.99")
        second = await desk.add("m.eml", dearer, access_level=AccessLevel.RESTRICTED)
        await do_jobs(desk)
        _, prices = await attached_to(desk, second)
        assert prices.id != kept.id
        assert prices.access_level == AccessLevel.RESTRICTED
