"""Sets of questions with what is right, runs over them, and judged replies."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped


class EvalDataset(Base, HasId, TenantScoped, HasTimestamps):
    """A named set of questions."""

    __tablename__ = "eval_dataset"

    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    created_by: Mapped[uuid.UUID | None]


class EvalCase(Base, HasId, TenantScoped, HasTimestamps):
    """A question with what its answer must hold, and the documents that answer it."""

    __tablename__ = "eval_case"

    dataset_id: Mapped[uuid.UUID]
    question: Mapped[str]
    gold: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    """One of these must be found."""
    all_of: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    forbid: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    abstain: Mapped[bool] = mapped_column(server_default="false")
    """Whether the documents hold no answer."""
    reference: Mapped[str | None]
    """An answer in words, to which others are compared."""
    document_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    """The documents that a search must find."""
    kind: Mapped[str | None]
    query_id: Mapped[uuid.UUID | None]
    """The stored answer it was made from."""
    origin: Mapped[str] = mapped_column(server_default="manual")
    """`manual`, `answer`, `feedback` or `generated`."""
    written_by: Mapped[str | None]
    """Writer of a generated one: `rules` or the model."""
    is_reviewed: Mapped[bool] = mapped_column(server_default="true")
    passage: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Source of a generated one: `document_id, version, start, end`."""
    created_by: Mapped[uuid.UUID | None]


class EvalRun(Base, HasId, TenantScoped):
    """All questions of a set asked once, of the library and with the settings of that moment."""

    __tablename__ = "eval_run"

    dataset_id: Mapped[uuid.UUID]
    job_id: Mapped[uuid.UUID | None]
    """None: run by a command."""
    top_k: Mapped[int]
    model: Mapped[str]
    embedding: Mapped[str | None]
    prompt_version: Mapped[str | None]
    release: Mapped[str]
    agent: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """The agent that answers: `slug, version, definition`; None: answers are made as of any
    question."""
    judge: Mapped[str | None]
    """The model that judges beside the rules; None: none does."""
    with_unreviewed: Mapped[bool] = mapped_column(server_default="false")
    is_rejected: Mapped[bool] = mapped_column(server_default="false")
    """Whether a gate found it worse: the next gate does not take it for its baseline."""
    figures: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """None until it is finished."""
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class EvalGeneration(Base, HasId, TenantScoped):
    """Cases made from documents, at one go."""

    __tablename__ = "eval_generation"

    dataset_id: Mapped[uuid.UUID]
    job_id: Mapped[uuid.UUID | None]
    """None: done by a command."""
    writer: Mapped[str]
    """`rules` or the model."""
    document_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid))
    wanted: Mapped[int]
    made: Mapped[int] = mapped_column(server_default="0")
    rejected: Mapped[int] = mapped_column(server_default="0")
    """Proposals of the model that no passage proves."""
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class EvalResult(Base, TenantScoped):
    """The reply to one question of a run, judged."""

    __tablename__ = "eval_result"

    run_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    question: Mapped[str]
    kind: Mapped[str | None]
    verdict: Mapped[str | None]
    """None: the case says nothing of the answer, or there was none."""
    error: Mapped[str | None]
    answer: Mapped[str | None]
    """None: a document it was made of has been deleted for good."""
    is_abstained: Mapped[bool]
    confidence_level: Mapped[str]
    confidence_score: Mapped[float]
    measures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    latency_ms: Mapped[float]
    input_tokens: Mapped[int] = mapped_column(server_default="0")
    output_tokens: Mapped[int] = mapped_column(server_default="0")
    document_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
