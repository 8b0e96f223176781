"""Writing the audit trail, in the transaction of what it tells of."""

import uuid
from collections.abc import Mapping

from citewell.core.context import Context
from citewell.features.audit import repository
from citewell.kit.ids import uuid7
from citewell.models.records import AuditEvent


async def record(
    ctx: Context,
    action: str,
    *,
    object_kind: str | None = None,
    object_id: uuid.UUID | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Note what the caller does; the note is there if and only if the deed is.

    Args:
        ctx: The unit of work of the deed.
        action: `object.verb` in the past: `document.deleted`, `user.role_changed`.
        object_kind: `document`, `collection`, `user`, `group`, `api_key`, `tenant`...
        object_id: Of the object.
        details: What changed, as JSON without secrets, names or addresses of people.
    """
    await repository.add(
        ctx.session,
        AuditEvent(
            tenant_id=ctx.tenant_id,
            id=uuid7(),
            actor_kind=ctx.actor.kind.value,
            actor_id=ctx.actor.user_id or ctx.actor.id,
            credential_id=ctx.actor.credential_id,
            action=action,
            object_kind=object_kind,
            object_id=object_id,
            address=ctx.origin.address,
            request_id=ctx.origin.request_id,
            details=dict(details or {}),
        ),
    )
