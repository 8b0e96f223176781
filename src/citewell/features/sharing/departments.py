"""Departments: for each a group and a private collection, and a proof of who sees what."""

import uuid
from collections.abc import Sequence

from citewell.access.policy import AccessLevel, DocumentFacts, Effect, Scope, Verb, Visibility
from citewell.core.context import Context, access_in
from citewell.core.emails import normalise_email
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionExistsError, CollectionNotFoundError
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.sharing import service
from citewell.features.sharing.schemas import (
    DepartmentsReport,
    GrantPut,
    Person,
    SeenRead,
)
from citewell.features.users import groups
from citewell.features.users import service as users
from citewell.features.users.errors import GroupNotFoundError, UserNotFoundError
from citewell.features.users.schemas import GroupCreate, UserCreate, UserFilter
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.tenancy import Group, User, UserStatus


async def set_up(ctx: Context, people: Sequence[Person]) -> DepartmentsReport:
    """Make what is missing of users, groups, private collections and grants; nothing is taken away.

    A department's group is granted its collection for writing. Done again, it changes nothing.

    Raises:
        ForbiddenError: The caller is no administrator, or gives a role above their own.
        InvalidEmailError: An address is none.
        CollectionExistsError: A department has the name of a collection that is not private.
        QuotaReachedError: The plan does not hold it.
    """
    ctx.actor.require(Scope.ADMIN)
    report = DepartmentsReport()
    shelves: dict[str, tuple[uuid.UUID, uuid.UUID]] = {}
    for name in sorted({name for person in people for name in person.departments}):
        shelves[name] = await _shelf(ctx, name, report)
    for person in people:
        user = await _user(ctx, person, report)
        for name in person.departments:
            await groups.add_member(ctx, shelves[name][0], user.id)
    await ctx.session.flush()
    report.seen = await who_sees(ctx, {name: shelf for name, (_, shelf) in shelves.items()})
    return report


async def _shelf(ctx: Context, name: str, report: DepartmentsReport) -> tuple[uuid.UUID, uuid.UUID]:
    """The group and the collection of a department."""
    group = await _group(ctx, name, report)
    try:
        collection = await collections.find(ctx, name)
    except CollectionNotFoundError:
        made = CollectionCreate(name=name, visibility=Visibility.PRIVATE)
        collection = await collections.create(ctx, made)
        report.collections.append(name)
    if collection.visibility != Visibility.PRIVATE:
        raise CollectionExistsError(name)
    rule = GrantPut(group_id=group.id, effect=Effect.WRITE)
    await service.put_grant(ctx, service.collection(collection.id), rule)
    return group.id, collection.id


async def _group(ctx: Context, name: str, report: DepartmentsReport) -> Group:
    try:
        return await groups.find(ctx, name)
    except GroupNotFoundError:
        report.groups.append(name)
        return await groups.create(ctx, GroupCreate(name=name))


async def _user(ctx: Context, person: Person, report: DepartmentsReport) -> User:
    try:
        return await users.find_by_email(ctx, person.email)
    except UserNotFoundError:
        data = UserCreate(email=person.email, name=person.name, role=person.role)
        made = await users.invite(ctx, data)
        report.invitations[normalise_email(person.email)] = made.token
        return made.user


async def report(ctx: Context) -> list[SeenRead]:
    """For every user of the tenant what they may do in each private collection.

    Raises:
        ForbiddenError: The caller is no administrator.
    """
    ctx.actor.require(Scope.ADMIN)
    shelves: dict[str, uuid.UUID] = {}
    number = 1
    while True:
        page = await collections.page(ctx, PageRequest(number, MAX_LIMIT))
        shelves |= {
            each.name: each.id for each in page.items if each.visibility == Visibility.PRIVATE
        }
        if number >= page.total_pages:
            return await who_sees(ctx, shelves)
        number += 1


async def who_sees(ctx: Context, shelves: dict[str, uuid.UUID]) -> list[SeenRead]:
    """For every user of the tenant what the policy lets them do in each private collection.

    It is asked of the same resolver that every request asks, with each user's own rights.
    """
    seen: list[SeenRead] = []
    number = 1
    while True:
        page = await users.page(ctx, PageRequest(number, MAX_LIMIT), UserFilter())
        seen += [await _seen(ctx, user, shelves) for user in page.items]
        if number >= page.total_pages:
            return seen
        number += 1


async def _seen(ctx: Context, user: User, shelves: dict[str, uuid.UUID]) -> SeenRead:
    access = await access_in(ctx.session, user.tenant_id, users.caller_of(user).actor)

    def may(verb: Verb, shelf: uuid.UUID) -> bool:
        # The most that a role opens: whatever is denied here is denied for every level.
        facts = DocumentFacts(uuid.UUID(int=0), shelf, int(AccessLevel.PUBLIC), None)
        return user.status != UserStatus.DEACTIVATED and access.allows(verb, facts)

    return SeenRead(
        email=user.email,
        role=users.caller_of(user).actor.role.name.lower(),
        is_admin=user.is_admin,
        reads=[name for name, shelf in shelves.items() if may(Verb.READ, shelf)],
        changes=[name for name, shelf in shelves.items() if may(Verb.WRITE, shelf)],
    )
