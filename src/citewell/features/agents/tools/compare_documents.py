"""Comparing two documents, or two versions of one, word by word."""

import uuid

from pydantic import BaseModel, ConfigDict, Field

from citewell.core.context import unit_of_work
from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.engine.answering.base import Passage
from citewell.engine.diffing.texts import first_hunks
from citewell.features.agents.tools.base import AgentTool, ToolWork, require_in_scope, stretch_of
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import DocumentState

MAX_CHARS = 500_000
"""Longest text that is compared, as `versions.service` has it."""

MAX_HUNKS = 40
LISTED_CHARS = 6_000
"""Most removed and added text in one result."""

QUOTED = 10
"""Changes whose surroundings are given as passages that can be cited."""

AROUND = 160
"""Characters before and behind a change that go with it."""

Version = int | None


class CompareDocumentsArguments(BaseModel):
    """The two texts."""

    model_config = ConfigDict(extra="forbid")

    document_id: uuid.UUID
    version: Version = Field(default=None, ge=1, le=2**31 - 1, description="None: the current.")
    other_document_id: uuid.UUID | None = Field(default=None, description="None: the same.")
    other_version: Version = Field(default=None, ge=1, le=2**31 - 1, description="As above.")


class _Text:
    """One side of a comparison."""

    def __init__(self, state: DocumentState, version: int, text: str) -> None:
        self.state = state
        self.version = version
        self.text = text

    def around(self, start: int, end: int) -> Passage:
        """A stretch with what stands around it, from the end of one word to another."""
        first, last = max(0, start - AROUND), min(len(self.text), end + AROUND)
        while first > 0 and not self.text[first - 1].isspace():
            first -= 1
        while last < len(self.text) and not self.text[last].isspace():
            last += 1
        return stretch_of(self.state, self.version, first, self.text[first:last])

    @property
    def name(self) -> str:
        """Title and version."""
        return f"{self.state.document.title}, version {self.version}"


async def _run(work: ToolWork, arguments: CompareDocumentsArguments) -> ToolOutput:
    old = await _read(work, arguments.document_id, arguments.version)
    other_id = arguments.other_document_id or arguments.document_id
    new = await _read(work, other_id, arguments.other_version)
    for side in (old, new):
        if side is None:
            return ToolOutput(f"A text is longer than {MAX_CHARS:,} characters.", is_error=True)
    assert old is not None
    assert new is not None
    if (old.state.document.id, old.version) == (new.state.document.id, new.version):
        return ToolOutput("Both are the same; name another document or version.", is_error=True)
    found = await work.platform.compute.run(
        work.caller.tenant_id, first_hunks, old.text, new.text, LISTED_CHARS, MAX_HUNKS
    )
    hunks, ids = found["hunks"], (str(old.state.document.id), str(new.state.document.id))
    if not hunks:
        told = "They do not differ." if not found["count"] else "They differ altogether."
        return ToolOutput(f"From {old.name} to {new.name}: {told}", document_ids=ids)
    lines = [f"From {old.name} to {new.name}: {found['count']} changes, {len(hunks)} listed."]
    passages: list[Passage] = []
    for number, (old_start, old_end, new_start, new_end) in enumerate(hunks, 1):
        lines.append(f"{number}. removed: {old.text[old_start:old_end]!r}")
        lines.append(f"   added: {new.text[new_start:new_end]!r}")
        if number <= QUOTED:
            passages += [old.around(old_start, old_end), new.around(new_start, new_end)]
    return ToolOutput("\n".join(lines), tuple(passages), document_ids=ids)


async def _read(work: ToolWork, document_id: uuid.UUID, number: Version) -> _Text | None:
    """A text; None if it is too long."""
    async with unit_of_work(work.platform, work.caller) as ctx:
        state, version = await documents.readable_version(ctx, document_id, number)
        require_in_scope(work, state)
        if (version.char_count or 0) > MAX_CHARS:
            return None
        read = await documents.content(ctx, document_id, number=version.number)
    return _Text(state, version.number, read.text)


TOOL = AgentTool(
    ToolTerms(
        "compare_documents",
        "Compare two documents, or two versions of one: what was removed and added, in order.",
        CompareDocumentsArguments,
        seconds=45,
    ),
    _run,
)
