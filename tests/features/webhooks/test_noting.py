"""Webhooks note nothing that their owner cannot read at that moment."""

import uuid

import pytest
from sqlalchemy import func, select, update

from citewell.access.policy import AccessLevel, Effect, Role, Scope, Visibility
from citewell.core.context import TENANT_SCOPES, Actor, ActorKind, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.conversations import files
from citewell.features.conversations import service as conversations
from citewell.features.conversations.schemas import ConversationCreate
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import NewFile
from citewell.features.identity import service as identity
from citewell.features.ingestion import service as ingestion
from citewell.features.jobs import service as jobs
from citewell.features.queries import service as queries
from citewell.features.queries.errors import QueryNotFoundError
from citewell.features.search import answers
from citewell.features.search.schemas import QueryRequest
from citewell.features.webhooks import sending, service, upkeep
from citewell.features.webhooks.schemas import WebhookCreate, WebhookEvent
from citewell.kit.pagination import PageRequest
from citewell.models.documents import DocumentVersion
from citewell.models.tenancy import ApiKey, Tenant, User
from citewell.models.webhooks import WebhookDelivery
from citewell.models.work import Job
from tests.people import People
from tests.quiet import Shelf

from .conftest import Receiver

LISTED = PageRequest(1, 100)


async def hooked(platform: Platform, owner: Caller, receiver: Receiver) -> uuid.UUID:
    """A webhook of an owner that is told of everything."""
    data = WebhookCreate(name="Ours", url=receiver.url, events=list(WebhookEvent))
    return (await service.create(platform, owner, data)).id


async def noted(platform: Platform, caller: Caller, hook: uuid.UUID) -> dict[str, set[uuid.UUID]]:
    """The log of a webhook: the objects of `document`, `job` and `answer`."""
    found: dict[str, set[uuid.UUID]] = {"document": set(), "job": set(), "answer": set()}
    async with unit_of_work(platform, caller) as ctx:
        rows = await ctx.session.scalars(
            select(WebhookDelivery).where(WebhookDelivery.webhook_id == hook)
        )
        for row in rows:
            found[row.event.partition(".")[0]].add(row.object_id)
    return found


async def key_of(platform: Platform, owner: Caller, *scopes: Scope) -> Caller:
    """The organisation's own key; `owner` with a user: a key of that user."""
    async with unit_of_work(platform, Caller(owner.tenant_id, Actor(ActorKind.OPERATOR))) as ctx:
        made = await identity.create_api_key(
            ctx, "key", scopes=scopes or TENANT_SCOPES, user_id=owner.actor.user_id
        )
    given = frozenset(scopes or TENANT_SCOPES)
    user = owner.actor
    is_admin = user.is_admin and Scope.ADMIN in given
    actor = Actor(ActorKind.API_KEY, made.id, user.user_id, user.role, is_admin, given)
    return Caller(owner.tenant_id, actor)


async def attached(shelf: Shelf, owner: Caller) -> None:
    """A file in a conversation of somebody's, ready."""
    async with unit_of_work(shelf.platform, owner) as ctx:
        talk = await conversations.create(ctx, ConversationCreate())
    path = shelf.folder / "offer.txt"
    path.write_text("An offer.")
    new = NewFile(path=path, filename="offer.txt", source="upload:offer.txt", collection_id=talk.id)
    await files.attach(shelf.platform, owner, talk.id, [new])
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        job_id = await ctx.session.scalar(select(Job.id).where(Job.status == "queued"))
    assert job_id is not None
    await ingestion.process(shelf.platform, owner.tenant_id, job_id)


