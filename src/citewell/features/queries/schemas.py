"""Shapes of stored answers, of what is different today, and of ratings."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from citewell.engine.verification.grading import Grade
from citewell.features.search.schemas import ConfidenceRead, DegradedRead, QueryReply, Setting
from citewell.kit.storable import StorableText

BAD_RATING = 2
"""A rating of so much or less is a bad one: the two lower of five."""


class Only(StrEnum):
    """Which questions a list shows."""

    OWN = "own"
    UNANSWERED = "unanswered"
    BADLY_RATED = "badly_rated"


@dataclass(frozen=True, slots=True)
class QuerySight:
    """Which stored answers are there for a caller."""

    actor_id: uuid.UUID
    """Their own."""
    sees_all: bool
    """Those of everybody: the role may read the log."""


class FeedbackCreate(BaseModel):
    """A rating of an answer."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    query_id: uuid.UUID
    rating: int = Field(ge=1, le=5, description="5: just right, 1: wrong or no help.")
    comment: Annotated[StorableText, Field(max_length=4_000)] = ""


class FeedbackRead(BaseModel):
    """A rating as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    query_id: uuid.UUID
    user_id: uuid.UUID | None
    """None: of software of the organisation."""
    rating: int
    comment: str
    created_at: datetime
    updated_at: datetime


class QuerySummary(BaseModel):
    """A question in a list."""

    query_id: uuid.UUID
    query: str
    user_id: uuid.UUID | None
    timestamp: datetime
    abstained: bool
    confidence: ConfidenceRead
    model: str
    rating: float | None
    """Mean of its ratings."""


class StoredPassage(BaseModel):
    """A passage an answer was made of; what the caller may not read now has no more than this."""

    is_readable: bool
    chunk_id: uuid.UUID | None = None
    document_id: uuid.UUID | None = None
    title: str | None = None
    """Of the document as it is now."""
    version: int | None = None
    page: int | None = None
    start: int | None = None
    end: int | None = None
    score: float | None = None
    text: str | None = None


class StoredCitation(StoredPassage):
    """Where a sentence came from; `text` is its quote."""

    number: int


class StoredSentence(BaseModel):
    """A sentence of a stored answer."""

    text: str | None
    """None: it rests on what the caller may not read now."""
    citations: list[int]
    grade: Grade | None
    unsupported_terms: list[str]
    verified_by: Literal["rules", "model"] | None


class StoredMetadata(BaseModel):
    """How a stored answer was made."""

    model: str
    prompt_version: str | None
    """None: no model was asked."""
    embedding: str | None
    release: str
    settings: dict[str, Setting]
    """`verifier`, `reranker`, `rerank_candidates`; null: it had no part in the answer. Empty in
    answers from before they were noted."""
    language: str
    input_tokens: int
    output_tokens: int
    timings_ms: dict[str, float]
    degraded: list[DegradedRead]


class StoredAnswer(BaseModel):
    """An answer as it was given, as far as the caller may read what it was made of."""

    query_id: uuid.UUID
    query: str
    request: dict[str, Any]
    """Options of the request besides the question, where they were not the usual."""
    user_id: uuid.UUID | None
    timestamp: datetime
    answer: str | None
    """None: part of it is withheld, or a document it was made of is gone."""
    is_complete: bool
    """Whether nothing of it is withheld."""
    erased_at: datetime | None
    """When a document it was made of was deleted for good, and its words with it."""
    abstained: bool
    confidence: ConfidenceRead
    sentences: list[StoredSentence]
    citations: list[StoredCitation]
    passages: list[StoredPassage]
    metadata: StoredMetadata
    feedback: list[FeedbackRead]
    """The caller's own; for those who may read the log all."""


class Change(BaseModel):
    """A difference between an answer and the one given today, or a reason for it."""

    code: str
    detail: str
    document_id: uuid.UUID | None = None


class ReplayRead(BaseModel):
    """An answer, what the same question gets today, and why they differ."""

    query_id: uuid.UUID
    is_same: bool
    differences: list[Change]
    reasons: list[Change]
    then: StoredAnswer
    now: QueryReply


@dataclass(frozen=True, slots=True)
class ReadablePassage:
    """A stored passage whose document the caller may read now."""

    title: str
    text: str
    active_version: int | None
    """The version that answers today."""


Readable = Mapping[int, ReadablePassage]
"""By the place of the passage."""
