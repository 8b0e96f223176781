"""The durable queue: procrastinate over the application's own transactions."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Generic, NoReturn, TypeVar, cast

import procrastinate
import psycopg
import psycopg_pool
import structlog
from procrastinate import exceptions as queue_errors
from procrastinate.jobs import Job as QueuedJob
from procrastinate.jobs import Status
from procrastinate.worker import Worker
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.database.sessions import (
    CONNECTION,
    SESSION_SETTINGS,
    connection_options,
    driver_connection,
    is_full,
    is_outage,
)
from citewell.core.errors import StorageFullError, UnavailableError
from citewell.core.fetching import Lane, LaneJobs, Lanes
from citewell.core.metrics import ProcessMetrics
from citewell.core.supervision import EndedError, Supervisor
from citewell.kit.clock import utc_now
from citewell.kit.spans import SpanKind, SpanRecorder, recorder, recording
from citewell.kit.tasks import TaskGroup

log = structlog.get_logger(__name__)

P = TypeVar("P")
"""Argument of handlers: the platform of the process."""

JobHandler = Callable[[P, uuid.UUID, uuid.UUID], Awaitable[None]]
"""Called with the platform, the tenant and the id the job is about. Must be idempotent."""

CrashHandler = Callable[[P, uuid.UUID, uuid.UUID], Awaitable[None]]
"""Called when a handler raised an unexpected error, so that users see the job's end."""

WaitHandler = Callable[[P, uuid.UUID, uuid.UUID, str], Awaitable[None]]
"""Called with the reason when the queue itself puts a job off, so that users see it."""

# Four heartbeats in `DEAD_AFTER_SECONDS`: one or two lost to a busy machine do not make a worker
# look dead.
HEARTBEAT_SECONDS = 5.0
DEAD_AFTER_SECONDS = 20.0
"""Silence after which a worker is taken for dead and its jobs are given to others."""

# Pauses double from 2 s; a service that returns is noticed within five minutes.
LONGEST_BACKOFF_SECONDS = 300.0

MAX_DATABASE_FAILURES = 20
"""Attempts with a database that answers and refuses (deadlock, full, busy): an hour and a half."""

WAITS_FOR_DATABASE = "The database did not answer as it should; another attempt follows."

SHUTDOWN_GRACE_SECONDS = 2.0
# How soon a dead worker's job is noticed after `DEAD_AFTER_SECONDS`; one small statement each time.
RESCUE_SECONDS = 2.0
POLL_SECONDS = 2.0
"""Between two looks for jobs that no notification told of: those whose time has come."""

WORKING, RESCUING = "jobs.worker", "jobs.rescue"
"""Names of the background tasks."""


class Urgency(IntEnum):
    """Priority of a job; within one urgency, tenants take turns."""

    INTERACTIVE = 0
    """Somebody waits for it."""
    BULK = 1
    """Job of a folder or an evaluation; runs when no interactive job waits."""


TURNS = 1_000_000_000
"""Room for the turns of one urgency in the queue's priorities, which are 32 bits wide."""

_FIRST_TURN = text("""
SELECT greatest(
  coalesce(
    (SELECT -priority FROM procrastinate_jobs
     WHERE status = 'todo' AND queue_name = :lane AND priority BETWEEN :lowest AND :highest
       AND (scheduled_at IS NULL OR scheduled_at <= now())
     ORDER BY priority DESC, id LIMIT 1),
    (SELECT -min(priority) FROM procrastinate_jobs
     WHERE status = 'doing' AND queue_name = :lane AND worker_id IS NOT NULL
       AND priority BETWEEN :lowest AND :highest),
    -CAST(:highest AS int)),
  (SELECT 1 - min(priority) FROM procrastinate_jobs
   WHERE args ->> 'tenant_id' = :tenant_id AND status IN ('todo', 'doing') AND queue_name = :lane
     AND priority BETWEEN :lowest AND :highest))
""")
"""Start-time fair queueing (Goyal, Vin, Cheng 1996): a tenant's next job takes the turn after its
last one, or the turn that is being served if that is later. So the jobs of tenants alternate,
however many each has, and nobody gains by having been idle."""


