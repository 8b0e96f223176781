"""Agents with their versions; runs with their journal and their calls of tools."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import SmallInteger, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped


class AgentRunStatus(StrEnum):
    """Status of a run; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    """For a person's decision; it holds no place and no memory."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_RUN_STATUSES = (AgentRunStatus.SUCCEEDED, AgentRunStatus.FAILED, AgentRunStatus.CANCELLED)


class StepKind(StrEnum):
    """Kind of a journal's entry."""

    REPLY = "reply"
    """The model replied; its calls are rows of `tool_execution`."""
    APPROVAL = "approval"
    """A call waits for a person."""
    DECISION = "decision"
    RESULT = "result"
    """A call has its result."""
    END = "end"


class Agent(Base, HasId, TenantScoped, HasTimestamps):
    """An agent that people of the tenant made."""

    __tablename__ = "agent"

    slug: Mapped[str]
    name: Mapped[str]
    version: Mapped[int]
    """Number of the version that runs."""
    created_by: Mapped[uuid.UUID | None]


class AgentVersion(Base, TenantScoped):
    """One definition of an agent; never changed."""

    __tablename__ = "agent_version"

    agent_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AgentRun(Base, HasId, TenantScoped):
    """One run of an agent, for the user who started it."""

    __tablename__ = "agent_run"

    agent_id: Mapped[uuid.UUID]
    """No foreign key: built-in agents have no row, and runs outlive their agent."""
    agent_slug: Mapped[str]
    agent_version: Mapped[int]
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """As it was when the run began: a change of the agent does not reach it."""
    question: Mapped[str]
    given_document_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    """Documents whose text may be in the question, of a run that a workflow started."""
    root_id: Mapped[uuid.UUID]
    """The run that a person started; itself, unless another agent asked for this one."""
    parent_call: Mapped[uuid.UUID | None]
    """The call of another run that this one is made for."""
    depth: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    job_id: Mapped[uuid.UUID | None]
    attempt: Mapped[int] = mapped_column(server_default="0")
    """Number of the attempt that may write; a worker with another one has lost the run."""
    status: Mapped[str] = mapped_column(server_default="queued")
    reason: Mapped[str | None]
    """Reason of its failure."""
    actor_kind: Mapped[str]
    actor_id: Mapped[uuid.UUID | None]
    """User or key that started it; None: the operator."""
    user_id: Mapped[uuid.UUID | None]
    key_id: Mapped[uuid.UUID | None]
    """API key it was started with; once that is revoked, the run ends."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    """Of the credential that started it; its tools can do no more."""
    model: Mapped[str | None]
    entries: Mapped[int] = mapped_column(server_default="0")
    """Entries in its journal."""
    steps: Mapped[int] = mapped_column(server_default="0")
    input_tokens: Mapped[int] = mapped_column(server_default="0")
    output_tokens: Mapped[int] = mapped_column(server_default="0")
    money: Mapped[float] = mapped_column(server_default="0")
    seconds: Mapped[float] = mapped_column(server_default="0")
    """Time at work, of all attempts."""
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    """Time at which a document that it had read was deleted for good, and its texts with it."""


class AgentStep(Base, TenantScoped):
    """One entry of a run's journal, in the order in which things happened."""

    __tablename__ = "agent_step"

    run_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ToolExecution(Base, HasId, TenantScoped):
    """One call of a tool: input, output, time, cost, status, and who approved it."""

    __tablename__ = "tool_execution"

    run_id: Mapped[uuid.UUID]
    step: Mapped[int]
    """Number of the reply that asked for it, from 0."""
    place: Mapped[int] = mapped_column(SmallInteger)
    call_id: Mapped[str]
    tool: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    arguments_hash: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="pending")
    action: Mapped[str | None]
    """The action that a person has to approve, as it is shown to them."""
    has_effect: Mapped[bool | None]
    """Whether the tool had an effect when the call was approved or begun; None: neither yet."""
    output: Mapped[str | None]
    passages: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    document_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    input_tokens: Mapped[int] = mapped_column(server_default="0")
    output_tokens: Mapped[int] = mapped_column(server_default="0")
    money: Mapped[float] = mapped_column(server_default="0")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    comment: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    """End of the wait for a decision."""
