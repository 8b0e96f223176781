"""Reading a part of a document."""

import uuid

from pydantic import BaseModel, ConfigDict, Field

from citewell.core.context import unit_of_work
from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.features.agents.tools.base import AgentTool, ToolWork, require_in_scope, stretch_of
from citewell.features.documents import service as documents

PART_CHARS = 8_000
"""Characters of one part: some four pages."""


class ReadDocumentArguments(BaseModel):
    """The part to read."""

    model_config = ConfigDict(extra="forbid")

    document_id: uuid.UUID
    start: int = Field(default=0, ge=0, le=2**31 - 1, description="Offset of its first character.")
    length: int = Field(default=4_000, ge=1, le=PART_CHARS, description="Characters.")
    version: int | None = Field(default=None, ge=1, le=2**31 - 1, description="None: the current.")


async def _run(work: ToolWork, arguments: ReadDocumentArguments) -> ToolOutput:
    async with unit_of_work(work.platform, work.caller) as ctx:
        state, version = await documents.readable_version(
            ctx, arguments.document_id, arguments.version
        )
        require_in_scope(work, state)
        total = version.char_count or 0
        if arguments.start >= total:
            return ToolOutput(f"The text ends at character {total}.", is_error=True)
        read = await documents.content(
            ctx,
            arguments.document_id,
            number=version.number,
            start=arguments.start,
            end=arguments.start + arguments.length,
        )
    more = f" It goes on at {read.end}." if read.end < read.total else ""
    lead = f"Characters {read.start} to {read.end} of {read.total}.{more}"
    return ToolOutput(lead, (stretch_of(state, read.version, read.start, read.text),))


TOOL = AgentTool(
    ToolTerms(
        "read_document",
        "Read a part of a document's text, from an offset on.",
        ReadDocumentArguments,
    ),
    _run,
)
