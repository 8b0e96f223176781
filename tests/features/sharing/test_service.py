"""Rules through the service: who makes them, what they change and when."""

import uuid
from collections.abc import Awaitable
from dataclasses import replace

import pytest
from sqlalchemy import select

from citewell.access.policy import AccessLevel, Effect, Role, Scope
from citewell.core.context import SYSTEM, ActorKind, Caller, Context, unit_of_work
from citewell.core.errors import AppError, ForbiddenError
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionNotFoundError
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.documents.schemas import DocumentUpdate
from citewell.features.search import service as search
from citewell.features.search.schemas import SearchRequest
from citewell.features.sharing import service
from citewell.features.sharing.errors import GrantNotFoundError
from citewell.features.sharing.schemas import AccessExplanation, GrantPut
from citewell.features.users.errors import GroupNotFoundError, UserNotFoundError
from citewell.kit.pagination import PageRequest
from citewell.models.records import AuditEvent
from tests.conftest import new_caller
from tests.people import People, with_scopes
from tests.quiet import Shelf

CONFIDENTIAL, RESTRICTED = AccessLevel.CONFIDENTIAL, AccessLevel.RESTRICTED


async def put(
    platform: Platform,
    caller: Caller,
    shared: service.Shared,
    effect: Effect,
    user: Caller | None = None,
    group: uuid.UUID | None = None,
) -> uuid.UUID:
    """Make a rule as someone; returns its id."""
    user_id = user.actor.user_id if user else None
    async with unit_of_work(platform, caller) as ctx:
        data = GrantPut(user_id=user_id, group_id=group, effect=effect)
        return (await service.put_grant(ctx, shared, data)).id


async def remove(
    platform: Platform, caller: Caller, shared: service.Shared, grant: uuid.UUID
) -> None:
    async with unit_of_work(platform, caller) as ctx:
        await service.remove_grant(ctx, shared, grant)


async def rules(
    platform: Platform, caller: Caller, shared: service.Shared
) -> list[tuple[uuid.UUID | None, uuid.UUID | None, str]]:
    async with unit_of_work(platform, caller) as ctx:
        page = await service.grants(ctx, shared, PageRequest())
        assert page.total == len(page.items)
        return [(item.user_id, item.group_id, item.effect) for item in page.items]


async def new_collection(platform: Platform, caller: Caller) -> uuid.UUID:
    async with unit_of_work(platform, caller) as ctx:
        return (await collections.create(ctx, CollectionCreate(name=uuid.uuid4().hex))).id


async def explained(
    platform: Platform, caller: Caller, document_id: uuid.UUID, wanted: str | None = None
) -> AccessExplanation:
    async with unit_of_work(platform, caller) as ctx:
        return await service.explain_access(ctx, document_id, wanted)


async def found(platform: Platform, caller: Caller, **more: object) -> set[uuid.UUID]:
    """Documents a search finds; all chunks of these tests have the word."""
    request = SearchRequest(query="harbour", top_k=50, **more)  # pyright: ignore[reportArgumentType]
    reply = await search.search(platform, caller, request)
    return {hit.document_id for hit in reply.results}


async def reads(platform: Platform, caller: Caller, document_id: uuid.UUID) -> bool:
    """Whether someone reads the document, by its id, in the list and by search alike."""
    try:
        async with unit_of_work(platform, caller) as ctx:
            await documents.get(ctx, document_id)
        by_id = True
    except DocumentNotFoundError:
        by_id = False
    async with unit_of_work(platform, caller) as ctx:
        page = await documents.page(ctx, PageRequest(limit=100))
    assert page.total == len(page.items)
    listed = document_id in {state.document.id for state in page.items}
    assert by_id == listed == (document_id in await found(platform, caller))
    return by_id


async def error_of(action: Awaitable[object]) -> tuple[type[AppError], str]:
    """The error that an action is refused with."""
    with pytest.raises(AppError) as raised:
        await action
    return type(raised.value), raised.value.detail


class TestAccess:
    async def test_access_is_that_of_the_actor_also_within_another_s_unit_of_work(
        self, quiet: Platform, people: People
    ) -> None:
        guest = await people.user(Role.GUEST)
        for first, second in ((guest.actor, SYSTEM), (SYSTEM, guest.actor)):
            async with unit_of_work(quiet, Caller(guest.tenant_id, first)) as ctx:
                both = [ctx, replace(ctx, actor=second)]
                levels = {each.actor.kind: (await each.access()).read.max_level for each in both}
            assert levels[ActorKind.SYSTEM] == AccessLevel.RESTRICTED
            assert levels[ActorKind.USER] == AccessLevel.PUBLIC