class TransientJobError(Exception):
    """The job could not be done now and may succeed later."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


MAIL_CONCURRENCY = 2
"""Mails sent at once by a worker process: a second one, so that a slow reply holds up nobody."""


class _RetryTransient(procrastinate.BaseRetryStrategy):
    """Retries after temporary errors and interruptions by a shutdown; everything else is final."""

    def get_retry_decision(
        self, *, exception: BaseException, job: QueuedJob
    ) -> procrastinate.RetryDecision | None:
        # Interrupted by a shutdown: it counts as not begun and goes on at once elsewhere.
        if isinstance(exception, asyncio.CancelledError | queue_errors.JobAborted):
            return procrastinate.RetryDecision(retry_at=utc_now())
        if isinstance(exception, TransientJobError):
            pause = exception.retry_after or min(2.0**job.attempts, LONGEST_BACKOFF_SECONDS)
            return procrastinate.RetryDecision(retry_at=utc_now() + timedelta(seconds=pause))
        return None


_WITHDRAW = text("SELECT procrastinate_cancel_job_v1(:queue_id, false, true)")


def _carried(job: QueuedJob) -> str | None:
    """The `traceparent` of whoever queued a job, if spans were kept there."""
    return (job.queueing_lock or "").partition("/")[0] or None


async def _each_statement_for_itself(connection: psycopg.AsyncConnection[Any]) -> None:
    """Autocommit: the queue's statements are single ones, and BEGIN and COMMIT two round trips."""
    await connection.set_autocommit(True)


