"""Users: invited, changed, deactivated, removed; never without an administrator left."""

import hashlib
import secrets
import uuid
from datetime import timedelta

from citewell.access.policy import Role, Scope
from citewell.core.context import (
    NOWHERE,
    TENANT_SCOPES,
    Actor,
    ActorKind,
    Caller,
    Context,
    Origin,
    unit_of_work,
)
from citewell.core.emails import InvalidEmailError, normalise_email
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.core.ratelimit import rule
from citewell.features.audit import service as audit
from citewell.features.notices import service as notices
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.features.users import repository
from citewell.features.users.errors import (
    InvitationAcceptedError,
    LastAdministratorError,
    NoSecondFactorError,
    UserExistsError,
    UserInactiveError,
    UserInvitedError,
    UserNotFoundError,
)
from citewell.features.users.schemas import (
    Invited,
    PasswordReset,
    UserCreate,
    UserFilter,
    UserUpdate,
    role_of,
)
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.notices import NoticeKind
from citewell.models.tenancy import User, UserStatus

# A week covers a holiday weekend; a lost invitation is renewed with one click.
INVITATION_DAYS = 7

RESET_HOURS = 24
"""Time to set a new password: it is handed over in person or by a message of the same day."""

MAILED = rule("invitation-mail", "5 per hour")
"""Invitations mailed to one address, by whatever organisation: first tries, and some more."""

COUNTED = (UserStatus.INVITED, UserStatus.ACTIVE)
"""Statuses that count towards the quota of users."""


def caller_of(user: User, origin: Origin = NOWHERE) -> Caller:
    """A caller with everything that a session of the user may do."""
    actor = Actor(
        ActorKind.USER,
        id=user.id,
        user_id=user.id,
        role=Role(user.role),
        is_admin=user.is_admin,
        scopes=TENANT_SCOPES,
    )
    # Its scopes never include the operator's: an administrator's rights end at the tenant.
    return Caller(user.tenant_id, actor, origin)


async def acting_as(platform: Platform, caller: Caller, email: str) -> Caller:
    """The active user of the caller's tenant with this address, as the one who acts.

    Raises:
        UserNotFoundError: The tenant has none.
        UserInactiveError: They are invited or deactivated.
    """
    async with unit_of_work(platform, caller) as ctx:
        user = await find_by_email(ctx, email)
    if user.status != UserStatus.ACTIVE:
        raise UserInactiveError(email, user.status)
    return caller_of(user, caller.origin)


async def find_by_email(ctx: Context, email: str) -> User:
    """The user with this address, however it is written and whatever their status.

    Raises:
        UserNotFoundError: The tenant has none.
    """
    try:
        user = await repository.by_email(ctx.session, normalise_email(email))
    except InvalidEmailError:
        user = None
    if user is None:
        raise UserNotFoundError(email)
    return user


async def page(ctx: Context, request: PageRequest, wanted: UserFilter) -> Page[User]:
    """Users by e-mail address.

    Raises:
        ForbiddenError: The caller is no administrator.
    """
    ctx.actor.require(Scope.ADMIN)
    return await repository.page(ctx.session, request, wanted)


async def get(ctx: Context, user_id: uuid.UUID) -> User:
    """A user; for others than administrators only themselves.

    Raises:
        UserNotFoundError: There is none, or not for this caller.
    """
    is_visible = ctx.actor.administers or user_id == ctx.actor.user_id
    user = await repository.by_id(ctx.session, user_id) if is_visible else None
    if user is None:
        raise UserNotFoundError(user_id)
    return user


async def invite(ctx: Context, data: UserCreate) -> Invited:
    """Make a user who can register with the token returned, for `INVITATION_DAYS`.

    Where mail is sent, they get it by mail.

    Raises:
        ForbiddenError: The caller is no administrator, or their role is below the given one.
        InvalidEmailError: The address is none.
        UserExistsError: It is taken.
    """
    token = _new_token()
    user = await _add(
        ctx,
        data,
        status=UserStatus.INVITED,
        invitation_hash=_digest(token),
        invitation_expires_at=utc_now() + timedelta(days=INVITATION_DAYS),
    )
    return await _invited(ctx, user, token)


