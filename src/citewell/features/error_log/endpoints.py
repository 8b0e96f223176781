"""Routes of the error log."""

from citewell.core.context import unit_of_work
from citewell.features.error_log import service
from citewell.features.error_log.schemas import ErrorRead
from citewell.features.http import PRIVATE, AdminDep, Listing, PageDep, PlatformDep, Router, listing

router = Router(policy=PRIVATE, prefix="/errors", tags=["errors"])


@router.get("")
async def list_errors(
    platform: PlatformDep, caller: AdminDep, request: PageDep
) -> Listing[ErrorRead]:
    """List the kinds of errors of the program itself, seen last first; for administrators."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, request)
        return listing(page, page.items)
