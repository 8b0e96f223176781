"""The tools: each has a shape of arguments, a shape of results, and does what a route does."""

import uuid
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from citewell.access.policy import Scope
from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.mcp.places import DocumentPlace
from citewell.features.agents import runs, streaming
from citewell.features.agents import service as agents
from citewell.features.agents.schemas import MAX_QUESTION_CHARS, AgentCitation, ExecuteRequest
from citewell.features.collections import service as collections
from citewell.features.documents import service as documents
from citewell.features.openai_api.errors import AgentRunFailedError
from citewell.features.search import answers
from citewell.features.search import service as search
from citewell.features.search.schemas import (
    AsOf,
    CitationRead,
    CollectionIds,
    ConfidenceRead,
    DegradedRead,
    Filters,
    FilterValue,
    QueryRequest,
    QueryText,
    SearchHit,
    SearchRequest,
    SentenceRead,
)
from citewell.kit.pagination import PageRequest

STRETCH = 20_000
"""Characters of a document in one result: about 5,000 tokens of a model's context."""

COLLECTIONS = 100


class Arguments(BaseModel):
    """Arguments of a tool; unknown ones are refused, so that a model hears of its mistake."""

    model_config = ConfigDict(extra="forbid")


class LibraryArguments(Arguments):
    """A question, and where to look."""

    query: QueryText
    filters: Annotated[
        Filters,
        Field(
            description="Values by metadata key, or by document_id, title, filename, source, "
            "language; all must match."
        ),
    ] = Field(default_factory=dict[str, FilterValue])
    collection_ids: CollectionIds | None = None
    as_of: AsOf = None


class SearchArguments(LibraryArguments):
    """A search for passages."""

    top_k: int = Field(default=5, ge=1, le=20, description="Passages to give.")


class AskArguments(LibraryArguments):
    """A question to answer."""


class ReadArguments(Arguments):
    """A stretch of a document to read."""

    document_id: uuid.UUID
    version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    start: int = Field(default=0, ge=0, le=2**31 - 1, description="First character.")
    end: int | None = Field(default=None, ge=0, le=2**31 - 1, description="One after the last.")


class ListArguments(Arguments):
    """Which page of the list."""

    page: int = Field(default=1, ge=1, le=1_000_000)


class RunArguments(Arguments):
    """A task for an agent."""

    agent: str = Field(min_length=1, max_length=100, description="Its slug, as `researcher`.")
    task: str = Field(min_length=1, max_length=MAX_QUESTION_CHARS)


class PassageFound(BaseModel):
    """A passage, with the address to read around it."""

    document_id: uuid.UUID
    title: str
    version: int
    page: int | None
    heading: str | None
    start: int
    end: int
    score: float
    text: str
    uri: str


class PassagesFound(BaseModel):
    """Passages, best first."""

    results: list[PassageFound]
    degraded: list[DegradedRead]


class SourceCited(BaseModel):
    """The passage behind a mark like `[1]`; `quote` is its text from `start` to `end`."""

    number: int
    document_id: uuid.UUID
    title: str
    version: int
    page: int | None
    heading: str | None
    start: int
    end: int
    quote: str
    score: float
    uri: str


class AnswerGiven(BaseModel):
    """An answer whose every sentence is cited and graded, or that there is none."""

    query_id: uuid.UUID
    answer: str
    abstained: bool
    confidence: ConfidenceRead
    sentences: list[SentenceRead]
    citations: list[SourceCited]
    degraded: list[DegradedRead]


class AgentAnswer(BaseModel):
    """The answer of a run of an agent, cited and graded."""

    run_id: uuid.UUID
    answer: str
    sentences: list[SentenceRead]
    citations: list[SourceCited]
    degraded: list[DegradedRead]


class TextRead(BaseModel):
    """A stretch of a document's text."""

    document_id: uuid.UUID
    version: int
    start: int
    end: int
    total: int
    text: str
    next_start: int | None
    """Where to go on reading; null: this was the end."""


class CollectionFound(BaseModel):
    """A collection."""

    id: uuid.UUID
    name: str
    description: str


class CollectionsFound(BaseModel):
    """Collections by name."""

    collections: list[CollectionFound]
    total: int
    page: int


