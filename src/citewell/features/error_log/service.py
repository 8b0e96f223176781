"""Writing errors, and reading them."""

import uuid

import structlog

from citewell.access.policy import Scope
from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.error_notes import ErrorNote, notes_of_log
from citewell.core.platform import Platform
from citewell.features.error_log import repository
from citewell.features.error_log.schemas import ErrorRead
from citewell.features.identity import service as identity
from citewell.features.identity.errors import TenantNotFoundError
from citewell.kit.pagination import Page, PageRequest

log = structlog.get_logger(__name__)

KEPT_DAYS = 90
"""Time after which an error that was not seen again is forgotten."""

WRITING_SECONDS = 5.0
"""Interval between two writes of what a process has noted."""


async def write(platform: Platform) -> None:
    """Write what this process has noted; what cannot be written is noted again.

    Errors of a tenant that was removed meanwhile are dropped.

    Errors of no tenant, those of the background, are kept in the one that is there from the start,
    for the operator.
    """
    notes = notes_of_log()
    waiting = notes.take() if notes is not None else []
    by_tenant: dict[uuid.UUID | None, list[ErrorNote]] = {}
    for note in waiting:
        by_tenant.setdefault(note.tenant_id, []).append(note)
    left = list(by_tenant)
    try:
        for tenant_id, own in by_tenant.items():
            try:
                at = tenant_id or await identity.find_tenant(platform, identity.DEFAULT_TENANT)
            except TenantNotFoundError:
                at = None
            if at is not None:
                async with unit_of_work(platform, Caller(at, SYSTEM)) as ctx:
                    if not await repository.add(ctx.session, own, KEPT_DAYS):
                        log.info("errors_of_removed_tenant", tenant_id=str(at), count=len(own))
            left.remove(tenant_id)
    finally:
        for tenant_id in left:
            for note in by_tenant[tenant_id]:
                assert notes is not None
                notes.add(note)


async def page(ctx: Context, request: PageRequest) -> Page[ErrorRead]:
    """Kinds of errors of the tenant, seen last first; for the operator those of no tenant, too.

    Raises:
        ForbiddenError: The caller is no administrator.
    """
    ctx.actor.require(Scope.ADMIN)
    # A message of work for all tenants may name what is another one's.
    is_operator = Scope.OPERATOR in ctx.actor.scopes
    found = await repository.page(ctx.session, request, sees_installation=is_operator)
    return Page([ErrorRead.model_validate(each) for each in found.items], request, found.total)
