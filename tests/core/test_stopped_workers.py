"""Jobs of processes that are killed or asked to stop while they do them."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from citewell.core.database.sessions import Database
from tests.core.test_jobs import NEVER, Bench, QueueRows, enqueue, nothing, rows, until, working
from tests.waiting import PATIENCE

__all__ = ["rows"]

pytestmark = pytest.mark.processes

WORKER = """
import asyncio, sys
from citewell.core.jobs import JobQueue

async def hang(platform, tenant_id, subject_id):
    print("started", flush=True)
    await asyncio.sleep(600)

queue = JobQueue(sys.argv[1], concurrency=1)
queue.register("testing.work", hang, hang)
asyncio.run(queue.run_worker(None))
"""


def kill_a_worker(url: str) -> None:
    """Have a process begin a job, and kill it."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, url], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "started\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE)


class TestKill:
    """A process that is killed while it does a job."""

    @pytest.mark.promise
    async def test_job_of_a_killed_process_is_taken_over(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        subject = await enqueue(own_database)
        kill_a_worker(own_database.url)
        assert [row["status"] for row in rows.all()] == ["doing"]
        bench = Bench(nothing)
        async with working(own_database.url, bench, dead_after=1.0):
            await until(lambda: bench.ended == [subject])

    async def test_only_worker_does_not_wait_for_the_dead(self, own_database: Database) -> None:
        subject = await enqueue(own_database)
        kill_a_worker(own_database.url)
        bench = Bench(nothing)
        async with working(own_database.url, bench, dead_after=NEVER, adopt_all=True):
            await until(lambda: bench.ended == [subject])


STOPPING_WORKER = """
import asyncio, signal, sys
from citewell.core.jobs import JobQueue
signal.signal(signal.SIGINT, signal.default_int_handler)  # as the program does, as a background
signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # job ignores it

async def work(platform, tenant_id, subject_id):
    print("started", flush=True)
    await asyncio.sleep(float(sys.argv[2]))
    print("ended", flush=True)

queue = JobQueue(sys.argv[1], concurrency=1, dead_after=1.0)
queue.register("testing.work", work, work)
asyncio.run(queue.run_worker(None, grace=float(sys.argv[3])))
"""


def stopping_worker(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", STOPPING_WORKER, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


class TestStop:
    """A process that is asked to stop while it does a job, beside another worker."""

    async def test_job_that_ends_in_time_is_done_once(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        other = Bench(nothing)
        subject = await enqueue(own_database)
        # Longer than the silence after which the other worker would take it for dead.
        async with (
            self.begun(own_database.url, 4.0, NEVER) as process,
            working(own_database.url, other, dead_after=1.0),
        ):
            process.send_signal(signal.SIGTERM)
            late = await enqueue(own_database)
            await until(lambda: other.ended == [late])
            said, _ = await asyncio.to_thread(process.communicate, timeout=PATIENCE)
            await until(lambda: rows.all() == [])
        assert said == "ended\n"
        assert subject not in other.started

    async def test_job_that_does_not_end_in_time_goes_on_elsewhere(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        other = Bench(nothing)
        subject = await enqueue(own_database)
        # It would wait for an hour if the job had to be taken from a worker that is silent.
        async with (
            self.begun(own_database.url, NEVER, 0.5) as process,
            working(own_database.url, other, dead_after=NEVER),
        ):
            process.send_signal(signal.SIGTERM)
            await until(lambda: other.ended == [subject])
            said, _ = await asyncio.to_thread(process.communicate, timeout=PATIENCE)
            await until(lambda: rows.all() == [])
        assert said == ""

    @staticmethod
    @asynccontextmanager
    async def begun(url: str, seconds: float, grace: float) -> AsyncIterator[subprocess.Popen[str]]:
        """A worker process at its first job, which takes so long; killed if it is left."""
        process = stopping_worker(url, str(seconds), str(grace))
        assert process.stdout is not None
        try:
            reading = asyncio.to_thread(process.stdout.readline)
            assert await asyncio.wait_for(reading, PATIENCE) == "started\n"
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate(timeout=PATIENCE)
