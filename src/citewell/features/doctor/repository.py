"""Statements of the checks; each check is one statement, so it sees one snapshot."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from citewell.models.trash import trash_shown

_VERSION_IDS = text("""
SELECT id FROM document_version
WHERE tenant_id = :tenant_id AND (CAST(:after AS uuid) IS NULL OR id > CAST(:after AS uuid))
ORDER BY id LIMIT :most
""")

# A version that is read again is open, and answers meanwhile.
_MAY_ANSWER = """
(v.document_id = d.id AND (v.status = 'ready'
  OR (v.status IN ('queued', 'processing') AND v.published_at IS NOT NULL)))
"""

# A document must point to its one ready version, or to none if it has none. Any other pointer, and
# a second ready version, is a fault.
_WRONG_POINTERS = text(f"""
SELECT DISTINCT d.id, CASE
    WHEN d.active_version_id IS NULL THEN 'has a version that is ready and does not answer'
    WHEN v.id IS NULL THEN 'answers with a version that is gone'
    WHEN v.document_id <> d.id THEN 'answers with a version of another document'
    WHEN {_MAY_ANSWER} THEN 'has another version that is ready'
    ELSE 'answers with a version that is ' || v.status END AS what
FROM document d
LEFT JOIN document_version v ON v.tenant_id = d.tenant_id AND v.id = d.active_version_id
LEFT JOIN document_version r ON r.tenant_id = d.tenant_id AND r.document_id = d.id
  AND r.status = 'ready' AND r.id IS DISTINCT FROM d.active_version_id
WHERE d.tenant_id = :tenant_id
  AND (r.id IS NOT NULL OR (d.active_version_id IS NOT NULL AND {_MAY_ANSWER} IS NOT TRUE))
LIMIT :most
""")  # noqa: S608 - constants

# Document, then its versions in order: the same order as publishing and rollback, so that a repair
# never deadlocks with them.
_HOLD_DOCUMENT = text("""
SELECT id, active_version_id FROM document WHERE tenant_id = :tenant_id AND id = :document_id
FOR UPDATE
""")

_HOLD_VERSIONS = text("""
SELECT id, number, status, published_at IS NOT NULL AS was_published FROM document_version
WHERE tenant_id = :tenant_id AND document_id = :document_id ORDER BY number FOR UPDATE
""")

# Exactly one version is ready: all others that were give way to the one the document points to.
_SUPERSEDE_OTHERS = text("""
UPDATE document_version SET status = 'superseded'
WHERE tenant_id = :tenant_id AND document_id = :document_id AND status = 'ready'
  AND id IS DISTINCT FROM CAST(:version_id AS uuid)
""")

_MAKE_READY = text("""
UPDATE document_version SET status = 'ready', published_at = coalesce(published_at, now())
WHERE tenant_id = :tenant_id AND id = :version_id AND status = 'superseded'
""")

_POINT = text("""
UPDATE document SET active_version_id = :version_id
WHERE tenant_id = :tenant_id AND id = :document_id
""")

_HAS_WORK = """
EXISTS (
  SELECT FROM job w JOIN procrastinate_jobs q ON q.id = w.queue_id
  WHERE w.tenant_id = v.tenant_id AND w.version_id = v.id AND w.status IN ('queued', 'running')
    AND q.status IN ('todo', 'doing'))
"""

# A version that waits for work that nobody will do: neither a job nor an entry of the queue is left
# for it.
_STUCK = text(f"""
SELECT v.id, 'is ' || v.status || ' and nothing works on it' AS what FROM document_version v
WHERE v.tenant_id = :tenant_id AND v.status IN ('queued', 'processing') AND NOT {_HAS_WORK}
LIMIT :most
""")  # noqa: S608 - constants

# A job that says it is open although its version is finished or gone, or the queue has dropped its
# entry.
_OPEN_WITHOUT_WORK = text(f"""
SELECT j.id, 'is ' || j.status || ', its version ' || coalesce(v.status, 'gone') AS what
FROM job j
LEFT JOIN document_version v ON v.tenant_id = j.tenant_id AND v.id = j.version_id
WHERE j.tenant_id = :tenant_id AND j.kind = :kind AND j.status IN ('queued', 'running')
  AND (v.id IS NULL OR v.status NOT IN ('queued', 'processing')
    OR ({_HAS_WORK} AND NOT EXISTS (
      SELECT FROM procrastinate_jobs q
      WHERE q.id = j.queue_id AND q.status IN ('todo', 'doing'))))
