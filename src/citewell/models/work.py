"""Jobs as users see them; the queue's own rows belong to procrastinate."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, TenantScoped


class JobStatus(StrEnum):
    """Where a job is; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_JOB_STATUSES = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)


class Job(Base, HasId, TenantScoped):
    """A piece of durable work and how far it is."""

    __tablename__ = "job"

    kind: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="queued")
    stage: Mapped[str | None]
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[str | None]
    document_id: Mapped[uuid.UUID | None]
    version_id: Mapped[uuid.UUID | None]
    queue_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