Result = tuple[str, BaseModel]
"""Text for a person or a model, and the same as data."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as it is offered, and its work."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    result: type[BaseModel]
    run: Callable[[Platform, Caller, Any], Awaitable[Result]]
    needs: Scope = Scope.READ
    """Scope of the credential; what needs no other only reads."""


async def _search(platform: Platform, caller: Caller, asked: SearchArguments) -> Result:
    request = SearchRequest.model_validate(asked.model_dump(exclude_unset=True))
    reply = await search.search(platform, caller, request)
    found = [_passage(hit) for hit in reply.results]
    shown = [
        f"{number}. {_place(each)} ({each.uri})\n{each.text}"
        for number, each in enumerate(found, 1)
    ]
    return "\n\n".join(shown) or "Nothing found.", PassagesFound(
        results=found, degraded=reply.degraded
    )


async def _ask(platform: Platform, caller: Caller, asked: AskArguments) -> Result:
    request = QueryRequest.model_validate(asked.model_dump(exclude_unset=True))
    reply = await answers.answer(platform, caller, request)
    sources = [_source(each) for each in reply.citations]
    confidence = reply.confidence
    lines = [reply.answer, "", f"Confidence: {confidence.level} ({confidence.score:.2f})"]
    lines += [f"[{each.number}] {_place(each)}: “{each.quote}” ({each.uri})" for each in sources]
    return "\n".join(lines), AnswerGiven(
        query_id=reply.query_id,
        answer=reply.answer,
        abstained=reply.abstained,
        confidence=confidence,
        sentences=reply.sentences,
        citations=sources,
        degraded=reply.metadata.degraded,
    )


async def _read(platform: Platform, caller: Caller, asked: ReadArguments) -> Result:
    end = asked.start + STRETCH if asked.end is None else min(asked.end, asked.start + STRETCH)
    async with unit_of_work(platform, caller) as ctx:
        read = await documents.content(
            ctx, asked.document_id, number=asked.version, start=asked.start, end=end
        )
    last = read.total if asked.end is None else min(asked.end, read.total)
    next_start = read.end if read.end < last else None
    shown = TextRead(**read.model_dump(), next_start=next_start)
    rest = f"\n\n[Goes on at start={next_start} of {read.total}.]" if next_start else ""
    return read.text + rest, shown


async def _list(platform: Platform, caller: Caller, asked: ListArguments) -> Result:
    async with unit_of_work(platform, caller) as ctx:
        page = await collections.page(ctx, PageRequest(asked.page, COLLECTIONS))
        found = [
            CollectionFound(id=each.id, name=each.name, description=each.description)
            for each in page.items
        ]
    lines = [f"{each.name} ({each.id}): {each.description}" for each in found]
    shown = CollectionsFound(collections=found, total=page.total, page=asked.page)
    return "\n".join(lines) or "There is no collection.", shown


async def _run(platform: Platform, caller: Caller, asked: RunArguments) -> Result:
    async with unit_of_work(platform, caller) as ctx:
        agent_id = await agents.find(ctx, asked.agent)
    started = await runs.start(platform, caller, agent_id, ExecuteRequest(input=asked.task))
    async with aclosing(streaming.follow(platform, caller, started.id)) as events:
        async for event in events:
            if event.name == "error":
                raise AgentRunFailedError(started.id, str(event.data["detail"]))
    async with unit_of_work(platform, caller) as ctx:
        report = (await runs.get(ctx, started.id)).report
    if report is None:
        raise AgentRunFailedError(started.id, "It waits for a decision on an action.")
    sources = [_source(each) for each in report.citations]
    lines = [report.answer, ""]
    lines += [f"[{each.number}] {_place(each)}: “{each.quote}” ({each.uri})" for each in sources]
    return "\n".join(lines), AgentAnswer(
        run_id=started.id,
        answer=report.answer,
        sentences=report.sentences,
        citations=sources,
        degraded=report.degraded,
    )


TOOLS: dict[str, ToolSpec] = {
    tool.name: tool
    for tool in (
        ToolSpec(
            "search",
            "Search documents",
            "Find passages of the organisation's documents, best first. Use `ask` for an answer.",
            SearchArguments,
            PassagesFound,
            _search,
        ),
        ToolSpec(
            "ask",
            "Ask the documents",
            "Answer a question from the organisation's documents. Every sentence is cited to its "
            "passage; where the documents hold no answer, it says so. Give citations with it.",
            AskArguments,
            AnswerGiven,
            _ask,
        ),
        ToolSpec(
            "read_document",
            "Read a document",
            f"Read the text of a document, up to {STRETCH:,} characters at a time.",
            ReadArguments,
            TextRead,
            _read,
        ),
        ToolSpec(
            "list_collections",
            "List collections",
            "List the collections of documents there are.",
            ListArguments,
            CollectionsFound,
            _list,
        ),
        ToolSpec(
            "run_agent",
            "Run an agent",
            "Give a task to one of the organisation's agents, as `researcher`, which plans, "
            "searches several times, reads, and writes a cited report. Takes up to minutes.",
            RunArguments,
            AgentAnswer,
            _run,
            Scope.WRITE,
        ),
    )
}
"""By name, with the rights of the caller."""


def _passage(hit: SearchHit) -> PassageFound:
    place = DocumentPlace(hit.document_id, hit.version, hit.start, hit.end)
    shown = hit.model_dump(include=set(PassageFound.model_fields))
    return PassageFound(**shown, uri=place.uri)


def _source(citation: CitationRead | AgentCitation) -> SourceCited:
    place = DocumentPlace(citation.document_id, citation.version, citation.start, citation.end)
    shown = citation.model_dump(include=set(SourceCited.model_fields))
    return SourceCited(**shown, uri=place.uri)


def _place(shown: PassageFound | SourceCited) -> str:
    parts = [f"{shown.title}, version {shown.version}"]
    if shown.page is not None:
        parts.append(f"page {shown.page}")
    if shown.heading:
        parts.append(shown.heading)
    return ", ".join(parts)
