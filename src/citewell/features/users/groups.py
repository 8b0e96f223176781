"""Groups of users: made and filled by administrators, seen by their members."""

import uuid

from citewell.access.policy import Scope
from citewell.core.context import Context
from citewell.features.audit import service as audit
from citewell.features.users import repository
from citewell.features.users.errors import (
    GroupExistsError,
    GroupNotFoundError,
    MemberNotFoundError,
    UserNotFoundError,
)
from citewell.features.users.schemas import GroupCreate, GroupUpdate
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.tenancy import Group, User

NOBODY = uuid.UUID(int=0)
"""Id that no user has; software without the right of administration sees no groups."""


async def page(ctx: Context, request: PageRequest) -> Page[Group]:
    """Groups by name; for others than administrators those they are in."""
    return await repository.group_page(ctx.session, request, _limited_to(ctx))


async def get(ctx: Context, group_id: uuid.UUID) -> Group:
    """A group.

    Raises:
        GroupNotFoundError: There is none, or the caller is neither in it nor an administrator.
    """
    group = await repository.group(ctx.session, group_id, _limited_to(ctx))
    if group is None:
        raise GroupNotFoundError(group_id)
    return group


async def find(ctx: Context, name: str) -> Group:
    """The group of that name, whatever its case.

    Raises:
        ForbiddenError: The caller is no administrator.
        GroupNotFoundError: There is none.
    """
    ctx.actor.require(Scope.ADMIN)
    group = await repository.group_by_name(ctx.session, name.strip())
    if group is None:
        raise GroupNotFoundError(name)
    return group


async def create(ctx: Context, data: GroupCreate) -> Group:
    """Make a group.

    Raises:
        ForbiddenError: The caller is no administrator.
        GroupExistsError: The name is taken.
    """
    ctx.actor.require(Scope.ADMIN)
    values: dict[str, object] = {"tenant_id": ctx.tenant_id, "id": uuid7(), **data.model_dump()}
    group = await repository.add_group(ctx.session, values)
    if group is None:
        raise GroupExistsError(data.name)
    await _record(ctx, group.id, "created")
    return group


async def update(ctx: Context, group_id: uuid.UUID, data: GroupUpdate) -> Group:
    """Change name or description of a group.

    Raises:
        ForbiddenError: The caller is no administrator.
        GroupNotFoundError: There is none.
        GroupExistsError: The new name is taken.
    """
    ctx.actor.require(Scope.ADMIN)
    group = await get(ctx, group_id)
    changes: dict[str, str] = data.model_dump(exclude_none=True)
    for name, value in changes.items():
        setattr(group, name, value)
    if not await repository.save(ctx.session, group):
        raise GroupExistsError(changes["name"])
    await _record(ctx, group_id, "updated", fields=sorted(changes))
    return group


async def remove(ctx: Context, group_id: uuid.UUID) -> None:
    """Remove a group with its memberships and the rules that name it.

    Raises:
        ForbiddenError: The caller is no administrator.
        GroupNotFoundError: There is none.
    """
    ctx.actor.require(Scope.ADMIN)
    if not await repository.remove_group(ctx.session, group_id):
        raise GroupNotFoundError(group_id)
    await _record(ctx, group_id, "deleted")


async def members(ctx: Context, group_id: uuid.UUID, request: PageRequest) -> Page[User]:
    """The users of a group by e-mail address.

    Raises:
        ForbiddenError: The caller is no administrator.
        GroupNotFoundError: There is none.
    """
    ctx.actor.require(Scope.ADMIN)
    await get(ctx, group_id)
    return await repository.members(ctx.session, group_id, request)


async def add_member(ctx: Context, group_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Put a user into a group; nothing happens if they are in it.

    Raises:
        ForbiddenError: The caller is no administrator.
        GroupNotFoundError, UserNotFoundError: There is no such group or user.
    """
    ctx.actor.require(Scope.ADMIN)
    if not await repository.hold_group(ctx.session, group_id):
        raise GroupNotFoundError(group_id)
    if not await repository.hold_user(ctx.session, user_id):
        raise UserNotFoundError(user_id)
    if await repository.add_member(ctx.session, ctx.tenant_id, group_id, user_id):
        await _record(ctx, group_id, "member_added", user_id=str(user_id))


async def remove_member(ctx: Context, group_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Take a user out of a group; what it was granted ends with the transaction.

    Raises:
        ForbiddenError: The caller is no administrator.
        GroupNotFoundError: There is no such group.
        MemberNotFoundError: The user is not in it.
    """
    ctx.actor.require(Scope.ADMIN)
    if not await repository.hold_group(ctx.session, group_id):
        raise GroupNotFoundError(group_id)
    if not await repository.remove_member(ctx.session, group_id, user_id):
        raise MemberNotFoundError(user_id)
    await _record(ctx, group_id, "member_removed", user_id=str(user_id))


async def keep_in(
    ctx: Context, user_id: uuid.UUID, wanted: set[str], managed: set[str]
) -> set[str]:
    """Have a user in the wanted ones of the managed groups and in no other of these, by name.

    Returns:
        Names of wanted groups that there are not; groups are not made here.

    Raises:
        ForbiddenError: The caller is no administrator.
    """
    ctx.actor.require(Scope.ADMIN)
    missing: set[str] = set()
    for name in sorted(managed):
        group = await repository.group_by_name(ctx.session, name.strip())
        if group is None:
            missing |= {name} & wanted
        elif name in wanted:
            await add_member(ctx, group.id, user_id)
        elif await repository.group(ctx.session, group.id, user_id) is not None:
            await remove_member(ctx, group.id, user_id)
    return missing


def _limited_to(ctx: Context) -> uuid.UUID | None:
    """User whose groups the caller may see; None: all groups."""
    return None if ctx.actor.administers else ctx.actor.user_id or NOBODY


async def _record(ctx: Context, group_id: uuid.UUID, what: str, **details: object) -> None:
    await audit.record(
        ctx, f"group.{what}", object_kind="group", object_id=group_id, details=details
    )
