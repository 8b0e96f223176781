"""Route of one's own data."""

from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse

from citewell.features.http import (
    PRIVATE,
    QUERY,
    HeadDep,
    PlatformDep,
    ReaderDep,
    Router,
    governed,
    head_alone,
)
from citewell.features.personal_data import service

router = Router(policy=PRIVATE, prefix="/auth", tags=["sessions"])

MEDIA_TYPE = "application/x-ndjson"


HEADERS = {"Content-Disposition": 'attachment; filename="my-data.ndjson"'}


@router.get("/me/data", response_class=StreamingResponse)
@governed(QUERY)  # each reads much, and nobody needs many
async def export_own_data(
    platform: PlatformDep, caller: ReaderDep, is_head: HeadDep
) -> StreamingResponse:
    """Download all that the organisation keeps about you, as lines of JSON."""
    service.person_of(caller)
    if is_head:
        return head_alone(MEDIA_TYPE, HEADERS)
    parts = service.export(platform, caller)
    # The first part is made before the reply begins: a database that is away is a plain 503.
    first = await anext(parts, b"")

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for part in parts:
            yield part

    return StreamingResponse(body(), media_type=MEDIA_TYPE, headers=HEADERS)