class TestEffects:
    async def test_grants_and_denials_hold_from_the_next_unit_of_work_on(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        secret = await shelf.add("a.txt", "harbour plans", access_level=RESTRICTED)
        open_ = await shelf.add("b.txt", "harbour hours", access_level=AccessLevel.PUBLIC)
        reader = await people.user(Role.EMPLOYEE)
        group = await people.group(reader)
        one, two = service.document(secret.document_id), service.document(open_.document_id)

        assert not await reads(quiet, reader, one.id)
        granted = await put(quiet, shelf.caller, one, Effect.READ, user=reader)
        assert await reads(quiet, reader, one.id)
        denied = await put(quiet, shelf.caller, one, Effect.DENY, group=group)
        assert not await reads(quiet, reader, one.id)
        await remove(quiet, shelf.caller, one, denied)
        assert await reads(quiet, reader, one.id)
        await remove(quiet, shelf.caller, one, granted)
        assert not await reads(quiet, reader, one.id)

        await put(quiet, shelf.caller, two, Effect.DENY, user=reader)
        assert not await reads(quiet, reader, two.id)
        await put(quiet, shelf.caller, two, Effect.READ, user=reader)
        assert await reads(quiet, reader, two.id)

    async def test_rule_of_a_collection_holds_for_its_documents(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        where = await new_collection(quiet, shelf.caller)
        inside = await shelf.add(
            "a.txt", "harbour plans", access_level=RESTRICTED, collection_id=where
        )
        guest = await people.user(Role.GUEST)
        group = await people.group(guest)
        shared = service.collection(where)
        await put(quiet, shelf.caller, shared, Effect.READ, group=group)
        assert await reads(quiet, guest, inside.document_id)
        director = await people.user(Role.DIRECTOR)
        await put(quiet, shelf.caller, shared, Effect.DENY, user=director)
        assert not await reads(quiet, director, inside.document_id)
        await people.rule(Effect.WRITE, document=inside.document_id, user=director)
        assert not await reads(quiet, director, inside.document_id)
        expected = (CollectionNotFoundError, f"There is no collection `{where}`.")
        assert await error_of(found(quiet, director, collection_ids=[where])) == expected

    async def test_one_rule_for_each_principal(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        made = await shelf.register("a.txt", "harbour")
        shared = service.document(made.document_id)
        one, other = await people.user(), await people.user()
        group = await people.group()
        first = await put(quiet, shelf.caller, shared, Effect.READ, user=one)
        await put(quiet, shelf.caller, shared, Effect.READ, user=other)
        await put(quiet, shelf.caller, shared, Effect.DENY, group=group)
        assert await put(quiet, shelf.caller, shared, Effect.WRITE, user=one) == first
        assert await rules(quiet, shelf.caller, shared) == [
            (one.actor.user_id, None, "write"),
            (other.actor.user_id, None, "read"),
            (None, group, "deny"),
        ]

    async def test_leaving_a_group_ends_what_it_gave(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        made = await shelf.add("a.txt", "harbour", access_level=RESTRICTED)
        reader = await people.user()
        group = await people.group(reader)
        await people.rule(Effect.READ, document=made.document_id, group=group)
        assert await reads(quiet, reader, made.document_id)
        await people.leave(group, reader)
        assert not await reads(quiet, reader, made.document_id)


class TestWhoMayShare:
    async def test_document_is_shared_by_those_who_may_change_it(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        made = await shelf.register("a.txt", "harbour", access_level=CONFIDENTIAL)
        shared = service.document(made.document_id)
        friend = await people.user()
        for role, allowed in (
            (Role.GUEST, DocumentNotFoundError),
            (Role.EMPLOYEE, DocumentNotFoundError),
            (Role.MANAGER, None),
            (Role.DIRECTOR, None),
        ):
            someone = await people.user(role)
            attempt = put(quiet, someone, shared, Effect.READ, user=friend)
            if allowed is None:
                await attempt
            else:
                assert (await error_of(attempt))[0] is allowed
        reader, writer = await people.user(), await people.user()
        await people.rule(Effect.READ, document=made.document_id, user=reader)
        await people.rule(Effect.WRITE, document=made.document_id, user=writer)
        for action in (
            put(quiet, reader, shared, Effect.READ, user=friend),
            rules(quiet, reader, shared),
            remove(quiet, reader, shared, uuid.uuid4()),
        ):
            assert (await error_of(action))[0] is ForbiddenError
        grant = await put(quiet, writer, shared, Effect.WRITE, user=friend)
        await remove(quiet, writer, shared, grant)

    async def test_whoever_was_given_a_document_takes_it_from_nobody(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        made = await shelf.add("a.txt", "harbour", access_level=RESTRICTED)
        shared = service.document(made.document_id)
        writer, director = await people.user(), await people.user(Role.DIRECTOR)
        other = await people.user(Role.DIRECTOR)
        await people.rule(Effect.WRITE, document=made.document_id, user=writer)
        attempt = put(quiet, writer, shared, Effect.DENY, user=director)
        assert (await error_of(attempt))[0] is ForbiddenError
        assert await reads(quiet, director, made.document_id)
        denial = await put(quiet, director, shared, Effect.DENY, user=other)
        for lifting in (
            remove(quiet, writer, shared, denial),
            put(quiet, writer, shared, Effect.READ, user=other),
        ):
            assert (await error_of(lifting))[0] is ForbiddenError
        assert not await reads(quiet, other, made.document_id)
        async with unit_of_work(quiet, writer) as ctx:
            opening = documents.update(ctx, made.document_id, DocumentUpdate(access_level="public"))
            assert (await error_of(opening))[0] is ForbiddenError
        await remove(quiet, director, shared, denial)
        assert await reads(quiet, other, made.document_id)

    async def test_manager_does_not_lift_what_was_denied_on_a_collection(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        where = await new_collection(quiet, shelf.caller)
        shared = service.collection(where)
        manager, friend = await people.user(Role.MANAGER), await people.user()
        denial = await put(quiet, shelf.caller, shared, Effect.DENY, user=friend)
        assert (await error_of(remove(quiet, manager, shared, denial)))[0] is ForbiddenError
        assert await rules(quiet, shelf.caller, shared) == [(friend.actor.user_id, None, "deny")]
        await remove(quiet, await people.user(Role.DIRECTOR), shared, denial)
        assert await rules(quiet, shelf.caller, shared) == []

    async def test_owner_shares_what_they_added(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        owner, friend = await people.user(), await people.user(Role.GUEST)
        mine = Shelf(quiet, owner, shelf.folder)
        await shelf.register("0.txt", "makes the default collection")
        made = await mine.add("a.txt", "harbour")
        assert not await reads(quiet, friend, made.document_id)
        await put(quiet, owner, service.document(made.document_id), Effect.READ, user=friend)
        assert await reads(quiet, friend, made.document_id)

    async def test_nobody_gives_a_collection_they_do_not_have_whole(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        where = await new_collection(quiet, shelf.caller)
        secret = await shelf.add("a.txt", "harbour", access_level=RESTRICTED, collection_id=where)
        shared = service.collection(where)
        manager, friend = await people.user(Role.MANAGER), await people.user()
        for effect in (Effect.READ, Effect.WRITE):
            for whom in (manager, friend):
                kind, _ = await error_of(put(quiet, manager, shared, effect, user=whom))
                assert kind is ForbiddenError
        assert not await reads(quiet, manager, secret.document_id)
        await put(quiet, manager, shared, Effect.DENY, user=friend)
        await people.rule(Effect.READ, collection=where, user=manager)
        await put(quiet, manager, shared, Effect.READ, user=friend)
        kind, _ = await error_of(put(quiet, manager, shared, Effect.WRITE, user=friend))
        assert kind is ForbiddenError
        director = await people.user(Role.DIRECTOR)
        await put(quiet, director, shared, Effect.WRITE, user=friend)
        employee = await people.user()
        await people.rule(Effect.WRITE, collection=where, user=employee)
        assert (await error_of(rules(quiet, employee, shared)))[0] is ForbiddenError

    async def test_administrator_shares_what_they_cannot_read_and_sees_ids_only(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        made = await shelf.add("a.txt", "harbour", access_level=RESTRICTED)
        admin, friend = await people.user(is_admin=True), await people.user()
        shared = service.document(made.document_id)
        await put(quiet, admin, shared, Effect.READ, user=friend)
        assert await rules(quiet, admin, shared) == [(friend.actor.user_id, None, "read")]
        assert not await reads(quiet, admin, made.document_id)
        keyed = with_scopes(admin, Scope.READ, Scope.WRITE)
        assert (await error_of(rules(quiet, keyed, shared)))[0] is DocumentNotFoundError

    async def test_hidden_foreign_and_missing_are_the_same(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        made = await shelf.register("a.txt", "harbour", access_level=RESTRICTED)
        manager, friend = await people.user(Role.MANAGER), await people.user()
        elsewhere = People(quiet, (await new_caller(quiet)).tenant_id)
        stranger = await elsewhere.user()
        foreign_group = await elsewhere.group()
        nobody = uuid.uuid4()
        for hidden in (made.document_id, nobody):
            shared = service.document(hidden)
            kind, told = await error_of(put(quiet, manager, shared, Effect.READ, user=friend))
            assert (kind, told.replace(str(hidden), "ID")) == (
                DocumentNotFoundError,
                "There is no document `ID`.",
            )
        for caller in (stranger, elsewhere.operator):
            shared = service.document(made.document_id)
            kind, _ = await error_of(put(quiet, caller, shared, Effect.READ, user=stranger))
            assert kind is DocumentNotFoundError
            shared = service.collection(await self._collection_of(quiet, shelf, made.document_id))
            kind, _ = await error_of(put(quiet, caller, shared, Effect.READ, user=stranger))
            assert kind is CollectionNotFoundError
        mine = service.document(made.document_id)
        ghost = people.caller(nobody, Role.GUEST)
        for whom in (stranger, ghost):
            attempt = put(quiet, shelf.caller, mine, Effect.READ, user=whom)
            assert (await error_of(attempt))[0] is UserNotFoundError
        for group in (foreign_group, nobody):
            attempt = put(quiet, shelf.caller, mine, Effect.READ, group=group)
            assert (await error_of(attempt))[0] is GroupNotFoundError

    @staticmethod
    async def _collection_of(platform: Platform, shelf: Shelf, document_id: uuid.UUID) -> uuid.UUID:
        async with unit_of_work(platform, shelf.caller) as ctx:
            return (await documents.get(ctx, document_id)).document.collection_id

    async def test_rule_of_another_object_is_not_removed(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        one = service.document((await shelf.register("a.txt", "harbour")).document_id)
        two = service.document((await shelf.register("b.txt", "harbour")).document_id)
        grant = await put(quiet, shelf.caller, one, Effect.READ, user=await people.user())
        for shared, wanted in ((two, grant), (one, uuid.uuid4())):
            kind, _ = await error_of(remove(quiet, shelf.caller, shared, wanted))
            assert kind is GrantNotFoundError
        await remove(quiet, shelf.caller, one, grant)
        assert await rules(quiet, shelf.caller, one) == []


class TestTrail:
    async def test_each_rule_is_noted_with_ids_only(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        shared = service.document((await shelf.register("a.txt", "harbour")).document_id)
        director, friend = await people.user(Role.DIRECTOR), await people.user()
        grant = await put(quiet, director, shared, Effect.READ, user=friend)
        await put(quiet, director, shared, Effect.DENY, user=friend)
        await remove(quiet, director, shared, grant)
        async with unit_of_work(quiet, shelf.caller) as ctx:
            events = [one for one in await _events(ctx, shared.id) if "created" not in one.action]
        whom = {"grant_id": str(grant), "user_id": str(friend.actor.user_id)}
        assert [(event.action, event.details) for event in events] == [
            ("document.granted", {**whom, "before": None, "effect": "read"}),
            ("document.denied", {**whom, "before": "read", "effect": "deny"}),
            ("document.grant_removed", {**whom, "before": "deny"}),
        ]
        assert {event.actor_id for event in events} == {director.actor.user_id}


async def _events(ctx: Context, object_id: uuid.UUID) -> list[AuditEvent]:
    rows = await ctx.session.scalars(
        select(AuditEvent).where(AuditEvent.object_id == object_id).order_by(AuditEvent.id)
    )
    return list(rows)


class TestExplain:
    async def test_reasons_name_rule_group_and_level(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        made = await shelf.register("a.txt", "harbour", access_level=CONFIDENTIAL)
        reader = await people.user(email="reader@example.org")
        group = await people.group(reader)
        grant = await people.rule(Effect.READ, document=made.document_id, group=group)
        told = await explained(quiet, shelf.caller, made.document_id, " Reader@Example.org")
        assert told.user.id == reader.actor.user_id
        assert (told.user.role, told.user.status) == ("employee", "active")
        assert told.access_level == "confidential"
        assert told.read.allowed
        assert not told.write.allowed
        [first, *others] = told.read.reasons
        assert (first.code, first.grant_id, first.group_id) == ("document_granted", grant, group)
        assert "for reading" in first.detail
        assert [reason.code for reason in others] == ["role_below_level"]
        assert [reason.code for reason in told.write.reasons] == [
            "document_granted_for_reading",
            "role_writes_own_only",
        ]

    async def test_denial_comes_first(self, quiet: Platform, shelf: Shelf, people: People) -> None:
        made = await shelf.register("a.txt", "harbour")
        director = await people.user(Role.DIRECTOR)
        await people.rule(Effect.DENY, document=made.document_id, user=director)
        told = await explained(quiet, shelf.caller, made.document_id, str(director.actor.user_id))
        assert not told.read.allowed
        assert [reason.code for reason in told.read.reasons] == [
            "document_denied",
            "role_reads_level",
        ]
        assert {reason.code for reason in told.write.reasons} == {
            "document_denied",
            "not_readable",
            "role_writes_level",
        }

    async def test_everyone_asks_about_themselves_only_administrators_about_others(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        made = await shelf.register("a.txt", "harbour")
        secret = await shelf.register("b.txt", "harbour", access_level=RESTRICTED)
        reader = await people.user(email="self@example.org")
        other = await people.user(email="other@example.org")
        for wanted in (None, "self@example.org", str(reader.actor.user_id)):
            told = await explained(quiet, reader, made.document_id, wanted)
            assert told.user.id == reader.actor.user_id
        for wanted in ("other@example.org", str(other.actor.user_id), "nobody@example.org", "x"):
            kind, _ = await error_of(explained(quiet, reader, made.document_id, wanted))
            assert kind is ForbiddenError
        for hidden in (secret.document_id, uuid.uuid4()):
            kind, _ = await error_of(explained(quiet, reader, hidden))
            assert kind is DocumentNotFoundError
        admin = await people.user(Role.GUEST, is_admin=True)
        told = await explained(quiet, admin, secret.document_id, "other@example.org")
        assert not told.read.allowed
        for wanted in ("nobody@example.org", "x", str(uuid.uuid4())):
            kind, _ = await error_of(explained(quiet, admin, made.document_id, wanted))
            assert kind is UserNotFoundError

    async def test_software_of_the_organisation_reaches_everything(
        self, quiet: Platform, shelf: Shelf
    ) -> None:
        made = await shelf.register("a.txt", "harbour", access_level=RESTRICTED)
        told = await explained(quiet, shelf.caller, made.document_id)
        assert told.user.id is None
        assert told.read.allowed
        assert told.write.allowed


class TestViewAs:
    async def test_administrator_finds_what_the_user_finds_and_it_is_noted(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        await shelf.add("a.txt", "harbour plans", access_level=RESTRICTED)
        open_ = await shelf.add("b.txt", "harbour hours", access_level=AccessLevel.PUBLIC)
        guest = await people.user(Role.GUEST)
        admin = await people.user(Role.DIRECTOR, is_admin=True)
        assert len(await found(quiet, admin)) == 2
        seen = await found(quiet, admin, as_user_id=guest.actor.user_id)
        assert seen == {open_.document_id}
        async with unit_of_work(quiet, shelf.caller) as ctx:
            assert guest.actor.user_id is not None
            [event] = await _events(ctx, guest.actor.user_id)
        assert (event.action, event.actor_id) == ("search.viewed_as", admin.actor.user_id)
        assert event.details == {}

    async def test_others_may_not_and_learn_nothing_of_users(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        await shelf.add("a.txt", "harbour plans")
        director, other = await people.user(Role.DIRECTOR), await people.user()
        for wanted in (other.actor.user_id, uuid.uuid4()):
            kind, _ = await error_of(found(quiet, director, as_user_id=wanted))
            assert kind is ForbiddenError
        kind, _ = await error_of(found(quiet, shelf.caller, as_user_id=uuid.uuid4()))
        assert kind is UserNotFoundError
