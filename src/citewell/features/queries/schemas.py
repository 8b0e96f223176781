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
from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableText
from citewell.models.queries import QueryLog

BAD_RATING = 2
"""A rating of so much or less is a bad one: the two lower of five."""


class Only(StrEnum):
    """Which questions a list shows."""

    OWN = "own"
    UNANSWERED = "unanswered"
    LOW_CONFIDENCE = "low_confidence"
    """Answered, with low confidence."""
    REFUSED = "refused"
    """Not admitted by the tenant's rules."""
    BADLY_RATED = "badly_rated"


class LogPrivacy(StrEnum):
    """Privacy of the log: what managers see of the questions of others, loosest first."""

    FULL = "full"
    ANONYMOUS = "anonymous"
    """Not who asked."""
    OFF = "off"


@dataclass(frozen=True, slots=True)
class QuerySight:
    """Which stored answers are there for a caller."""

    actor_id: uuid.UUID
    """Their own."""
    sees_all: bool
    """Those of everybody that the privacy of the log does not hide."""
    sees_askers: bool = True
    """Also who asked, where the question's own privacy does not hide it."""


@dataclass(frozen=True, slots=True)
class QueryFilter:
    """Criteria of a list of questions; each must meet all that are given."""

    only: Only | None = None
    user_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Questions before it."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A question of a list."""

    log: QueryLog
    rating: float | None
    """Mean of its ratings."""
    shows_asker: bool


class FeedbackCreate(RequestBody):
    """A rating of an answer."""

    model_config = ConfigDict(str_strip_whitespace=True)

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
    """None also where the tenant's log does not tell who asked."""
    timestamp: datetime
    abstained: bool
    confidence: ConfidenceRead
    model: str
    cached: bool | None
    """Whether the reply came out of a cache; None: it was not noted."""
    refusal: str | None
    """Code of the error with which the tenant's rules refused it; no answer was made."""
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
    page_end: int | None = None
    """Last page of the text, the same as `page` where it stands on one."""
    sheet: str | None = None
    """Name of the sheet of a workbook, of which `page` is the number; null elsewhere."""
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
    standalone: str | None
    """The question that was answered, where it was a follow-up; None: it stands alone, or holds
    words of what the caller may not read now."""
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
    refusal: str | None
    """Code of the error with which the tenant's rules refused it; `answer` is what was said."""
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
    sheet: str | None = None
    """Name of its sheet in a workbook."""


Readable = Mapping[int, ReadablePassage]
"""By the place of the passage."""