LIMIT :most
""")  # noqa: S608 - constants

# Younger entries than `grace` may belong to a transaction whose job is not visible yet.
_ENTRIES_WITHOUT_JOB = text("""
SELECT q.id, 'entry ' || q.id || ' of the queue has no job' AS what
FROM procrastinate_jobs q
WHERE q.status = 'todo' AND q.task_name = :kind AND q.args ->> 'tenant_id' = CAST(:tenant_id AS text)
  AND NOT EXISTS (SELECT FROM job j WHERE j.tenant_id = CAST(:tenant_id AS uuid)
                  AND j.id = CAST(q.args ->> 'subject_id' AS uuid))
  AND NOT EXISTS (SELECT FROM procrastinate_events e
                  WHERE e.job_id = q.id AND e.at > now() - CAST(:grace AS interval))
LIMIT :most
""")  # noqa: E501 - a statement

# The trigger writes the history whenever the pointer changes; a difference means that it was
# changed past the trigger, or by hand.
_WRONG_HISTORY = text("""
SELECT d.id, CASE WHEN a.id IS NULL THEN 'does not know since when its version answers'
    ELSE 'notes another version than the one that answers' END AS what
FROM document d
LEFT JOIN document_activation a ON a.tenant_id = d.tenant_id AND a.document_id = d.id
  AND a.active_until IS NULL
WHERE d.tenant_id = :tenant_id AND a.version_id IS DISTINCT FROM d.active_version_id
LIMIT :most
""")

# An interval never ends before it began, whatever the clocks did meanwhile.
_END_ACTIVATIONS = text("""
UPDATE document_activation a SET active_until = greatest(a.active_from, clock_timestamp())
FROM document d
WHERE a.tenant_id = :tenant_id AND a.document_id = :document_id AND a.active_until IS NULL
  AND d.tenant_id = a.tenant_id AND d.id = a.document_id
  AND a.version_id IS DISTINCT FROM d.active_version_id
""")

# The new interval begins when the version became ready, but not before an earlier one ended:
# intervals of a document must not overlap.
_BEGIN_ACTIVATION = text("""
INSERT INTO document_activation (tenant_id, document_id, version_id, active_from)
SELECT d.tenant_id, d.id, d.active_version_id, greatest(
  coalesce(v.published_at, v.created_at),
  (SELECT max(coalesce(a.active_until, a.active_from)) FROM document_activation a
   WHERE a.tenant_id = d.tenant_id AND a.document_id = d.id))
FROM document d
JOIN document_version v ON v.tenant_id = d.tenant_id AND v.id = d.active_version_id
WHERE d.tenant_id = :tenant_id AND d.id = :document_id AND NOT EXISTS (
  SELECT FROM document_activation a WHERE a.tenant_id = d.tenant_id AND a.document_id = d.id
    AND a.active_until IS NULL)
""")

# Both sums must match: a gap and an overlap of the same length would cancel out in the first.
_WRONG_TEXTS = text("""
SELECT v.id, 'has ' || coalesce(t.length, 0) || ' of ' || coalesce(v.char_count, 0)
  || ' characters of its text' AS what
FROM document_version v
JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
CROSS JOIN LATERAL (
  SELECT sum(length(t.text)) AS length, max(t.start_offset + length(t.text)) AS ends
  FROM document_text t WHERE t.tenant_id = v.tenant_id AND t.version_id = v.id) AS t
WHERE v.tenant_id = :tenant_id AND v.id = ANY(CAST(:version_ids AS uuid[]))
  AND v.status IN ('ready', 'superseded')
  AND (t.length IS DISTINCT FROM v.char_count OR t.ends IS DISTINCT FROM v.char_count)
""")

# The status is checked in the statement: a version that was queued again meanwhile keeps its text.
_REMOVE_CANCELLED_TEXT = text("""
DELETE FROM document_text t USING document_version v
WHERE t.tenant_id = :tenant_id AND t.version_id = v.id AND v.tenant_id = :tenant_id
  AND v.id = :version_id AND v.status = 'cancelled'
