"""Shapes of OpenAI's API that its routes have in common."""

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from citewell.features.search.schemas import (
    AsOf,
    CollectionIds,
    ConfidenceRead,
    DegradedRead,
    Filters,
    FilterValue,
    SentenceRead,
    UsesCache,
)

ModelName = Annotated[str, Field(min_length=1, max_length=200)]
MAX_MESSAGES = 2_000
MAX_TOOLS = 128
"""As many as OpenAI takes."""


class LaxModel(BaseModel):
    """A shape of OpenAI's: fields that are not known here have no effect.

    Clients send whatever their version of OpenAI's API has; what would change a reply and is not
    there is refused by name (`UnsupportedParameterError`).
    """

    model_config = ConfigDict(extra="ignore")


class LibraryOptions(BaseModel):
    """Where to look, as `POST /query` takes it; an addition to OpenAI's requests."""

    model_config = ConfigDict(extra="forbid")

    top_k: int = Field(default=8, ge=1, le=50, description="Passages to read.")
    filters: Filters = Field(default_factory=dict[str, FilterValue])
    collection_ids: CollectionIds | None = None
    as_of: AsOf = None
    cache: UsesCache = True


class FunctionDefinition(LaxModel):
    """A function of the client."""

    # The names that OpenAI and Anthropic take.
    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str = ""
    parameters: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class CalledFunction(LaxModel):
    """A call of a function; its arguments are JSON as text."""

    name: str
    arguments: str


class ToolCallItem(LaxModel):
    """A tool call in an assistant's message."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class ContentPart(LaxModel):
    """A part of a message's content; only text can be read."""

    type: str
    text: str | None = None
    refusal: str | None = None


class SourcePlace(BaseModel):
    """Additions to an annotation: the passage that is cited."""

    number: int
    document_id: uuid.UUID
    chunk_id: uuid.UUID | None
    """Null where an agent read a stretch of a document that is no chunk."""
    version: int
    page: int | None
    heading: str | None
    quote: str
    start: int
    end: int
    score: float


class UrlCitation(SourcePlace):
    """OpenAI's citation of an address, here the passage's."""

    title: str
    url: str
    """The passage's text in this API."""
    start_index: int
    """Where the citation's first mark stands in the content, in characters."""
    end_index: int


class AnswerFacts(BaseModel):
    """How an answer was made; an addition to OpenAI's replies."""

    grounded: bool
    """Whether it was made from documents; false: a model wrote it from what client tools gave."""
    query_id: uuid.UUID | None = None
    run_id: uuid.UUID | None = None
    """The run of the agent that answered."""
    abstained: bool = False
    confidence: ConfidenceRead | None = None
    sentences: list[SentenceRead] = Field(default_factory=list[SentenceRead])
    model: str | None = None
    """Writer of it: `extractive`, or provider and model."""
    prompt: str | None = None
    cached: bool = False
    timings_ms: dict[str, float] = Field(default_factory=dict[str, float])
    degraded: list[DegradedRead] = Field(default_factory=list[DegradedRead])


class ModelCard(BaseModel):
    """A model that can be asked for."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    """The models that the caller may ask for."""

    object: Literal["list"] = "list"
    data: list[ModelCard]