async def create_with_password(ctx: Context, data: UserCreate, password_hash: str) -> User:
    """Make an active user whose password the operator has set.

    Raises:
        ForbiddenError: The caller is not the operator.
        InvalidEmailError: The address is none.
        UserExistsError: It is taken.
    """
    ctx.actor.require(Scope.OPERATOR)
    return await _add(ctx, data, status=UserStatus.ACTIVE, password_hash=password_hash)


async def create_from_provider(ctx: Context, data: UserCreate) -> User:
    """Make an active user without a password, who signs in at a provider the operator has named.

    Raises:
        ForbiddenError: The caller is no administrator.
        UserExistsError: The address is taken.
        QuotaReachedError: The plan holds no more users.
    """
    return await _add(ctx, data, status=UserStatus.ACTIVE, by="provider")


async def accept_from_provider(ctx: Context, user_id: uuid.UUID) -> None:
    """Make an invited user active, whose address a provider has verified; the invitation is void.

    Raises:
        ForbiddenError: The caller is no administrator.
        UserNotFoundError: The tenant has no such user.
    """
    ctx.actor.require(Scope.ADMIN)
    user = await _locked(ctx, user_id)
    if user.status == UserStatus.INVITED:
        user.status = UserStatus.ACTIVE
        user.invitation_hash = user.invitation_expires_at = None
        await repository.save(ctx.session, user)
        await _record(ctx, user, "activated", by="provider")


async def _add(
    ctx: Context, data: UserCreate, *, status: UserStatus, by: str | None = None, **more: object
) -> User:
    ctx.actor.require(Scope.ADMIN)
    _require_role_to_give(ctx, role_of(data.role))
    values = {
        "tenant_id": ctx.tenant_id,
        "id": uuid7(),
        "email": normalise_email(data.email),
        "name": data.name,
        "role": int(role_of(data.role)),
        "is_admin": data.is_admin,
        "status": status,
        **more,
    }
    user = await repository.add(ctx.session, values)
    if user is None:
        raise UserExistsError
    told = {"status": status.value, "role": data.role, "is_admin": data.is_admin}
    await _record(ctx, user, "created", **told, **({"by": by} if by else {}))
    await _count(ctx, was_counted=False, is_counted=True)
    return user


async def renew_invitation(ctx: Context, user_id: uuid.UUID) -> Invited:
    """Give a user who has no password yet a new invitation; the one before is void.

    Raises:
        ForbiddenError: The caller is no administrator, or their role is below the user's.
        UserNotFoundError: The tenant has no such user.
        InvitationAcceptedError: They have a password.
    """
    ctx.actor.require(Scope.ADMIN)
    user = await _locked(ctx, user_id)
    if user.password_hash is not None:
        raise InvitationAcceptedError
    # The holder of the token becomes this user, so giving it out takes at least the user's role.
    _require_role_to_give(ctx, Role(user.role))
    # A deactivated user becomes an invited one again, and then counts towards the quota.
    token, was_counted = _new_token(), user.status in COUNTED
    user.status = UserStatus.INVITED
    user.invitation_hash = _digest(token)
    user.invitation_expires_at = utc_now() + timedelta(days=INVITATION_DAYS)
    await repository.save(ctx.session, user)
    await _record(ctx, user, "invited")
    invited = await _invited(ctx, user, token)
    await _count(ctx, was_counted=was_counted, is_counted=True)
    return invited


async def _invited(ctx: Context, user: User, token: str) -> Invited:
    """The user with the invitation, which goes to them by mail too where that is sent.

    Beyond `MAILED` it is shown only: the mailbox may be a stranger's.
    """
    is_mailed = (
        notices.is_on(ctx.platform)
        and (await ctx.platform.limiter.hit(MAILED, user.email)).allowed
        and await notices.tell(ctx, user.id, NoticeKind.INVITATION, token=token)
    )
    return Invited(user, token, is_mailed)


