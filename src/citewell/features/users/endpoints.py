"""Routes of users and groups."""

import uuid
from typing import Annotated

from fastapi import Query

from citewell.core.context import unit_of_work
from citewell.features.http import (
    PRIVATE,
    AdminDep,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    listing,
)
from citewell.features.users import groups, service
from citewell.features.users.schemas import (
    GroupCreate,
    GroupRead,
    GroupUpdate,
    InvitedRead,
    PasswordResetRead,
    RoleName,
    UserCreate,
    UserFilter,
    UserRead,
    UserUpdate,
)
from citewell.kit.storable import StorableText
from citewell.models.tenancy import UserStatus

router = Router(policy=PRIVATE, prefix="/users", tags=["users"])
groups_router = Router(policy=PRIVATE, prefix="/groups", tags=["groups"])


@router.get("")
async def list_users(
    platform: PlatformDep,
    caller: AdminDep,
    request: PageDep,
    status: UserStatus | None = None,
    role: RoleName | None = None,
    search: Annotated[StorableText | None, Query(max_length=200)] = None,
) -> Listing[UserRead]:
    """List users by e-mail address, for administrators."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, request, UserFilter(status, role, search))
        return listing(page, [UserRead.of(user) for user in page.items])


@router.post("", status_code=201)
async def invite_user(platform: PlatformDep, caller: AdminDep, data: UserCreate) -> InvitedRead:
    """Invite a user; the reply holds the invitation they register with, this once."""
    async with unit_of_work(platform, caller) as ctx:
        return InvitedRead.of_invited(await service.invite(ctx, data))


@router.get("/{user_id}")
async def get_user(platform: PlatformDep, caller: ReaderDep, user_id: uuid.UUID) -> UserRead:
    """Show a user; for others than administrators only themselves."""
    async with unit_of_work(platform, caller) as ctx:
        return UserRead.of(await service.get(ctx, user_id))


@router.post("/{user_id}/password-reset", status_code=201)
async def offer_password_reset(
    platform: PlatformDep, caller: AdminDep, user_id: uuid.UUID
) -> PasswordResetRead:
    """Give out a token with which the user sets a new password; a token before it is void."""
    async with unit_of_work(platform, caller) as ctx:
        return PasswordResetRead.of(await service.offer_reset(ctx, user_id))


@router.delete("/{user_id}/second-factor")
async def remove_second_factor(
    platform: PlatformDep, caller: AdminDep, user_id: uuid.UUID
) -> UserRead:
    """Remove the second factor and the passkeys of a user who has lost them; sessions end."""
    async with unit_of_work(platform, caller) as ctx:
        return UserRead.of(await service.remove_second_factor(ctx, user_id))


@router.patch("/{user_id}")
async def update_user(
    platform: PlatformDep, caller: WriterDep, user_id: uuid.UUID, data: UserUpdate
) -> UserRead:
    """Change a user; of oneself the name, the rest is for administrators."""
    async with unit_of_work(platform, caller) as ctx:
        return UserRead.of(await service.update(ctx, user_id, data))


@router.delete("/{user_id}", status_code=204)
async def delete_user(platform: PlatformDep, caller: AdminDep, user_id: uuid.UUID) -> None:
    """Remove a user with their keys, sessions and rules; documents stay."""
    async with unit_of_work(platform, caller) as ctx:
        await service.remove(ctx, user_id)


@router.post("/{user_id}/invitation", status_code=201)
async def renew_invitation(
    platform: PlatformDep, caller: AdminDep, user_id: uuid.UUID
) -> InvitedRead:
    """Invite a user anew who has not registered yet; the invitation before is void."""
    async with unit_of_work(platform, caller) as ctx:
        return InvitedRead.of_invited(await service.renew_invitation(ctx, user_id))


@groups_router.get("")
async def list_groups(
    platform: PlatformDep, caller: ReaderDep, request: PageDep
) -> Listing[GroupRead]:
    """List groups by name; for others than administrators those they are in."""
    async with unit_of_work(platform, caller) as ctx:
        page = await groups.page(ctx, request)
        return listing(page, [GroupRead.of(group) for group in page.items])


@groups_router.post("", status_code=201)
async def create_group(platform: PlatformDep, caller: AdminDep, data: GroupCreate) -> GroupRead:
    """Make a group."""
    async with unit_of_work(platform, caller) as ctx:
        return GroupRead.of(await groups.create(ctx, data))


@groups_router.get("/{group_id}")
async def get_group(platform: PlatformDep, caller: ReaderDep, group_id: uuid.UUID) -> GroupRead:
    """Show a group."""
    async with unit_of_work(platform, caller) as ctx:
        return GroupRead.of(await groups.get(ctx, group_id))


@groups_router.patch("/{group_id}")
async def update_group(
    platform: PlatformDep, caller: AdminDep, group_id: uuid.UUID, data: GroupUpdate
) -> GroupRead:
    """Change name or description of a group."""
    async with unit_of_work(platform, caller) as ctx:
        return GroupRead.of(await groups.update(ctx, group_id, data))


@groups_router.delete("/{group_id}", status_code=204)
async def delete_group(platform: PlatformDep, caller: AdminDep, group_id: uuid.UUID) -> None:
    """Remove a group with its memberships and the rules that name it."""
    async with unit_of_work(platform, caller) as ctx:
        await groups.remove(ctx, group_id)


@groups_router.get("/{group_id}/members")
async def list_members(
    platform: PlatformDep, caller: AdminDep, group_id: uuid.UUID, request: PageDep
) -> Listing[UserRead]:
    """List the users of a group by e-mail address, for administrators."""
    async with unit_of_work(platform, caller) as ctx:
        page = await groups.members(ctx, group_id, request)
        return listing(page, [UserRead.of(user) for user in page.items])


@groups_router.put("/{group_id}/members/{user_id}", status_code=204)
async def add_member(
    platform: PlatformDep, caller: AdminDep, group_id: uuid.UUID, user_id: uuid.UUID
) -> None:
    """Put a user into a group."""
    async with unit_of_work(platform, caller) as ctx:
        await groups.add_member(ctx, group_id, user_id)


@groups_router.delete("/{group_id}/members/{user_id}", status_code=204)
async def remove_member(
    platform: PlatformDep, caller: AdminDep, group_id: uuid.UUID, user_id: uuid.UUID
) -> None:
    """Take a user out of a group."""
    async with unit_of_work(platform, caller) as ctx:
        await groups.remove_member(ctx, group_id, user_id)