""")

_HOLD_VERSION = text("""
SELECT status FROM document_version WHERE tenant_id = :tenant_id AND id = :version_id FOR UPDATE
""")

_BLOB_OF = text("""
SELECT b.id, b.sha256, b.size_bytes FROM document_version v
JOIN blob b ON b.tenant_id = v.tenant_id AND b.id = v.blob_id
WHERE v.tenant_id = :tenant_id AND v.id = :version_id
""")

_BLOBS = text("""
SELECT b.id, b.sha256, b.size_bytes FROM blob b
WHERE b.tenant_id = :tenant_id AND (CAST(:after AS uuid) IS NULL OR b.id > CAST(:after AS uuid))
ORDER BY b.id LIMIT :most
""")

_HOLD_BLOB = text("""
SELECT b.id, b.sha256, b.size_bytes FROM blob b
WHERE b.tenant_id = :tenant_id AND b.id = :blob_id FOR UPDATE
""")

_USERS_OF_BLOB = text("""
SELECT v.document_id, v.number FROM document_version v
WHERE v.tenant_id = :tenant_id AND v.blob_id = :blob_id ORDER BY v.id LIMIT 1
""")

# Released a while ago or never used; a content released just now may be taken up by an upload in
# progress.
_UNUSED_BLOBS = text("""
SELECT b.id, 'content ' || b.id || ' is of no version' AS what FROM blob b
WHERE b.tenant_id = :tenant_id AND NOT EXISTS (
  SELECT FROM document_version v WHERE v.tenant_id = b.tenant_id AND v.blob_id = b.id)
  AND NOT EXISTS (
    SELECT FROM blob_claim c WHERE c.tenant_id = b.tenant_id AND c.sha256 = b.sha256)
  AND (b.released_at IS NULL OR b.released_at <= now() - CAST(:grace AS interval))
LIMIT :most
""")

# In the order of ids, so that two repairs, or a repair and a sweep, do not deadlock.
_HOLD_BLOBS = text("""
SELECT id FROM blob WHERE tenant_id = :tenant_id AND id = ANY(CAST(:ids AS uuid[]))
ORDER BY id FOR UPDATE
""")

# Checked again under the lock: an upload may have taken a content up since it was listed.
_REMOVE_UNUSED_BLOBS = text("""
DELETE FROM blob b WHERE b.tenant_id = :tenant_id AND b.id = ANY(CAST(:ids AS uuid[]))
  AND NOT EXISTS (
    SELECT FROM document_version v WHERE v.tenant_id = b.tenant_id AND v.blob_id = b.id)
  AND NOT EXISTS (
    SELECT FROM blob_claim c WHERE c.tenant_id = b.tenant_id AND c.sha256 = b.sha256)