async def offer_reset(ctx: Context, user_id: uuid.UUID) -> PasswordReset:
    """Give out a token with which a user sets a new password, once, within `RESET_HOURS`.

    The present password goes on working until then; a token given out before is void.

    Raises:
        ForbiddenError: The caller is no administrator, or their role is below the user's.
        UserNotFoundError: The tenant has no such user.
        UserInvitedError: They have no password yet, and are invited anew instead.
        UserInactiveError: They are deactivated.
    """
    ctx.actor.require(Scope.ADMIN)
    user = await _locked(ctx, user_id)
    # The holder of the token becomes this user, so giving it out takes at least the user's role.
    _require_role_to_give(ctx, Role(user.role))
    if user.password_hash is None:
        raise UserInvitedError
    if user.status != UserStatus.ACTIVE:
        raise UserInactiveError(user.email, user.status)
    token, expires_at = _new_token("cwr_"), utc_now() + timedelta(hours=RESET_HOURS)
    user.reset_hash, user.reset_expires_at = _digest(token), expires_at
    await repository.save(ctx.session, user)
    await _record(ctx, user, "password_reset_offered")
    return PasswordReset(user, token, expires_at)


async def remove_second_factor(ctx: Context, user_id: uuid.UUID) -> User:
    """Take a user's second factor and passkeys away, for one who has lost them; sessions end.

    Where the tenant asks for one, they set up another when they sign in next.

    Raises:
        ForbiddenError: The caller is no administrator, or their role is below the user's.
        UserNotFoundError: The tenant has no such user.
        NoSecondFactorError: The user has neither.
    """
    ctx.actor.require(Scope.ADMIN)
    user = await _locked(ctx, user_id)
    # Less stands between the user's password and their account then.
    _require_role_to_give(ctx, Role(user.role))
    had_passkeys = await repository.remove_passkeys(ctx.session, user.id)
    if user.second_factor_at is None and not had_passkeys:
        raise NoSecondFactorError
    user.second_factor_at = None
    await repository.remove_second_factor(ctx.session, user.id)
    await _end_sessions(ctx, user)
    await repository.save(ctx.session, user)
    await _record(ctx, user, "second_factor_removed", passkeys=had_passkeys)
    return user


async def update(ctx: Context, user_id: uuid.UUID, data: UserUpdate) -> User:
    """Change a user; a new role, right or status ends their sessions with the transaction.

    Raises:
        UserNotFoundError: There is none, or the caller is somebody else and no administrator.
        ForbiddenError: The caller may not change this, or gives a role above their own.
        UserInvitedError: A user without password cannot be made active.
        LastAdministratorError: Nobody would be left to administer the tenant.
    """
    is_rights = data.role is not None or data.is_admin is not None or data.status is not None
    if not ctx.actor.administers:
        if user_id != ctx.actor.user_id:
            raise UserNotFoundError(user_id)
        if is_rights:
            raise ForbiddenError(
                "Of yourself you can change name and language; ask an administrator."
            )
    elif is_rights:
        await repository.lock_people(ctx.session, ctx.tenant_id)
    user = await _locked(ctx, user_id)
    did_administer, was_counted = _is_administrator(user), user.status in COUNTED
    if data.name is not None and data.name != user.name:
        user.name = data.name
        await _record(ctx, user, "renamed")
    if data.language is not None:
        user.language = data.language
    changes = [
        await _change_role(ctx, user, data),
        await _change_right(ctx, user, data),
        await _change_status(ctx, user, data),
    ]
    if any(changes):
        await _end_sessions(ctx, user)
    await repository.save(ctx.session, user)
    # Checked after the changes, under `lock_people`: two administrators who demote each other at
    # the same moment cannot both succeed.
    if did_administer and not _is_administrator(user):
        await _require_other_administrator(ctx, user)
    await _count(ctx, was_counted=was_counted, is_counted=user.status in COUNTED)
    return user


async def _change_role(ctx: Context, user: User, data: UserUpdate) -> bool:
    if data.role is None or int(role_of(data.role)) == user.role:
        return False
    _require_role_to_give(ctx, role_of(data.role))
    before, user.role = Role(user.role), int(role_of(data.role))
    user.void_links()  # given out by those of the rank before
    await _record(ctx, user, "role_changed", before=before.name.lower(), role=data.role)
    return True


async def _change_right(ctx: Context, user: User, data: UserUpdate) -> bool:
    if data.is_admin is None or data.is_admin == user.is_admin:
        return False
    user.is_admin = data.is_admin
    user.void_links()  # as above
    await _record(ctx, user, "admin_changed", is_admin=data.is_admin)
    return True


