"""Searching the documents that the user may read."""

import uuid

from pydantic import BaseModel, ConfigDict, Field

from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.engine.answering.base import Passage
from citewell.engine.retrieval.base import Hit
from citewell.features.agents.tools.base import AgentTool, ToolWork
from citewell.features.search import service as search
from citewell.features.search.schemas import MAX_QUERY_CHARS
from citewell.kit.clock import Stopwatch


class SearchDocumentsArguments(BaseModel):
    """The words to look for."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(min_length=1, max_length=MAX_QUERY_CHARS, description="Question or words.")
    document_id: uuid.UUID | None = Field(default=None, description="Search this document only.")
    top_k: int = Field(default=6, ge=1, le=20, description="Most passages.")


async def _run(work: ToolWork, arguments: SearchDocumentsArguments) -> ToolOutput:
    wanted = arguments.document_id
    found = await search.find(
        work.platform,
        work.caller,
        arguments.query,
        spender=work.caller.actor,
        top_k=arguments.top_k,
        filters={} if wanted is None else {"document_id": str(wanted)},
        collection_ids=work.collection_ids,
        watch=Stopwatch(),
    )
    if not found.hits:
        return ToolOutput("No passage was found.")
    return ToolOutput(passages=tuple(map(_passage, found.hits)))


def _passage(hit: Hit) -> Passage:
    return Passage(
        chunk_id=str(hit.chunk_id),
        document_id=str(hit.document_id),
        title=hit.title,
        version=hit.version,
        page=hit.page,
        heading=hit.heading,
        start=hit.start,
        end=hit.end,
        text=hit.text,
        score=hit.score,
        language=hit.language,
        context=hit.context,
    )


TOOL = AgentTool(
    ToolTerms(
        "search_documents",
        "Find the passages of the organisation's documents that fit a question, best first.",
        SearchDocumentsArguments,
    ),
    _run,
)
