"""Shapes of analytics."""

import uuid
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, Field


class QuestionKind(StrEnum):
    """Which questions are listed, the most first."""

    POPULAR = "popular"
    RISING = "rising"
    """Asked more often than in the time before, of the same length."""
    UNANSWERED = "unanswered"
    LOW_CONFIDENCE = "low_confidence"
    BADLY_RATED = "badly_rated"


class DocumentKind(StrEnum):
    """Which documents are listed."""

    MOST_CITED = "most_cited"
    NEVER_CITED = "never_cited"


class Spender(StrEnum):
    """By what spending is told apart."""

    USER = "user"
    GROUP = "group"
    AGENT = "agent"


class FiguresTable(StrEnum):
    """A table that can be exported."""

    USAGE = "usage"
    QUESTIONS = "questions"
    DOCUMENTS = "documents"
    USERS = "users"
    GROUPS = "groups"
    AGENTS = "agents"


@dataclass(frozen=True, slots=True)
class DayRange:
    """Days (UTC) from one up to another, which is not included."""

    since: date
    until: date


class LatencyRead(BaseModel):
    """Times of answers in ms: upper bounds, at most 9 % above the exact ones; null: no answer."""

    p50: float | None
    p95: float | None
    p99: float | None


class Figures(BaseModel):
    """Figures of what happened in a time."""

    questions: int
    unanswered: int
    low_confidence: int
    ratings: int
    bad_ratings: int
    rating: float | None
    """Mean of the ratings of these questions."""
    cache_hit_rate: float | None
    degraded: int
    input_tokens: int
    output_tokens: int
    money: float = Field(description="US dollars by the public list; unknown prices count as 0.")
    agent_runs: int
    documents_created: int
    documents_updated: int
    latency_ms: LatencyRead


class BucketRead(Figures):
    """A day or month."""

    start: date
    users: int
    """Different people and keys that asked."""


class UsageFiguresRead(BaseModel):
    """Figures of a range, by bucket and together."""

    since: date
    until: date
    counted_until: str | None
    """Moment up to which is counted; null: nothing yet."""
    buckets: list[BucketRead]
    total: Figures
    users: int
    active_days: int
    """Days on which something was asked."""


class QuestionRead(BaseModel):
    """Questions that differ in nothing but case, order, articles and the like."""

    query: str
    """One of them."""
    questions: int
    before: int | None
    """Of `rising`: in the time before, of the same length."""
    unanswered: int
    low_confidence: int
    bad_ratings: int


class QuestionsRead(BaseModel):
    """The most frequent questions."""

    since: date
    """Later than asked for where the questions before are not kept any more."""
    until: date
    data: list[QuestionRead]


class CitedRead(BaseModel):
    """A document that the caller may read."""

    document_id: uuid.UUID
    title: str
    questions: int
    """Questions whose answers cite it."""


class DocumentsRead(BaseModel):
    """Documents by how often they are cited."""

    since: date
    until: date
    total: int
    """Of documents of this kind that the caller may read."""
    data: list[CitedRead]


class SpendingRead(BaseModel):
    """Questions and spending of a user, group or agent."""

    id: uuid.UUID | None
    """None: of those who are not named, together."""
    name: str | None
    questions: int
    """Of an agent: its runs."""
    input_tokens: int
    output_tokens: int
    money: float


class SpendersRead(BaseModel):
    """Spending of a range, most tokens first."""

    since: date
    until: date
    by: Spender
    data: list[SpendingRead]


class PersonBucket(BaseModel):
    """A day of one person."""

    start: date
    questions: int
    unanswered: int
    low_confidence: int
    input_tokens: int
    output_tokens: int
    money: float


class PersonRead(BaseModel):
    """Questions and spending of one user."""

    user_id: uuid.UUID
    since: date
    until: date
    active_days: int
    buckets: list[PersonBucket]


class DegradedPart(BaseModel):
    """A day of the system."""

    start: date
    questions: int
    degraded: int
    cache_hit_rate: float | None
    latency_ms: LatencyRead


class SystemRead(BaseModel):
    """How well answers were given."""

    since: date
    until: date
    latency_ms: LatencyRead
    cache_hit_rate: float | None
    degraded: int
    documents: int
    stored_bytes: int
    jobs_failed: int
    """Jobs that failed in this time."""
    buckets: list[DegradedPart]


Bucket = Literal["day", "month"]
