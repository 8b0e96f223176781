"""Routes of search and of its caches."""

from citewell.core.caching.cache import Cache
from citewell.features.http import (
    PRIVATE,
    QUERY,
    OperatorDep,
    PlatformDep,
    ReaderDep,
    Router,
    governed,
)
from citewell.features.search import service
from citewell.features.search.schemas import (
    CachesRead,
    SearchReply,
    SearchRequest,
)
from citewell.features.search.service import figures

router = Router(policy=PRIVATE, tags=["search"])


@router.post("/search")
@governed(QUERY)
async def search(platform: PlatformDep, caller: ReaderDep, request: SearchRequest) -> SearchReply:
    """Find passages, best first."""
    return await service.search(platform, caller, request)


@router.get("/caches")
async def caches(platform: PlatformDep, operator: OperatorDep) -> CachesRead:  # noqa: ARG001 - admits
    """Report what the caches of this process hold, and how often they had what was asked for."""
    return figures(platform.state_of(Cache))
