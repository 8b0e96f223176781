"""Statements of ingestion.

Steps that run once per document are single hand-written statements: a folder of small files is
bound by round trips and by the ORM's processor time.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.models.conversations import conversation_files_shown
from citewell.models.documents import (
    OPEN_STATUSES,
    Document,
    DocumentText,
    DocumentVersion,
    VersionStatus,
    has_given_title,
)
from citewell.models.job_states import (
    BEGIN_SQL,
    RUNNING,
    SUCCEED_SQL,
    SUCCEEDED,
    guard_sql,
)
from citewell.models.work import Job


@dataclass(frozen=True, slots=True)
class Assignment:
    """The work of one attempt."""

    job_id: uuid.UUID
    attempt: int
    """Counted from 1, over all jobs of the version."""
    attempts_before: int
    """Attempts before somebody asked for a new try."""
    version_id: uuid.UUID
    number: int
    document_id: uuid.UUID
    source: str | None
    collection_id: uuid.UUID
    access_level: int
    filename: str
    title: str
    active_title: str | None
    """Title parsed from the version that answers now."""
    chunk_strategy: str
    chunk_size: int
    chunk_overlap: int
    sha256: bytes
    """Hash of the file."""

    @property
    def has_earlier_attempts(self) -> bool:
        """Whether the version was worked on before, in this job or in one that failed."""
        return self.attempt > 1

    @property
    def tries(self) -> int:
        """Attempts since somebody asked for them, this one included."""
        return self.attempt - self.attempts_before

    @property
    def has_given_title(self) -> bool:
        """Whether a person gave the document its title."""
        return has_given_title(self.title, self.filename, self.active_title)


# Version and job are locked in this order everywhere, the document before them.
_BEGIN = text(f"""
WITH work AS MATERIALIZED (
  SELECT j.id AS job_id, j.attempts + 1 AS attempt, j.attempts_before, v.id AS version_id, v.number,
    d.id AS document_id, d.source, d.collection_id, d.access_level, d.filename, d.title,
    active.parsed_title AS active_title, c.chunk_strategy, c.chunk_size, c.chunk_overlap, b.sha256
  FROM job j
  JOIN document_version v ON v.tenant_id = j.tenant_id AND v.id = j.version_id
  JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
  JOIN collection c ON c.tenant_id = d.tenant_id AND c.id = d.collection_id
  JOIN blob b ON b.tenant_id = v.tenant_id AND b.id = v.blob_id
  LEFT JOIN document_version active
    ON active.tenant_id = d.tenant_id AND active.id = d.active_version_id
  WHERE j.tenant_id = :tenant_id AND j.id = :job_id AND v.status IN ('queued', 'processing')
    AND {guard_sql(RUNNING)}
  FOR NO KEY UPDATE OF v, j
), begun AS (
  UPDATE document_version v SET status = 'processing'
  FROM work WHERE v.tenant_id = :tenant_id AND v.id = work.version_id
), noted AS (
  UPDATE job j SET {BEGIN_SQL}, attempts = work.attempt, stage = 'parsing'
  FROM work WHERE j.tenant_id = :tenant_id AND j.id = work.job_id
)
SELECT * FROM work
""")  # noqa: S608 - constants

# One round trip locks document, then versions, then the job, in the order that every other writer
# uses, and closes the job only if this attempt still owns it.
_LOCK_FOR_PUBLISHING = text(f"""
WITH held AS MATERIALIZED (
  SELECT id, collection_id, access_level, title, filename, active_version_id FROM document
  WHERE tenant_id = :tenant_id AND id = :document_id FOR UPDATE
), versions AS MATERIALIZED (
  SELECT v.id, v.number, v.status, v.parsed_title, v.published_at
  FROM document_version v JOIN held ON v.document_id = held.id
  WHERE v.tenant_id = :tenant_id ORDER BY v.number FOR UPDATE OF v
), closed AS (
  UPDATE job j SET {SUCCEED_SQL}, stage = 'published', done = :chunk_count, total = :chunk_count
  FROM versions v
  WHERE v.id = :version_id AND v.status = 'processing' AND j.tenant_id = :tenant_id
    AND j.id = :job_id AND j.attempts = :attempt
    AND {guard_sql(SUCCEEDED)}
  RETURNING j.id
)
SELECT held.collection_id, held.access_level, held.title, held.filename, mine.number,
  mine.published_at IS NOT NULL AS is_read_again,
  held.active_version_id IS NOT DISTINCT FROM mine.id AS is_active, ready.id AS ready_id,
  active.id AS active_id, active.parsed_title AS active_title,
  (SELECT max(number) FROM versions WHERE id <> :version_id
   AND (status IN ('ready', 'superseded') OR published_at IS NOT NULL)) AS finished_number
