"""Listing the documents that the user may read."""

from pydantic import BaseModel, ConfigDict, Field

from citewell.core.context import unit_of_work
from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.features.agents.tools.base import AgentTool, ToolWork
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import DocumentQuery, DocumentState
from citewell.kit.pagination import PageRequest

PER_PAGE = 30
MOST_COLLECTIONS = 20


class ListDocumentsArguments(BaseModel):
    """Which documents to list."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(default=None, max_length=200, description="Words of the title.")
    page: int = Field(default=1, ge=1, le=1_000)


async def _run(work: ToolWork, arguments: ListDocumentsArguments) -> ToolOutput:
    request = PageRequest(arguments.page, PER_PAGE)
    places = [None] if work.collection_ids is None else work.collection_ids[:MOST_COLLECTIONS]
    listed: list[DocumentState] = []
    total = 0
    async with unit_of_work(work.platform, work.caller) as ctx:
        for place in places:
            asked = DocumentQuery(collection_id=place, search=arguments.title or None)
            found = await documents.page(ctx, request, asked)
            listed += found.items
            total += found.total
    if not listed:
        return ToolOutput("There are no such documents.")
    lines = [f"{total} documents, page {arguments.page}:", *map(_line, listed)]
    ids = tuple(str(state.document.id) for state in listed)
    return ToolOutput("\n".join(lines), document_ids=ids)


def _line(state: DocumentState) -> str:
    document, active = state.document, state.active
    version = f"version {active.number}" if active else f"not readable: {state.newest.status}"
    changed = document.updated_at.date().isoformat()
    return f"- {document.id}: {document.title} ({document.filename}; {version}; {changed})"


TOOL = AgentTool(
    ToolTerms(
        "list_documents",
        "List documents with their ids, titles, file names and versions, newest first.",
        ListDocumentsArguments,
    ),
    _run,
)
