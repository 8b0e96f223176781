"""Messages to people, written in the unit of work of what they tell of and sent once it commits."""

import uuid
from datetime import timedelta

from citewell.core.blobs.encryption import Purpose
from citewell.core.context import Context
from citewell.core.platform import Platform
from citewell.core.sealing import seal, unseal
from citewell.features.notices import repository
from citewell.features.notices.errors import MailOffError
from citewell.kit.ids import uuid7
from citewell.models.notices import Notice, NoticeKind
from citewell.models.tenancy import User

RESET_LIFE = timedelta(hours=1)
"""Of a mailed link to set a password, from the attempt that sends it: long enough for slow mail,
short for a mailbox that somebody else reads later."""

CONFIRM_LIFE = timedelta(hours=24)
"""Of a link that confirms an address, likewise; that mailbox may be read in the evening."""

TOLD = {
    "user.password_changed": NoticeKind.PASSWORD_CHANGED,
    "user.password_reset": NoticeKind.PASSWORD_CHANGED,
    "user.second_factor_removed": NoticeKind.SECOND_FACTOR_REMOVED,
    "user.passkey_added": NoticeKind.PASSKEY_ADDED,
}
"""Actions that their user hears of, whoever did them: a thief of the session would not tell."""


def is_on(platform: Platform) -> bool:
    """Whether this installation sends mail."""
    return platform.settings.smtp_url is not None


def require(platform: Platform) -> None:
    """Refuse what cannot be done without mail.

    Raises:
        MailOffError: None is sent.
    """
    if not is_on(platform):
        raise MailOffError


async def tell(
    ctx: Context,
    user_id: uuid.UUID,
    kind: NoticeKind,
    *,
    address: str | None = None,
    token: str | None = None,
) -> bool:
    """Have a message sent to a user; False where no mail is sent.

    Args:
        ctx: The unit of work; what it rolls back is not told.
        user_id: The user.
        kind: The subject.
        address: None: the user's as it is when the message is sent.
        token: Of the link in it; it is stored encrypted.
    """
    if not is_on(ctx.platform):
        return False
    notice = Notice(
        tenant_id=ctx.tenant_id, id=uuid7(), user_id=user_id, kind=kind, address=address
    )
    if token is not None:
        key = await ctx.platform.keys.active_in(ctx.session, ctx.tenant_id, Purpose.SECRETS)
        notice.sealed_token, notice.key_id = seal(key, token, _place(notice)), key.id
    await repository.add(ctx.session, notice)
    return True


async def tell_of(ctx: Context, user: User, action: str) -> None:
    """Tell a user of an action on their account, if it is one of those that are told.

    It goes to the address of this moment, however late: a thief may change it meanwhile.
    """
    if (kind := TOLD.get(action)) is not None:
        await tell(ctx, user.id, kind, address=user.email)


async def is_waiting(ctx: Context, user_id: uuid.UUID, kind: NoticeKind) -> bool:
    """Whether a message of that kind to a user waits for its first attempt."""
    return await repository.is_waiting(ctx.session, user_id, kind)


async def token_of(ctx: Context, notice: Notice) -> str | None:
    """The token of a message's link; None if it has none.

    Raises:
        SealBrokenError: It was changed, or belongs to another message.
    """
    if notice.sealed_token is None or notice.key_id is None:
        return None
    key = await ctx.platform.keys.by_id_in(
        ctx.session, ctx.tenant_id, Purpose.SECRETS, notice.key_id
    )
    return unseal(key, notice.sealed_token, _place(notice))


def _place(notice: Notice) -> str:
    return f"notice {notice.id}"