FROM closed CROSS JOIN held JOIN versions mine ON mine.id = :version_id
LEFT JOIN versions ready ON ready.status = 'ready'
LEFT JOIN versions active ON active.id = held.active_version_id
""")  # noqa: S608 - constants

# The last texts, the version's facts and the document's pointer change together: after this
# statement the version answers, before it nothing of it does.
_NOTE_READY = text("""
WITH texts AS (
  INSERT INTO document_text (tenant_id, version_id, start_offset, text)
  SELECT :tenant_id, :version_id, t.start_offset, t.text
  FROM unnest(CAST(:starts AS bigint[]), CAST(:texts AS text[])) AS t(start_offset, text)
), noted AS (
  UPDATE document_version SET status = :status, mime_type = :mime_type,
    parsed_title = :parsed_title, page_count = :page_count, char_count = :char_count,
    chunk_count = :chunk_count, embedded_count = :embedded_count,
    warnings = CAST(:warnings AS jsonb),
    published_at = coalesce(published_at, now())
  WHERE tenant_id = :tenant_id AND id = :version_id
)
UPDATE document SET active_version_id = :version_id, updated_at = now(),
  title = coalesce(CAST(:title AS text), title)
WHERE tenant_id = :tenant_id AND id = :document_id AND :takes_over
""")


_HOLD_DOCUMENT = text("""
SELECT d.id FROM document d
JOIN document_version v ON v.tenant_id = d.tenant_id AND v.document_id = d.id
WHERE d.tenant_id = :tenant_id AND v.id = :version_id FOR UPDATE OF d
""")

_REOPEN = text("""
UPDATE document_version SET status = 'queued', error_code = NULL, error_detail = NULL
WHERE tenant_id = :tenant_id AND id = :version_id RETURNING id
""")

# A version that was published before keeps answering: only a first attempt can fail it.
_FAIL = text("""
UPDATE document_version v SET
  status = CASE WHEN v.published_at IS NULL THEN 'failed'
    WHEN EXISTS (SELECT FROM document d WHERE d.tenant_id = :tenant_id
                 AND d.active_version_id = v.id) THEN 'ready' ELSE 'superseded' END,
  error_code = CASE WHEN v.published_at IS NULL THEN CAST(:code AS text) END,
  error_detail = CASE WHEN v.published_at IS NULL THEN CAST(:detail AS text) END
