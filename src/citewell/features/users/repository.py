"""Statements of users and groups."""

import uuid
from typing import TypeVar

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.features.users.schemas import UserFilter, role_of
from citewell.kit.clock import utc_now
from citewell.kit.pagination import Page, PageRequest
from citewell.models.factors import Passkey, ProviderAccount, SecondFactor
from citewell.models.tenancy import Group, GroupMember, RefreshToken, Tenant, User, UserStatus

Row = TypeVar("Row", User, Group)


async def by_id(session: AsyncSession, user_id: uuid.UUID) -> User | None:
    """The user, whatever their status."""
    return await session.scalar(select(User).where(User.id == user_id))


async def by_email(session: AsyncSession, email: str) -> User | None:
    """The user with this normalised address, whatever their status."""
    return await session.scalar(select(User).where(User.email == email))


async def lock(session: AsyncSession, user_id: uuid.UUID) -> User | None:
    """The user, locked against other changes until the transaction ends."""
    statement = select(User).where(User.id == user_id).with_for_update()
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def lock_people(session: AsyncSession, tenant_id: uuid.UUID) -> None:
    """Lock the tenant's set of administrators; taken before any user's lock, to avoid deadlocks."""
    # Weaker than FOR UPDATE: rows that refer to the tenant are still made meanwhile.
    held = select(Tenant.id).where(Tenant.id == tenant_id).with_for_update(key_share=True)
    await session.execute(held)


async def has_other_administrator(session: AsyncSession, user_id: uuid.UUID) -> bool:
    """Whether another active administrator exists; only reliable under `lock_people`."""
    other = exists().where(
        User.id != user_id, User.is_admin.is_(True), User.status == UserStatus.ACTIVE
    )
    return bool(await session.scalar(select(other)))


async def page(session: AsyncSession, request: PageRequest, wanted: UserFilter) -> Page[User]:
    """Users by e-mail address."""
    statement = select(User)
    if wanted.status is not None:
        statement = statement.where(User.status == wanted.status)
    if wanted.role is not None:
        statement = statement.where(User.role == int(role_of(wanted.role)))
    # Escaped: `%` and `_` are characters of addresses and names.
    if wanted.search:
        statement = statement.where(
            or_(
                User.email.icontains(wanted.search, autoescape=True),
                User.name.icontains(wanted.search, autoescape=True),
            )
        )
    total = await session.scalar(statement.with_only_columns(func.count(User.id))) or 0
    part = statement.order_by(User.email).offset(request.offset).limit(request.limit)
    return Page(list(await session.scalars(part)), request, total)


async def add(session: AsyncSession, values: dict[str, object]) -> User | None:
    """The user just inserted; None if the address is taken."""
    statement = insert(User).values(values).on_conflict_do_nothing().returning(User)
    return await session.scalar(statement)


async def save(session: AsyncSession, row: Row) -> bool:
    """Write what was changed of a user or group; False if the new name is taken."""
    try:
        # A savepoint: a name that is taken must not end the caller's transaction.
        async with session.begin_nested():
            await session.flush([row])
    except IntegrityError:
        return False
    await session.refresh(row)
    return True


async def end_sessions(session: AsyncSession, user_id: uuid.UUID) -> None:
    """Make all refresh tokens of a user useless; under their lock."""
    await session.execute(
        update(RefreshToken)
        .where(RefreshToken.user_id == user_id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=utc_now())
    )


async def remove(session: AsyncSession, user_id: uuid.UUID) -> None:
    """Delete a user; keys, sessions, memberships and grants go with them."""
    await session.execute(delete(User).where(User.id == user_id))


async def remove_passkeys(session: AsyncSession, user_id: uuid.UUID) -> int:
    """Delete the passkeys of a user; returns how many."""
    gone = delete(Passkey).where(Passkey.user_id == user_id).returning(Passkey.id)
    return len((await session.scalars(gone)).all())


async def has_account(session: AsyncSession, user_id: uuid.UUID) -> bool:
    """Whether the user signs in at a provider of single sign-on."""
    found = exists(select(ProviderAccount.user_id).where(ProviderAccount.user_id == user_id))
    return bool(await session.scalar(select(found)))


