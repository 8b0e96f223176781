"""The states of a job, the legal transitions between them, and SQL for both.

Every statement that changes a job's state is built from these, so none can leave a final state or
revive a job by accident: the guard of a transition lists the states it may start from.
"""

from collections.abc import Mapping

from citewell.models.work import JobStatus

QUEUED, RUNNING = JobStatus.QUEUED, JobStatus.RUNNING
SUCCEEDED, FAILED, CANCELLED = JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED

LEGAL: Mapping[JobStatus, frozenset[JobStatus]] = {
    # Queued to queued: the reason it waits for changes. To succeeded: another job did its work.
    QUEUED: frozenset({QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED}),
    # Running to running: the next attempt of a job whose worker died. To queued: it is put off.
    RUNNING: frozenset({QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED}),
    SUCCEEDED: frozenset(),
    # Queued again by a person.
    FAILED: frozenset({QUEUED}),
    CANCELLED: frozenset({QUEUED}),
}


def is_legal(before: str, after: JobStatus) -> bool:
    """Whether a job in one state may go to the other."""
    return after in LEGAL[JobStatus(before)]


def sources(after: JobStatus, *, is_retry: bool = False) -> list[JobStatus]:
    """The states from which a job may go to this one.

    Args:
        after: The state to reach.
        is_retry: A person queues it again; nothing else leaves a final state.
    """
    finals = {status for status in LEGAL if status not in (QUEUED, RUNNING)}
    return [
        status for status in LEGAL if is_legal(status, after) and (status in finals) == is_retry
    ]


def guard_sql(after: JobStatus, alias: str = "j") -> str:
    """Predicate on `job` under which it may go to this state."""
    names = ", ".join(f"'{status}'" for status in sources(after))
    return f"{alias}.status IN ({names})"


BEGIN_SQL = """status = 'running', started_at = now(), finished_at = NULL,
    done = 0, total = NULL"""
"""Assignments of an attempt that begins; its number and stage are the kind's."""

SUCCEED_SQL = "status = 'succeeded', reason = NULL, finished_at = now()"
"""Assignments of a job whose work is done."""