WHERE v.tenant_id = :tenant_id AND v.id = :version_id AND v.status IN ('queued', 'processing')
""")


@dataclass(frozen=True, slots=True)
class Reopened:
    """A version that is to be made ready anew."""

    document_id: uuid.UUID
    attempts: int
    """Attempts so far, over all its jobs."""


async def begin(session: AsyncSession, job_id: uuid.UUID) -> Assignment | None:
    """Begin an attempt: mark the job's version as processing, and return the work.

    None if the version is gone or nothing is left to do.
    """
    values = {"tenant_id": session.info["tenant_id"], "job_id": job_id}
    async with conversation_files_shown(session):
        row = (await session.execute(_BEGIN, values)).one_or_none()
    if row is None:
        return None
    return Assignment(**row._mapping)  # pyright: ignore[reportPrivateUsage] - public in spite of its name


async def hold_open(
    session: AsyncSession, job_id: uuid.UUID
) -> tuple[uuid.UUID, uuid.UUID, str] | None:
    """The document, version and file name of a job; version and job locked. None if it is done."""
    async with conversation_files_shown(session):
        rows = await session.execute(
            select(DocumentVersion.document_id, DocumentVersion.id, Document.filename)
            .join(Job, Job.version_id == DocumentVersion.id)
            .join(Document, Document.id == DocumentVersion.document_id)
            .where(Job.id == job_id, DocumentVersion.status.in_(OPEN_STATUSES))
            .with_for_update(key_share=True, of=(DocumentVersion, Job))
        )
    row = rows.one_or_none()
    return (row[0], row[1], row[2]) if row else None


async def hold(
    session: AsyncSession, version_id: uuid.UUID, job_id: uuid.UUID, attempt: int
) -> bool:
    """Lock the version against deletion and the job against a next attempt.

    False if it is too late: the version is gone, or the job was given to another worker because
    this one was taken for dead. Then nothing may be written: it would mix with that worker's rows.
    """
    rows = await session.execute(
        select(DocumentVersion.status, Job.attempts)
        .select_from(DocumentVersion)
        .join(Job, Job.version_id == DocumentVersion.id)
        .where(DocumentVersion.id == version_id, Job.id == job_id)
        .with_for_update(key_share=True, of=(DocumentVersion, Job))
    )
    return rows.one_or_none() == (VersionStatus.PROCESSING, attempt)


async def add_text(
    session: AsyncSession, version_id: uuid.UUID, segments: list[tuple[int, str]]
) -> None:
    """Store stretches of the extracted text."""
    session.add_all(
        DocumentText(
            tenant_id=session.info["tenant_id"],
            version_id=version_id,
            start_offset=start,
            text=text,
        )
        for start, text in segments
    )
    await session.flush()


async def forget_text(session: AsyncSession, version_id: uuid.UUID) -> None:
    """Remove the text that an earlier attempt has stored for a version; the version is held.

    Called only when there is new text to store: an original that cannot be read any more must not
    cost the document its text.
    """
    await session.execute(delete(DocumentText).where(DocumentText.version_id == version_id))


async def fail_version(
    session: AsyncSession, version_id: uuid.UUID, code: str, detail: str
) -> None:
    """Mark a version as failed; one that was published before keeps its status."""
    values = {"tenant_id": session.info["tenant_id"], "version_id": version_id}
    await session.execute(_FAIL, values | {"code": code, "detail": detail})


async def reopen(session: AsyncSession, version_id: uuid.UUID) -> Reopened | None:
    """Let a version be made ready anew; None if it is gone. Document and version stay locked."""
    values = {"tenant_id": session.info["tenant_id"], "version_id": version_id}
    document_id = await session.scalar(_HOLD_DOCUMENT, values)
    if document_id is None:
        return None
    if await session.scalar(_REOPEN, values) is None:
        return None
    attempts = await session.scalar(
        select(func.max(Job.attempts)).where(Job.version_id == version_id)
    )
    return Reopened(document_id, attempts or 0)


@dataclass(frozen=True, slots=True)
class Locked:
    """A document and its versions, locked for publishing."""

    collection_id: uuid.UUID
    access_level: int
    title: str
    filename: str
    number: int
    """Number of the version being published."""
    is_read_again: bool
    """Whether the version was published before and is only repaired."""
    is_active: bool
    """Whether the version is the one that answers."""
    ready_id: uuid.UUID | None
    """The version with status `ready`."""
    active_id: uuid.UUID | None
    """The version that answers before this publication."""
    active_title: str | None
    finished_number: int | None
    """Highest number of another finished version. It need not be the active one: after a rollback
    an earlier version answers."""

    @property
    def takes_over(self) -> bool:
        """Whether it answers from now on: no later version is finished, or it answered already."""
        if self.is_read_again:
            return self.is_active
        return self.finished_number is None or self.finished_number < self.number

    @property
    def has_predecessor(self) -> bool:
        """Whether another version has answered until now."""
        return self.active_id is not None and not self.is_active

    @property
    def has_given_title(self) -> bool:
        """Whether a person gave the document its title."""
        return has_given_title(self.title, self.filename, self.active_title)


async def lock_for_publishing(
    session: AsyncSession, work: Assignment, chunk_count: int
) -> Locked | None:
    """Close the job and lock its document with all versions.

    None if they are gone, or the job is another attempt's by now.
    """
    rows = await session.execute(
        _LOCK_FOR_PUBLISHING,
        {
            "tenant_id": session.info["tenant_id"],
            "document_id": work.document_id,
            "version_id": work.version_id,
            "job_id": work.job_id,
            "attempt": work.attempt,
            "chunk_count": chunk_count,
        },
    )
    row = rows.one_or_none()
    return Locked(**row._mapping) if row else None  # pyright: ignore[reportPrivateUsage] - as above


async def supersede(session: AsyncSession, version_id: uuid.UUID) -> None:
    """Take the status `ready` from a version."""
    await session.execute(
        update(DocumentVersion)
        .where(DocumentVersion.id == version_id)
        .values(status=VersionStatus.SUPERSEDED)
    )


async def note_ready(
    session: AsyncSession,
    work: Assignment,
    facts: Mapping[str, object],
    segments: list[tuple[int, str]],
    *,
    title: str | None,
    takes_over: bool,
) -> None:
    """Mark a version as ready, store the last of its text, and let it answer.

    Args:
        session: The publishing transaction.
        work: The attempt that made it.
        facts: Values of the version's columns.
        segments: Stretches of the extracted text that are not stored yet.
        title: The document's new title; None leaves it as it is.
        takes_over: Whether it is this version that answers from now on.
    """
    await session.execute(
        _NOTE_READY,
        {
            "tenant_id": session.info["tenant_id"],
            "document_id": work.document_id,
            "version_id": work.version_id,
            "status": VersionStatus.READY if takes_over else VersionStatus.SUPERSEDED,
            "starts": [start for start, _ in segments],
            "texts": [part for _, part in segments],
            "title": title,
            "takes_over": takes_over,
            **facts,
        },
    )
