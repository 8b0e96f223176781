"""Shapes of jobs."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from citewell.access.policy import Access
from citewell.models.work import Job, JobStatus


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to queue."""

    document_id: uuid.UUID | None = None
    version_id: uuid.UUID | None = None
    """The version it makes ready; readers of its document see the job."""
    lock: str | None = None
    """Jobs of one lock run one after the other."""
    attempts: int = 0
    """Attempts of earlier jobs for the same version; they do not count towards its limit."""


@dataclass(frozen=True, slots=True)
class JobSight:
    """The jobs that a caller may see."""

    access: Access
    """Jobs about documents that it makes readable are visible."""
    user_id: uuid.UUID | None
    """Of jobs about no document, those of this user are visible."""
    sees_all: bool
    """Of jobs about no document, all are visible: the caller is an administrator."""


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Criteria for a list of jobs."""

    sight: JobSight
    status: JobStatus | None = None
    document_id: uuid.UUID | None = None
    kind: str | None = None


class JobProgressRead(BaseModel):
    """Progress of an attempt."""

    stage: str
    """`parsing`, `embedding` or `published`; `working` for work that is about no document."""
    done: int
    total: int | None
    """Null while it is not known."""
    unit: Literal["pages", "chunks", "items"]


class JobRead(BaseModel):
    """A job as the API shows it."""

    id: uuid.UUID
    kind: str
    status: JobStatus
    progress: JobProgressRead | None
    """Null before the first attempt."""
    reason: str | None
    """Reason of its failure, or of its waiting."""
    code: str | None
    """Code of a failure to read or index a document."""
    attempts: int
    """Attempts since it was queued by a person."""
    document_id: uuid.UUID | None
    """Null for work that is about no document."""
    version: int | None
    """Number of the document's version that it makes ready."""
    created_at: datetime
    started_at: datetime | None
    """Start of the latest attempt."""
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobState:
    """A job and the document's version that it is about."""

    job: Job
    document_id: uuid.UUID | None
    version: int | None
    code: str | None = None
    """Code of its failure, if its version has one."""

    def read(self) -> JobRead:
        """As the API shows it."""
        job, progress = self.job, self.job.progress
        return JobRead(
            id=job.id,
            kind=job.kind,
            status=JobStatus(job.status),
            progress=(
                JobProgressRead(
                    stage=progress.stage,
                    done=progress.done,
                    total=progress.total,
                    unit=progress.unit,
                )
                if progress
                else None
            ),
            reason=job.reason,
            code=self.code if job.status == JobStatus.FAILED else None,
            attempts=job.attempts - job.attempts_before,
            document_id=self.document_id,
            version=self.version,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )
