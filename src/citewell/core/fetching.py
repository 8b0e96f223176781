"""Jobs as a worker gets them: fetched by lane, noticed at once, ended only by their own attempt."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Set
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, cast

import procrastinate
import psycopg
import structlog
from procrastinate import exceptions as queue_errors
from procrastinate.jobs import Job as QueuedJob
from procrastinate.jobs import Notification, Status
from procrastinate.manager import JobManager, NotificationCallback, get_channel_for_queues
from pydantic import BaseModel, ValidationError

from citewell.kit.clock import utc_now
from citewell.kit.tasks import TaskGroup

log = structlog.get_logger(__name__)

RELISTEN_SECONDS = 1.0
"""Pause of a listener that lost its connection; meanwhile jobs are found by polls."""


class Lane(StrEnum):
    """Queues with a concurrency of their own, so that one kind of work cannot starve another."""

    DEFAULT = "default"
    """Work of this machine: reading, embedding."""
    MODEL = "model"
    """Work that mostly waits for a language model."""
    AGENT = "agent"
    """Runs of agents, for which people wait, apart from evaluations of hours."""
    OUTBOUND = "outbound"
    """Webhooks: messages to servers of others, which may take their time to answer."""
    MAIL = "mail"
    """Mail: to one server of the operator's, apart from receivers that hang."""


_HELD = """
FROM (
  SELECT id FROM procrastinate_jobs
  WHERE id = %(job_id)s AND status = 'doing'
    AND (worker_id IS NULL OR worker_id = %(worker_id)s) AND attempts = %(attempts)s
  FOR UPDATE
) AS held"""

_FINISH = f"""
SELECT procrastinate_finish_job_v1(id, %(status)s, %(delete_job)s),
  pg_notify('procrastinate_any_queue_v1', %(news)s) {_HELD}"""
"""Workers are notified as of a new job: one that waited for this job's lock, or for its place in
the lane, can start."""

_NEWS = '{{"type": "job_inserted", "job_id": {}}}'

# A live worker whose row was pruned takes back its id and the jobs it is running, unless they were
# given to others. procrastinate's own heartbeat would update no row, and the foreign key would
# refuse every further job (procrastinate #1518).
_SHOW_LIFE = """
WITH shown AS (
  INSERT INTO procrastinate_workers (id, last_heartbeat) OVERRIDING SYSTEM VALUE
  VALUES (%(worker_id)s, now())
  ON CONFLICT (id) DO UPDATE SET last_heartbeat = excluded.last_heartbeat
  RETURNING xmax = 0 AS had_vanished
)
SELECT had_vanished FROM shown
"""

_TAKE_BACK = """
UPDATE procrastinate_jobs SET worker_id = %(worker_id)s
WHERE id = ANY(%(running)s) AND status = 'doing' AND worker_id IS NULL
"""

_RETRY = f"""
SELECT procrastinate_retry_job_v2(id, %(retry_at)s, NULL, NULL, NULL),
  pg_notify('procrastinate_any_queue_v1', %(news)s) {_HELD}"""


class _Notice(BaseModel):
    """Payload of a notification of the queue."""

    type: Literal["job_inserted", "abort_job_requested"]
    job_id: int


