"""Departments: for each a group and a private collection, and a proof of who sees what."""

import uuid
from collections.abc import Sequence

from citewell.access.policy import Effect, Scope, Visibility
from citewell.core.context import Context
from citewell.core.emails import normalise_email
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionExistsError, CollectionNotFoundError
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.sharing import repository, service
from citewell.features.sharing.schemas import (
    DepartmentsReport,
    GrantPut,
    Person,
    SeenRead,
)
from citewell.features.users import groups
from citewell.features.users import service as users
from citewell.features.users.errors import GroupNotFoundError, UserNotFoundError
from citewell.features.users.schemas import GroupCreate, UserCreate
from citewell.kit.pagination import MAX_LIMIT, Page, PageRequest
from citewell.models.tenancy import Group, User


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
    report.seen = await who_sees(ctx, [shelf for _, shelf in shelves.values()])
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


async def report(ctx: Context, request: PageRequest) -> Page[SeenRead]:
    """Users of the tenant, each with what they may do in its private collections.

    In all of them, also in such as are denied to the administrator who asks: a report without them
    would prove nothing.

    Raises:
        ForbiddenError: The caller is no administrator.
    """
    ctx.actor.require(Scope.ADMIN)
    return await repository.report(ctx.session, request, None)


async def who_sees(ctx: Context, shelves: Sequence[uuid.UUID]) -> list[SeenRead]:
    """For every user of the tenant what they may do in some private collections."""
    seen: list[SeenRead] = []
    number = 1
    while True:
        page = await repository.report(ctx.session, PageRequest(number, MAX_LIMIT), shelves)
        seen += page.items
        if number >= page.total_pages:
            return seen
        number += 1
