"""Jobs as users see them; the queue's own rows belong to procrastinate."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlalchemy import BigInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, TenantScoped


class JobStatus(StrEnum):
    """Status of a job; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_JOB_STATUSES = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)


class JobStage(StrEnum):
    """Stage of an attempt; stages overlap, and the most informative one is shown."""

    PARSING = "parsing"
    EMBEDDING = "embedding"
    PUBLISHED = "published"
    WORKING = "working"
    """Stage of work that is about no document."""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """Progress of an attempt."""

    stage: str
    done: int = 0
    total: int | None = None
    """None while it is unknown."""

    @property
    def unit(self) -> Literal["pages", "chunks", "items"]:
        """Unit of `done` and `total`."""
        if self.stage == JobStage.WORKING:
            return "items"
        return "pages" if self.stage == JobStage.PARSING else "chunks"

    def __str__(self) -> str:
        """As one line: `parsing 12/307 pages`."""
        if self.total is not None:
            return f"{self.stage} {self.done:,}/{self.total:,} {self.unit}"
        return f"{self.stage} {self.done:,} {self.unit}" if self.done else self.stage


class Job(Base, HasId, TenantScoped):
    """A piece of durable work and its state."""

    __tablename__ = "job"

    kind: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="queued")
    stage: Mapped[str | None]
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    """Attempts so far; never reset, because its number identifies an attempt."""
    attempts_before: Mapped[int] = mapped_column(server_default="0")
    """Attempts made before the last manual retry; they no longer count towards the limit."""
    failures: Mapped[int] = mapped_column(server_default="0")
    """Attempts that ended with an error that passes; those of killed workers are not among them."""
    reason: Mapped[str | None]
    document_id: Mapped[uuid.UUID | None]
    version_id: Mapped[uuid.UUID | None]
    queue_id: Mapped[int | None] = mapped_column(BigInteger)
    created_by: Mapped[uuid.UUID | None]
    """The user who queued it; they and administrators see it if it is about no document."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def progress(self) -> JobProgress | None:
        """Its progress; None before its first attempt."""
        return JobProgress(self.stage, self.done, self.total) if self.stage else None