class TestDocuments:
    async def test_what_is_noted_is_what_its_owner_can_ask_for(
        self, quiet: Platform, shelf: Shelf, people: People, receiver: Receiver
    ) -> None:
        manager = await people.user(Role.MANAGER)
        director = await people.user(Role.DIRECTOR)
        chief = await people.user(Role.DIRECTOR, is_admin=True)
        clerk = await people.user(Role.EMPLOYEE, is_admin=True)
        group = await people.group(manager, clerk)
        own = Caller(shelf.caller.tenant_id, Actor(ActorKind.OPERATOR))
        owners = [
            manager, director, chief, clerk, await key_of(quiet, own),
            await key_of(quiet, chief, Scope.READ, Scope.WRITE), people.operator,
        ]  # fmt: skip
        async with unit_of_work(quiet, people.operator) as ctx:
            closed = CollectionCreate(name="closed", visibility=Visibility.PRIVATE)
            shared = CollectionCreate(name="shared", visibility=Visibility.PRIVATE)
            denied = CollectionCreate(name="denied")
            shelves = [
                (await collections.create(ctx, each)).id for each in (closed, shared, denied)
            ]
        await people.rule(Effect.READ, collection=shelves[1], group=group)
        await people.rule(Effect.DENY, collection=shelves[2], user=director)
        hooks = {owner: await hooked(quiet, owner, receiver) for owner in owners}
        ids: list[uuid.UUID] = []
        for place, shelf_id in ((n, each) for n in range(4) for each in (None, *shelves)):
            level = AccessLevel(place)
            name = f"{level}-{shelf_id}.txt"
            file = await shelf.register(name, name, access_level=level, collection_id=shelf_id)
            ids.append(file.document_id)
            if (place, shelf_id) == (3, None):
                await people.rule(Effect.WRITE, document=file.document_id, user=clerk)
                await people.rule(Effect.DENY, document=file.document_id, user=chief)
            await shelf.process(file)
            if place == 2:
                await shelf.add(name, f"{name} again", access_level=level, collection_id=shelf_id)
        await attached(shelf, manager)
        async with unit_of_work(quiet, people.operator) as ctx:
            versions = select(func.count(DocumentVersion.id))
            assert await ctx.session.scalar(versions) == len(ids) + len(shelves) + 2
            all_jobs = list(await ctx.session.scalars(select(Job.id)))
        seen: list[int] = []
        for owner, hook in hooks.items():
            # As it is told: of the organisation's key and the operator nothing that is private.
            asking = owner
            if owner.actor.user_id is None:
                asking = Caller(owner.tenant_id, Actor(ActorKind.API_KEY, owner.actor.id))
            async with unit_of_work(quiet, asking) as ctx:
                readable = set(await documents.readable(ctx, ids))
                of_jobs = set(await jobs.readable(ctx, all_jobs))
            there = await noted(quiet, people.operator, hook)
            assert there["document"] == readable, owner
            assert there["job"] == of_jobs, owner
            seen.append(len(readable))
        assert seen == [10, 4, 7, 9, 8, 7, 8]

    async def test_what_is_taken_away_before_it_is_told_leaves_nothing(
        self, quiet: Platform, shelf: Shelf, people: People, receiver: Receiver
    ) -> None:
        manager = await people.user(Role.MANAGER)
        hook = await hooked(quiet, manager, receiver)
        file = await shelf.add("a.txt", "words")
        assert (await noted(quiet, people.operator, hook))["document"] == {file.document_id}
        await people.rule(Effect.DENY, document=file.document_id, user=manager)
        async with unit_of_work(quiet, people.operator) as ctx:
            deliveries = list(await ctx.session.scalars(select(WebhookDelivery.id)))
        system = Caller(people.tenant_id, Actor(ActorKind.SYSTEM))
        for each in deliveries:
            assert await sending.tell(quiet, system, hook, each)
        async with unit_of_work(quiet, manager) as ctx:
            assert (await service.deliveries(ctx, hook, LISTED)).items == []
            assert (await service.get(ctx, hook)).failures == 0
        there = await noted(quiet, people.operator, hook)
        assert there == {"document": set(), "job": set(), "answer": set()}
        assert receiver.messages == []

    async def test_what_former_versions_withheld_is_not_shown(
        self, quiet: Platform, shelf: Shelf, people: People, receiver: Receiver
    ) -> None:
        hook = await hooked(quiet, people.operator, receiver)
        await shelf.add("a.txt", "words")
        async with unit_of_work(quiet, people.operator) as ctx:
            withheld = update(WebhookDelivery).where(WebhookDelivery.event == "document.created")
            await ctx.session.execute(withheld.values(status="withheld"))
        async with unit_of_work(quiet, people.operator) as ctx:
            page = await service.deliveries(ctx, hook, LISTED)
            assert ([each.event for each in page.items], page.total) == (["job.succeeded"], 1)
        await upkeep.forget_old(quiet)
        assert (await noted(quiet, people.operator, hook))["document"] == set()


class TestAnswers:
    async def test_questions_of_others_are_noted_as_the_log_tells_of_them(
        self, quiet: Platform, people: People, receiver: Receiver
    ) -> None:
        manager, clerk = await people.user(Role.MANAGER), await people.user(is_admin=True)
        hooks = {owner: await hooked(quiet, owner, receiver) for owner in (manager, clerk)}
        asked: list[uuid.UUID] = []
        for privacy in ("full", "anonymous", "off"):
            async with unit_of_work(quiet, people.operator) as ctx:
                changed = update(Tenant).where(Tenant.id == people.tenant_id)
                await ctx.session.execute(changed.values(question_log=privacy))
            for caller in (people.operator, manager, clerk):
                reply = await answers.answer(quiet, caller, QueryRequest(query="How many days?"))
                asked.append(reply.query_id)
            if privacy == "full":
                expected = {owner: set[uuid.UUID]() for owner in hooks}
            # As each may read it at that moment.
            for owner in hooks:
                for query_id in asked[-3:]:
                    async with unit_of_work(quiet, owner) as ctx:
                        try:
                            await queries.get(ctx, query_id)
                        except QueryNotFoundError:
                            continue
                    expected[owner].add(query_id)
        for owner, hook in hooks.items():
            assert (await noted(quiet, people.operator, hook))["answer"] == expected[owner]
        assert [len(each) for each in expected.values()] == [7, 3]


class TestOwners:
    @pytest.mark.parametrize("end", ["demoted", "deactivated", "revoked"])
    async def test_nothing_is_noted_for_an_owner_who_may_have_none_and_it_is_turned_off(
        self, quiet: Platform, shelf: Shelf, people: People, receiver: Receiver, end: str
    ) -> None:
        manager = await people.user(Role.MANAGER)
        owner = await key_of(quiet, manager)
        hook, other = [await hooked(quiet, each, receiver) for each in (owner, people.operator)]
        async with unit_of_work(quiet, people.operator) as ctx:
            user = update(User).where(User.id == manager.actor.user_id)
            await ctx.session.execute(
                {
                    "demoted": user.values(role=int(Role.EMPLOYEE)),
                    "deactivated": user.values(status="deactivated"),
                    "revoked": update(ApiKey).values(revoked_at=func.now()),
                }[end]
            )
        file = await shelf.add("a.txt", "words", access_level=AccessLevel.PUBLIC)
        assert (await noted(quiet, people.operator, hook))["document"] == set()
        assert (await noted(quiet, people.operator, other))["document"] == {file.document_id}
        await upkeep.turn_off_ended(quiet)
        async with unit_of_work(quiet, people.operator) as ctx:
            shown = [await service.get(ctx, each) for each in (hook, other)]
        assert [each.is_active for each in shown] == [False, True]
        assert shown[0].disabled_reason == sending.OWNER_ENDED
