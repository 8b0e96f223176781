"""Routes of usage."""

from typing import Annotated, Literal

from fastapi import Query, Response

from citewell.access.policy import Role
from citewell.core.context import unit_of_work
from citewell.features.http import (
    PRIVATE,
    HeadDep,
    PlatformDep,
    ReaderDep,
    Router,
    head_alone,
)
from citewell.features.usage import metering, service
from citewell.features.usage.schemas import MeteredUsage, UsageReply

router = Router(policy=PRIVATE, prefix="/usage", tags=["usage"])


@router.get("")
async def get_usage(platform: PlatformDep, caller: ReaderDep) -> UsageReply:
    """Say what your organisation uses of its plan; for managers and administrators."""
    if not caller.actor.administers:
        caller.actor.require_role(Role.MANAGER)
    async with unit_of_work(platform, caller) as ctx:
        return await service.standing(ctx)


@router.get("/export", response_model=MeteredUsage)
async def export_usage(
    platform: PlatformDep,
    caller: ReaderDep,
    is_head: HeadDep,
    month: Annotated[str | None, Query(pattern=r"^2[0-9]{3}-(0[1-9]|1[0-2])$")] = None,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> MeteredUsage | Response:
    """Download the metered usage of a month, with signed totals; for managers and above."""
    if not caller.actor.administers:
        caller.actor.require_role(Role.MANAGER)
    if is_head:
        return head_alone("text/csv" if form == "csv" else "application/json")
    async with unit_of_work(platform, caller) as ctx:
        metered = await metering.of_month(ctx, month)
    if form == "json":
        return metered
    name = f'attachment; filename="usage-{metered.totals.month}.csv"'
    written = metering.as_csv(metered)
    return Response(written, media_type="text/csv", headers={"Content-Disposition": name})
