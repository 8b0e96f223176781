"""Questions with the answers they got, and how these were rated."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import SmallInteger, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped


class QueryLog(Base, HasId, TenantScoped):
    """A question and its answer; passages are references, their texts stay in the documents."""

    __tablename__ = "query_log"

    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_kind: Mapped[str]
    actor_id: Mapped[uuid.UUID | None]
    user_id: Mapped[uuid.UUID | None]
    """With the user their questions go."""
    question: Mapped[str]
    standalone: Mapped[str | None]
    """The question that was answered, where it was a follow-up; it may hold words of the answer
    before, whose passages are then among `passages`."""
    request: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Options of the request besides the question."""
    language: Mapped[str]
    answer: Mapped[str | None]
    """None, as `sentences` and `standalone`: a document it was made of was deleted for good."""
    sentences: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    is_abstained: Mapped[bool]
    confidence_level: Mapped[str]
    confidence_score: Mapped[float]
    reasons: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    passages: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Best first: `chunk_id, document_id, version, page, start, end, score`."""
    citations: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """`number, passage (index), start, end, score`; the offsets are of the version's text."""
    model: Mapped[str]
    prompt_version: Mapped[str | None]
    embedding: Mapped[str | None]
    release: Mapped[str]
    """The version of Citewell."""
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """`verifier`, `reranker`, `rerank_candidates`; empty in answers from before they were noted."""
    input_tokens: Mapped[int] = mapped_column(server_default="0")
    output_tokens: Mapped[int] = mapped_column(server_default="0")
    timings_ms: Mapped[dict[str, float]] = mapped_column(JSONB)
    degraded: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    erased_at: Mapped[datetime | None]
    privacy: Mapped[str] = mapped_column(server_default="full")
    """The tenant's `question_log` when it was asked; of this and the present one the stricter one
    holds, so that a looser setting reveals nothing of before."""
    refusal: Mapped[str | None]
    """Code of the error with which the tenant's rules refused it; None: it was answered."""
    is_cached: Mapped[bool | None]
    """Whether the reply came out of a cache; None: from before this was noted."""


class QueryDocument(Base, TenantScoped):
    """A document that an answer was made of; by it a deletion finds the answers to erase."""

    __tablename__ = "query_document"

    query_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    document_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class Feedback(Base, TenantScoped, HasTimestamps):
    """The rating of an answer by one user or key; a further one replaces it."""

    __tablename__ = "feedback"

    query_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    actor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID | None]
    rating: Mapped[int] = mapped_column(SmallInteger)
    comment: Mapped[str] = mapped_column(server_default="")
