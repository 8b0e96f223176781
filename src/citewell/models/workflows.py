"""Workflows with their versions; runs with the state of each node."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import JsonValue
from sqlalchemy import SmallInteger, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped


class Workflow(Base, HasId, TenantScoped, HasTimestamps):
    """A workflow that people of the tenant made."""

    __tablename__ = "workflow"

    slug: Mapped[str]
    version: Mapped[int]
    """Number of the version that runs."""
    created_by: Mapped[uuid.UUID | None]


class WorkflowVersion(Base, TenantScoped):
    """One text of a workflow; never changed."""

    __tablename__ = "workflow_version"

    workflow_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    """The text as it was handed in, YAML or JSON."""
    spec: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The structure that was read from it."""
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WorkflowRunStatus(StrEnum):
    """Status of a run; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    """For a time, a person, an agent or another workflow; it holds no place and no memory."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_WORKFLOW_STATUSES = (
    WorkflowRunStatus.SUCCEEDED,
    WorkflowRunStatus.FAILED,
    WorkflowRunStatus.CANCELLED,
)

WHOLE_NODE = -1
"""`item` of the row that stands for a node itself; the items of a `map` count from 0."""


class WorkflowRun(Base, HasId, TenantScoped):
    """One run of a workflow, for the user who started it."""

    __tablename__ = "workflow_run"

    workflow_id: Mapped[uuid.UUID]
    """No foreign key: runs outlive their workflow."""
    workflow_slug: Mapped[str]
    workflow_version: Mapped[int]
    spec: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """As it was when the run began: a change of the workflow does not reach it."""
    inputs: Mapped[dict[str, JsonValue]] = mapped_column(JSONB)
    given_document_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    """Documents whose text may be in the inputs, of a run within another one."""
    parent_id: Mapped[uuid.UUID | None]
    """The run whose node this one is made for."""
    root_id: Mapped[uuid.UUID]
    depth: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    job_id: Mapped[uuid.UUID | None]
    """The job that goes on with it; none while it waits."""
    attempt: Mapped[int] = mapped_column(server_default="0")
    """Number of the attempt that may write; a worker with another one has lost the run."""
    status: Mapped[str] = mapped_column(server_default="queued")
    reason: Mapped[str | None]
    actor_kind: Mapped[str]
    actor_id: Mapped[uuid.UUID | None]
    """User or key that started it; None: the operator."""
    user_id: Mapped[uuid.UUID | None]
    key_id: Mapped[uuid.UUID | None]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    """Of the credential that started it; its nodes can do no more."""
    output: Mapped[JsonValue] = mapped_column(JSONB, nullable=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    """Time at which a document that it had read was deleted for good, and its texts with it."""


class WorkflowNodeRun(Base, TenantScoped):
    """A node of a run that has begun or was skipped, or one item of such a node."""

    __tablename__ = "workflow_node_run"

    run_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    node: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    outcome: Mapped[str | None]
    job_id: Mapped[uuid.UUID | None]
    """The job that worked on it last."""
    agent_run_id: Mapped[uuid.UUID | None]
    child_run_id: Mapped[uuid.UUID | None]
    output: Mapped[JsonValue] = mapped_column(JSONB, nullable=True)
    document_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    """Documents whose text may be in the output."""
    reason: Mapped[str | None]
    message: Mapped[str | None]
    """Of an approval: what a person decides on."""
    action_hash: Mapped[str | None]
    wakes_at: Mapped[datetime | None]
    """End of a pause, or of the time for a decision."""
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    comment: Mapped[str | None]


class WorkflowTrigger(Base, HasId, TenantScoped, HasTimestamps):
    """A reason for which a workflow runs by itself, as the user who defined it."""

    __tablename__ = "workflow_trigger"

    workflow_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    """Changes of documents: `created`, `updated`."""
    collection_id: Mapped[uuid.UUID | None]
    cron: Mapped[str | None]
    timezone: Mapped[str | None]
    every: Mapped[str | None]
    next_at: Mapped[datetime | None]
    """Time of the next run of a schedule; none: it had its only one."""
    inputs: Mapped[dict[str, JsonValue]] = mapped_column(JSONB)
    is_enabled: Mapped[bool] = mapped_column(server_default="true")
    last_run_id: Mapped[uuid.UUID | None]
    last_error: Mapped[str | None]
    actor_kind: Mapped[str]
    actor_id: Mapped[uuid.UUID | None]
    user_id: Mapped[uuid.UUID | None]
    key_id: Mapped[uuid.UUID | None]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))


class WorkflowEvent(Base, HasId, TenantScoped):
    """A change of a document that a trigger is still to be told of; written by the database."""

    __tablename__ = "workflow_event"

    trigger_id: Mapped[uuid.UUID]
    document_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
