"""Routes of search and answers."""

from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse

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
from citewell.features.search import answers, service
from citewell.features.search.schemas import (
    CachesRead,
    QueryReply,
    QueryRequest,
    SearchReply,
    SearchRequest,
)
from citewell.features.search.service import figures
from citewell.kit.sse import encode_event

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


@router.post("/query")
@governed(QUERY)
async def query(platform: PlatformDep, caller: ReaderDep, request: QueryRequest) -> QueryReply:
    """Answer a question, every sentence cited."""
    return await answers.answer(platform, caller, request)


@router.post("/query/stream", response_class=StreamingResponse)
@governed(QUERY)
async def query_stream(
    platform: PlatformDep, caller: ReaderDep, request: QueryRequest
) -> StreamingResponse:
    """Answer as server-sent events: `step`, `token`, `citation`, `done` or `error`.

    The texts of all `token` events are the answer; where a model writes, each is a sentence and
    carries its grade. `done` has the same object as `/query`.
    """
    events = answers.stream(platform, caller, request)
    # The first step is taken before the reply begins: a bad request is still a plain 4xx.
    first = await anext(events)

    async def body() -> AsyncIterator[bytes]:
        yield encode_event(first.name, first.data)
        async for event in events:
            yield encode_event(event.name, event.data)

    return StreamingResponse(
        body(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