async def remove_second_factor(session: AsyncSession, user_id: uuid.UUID) -> None:
    """Delete the second factor of a user."""
    await session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))


async def group(
    session: AsyncSession, group_id: uuid.UUID, member_id: uuid.UUID | None
) -> Group | None:
    """The group; with `member_id` only if that user is in it."""
    statement = select(Group).where(Group.id == group_id)
    if member_id is not None:
        statement = statement.where(_has_member(member_id))
    return await session.scalar(statement)


async def group_by_name(session: AsyncSession, name: str) -> Group | None:
    """The group of that name, whatever its case."""
    return await session.scalar(select(Group).where(func.lower(Group.name) == func.lower(name)))


async def group_page(
    session: AsyncSession, request: PageRequest, member_id: uuid.UUID | None
) -> Page[Group]:
    """Groups by name; with `member_id` only those that user is in."""
    statement = select(Group)
    if member_id is not None:
        statement = statement.where(_has_member(member_id))
    total = await session.scalar(statement.with_only_columns(func.count(Group.id))) or 0
    part = statement.order_by(func.lower(Group.name)).offset(request.offset).limit(request.limit)
    return Page(list(await session.scalars(part)), request, total)


def _has_member(user_id: uuid.UUID) -> ColumnElement[bool]:
    return exists().where(
        GroupMember.tenant_id == Group.tenant_id,
        GroupMember.group_id == Group.id,
        GroupMember.user_id == user_id,
    )


async def add_group(session: AsyncSession, values: dict[str, object]) -> Group | None:
    """The group just inserted; None if its name is taken."""
    statement = insert(Group).values(values).on_conflict_do_nothing().returning(Group)
    return await session.scalar(statement)


async def remove_group(session: AsyncSession, group_id: uuid.UUID) -> bool:
    """Delete a group with its memberships and grants; False if there is none."""
    gone = await session.scalars(delete(Group).where(Group.id == group_id).returning(Group.id))
    return gone.one_or_none() is not None


async def members(session: AsyncSession, group_id: uuid.UUID, request: PageRequest) -> Page[User]:
    """The users of a group by e-mail address."""
    statement = (
        select(User)
        .join(
            GroupMember,
            (GroupMember.tenant_id == User.tenant_id) & (GroupMember.user_id == User.id),
        )
        .where(GroupMember.group_id == group_id)
    )
    total = await session.scalar(statement.with_only_columns(func.count(User.id))) or 0
    part = statement.order_by(User.email).offset(request.offset).limit(request.limit)
    return Page(list(await session.scalars(part)), request, total)


async def hold_user(session: AsyncSession, user_id: uuid.UUID) -> bool:
    """Lock a user against removal until the transaction ends; False if there is none."""
    # FOR KEY SHARE: what a foreign key would take. Others may share it; only removal waits.
    held = select(User.id).where(User.id == user_id).with_for_update(read=True, key_share=True)
    return await session.scalar(held) is not None


async def hold_group(session: AsyncSession, group_id: uuid.UUID) -> bool:
    """Lock a group against removal until the transaction ends; False if there is none."""
    held = select(Group.id).where(Group.id == group_id).with_for_update(read=True, key_share=True)
    return await session.scalar(held) is not None


async def add_member(
    session: AsyncSession, tenant_id: uuid.UUID, group_id: uuid.UUID, user_id: uuid.UUID
) -> bool:
    """Put a user into a group; False if they are in it."""
    statement = insert(GroupMember).values(tenant_id=tenant_id, group_id=group_id, user_id=user_id)
    made = await session.scalar(statement.on_conflict_do_nothing().returning(GroupMember.user_id))
    return made is not None


async def remove_member(session: AsyncSession, group_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    """Take a user out of a group; False if they are not in it."""
    gone = await session.scalars(
        delete(GroupMember)
        .where(GroupMember.group_id == group_id, GroupMember.user_id == user_id)
        .returning(GroupMember.user_id)
    )
    return gone.one_or_none() is not None