class _Channels(Iterable[str]):
    """Channels to listen on, gone through anew for each connection that is made."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self.listened = asyncio.Event()
        """Set when a connection listens on all of them."""

    def __iter__(self) -> Iterator[str]:
        yield from self.names
        # The connector asks for one more when LISTEN has been answered for the last.
        self.listened.set()


class LaneJobs(JobManager):
    """Records the end of an attempt only while the job still belongs to this attempt.

    A worker that was taken for dead may be alive (a paused machine). A job that it finishes belongs
    to another worker by then, and must neither vanish nor be started a third time.
    """

    def __init__(
        self, connector: procrastinate.PsycopgConnector, running: Set[int], lanes: "Lanes"
    ) -> None:
        super().__init__(connector)
        self._running_here = running
        self._lanes = lanes
        self._heard = 0
        """Notifications so far."""

    async def update_heartbeat(self, worker_id: int) -> None:
        try:
            shown = await self.connector.execute_query_one_async(_SHOW_LIFE, worker_id=worker_id)
        except queue_errors.ConnectorException as error:
            # Raised, it would end all later heartbeats and nothing else (see `listen_for_jobs`).
            log.warning(
                "heartbeat_failed", worker_id=worker_id, error=str(error.__cause__ or error)
            )
            return
        if shown["had_vanished"]:
            log.warning("worker_row_had_vanished", worker_id=worker_id)
            await self.connector.execute_query_async(
                _TAKE_BACK, worker_id=worker_id, running=list(self._running_here)
            )

    async def fetch_job(
        self,
        queues: Iterable[str] | None,  # noqa: ARG002 - the lanes decide, anew each time
        worker_id: int,
    ) -> QueuedJob | None:
        """Begin the next job of the lanes with room; the end of a job triggers another call."""
        # The worker forgets what it was told during a look: a job freed meanwhile, as one that
        # waited for another's lock, would lie until the next poll.
        heard = -1
        job: QueuedJob | None = None
        while job is None and heard != self._heard:
            heard = self._heard
            job = await self._look(worker_id)
        return job

    async def _look(self, worker_id: int) -> QueuedJob | None:
        open_lanes = self._lanes.open()
        if not open_lanes:
            return None
        try:
            job = await super().fetch_job(open_lanes, worker_id)
        except queue_errors.ConnectorException as error:
            if not isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
                raise
            await self.update_heartbeat(worker_id)
            job = await super().fetch_job(open_lanes, worker_id)
        if job is not None:
            self._lanes.enter(job.queue)
        return job

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        async def hear(channel: str, payload: str) -> None:
            notification = _notification(payload)
            if notification is None:  # any role that may connect can notify, with any payload
                log.warning("notification_ignored", channel=channel, length=len(payload))
                return
            self._heard += 1
            await on_notification(channel=channel, notification=notification)

        channels = _Channels(get_channel_for_queues(queues))

        async def listen() -> None:
            # procrastinate's worker watches its side tasks until the first of them ends, which the
            # one of periodic tasks does at once: a listener that fails would never be replaced.
            while True:
                try:
                    await self.connector.listen_notify(on_notification=hear, channels=channels)
                except queue_errors.ConnectorException as error:
                    log.warning("listening_lost", error=str(error.__cause__ or error))
                await asyncio.sleep(RELISTEN_SECONDS)

        async with TaskGroup() as tasks:
            tasks.create_task(listen())
            while True:
                await channels.listened.wait()
                channels.listened.clear()
                # No notification told of jobs that came or were freed before it listened.
                await hear(channels.names[0], _NEWS.format(0))

    async def finish_job(self, job: QueuedJob, status: Status, delete_job: bool) -> None:
        await self.connector.execute_query_async(
            _FINISH,
            job_id=job.id,
            worker_id=job.worker_id,
            attempts=job.attempts,
            status=status.value,
            delete_job=delete_job,
            news=_NEWS.format(job.id),
        )

    async def retry_job(
        self,
        job: QueuedJob,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        assert priority is queue is lock is None, "a job keeps its place"
        await self.connector.execute_query_async(
            _RETRY,
            job_id=job.id,
            worker_id=job.worker_id,
            attempts=job.attempts,
            retry_at=retry_at or utc_now(),
            news=_NEWS.format(job.id),
        )


class Lanes:
    """Counts this worker's running jobs by lane."""

    def __init__(self, sizes: Mapping[Lane, int]) -> None:
        self.sizes = sizes
        self._running: Counter[str] = Counter()

    def open(self) -> list[str]:
        """Lanes with room for one more."""
        return [lane for lane, size in self.sizes.items() if self._running[lane] < size]

    def running(self, lane: str) -> int:
        """Jobs of a lane at work."""
        return self._running[lane]

    def enter(self, lane: str) -> None:
        """Count a job that begins."""
        self._running[lane] += 1

    def clear(self) -> None:
        """Reset the counts for a worker that begins without jobs."""
        self._running.clear()

    async def leave(
        self,
        work: Callable[[], Awaitable[Any]],
        context: procrastinate.JobContext,
        _worker: object,
    ) -> Any:
        """Run a job and count its end before a successor is looked for."""
        try:
            return await work()
        finally:
            self._running[context.job.queue] -= 1


def _notification(payload: str) -> Notification | None:
    """Parse a notification of the queue; None if it is malformed."""
    try:
        return cast(Notification, _Notice.model_validate_json(payload).model_dump())
    except ValidationError:
        return None