RETURNING b.sha256, b.size_bytes
""")

_REFERENCES = {
    "collection_grant": (("collection_id", "collection"), ("user_id", "user_account"),
                         ("group_id", "user_group")),
    "document_grant": (("document_id", "document"), ("user_id", "user_account"),
                       ("group_id", "user_group")),
    "group_member": (("group_id", "user_group"), ("user_id", "user_account")),
    "api_key": (("user_id", "user_account"),),
    "refresh_token": (("user_id", "user_account"),),
}  # fmt: skip
"""Tables that grant something, with their columns and the tables those refer to."""

_IS_DANGLING = """
g.tenant_id = :tenant_id AND g.{column} IS NOT NULL
AND NOT EXISTS (SELECT FROM {named} n WHERE n.tenant_id = g.tenant_id AND n.id = g.{column})
"""

_DANGLING = """
SELECT '{table}' AS place, g.{column} AS gone, count(*) AS rows FROM {table} g
WHERE {condition} GROUP BY g.{column}
"""


def _for_each_reference(statement: str) -> list[str]:
    return [
        statement.format(
            table=table, column=column, condition=_IS_DANGLING.format(column=column, named=named)
        )
        for table, references in _REFERENCES.items()
        for column, named in references
    ]


_ALL_DANGLING = text(" UNION ALL ".join(_for_each_reference(_DANGLING)) + " LIMIT :most")
_REMOVE_DANGLING = [
    text(each) for each in _for_each_reference("DELETE FROM {table} g WHERE {condition}")
]

# The application's tables are those its role may read; tables of the operator's own are left alone.
_UNGUARDED = text("""
SELECT c.relname,
  NOT c.relrowsecurity OR NOT c.relforcerowsecurity AS is_off,
  NOT EXISTS (SELECT FROM pg_policy p
              WHERE p.polrelid = c.oid AND p.polname = 'tenant_isolation') AS is_open
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND has_table_privilege('citewell_app', c.oid, 'SELECT')
  AND (c.relname = 'tenant' OR EXISTS (
    SELECT FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
  AND (NOT c.relrowsecurity OR NOT c.relforcerowsecurity OR NOT EXISTS (
    SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant_isolation'))
ORDER BY c.relname
""")

_OPEN_JOBS = text("""
SELECT count(*) FROM job WHERE tenant_id = :tenant_id AND id = ANY(CAST(:ids AS uuid[]))
  AND status IN ('queued', 'running')
""")


@dataclass(frozen=True, slots=True)
class FaultyRow:
    """A row with a fault."""

    id: Any
    what: str


@dataclass(frozen=True, slots=True)
class BlobFacts:
    """A content as it was registered."""

    id: uuid.UUID
    sha256: bytes
    size_bytes: int


def _tenant(session: AsyncSession) -> dict[str, object]:
    return {"tenant_id": session.info["tenant_id"]}


async def version_ids(session: AsyncSession, after: uuid.UUID | None, most: int) -> list[uuid.UUID]:
    """Ids of versions in order, beginning after one."""
    values = _tenant(session) | {"after": after, "most": most}
    return list(await session.scalars(_VERSION_IDS, values))


async def wrong_pointers(session: AsyncSession, most: int) -> list[FaultyRow]:
    """Documents whose pointer and version statuses disagree."""
    rows = await session.execute(_WRONG_POINTERS, _tenant(session) | {"most": most})
    return [FaultyRow(row.id, row.what) for row in rows]


async def correct_pointer(session: AsyncSession, document_id: uuid.UUID) -> uuid.UUID | None:
    """Make the version that answers the only one that is ready.

    The pointer is believed before the statuses, because searches follow it. Returns the version it
    names if that one can only be recovered by reading it again.
    """
    values = _tenant(session) | {"document_id": document_id}
    document = (await session.execute(_HOLD_DOCUMENT, values)).one_or_none()
    if document is None:
        return None
    versions = {row.id: row for row in await session.execute(_HOLD_VERSIONS, values)}
    active = versions.get(document.active_version_id)
    wanted = None
    if active is not None and (active.status in ("ready", "superseded") or active.was_published):
        wanted = active
    else:
        wanted = next((row for row in versions.values() if row.status == "ready"), None)
    values["version_id"] = wanted.id if wanted else None
    await session.execute(_SUPERSEDE_OTHERS, values)
    if wanted is not None:
        await session.execute(_MAKE_READY, values)
    if document.active_version_id != values["version_id"]:
        await session.execute(_POINT, values)
    is_lost = wanted is not None and wanted.status in ("failed", "cancelled")
    return wanted.id if wanted is not None and is_lost else None


async def stuck_versions(session: AsyncSession, most: int) -> list[FaultyRow]:
    """Open versions without a job in the queue."""
    rows = await session.execute(_STUCK, _tenant(session) | {"most": most})
    return [FaultyRow(row.id, row.what) for row in rows]


async def jobs_without_work(session: AsyncSession, kind: str, most: int) -> list[FaultyRow]:
    """Open jobs whose version is not open."""
    values = _tenant(session) | {"kind": kind, "most": most}
    rows = await session.execute(_OPEN_WITHOUT_WORK, values)
    return [FaultyRow(row.id, row.what) for row in rows]


async def entries_without_job(
    session: AsyncSession, kind: str, grace: timedelta, most: int
) -> list[FaultyRow]:
    """Waiting entries of the queue whose job has been gone for some time."""
    values = {
        "tenant_id": str(session.info["tenant_id"]), "kind": kind, "grace": grace, "most": most,
    }  # fmt: skip
    rows = await session.execute(_ENTRIES_WITHOUT_JOB, values)
    return [FaultyRow(row.id, row.what) for row in rows]


async def wrong_history(session: AsyncSession, most: int) -> list[FaultyRow]:
    """Documents whose history does not end with the version that answers."""
    rows = await session.execute(_WRONG_HISTORY, _tenant(session) | {"most": most})
    return [FaultyRow(row.id, row.what) for row in rows]


async def correct_history(session: AsyncSession, document_id: uuid.UUID) -> None:
    """Correct the history so that it ends with the version that answers."""
    values = _tenant(session) | {"document_id": document_id}
    await session.execute(_HOLD_DOCUMENT, values)
    await session.execute(_END_ACTIVATIONS, values)
    await session.execute(_BEGIN_ACTIVATION, values)


async def wrong_texts(session: AsyncSession, version_ids: Sequence[uuid.UUID]) -> list[FaultyRow]:
    """Finished versions whose text is incomplete."""
    values = _tenant(session) | {"version_ids": list(version_ids)}
    return [FaultyRow(row.id, row.what) for row in await session.execute(_WRONG_TEXTS, values)]


async def is_cancelled(session: AsyncSession, version_id: uuid.UUID) -> bool:
    """Lock a version; True if it is cancelled, and then its text is removed."""
    values = _tenant(session) | {"version_id": version_id}
    if await session.scalar(_HOLD_VERSION, values) != "cancelled":
        return False
    await session.execute(_REMOVE_CANCELLED_TEXT, values)
    return True


async def blob_of(session: AsyncSession, version_id: uuid.UUID) -> BlobFacts | None:
    """The content of a version."""
    row = (
        await session.execute(_BLOB_OF, _tenant(session) | {"version_id": version_id})
    ).one_or_none()
    return _blob(row) if row else None


async def blobs(session: AsyncSession, after: uuid.UUID | None, most: int) -> list[BlobFacts]:
    """Contents in order of their ids, beginning after one."""
    rows = await session.execute(_BLOBS, _tenant(session) | {"after": after, "most": most})
    return [_blob(row) for row in rows]


async def hold_blob(session: AsyncSession, blob_id: uuid.UUID) -> tuple[BlobFacts, str] | None:
    """A content, locked together with its file, and its document; None if no version has it."""
    values = _tenant(session) | {"blob_id": blob_id}
    row = (await session.execute(_HOLD_BLOB, values)).one_or_none()
    user = (await session.execute(_USERS_OF_BLOB, values)).one_or_none()
    if row is None or user is None:
        return None
    return _blob(row), f"document {user.document_id}, version {user.number}"


async def unused_blobs(session: AsyncSession, grace: timedelta, most: int) -> list[FaultyRow]:
    """Contents that no version has, except those that the purge is about to remove."""
    values = _tenant(session) | {"grace": grace, "most": most}
    rows = await session.execute(_UNUSED_BLOBS, values)
    return [FaultyRow(row.id, row.what) for row in rows]


async def remove_unused_blobs(session: AsyncSession, ids: Sequence[uuid.UUID]) -> dict[bytes, int]:
    """Delete the contents that still have no version; returns their sizes by hash."""
    values = _tenant(session) | {"ids": list(ids)}
    await session.execute(_HOLD_BLOBS, values)
    rows = await session.execute(_REMOVE_UNUSED_BLOBS, values)
    return {bytes(row.sha256): row.size_bytes for row in rows}


async def hold_registration(session: AsyncSession) -> None:
    """Block registration of contents in all tenants until the transaction ends; keep it short."""
    await session.execute(text("LOCK TABLE blob IN SHARE ROW EXCLUSIVE MODE"))


async def hashes(session: AsyncSession) -> list[bytes]:
    """The hashes of all contents, including those being uploaded."""
    statement = text(
        "SELECT sha256 FROM blob WHERE tenant_id = :tenant_id"
        " UNION SELECT sha256 FROM blob_claim WHERE tenant_id = :tenant_id"
    )
    return [bytes(sha256) for sha256 in await session.scalars(statement, _tenant(session))]


async def dangling(session: AsyncSession, most: int) -> list[tuple[str, uuid.UUID, int]]:
    """Grants, memberships and credentials of removed objects: table, id, number of rows."""
    async with trash_shown(session):  # the rules of a document in the trash are restored with it
        rows = await session.execute(_ALL_DANGLING, _tenant(session) | {"most": most})
    return [(row.place, row.gone, row.rows) for row in rows]


async def remove_dangling(session: AsyncSession) -> None:
    """Remove the dangling rows."""
    async with trash_shown(session):
        for statement in _REMOVE_DANGLING:
            await session.execute(statement, _tenant(session))


async def unguarded(session: AsyncSession | AsyncConnection) -> list[tuple[str, bool, bool]]:
    """Tables of tenants: name, whether row-level security is off, whether its policy is gone."""
    rows = await session.execute(_UNGUARDED)
    return [(row.relname, row.is_off, row.is_open) for row in rows]


async def guard(connection: AsyncConnection) -> None:
    """Enforce row-level security again, as the owner."""
    for name, _, is_open in await unguarded(connection):
        table = connection.dialect.identifier_preparer.quote(name)
        await connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))
        await connection.execute(text(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"))
        if is_open:
            column = "id" if name == "tenant" else "tenant_id"
            await connection.execute(
                text(
                    f"CREATE POLICY tenant_isolation ON {table} "
                    f"USING ({column} = citewell_tenant()) "
                    f"WITH CHECK ({column} = citewell_tenant())"
                )
            )


async def open_jobs(session: AsyncSession, ids: Sequence[uuid.UUID]) -> int:
    """Number of the jobs that are not finished."""
    return await session.scalar(_OPEN_JOBS, _tenant(session) | {"ids": list(ids)}) or 0


def _blob(row: Row[Any]) -> BlobFacts:
    return BlobFacts(row.id, bytes(row.sha256), row.size_bytes)
