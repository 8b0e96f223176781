"""Routes of usage."""

from citewell.access.policy import Role
from citewell.core.context import unit_of_work
from citewell.features.http import PRIVATE, PlatformDep, ReaderDep, Router
from citewell.features.usage import service
from citewell.features.usage.schemas import UsageReply

router = Router(policy=PRIVATE, prefix="/usage", tags=["usage"])


@router.get("")
async def get_usage(platform: PlatformDep, caller: ReaderDep) -> UsageReply:
    """Say what your organisation uses of its plan; for managers and administrators."""
    if not caller.actor.administers:
        caller.actor.require_role(Role.MANAGER)
    async with unit_of_work(platform, caller) as ctx:
        return await service.standing(ctx)
