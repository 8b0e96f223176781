"""Routes of documents of nearly the same text."""

import uuid

from citewell.features.http import QUERY, PlatformDep, ReaderDep, Router
from citewell.features.likeness import service
from citewell.features.likeness.schemas import LikeDocuments

router = Router(policy=QUERY, prefix="/documents/{document_id}", tags=["documents"])


@router.get("/similar")
async def list_similar_documents(
    platform: PlatformDep, caller: ReaderDep, document_id: uuid.UUID
) -> LikeDocuments:
    """List documents of nearly the same text that you may read, the nearest first."""
    return await service.like_documents(platform, caller, document_id)