async def _change_status(ctx: Context, user: User, data: UserUpdate) -> bool:
    if data.status is None or data.status == user.status:
        return False
    if data.status == UserStatus.ACTIVE:
        if user.password_hash is None and not await repository.has_account(ctx.session, user.id):
            raise UserInvitedError
        user.status = UserStatus.ACTIVE
        await _record(ctx, user, "activated")
        return True
    # A pending invitation would let its holder back in.
    user.status = UserStatus.DEACTIVATED
    user.invitation_hash = user.invitation_expires_at = None
    user.void_links()
    await _record(ctx, user, "deactivated")
    return True


async def remove_passkeys(ctx: Context, user_id: uuid.UUID) -> int:
    """Remove all passkeys of a user whose password was reset; returns how many."""
    return await repository.remove_passkeys(ctx.session, user_id)


async def set_password(ctx: Context, user_id: uuid.UUID, password_hash: str) -> User:
    """Set a user's password as the operator; an invited user becomes active.

    Their sessions end and their passkeys are removed.

    Raises:
        ForbiddenError: The caller is not the operator.
        UserNotFoundError: The tenant has no such user.
    """
    ctx.actor.require(Scope.OPERATOR)
    user = await _locked(ctx, user_id)
    user.password_hash = password_hash
    # A pending invitation or reset would let its holder set another password.
    user.invitation_hash = user.invitation_expires_at = None
    user.void_links()
    await repository.remove_passkeys(ctx.session, user.id)
    # Invited and active users both count towards the quota, so no counter changes.
    if user.status == UserStatus.INVITED:
        user.status = UserStatus.ACTIVE
    await _end_sessions(ctx, user)
    await repository.save(ctx.session, user)
    await _record(ctx, user, "password_reset")
    return user


async def remove(ctx: Context, user_id: uuid.UUID) -> None:
    """Remove a user with their keys, sessions, memberships and rules.

    Documents stay: what they hold is the organisation's. They keep the id of who added them, which
    the audit trail has too and which names nobody any more.

    Raises:
        ForbiddenError: The caller is no administrator.
        UserNotFoundError: The tenant has no such user.
        LastAdministratorError: Nobody would be left to administer the tenant.
    """
    ctx.actor.require(Scope.ADMIN)
    await repository.lock_people(ctx.session, ctx.tenant_id)
    user = await _locked(ctx, user_id)
    if _is_administrator(user):
        await _require_other_administrator(ctx, user)
    await repository.remove(ctx.session, user.id)
    await _record(ctx, user, "deleted")
    await _count(ctx, was_counted=user.status in COUNTED, is_counted=False)


async def _locked(ctx: Context, user_id: uuid.UUID) -> User:
    user = await repository.lock(ctx.session, user_id)
    if user is None:
        raise UserNotFoundError(user_id)
    return user


async def _count(ctx: Context, *, was_counted: bool, is_counted: bool) -> None:
    """Update the counter of users; called last, because it locks the counter's row.

    Raises:
        QuotaReachedError: The plan holds no more users.
    """
    if is_counted and not was_counted:
        await usage.consume(ctx, Metric.USERS)
    elif was_counted and not is_counted:
        await usage.release(ctx, Metric.USERS)


async def _end_sessions(ctx: Context, user: User) -> None:
    # The version ends access tokens, which are not stored; the statement ends refresh tokens.
    user.session_version += 1
    await repository.end_sessions(ctx.session, user.id)


def _is_administrator(user: User) -> bool:
    return user.is_admin and user.status == UserStatus.ACTIVE


async def _require_other_administrator(ctx: Context, user: User) -> None:
    if not await repository.has_other_administrator(ctx.session, user.id):
        raise LastAdministratorError


def _require_role_to_give(ctx: Context, role: Role) -> None:
    if role > ctx.actor.role:
        raise ForbiddenError(f"Nobody gives a role above their own, {ctx.actor.role.name.lower()}.")


def _new_token(kind: str = "cwi_") -> str:
    return f"{kind}{secrets.token_urlsafe(32)}"


def _digest(token: str) -> bytes:
    """SHA-256 of an invitation; 256 random bits cannot be guessed, so a slow hash adds nothing."""
    return hashlib.sha256(token.encode()).digest()


async def _record(ctx: Context, user: User, what: str, **details: object) -> None:
    action = f"user.{what}"
    await audit.record(ctx, action, object_kind="user", object_id=user.id, details=details)
    await notices.tell_of(ctx, user, action)
