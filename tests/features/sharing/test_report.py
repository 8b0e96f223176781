"""The report of who reads which private collection: what every request decides, page by page."""

import uuid
from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import update

from citewell.access.policy import AccessLevel, DocumentFacts, Effect, Role, Verb, Visibility
from citewell.core.context import Caller, access_in, unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.sharing import departments
from citewell.features.sharing.schemas import SeenRead
from citewell.kit.pagination import PageRequest
from citewell.models.tenancy import User
from tests.people import People

EFFECTS = (None, Effect.READ, Effect.WRITE, Effect.DENY)


async def decided(
    platform: Platform, user: Caller, shelves: dict[str, uuid.UUID], verb: Verb
) -> list[str]:
    """The collections in which the policy lets a user do something."""
    async with unit_of_work(platform, user) as ctx:
        access = await access_in(ctx.session, user.tenant_id, user.actor)
    facts = {
        name: DocumentFacts(uuid.uuid4(), shelf, AccessLevel.PUBLIC, None)
        for name, shelf in shelves.items()
    }
    return sorted(name for name, each in facts.items() if access.allows(verb, each))


async def read(platform: Platform, caller: Caller, request: PageRequest) -> list[SeenRead]:
    async with unit_of_work(platform, caller) as ctx:
        return (await departments.report(ctx, request)).items


class TestReport:
    async def test_it_says_what_every_request_decides(
        self, quiet: Platform, people: People
    ) -> None:
        users: dict[str, Caller] = {}
        for role in Role:
            for kind in ("own", "group"):
                address = f"{role}-{kind}@example.org"
                users[address] = await people.user(role, is_admin=kind == "own", email=address)
        group = await people.group(*(each for name, each in users.items() if "group" in name))
        shelves: dict[str, uuid.UUID] = {}
        for own, shared in product(EFFECTS, EFFECTS):
            name = f"{own}-{shared}"
            data = CollectionCreate(name=name, visibility=Visibility.PRIVATE)
            async with unit_of_work(quiet, people.operator) as ctx:
                shelves[name] = (await collections.create(ctx, data)).id
            if shared is not None:
                await people.rule(shared, collection=shelves[name], group=group)
            for user in users.values():
                if own is not None:
                    await people.rule(own, collection=shelves[name], user=user)
        async with unit_of_work(quiet, people.operator) as ctx:
            shelf = await collections.create(ctx, CollectionCreate(name="open"))
        await people.rule(Effect.WRITE, collection=shelf.id, group=group)
        found = await read(quiet, people.operator, PageRequest(1, 100))
        assert [each.email for each in found] == sorted(users)
        for each in found:
            user = users[each.email]
            assert each.role == user.actor.role.name.lower()
            assert each.is_admin == user.actor.is_admin
            reads = await decided(quiet, user, shelves, Verb.READ)
            assert sorted(each.reads) == reads, each.email
            changes = await decided(quiet, user, shelves, Verb.WRITE)
            assert sorted(each.changes) == changes, each.email
            assert len(reads) == 8 > len(changes) > 0
        # Collections denied to the asker are in it, as they are for others.
        admin = users[f"{Role.DIRECTOR}-own@example.org"]
        assert await read(quiet, admin, PageRequest(1, 100)) == found

    async def test_it_has_pages_and_says_who_cannot_sign_in_yet_or_any_more(
        self, quiet: Platform, people: People
    ) -> None:
        users = [await people.user(email=f"{n}@example.org") for n in range(5)]
        async with unit_of_work(quiet, people.operator) as ctx:
            data = CollectionCreate(name="closed", visibility=Visibility.PRIVATE)
            shelf = await collections.create(ctx, data)
        for user in users:
            await people.rule(Effect.READ, collection=shelf.id, user=user)
        async with unit_of_work(quiet, people.operator) as ctx:
            left = update(User).where(User.id == users[3].actor.user_id)
            await ctx.session.execute(left.values(status="deactivated"))
            invited = update(User).where(User.id == users[4].actor.user_id)
            await ctx.session.execute(invited.values(status="invited"))
            page = await departments.report(ctx, PageRequest(2, 2))
            table = await departments.who_sees(ctx, [shelf.id])
        assert (page.total, page.total_pages) == (5, 3)
        assert [(each.email, each.status, each.reads) for each in page.items] == [
            ("2@example.org", "active", ["closed"]), ("3@example.org", "deactivated", []),
        ]  # fmt: skip
        last = await read(quiet, people.operator, PageRequest(3, 2))
        assert [(each.status, each.reads) for each in last] == [("invited", ["closed"])]
        assert [each.reads for each in table] == [["closed"]] * 3 + [[], ["closed"]]
        assert await read(quiet, people.operator, PageRequest(9, 2)) == []
        stranger = replace(users[0], actor=replace(users[0].actor, role=Role.DIRECTOR))
        with pytest.raises(ForbiddenError):
            await read(quiet, stranger, PageRequest())