class JobQueue(Generic[P]):
    """Enqueue in the caller's transaction; run handlers in a worker."""

    def __init__(
        self,
        url: str,
        *,
        concurrency: int = 2,
        model_concurrency: int = 4,
        agent_concurrency: int = 4,
        outbound_concurrency: int = 4,
        dead_after: float = DEAD_AFTER_SECONDS,
        poll: float = POLL_SECONDS,
        supervisor: Supervisor | None = None,
        metrics: ProcessMetrics | None = None,
        spans: SpanRecorder | None = None,
    ) -> None:
        self._dead_after = dead_after
        self._poll = poll
        self._heartbeat = min(HEARTBEAT_SECONDS, dead_after / 4)
        self._supervisor = supervisor or Supervisor()
        sizes = {
            Lane.DEFAULT: concurrency,
            Lane.MODEL: model_concurrency,
            Lane.AGENT: agent_concurrency,
            Lane.OUTBOUND: outbound_concurrency,
            Lane.MAIL: MAIL_CONCURRENCY,
        }
        self._lanes = Lanes(sizes)
        self._metrics = metrics or ProcessMetrics()
        self._spans = spans
        self._lane_of: dict[str, Lane] = {}
        self._connector = procrastinate.PsycopgConnector(
            pool_factory=psycopg_pool.AsyncConnectionPool,
            conninfo=url,
            kwargs=CONNECTION | {"options": connection_options(SESSION_SETTINGS)},
            configure=_each_statement_for_itself,
            min_size=2,  # one listens, one answers: nobody waits for a connection at the start
            # One for each job, and four for the listener and the worker's own statements.
            max_size=sum(sizes.values()) + 4,
            timeout=30,
        )
        self._app = procrastinate.App(connector=self._connector)
        self._running: set[int] = set()
        self._app.job_manager = LaneJobs(self._connector, self._running, self._lanes)
        self._worker_ids: set[int] = set()
        self._suspicion: dict[int | None, int] = {}
        self._registering: Callable[[], None] | None = None

    def register(
        self,
        name: str,
        handler: JobHandler[P],
        on_crash: CrashHandler[P],
        on_wait: WaitHandler[P] | None = None,
        *,
        lane: Lane = Lane.DEFAULT,
    ) -> None:
        """Register the handler of jobs called `name` (`slice.verb`) in a lane."""
        self._lane_of[name] = lane

        async def run(
            context: procrastinate.JobContext,
            *,
            tenant_id: str,
            subject_id: str,
            trace: str | None = None,
        ) -> None:
            # `trace`: of jobs that were queued while it was an argument.
            with self._recorded(name, _carried(context.job) or trace):
                await attempt(context, tenant_id, subject_id)

        async def attempt(
            context: procrastinate.JobContext, tenant_id: str, subject_id: str
        ) -> None:
            queue_id = context.job.id
            assert queue_id is not None
            self._running.add(queue_id)
            if context.job.worker_id is not None:
                self._worker_ids.add(context.job.worker_id)
            extras = cast(dict[str, object], context.additional_context)  # pyright: ignore[reportUnknownMemberType]
            platform = cast(P, extras["platform"])
            subject = uuid.UUID(tenant_id), uuid.UUID(subject_id)
            began, end = time.perf_counter(), "crashed"
            try:
                await handler(platform, *subject)
                end = "done"
            except TransientJobError:
                end = "waits"
                raise
            except SQLAlchemyError as error:
                has_answered = getattr(getattr(error, "orig", None), "sqlstate", None) is not None
                # A database that is away is waited for without end; one that answers and refuses is
                # not.
                is_last = has_answered and context.job.attempts >= MAX_DATABASE_FAILURES
                if is_outage(error) and not is_last:
                    if on_wait is not None:
                        with suppress(SQLAlchemyError):  # the outage may refuse this note as well
                            await on_wait(platform, *subject, WAITS_FOR_DATABASE)
                    raise TransientJobError(WAITS_FOR_DATABASE) from error
                await self._crash(name, error, platform, subject, on_crash)
            except Exception as error:  # noqa: BLE001 - the job boundary: every job ends with a reason
                await self._crash(name, error, platform, subject, on_crash)
            finally:
                self._running.discard(queue_id)
                self._metrics.count("job_attempts_total", name, end)
                self._metrics.observe("job_attempt_seconds", time.perf_counter() - began, name)

        self._app.task(name=name, queue=lane, pass_context=True, retry=_RetryTransient())(run)

    @contextmanager
    def _recorded(self, name: str, parent: str | None) -> Generator[None, None, None]:
        """Have an attempt's spans kept, joined to those of whoever queued it."""
        if self._spans is None:
            yield
            return
        with (
            recording(self._spans),
            self._spans.span(f"job {name}", {}, kind=SpanKind.CONSUMER, parent=parent),
        ):
            yield

    def is_at_work(self, lane: Lane) -> bool:
        """Whether this process does a job of a lane now."""
        return self._lanes.running(lane) > 0

    def register_later(self, registering: Callable[[], None]) -> None:
        """Have `registering` register the handlers once the queue is used for the first time."""
        self._registering = registering

    def prepare(self) -> None:
        """Register what `register_later` was given, unless that was done."""
        registering, self._registering = self._registering, None
        if registering is not None:
            registering()

    @staticmethod
    async def _crash(
        name: str,
        error: Exception,
        platform: P,
        subject: tuple[uuid.UUID, uuid.UUID],
        on_crash: CrashHandler[P],
    ) -> NoReturn:
        """Log a bug, show it to the job's owner and let the queue record the failure."""
        tenant_id, subject_id = map(str, subject)
        log.error(
            "job_crashed", task=name, tenant_id=tenant_id, subject_id=subject_id, exc_info=error
        )
        try:
            await on_crash(platform, *subject)
        except SQLAlchemyError as outage:
            # Its owner would never see the end, so the job is tried again.
            raise TransientJobError("the database did not answer") from outage
        raise error

    async def defer(
        self,
        session: AsyncSession,
        name: str,
        *,
        tenant_id: uuid.UUID,
        subjects: Sequence[tuple[uuid.UUID, str | None]],
        urgency: Urgency = Urgency.INTERACTIVE,
        run_at: datetime | None = None,
    ) -> list[int]:
        """Enqueue one job for each subject and its lock, each with its turn, in one statement.

        Returns their ids in the queue. The jobs exist if and only if the transaction commits; jobs
        of one lock run one after the other, and none begins before `run_at`.

        Raises:
            UnavailableError: The queue cannot take them now.
            StorageFullError: The database's disk is full.
        """
        self.prepare()
        highest = -urgency * TURNS
        spans = recorder()
        carried = None if spans is None else spans.carrier()
        turn = await session.scalar(
            _FIRST_TURN,
            {
                "tenant_id": str(tenant_id),
                "lane": self._lane_of.get(name, Lane.DEFAULT),
                "lowest": highest - TURNS + 1,
                "highest": highest,
            },
        )
        jobs = [
            self._app.configure_task(
                name,
                lock=lock,
                # Bounded: turns past the last one share it, rather than spilling into the other
                # urgency.
                priority=max(-(turn + number), highest - TURNS + 1),
                schedule_at=run_at,
                # Where a worker of the release before looks at nothing: of arguments it does not
                # know it makes a crash. Unique, as the column has to be among waiting jobs.
                queueing_lock=None if carried is None else f"{carried}/{uuid.uuid4().hex}",
            ).make_new_job(tenant_id=str(tenant_id), subject_id=str(subject_id))
            for number, (subject_id, lock) in enumerate(subjects)
        ]
        try:
            deferred = await self._app.job_manager.batch_defer_jobs_async(
                jobs, connection=await driver_connection(session)
            )
        except queue_errors.ConnectorException as error:
            if is_full(error.__cause__):
                raise StorageFullError from error
            raise UnavailableError(
                "The job could not be queued; nothing was changed. Try again in a moment."
            ) from error
        return [job.id for job in deferred if job.id is not None]

    async def withdraw(self, session: AsyncSession, queue_id: int) -> None:
        """Take a job off the queue in the session's transaction, unless it is running."""
        await session.execute(_WITHDRAW, {"queue_id": queue_id})

    async def run_worker(
        self, platform: P, *, adopt_all: bool = False, grace: float = SHUTDOWN_GRACE_SECONDS
    ) -> None:
        """Do jobs until cancelled; a database outage is waited out.

        Once cancelled it takes no new job; those that run go on for `grace` seconds, and are then
        cut off and given back to the queue, which another worker goes on with at once.

        Args:
            platform: Handed to the handlers.
            adopt_all: No other worker can be alive, so all running jobs are orphans.
            grace: Time that running jobs have when it is cancelled.
        """
        self.prepare()
        is_first = adopt_all

        async def work() -> None:
            nonlocal is_first
            # Closed in any case: a pool that is cancelled while it opens would leave its tasks.
            async with AsyncExitStack() as stack:
                stack.push_async_callback(self._app.close_async)
                await self._app.open_async()
                if is_first:
                    await self._rescue(everything=True)
                    is_first = False
                group = await stack.enter_async_context(TaskGroup())
                rescue = self._supervisor.repeat(RESCUING, self._rescue, RESCUE_SECONDS)
                group.create_task(rescue)
                group.create_task(self._work(platform, grace))

        await self._supervisor.keep(WORKING, work)

    async def _work(self, platform: P, grace: float) -> None:
        """Do jobs until cancelled, or until procrastinate's worker ends: it lost the database."""
        self._lanes.clear()
        worker = Worker(
            self._app,
            concurrency=sum(self._lanes.sizes.values()),
            worker_middleware=[self._lanes.leave],
            additional_context={"platform": platform},
            install_signal_handlers=False,
            delete_jobs="successful",
            fetch_job_polling_interval=self._poll,
            shutdown_graceful_timeout=grace,
            update_heartbeat_interval=self._heartbeat,
            stalled_worker_timeout=self._dead_after,
        )
        work = asyncio.ensure_future(worker.run())
        try:
            await asyncio.wait([work])
        finally:
            # Cancelled only once its jobs had their time, as a second cancellation cuts them off.
            # A second cancellation of this method hurries nothing either, or jobs would be left as
            # if still being done.
            ends = time.monotonic() + grace + 2
            while not work.done():
                # Told and not cancelled: before Python 3.12 `asyncio.wait_for` can lose a
                # cancellation. Told again each time, as one that has not begun forgets it.
                worker.stop()
                if (left := ends - time.monotonic()) <= 0:
                    work.cancel()
                    left = grace + 2
                    ends = time.monotonic() + left
                with suppress(asyncio.CancelledError, queue_errors.ConnectorException):
                    await asyncio.wait([work], timeout=min(left, self._heartbeat))
                    # procrastinate stops its heartbeat first; without one, a worker that
                    # finishes its jobs would be taken for dead, and they be done twice.
                    for worker_id in () if work.done() else tuple(self._worker_ids):
                        await self._app.job_manager.update_heartbeat(worker_id)
        work.result()
        raise EndedError("the worker lost the database")

    async def _rescue(self, *, everything: bool = False) -> None:
        """Requeue jobs whose worker died, or whose end this worker could not record."""
        manager = self._app.job_manager
        doing = await manager.list_jobs_async(status=Status.DOING.value)
        if not everything:
            silent = await manager.get_stalled_jobs(seconds_since_heartbeat=self._dead_after)
            lost = {job.id for job in silent} | self._forgotten(doing)
            doing = [job for job in doing if job.id in lost]
        for job in doing:
            if job.id not in self._running:
                log.info("job_taken_over", queue_id=job.id)
                await manager.retry_job(job)

    def _forgotten(self, doing: Iterable[QueuedJob]) -> set[int | None]:
        """Jobs assigned to this worker that it has not been running for some rounds."""
        mine = {job.id for job in doing if job.worker_id in self._worker_ids}
        idle = mine - self._running
        self._suspicion = {queue_id: self._suspicion.get(queue_id, 0) + 1 for queue_id in idle}
        # Three rounds: a job that has just been fetched is not in `_running` for a moment.
        return {queue_id for queue_id, rounds in self._suspicion.items() if rounds >= 3}
