"""Jobs in the middle of their work: stopped, begun anew, watched."""

import asyncio
import dataclasses
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from citewell.core.context import unit_of_work
from citewell.core.jobs import TransientJobError
from citewell.engine.embedding.base import Vectors
from citewell.engine.embedding.testing import HashEmbedder
from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.testing import TextDocument, TextParser
from citewell.features.documents.registering import Registered
from citewell.features.ingestion.pace import IngestPace
from citewell.features.jobs import service
from citewell.features.jobs.errors import JobFinishedError, JobUnfinishedError
from citewell.features.jobs.schemas import JobProgressRead, JobRead
from tests.features.ingestion.conftest import Rows, recount, statistics
from tests.features.ingestion.parts import Interrupted, Unreachable
from tests.quiet import Shelf
from tests.waiting import PATIENCE

TEXT = "# Leave\n\nEverybody gets twenty days of leave."


def sections(count: int) -> str:
    """A text whose every section is a chunk of its own."""
    return "\n\n".join(
        f"# Section {number}\n\n" + f"The rule of subject{number} is firm. " * 30
        for number in range(count)
    )


def with_parts(shelf: Shelf, **parts: object) -> Shelf:
    return dataclasses.replace(shelf, platform=dataclasses.replace(shelf.platform, **parts))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def small_batches(shelf: Shelf) -> None:
    pace = shelf.platform.state_of(IngestPace)
    pace.feed_chars, pace.batch_chunks = 500, 8


async def job_of(shelf: Shelf, added: Registered) -> JobRead:
    assert added.job_id is not None
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        return (await service.get(ctx, added.job_id)).read()


async def cancel(shelf: Shelf, job_id: uuid.UUID | None) -> JobRead:
    assert job_id is not None
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        return (await service.cancel(ctx, job_id)).read()


async def retry(shelf: Shelf, job_id: uuid.UUID | None) -> JobRead:
    assert job_id is not None
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        return (await service.retry(ctx, job_id)).read()


def queued(rows: Rows, job_id: uuid.UUID | None) -> int:
    [row] = rows.select(
        "SELECT count(*) AS n FROM procrastinate_jobs WHERE args ->> 'subject_id' = %s",
        str(job_id),
    )
    return int(row["n"])


class TestCancel:
    async def test_queued_job_ends_at_once_and_leaves_the_queue(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        added = await shelf.register("a.txt", TEXT)
        assert queued(rows, added.job_id) == 1
        told = await cancel(shelf, added.job_id)
        assert (told.status, told.reason, told.attempts) == ("cancelled", None, 0)
        assert told.finished_at is not None
        assert queued(rows, added.job_id) == 0
        assert (await shelf.state(added))[0].status == "cancelled"
        await shelf.process(added)  # a worker that had fetched it already
        assert (await shelf.state(added))[0].status == "cancelled"
        assert rows.chunks() == []

    @pytest.mark.usefixtures("small_batches")
    async def test_running_job_stops_and_leaves_nothing(self, shelf: Shelf, rows: Rows) -> None:
        added = await shelf.register("a.txt", sections(60))

        async def stop() -> None:
            assert rows.chunks(), "nothing was staged yet"
            await cancel(shelf, added.job_id)

        slow = Interrupted(stop, after=4)
        await with_parts(shelf, embedder=slow).process(added)
        await slow.done
        assert (await job_of(shelf, added)).status == "cancelled"
        assert (await shelf.state(added))[0].status == "cancelled"
        assert rows.chunks() == []
        assert rows.select("SELECT 1 FROM document_text WHERE {t}") == []
        assert await rows.found("rule firm") == []
        assert statistics(rows) == {}
        assert len(slow.embedded) < 60

    async def test_job_about_to_publish_does_not(self, shelf: Shelf, rows: Rows) -> None:
        first = await shelf.add("a.txt", "# Old\n\nApples are allowed.")
        added = await shelf.register("a.txt", "# New\n\nPears are allowed.")

        async def stop() -> None:
            await cancel(shelf, added.job_id)

        await with_parts(shelf, embedder=Interrupted(stop)).process(added)
        assert await rows.found("pears") == []
        assert await rows.found("apples")
        assert [(await shelf.state(one))[0].status for one in (first, added)] == [
            "ready",
            "cancelled",
        ]
        assert statistics(rows) == recount(rows)

    async def test_worker_that_waits_for_its_model_notices(self, shelf: Shelf) -> None:
        shelf.platform.state_of(IngestPace).note_seconds = 0.05
        added = await shelf.register("a.txt", TEXT)
        stuck = Stuck()
        work = asyncio.ensure_future(with_parts(shelf, embedder=stuck).process(added))
        await stuck.begun.wait()
        await cancel(shelf, added.job_id)
        await asyncio.wait_for(work, PATIENCE)
        assert (await shelf.state(added))[0].status == "cancelled"

    async def test_job_that_waits_for_another_attempt_can_be_cancelled(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        added = await shelf.register("a.txt", TEXT)
        with pytest.raises(TransientJobError):
            await with_parts(shelf, embedder=Unreachable()).process(added)
        assert (await job_of(shelf, added)).reason == "no answer"
        told = await cancel(shelf, added.job_id)
        assert (told.status, told.reason) == ("cancelled", None)
        assert queued(rows, added.job_id) == 0

    async def test_finished_job_is_refused(self, shelf: Shelf, rows: Rows) -> None:
        added = await shelf.add("a.txt", TEXT)
        with pytest.raises(JobFinishedError):
            await cancel(shelf, added.job_id)
        assert (await job_of(shelf, added)).status == "succeeded"
        assert await rows.found("twenty days")
        other = await shelf.register("b.txt", f"{TEXT} And more.")
        await cancel(shelf, other.job_id)
        with pytest.raises(JobFinishedError):
            await cancel(shelf, other.job_id)


class Stuck(HashEmbedder):
    """A model that never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.begun.set()
        await asyncio.sleep(60)
        return await super().embed_passages(texts)


class TestRetry:
    async def test_failed_job_is_done_again_for_the_same_version(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        added = await shelf.register("a.txt", TEXT)
        await with_parts(shelf, embedder=Unreachable(retryable=False)).process(added)
        failed = await job_of(shelf, added)
        assert (failed.status, failed.attempts, failed.reason) == ("failed", 1, "no answer")
        told = await retry(shelf, added.job_id)
        assert (told.status, told.attempts, told.reason) == ("queued", 0, None)
        assert (told.progress, told.started_at, told.finished_at) == (None, None, None)
        assert queued(rows, added.job_id) == 2  # the first was never taken by a worker
        version, _ = await shelf.state(added)
        assert (version.status, version.error_code) == ("queued", None)
        await shelf.process(added)
        done = await job_of(shelf, added)
        assert (done.id, done.status, done.attempts, done.version) == (
            added.job_id, "succeeded", 1, 1,
        )  # fmt: skip
        assert await rows.found("twenty days")
        assert len(rows.select("SELECT 1 FROM document_version WHERE {t}")) == 1

    async def test_attempts_are_counted_anew(self, shelf: Shelf) -> None:
        shelf.platform.state_of(IngestPace).max_attempts = 2
        down = with_parts(shelf, embedder=Unreachable())
        added = await shelf.register("a.txt", TEXT)
        for _ in range(2):
            with pytest.raises(TransientJobError):
                await down.process(added)
            await down.process(added)
            assert (await job_of(shelf, added)).status == "failed"
            await retry(shelf, added.job_id)

    @pytest.mark.usefixtures("small_batches")
    async def test_attempt_from_before_the_cancellation_stays_out(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        """The worker was taken for dead and wakes up when another is at work: two are too many."""
        added = await shelf.register("a.txt", sections(60))

        go_on = asyncio.Event()
        other = Waits(before=1, resume=go_on)
        later: list[asyncio.Future[None]] = []

        async def begin_anew() -> None:
            await cancel(shelf, added.job_id)
            await retry(shelf, added.job_id)
            work = with_parts(shelf, embedder=other).process(added)
            later.append(asyncio.ensure_future(work))
            await until(shelf, added, "parsing", 0)

        slow = Interrupted(begin_anew, after=4)
        await with_parts(shelf, embedder=slow).process(added)
        await slow.done  # it may notice the cancellation before all of this is done
        assert (await job_of(shelf, added)).status == "running"
        go_on.set()
        await later[0]
        told = await job_of(shelf, added)
        assert (told.status, told.attempts) == ("succeeded", 1)
        chunks = rows.chunks()
        assert [chunk["ordinal"] for chunk in chunks] == list(range(len(chunks)))
        assert all(chunk["active"] for chunk in chunks)
        assert statistics(rows) == recount(rows)

    async def test_others_are_refused(self, shelf: Shelf) -> None:
        added = await shelf.register("a.txt", TEXT)
        with pytest.raises(JobUnfinishedError):
            await retry(shelf, added.job_id)
        refusals: list[Exception] = []

        async def ask() -> None:
            try:
                await retry(shelf, added.job_id)
            except JobUnfinishedError as error:
                refusals.append(error)

        await with_parts(shelf, embedder=Interrupted(ask)).process(added)
        assert len(refusals) == 1
        with pytest.raises(JobFinishedError):
            await retry(shelf, added.job_id)

    async def test_version_that_a_later_job_made_ready_is_left_alone(self, shelf: Shelf) -> None:
        added = await shelf.register("a.txt", TEXT)
        await cancel(shelf, added.job_id)
        again = await shelf.register("a.txt", TEXT)
        assert again.version_id == added.version_id
        with pytest.raises(JobUnfinishedError):
            await retry(shelf, added.job_id)
        await shelf.process(again)
        assert (await job_of(shelf, again)).attempts == 1
        with pytest.raises(JobFinishedError):
            await retry(shelf, added.job_id)

    async def test_two_at_once_queue_it_once(self, shelf: Shelf, rows: Rows) -> None:
        added = await shelf.register("a.txt", TEXT)
        await cancel(shelf, added.job_id)
        ends = await asyncio.gather(
            *(retry(shelf, added.job_id) for _ in range(4)), return_exceptions=True
        )
        assert sorted(type(end).__name__ for end in ends) == [
            "JobRead", *["JobUnfinishedError"] * 3,
        ]  # fmt: skip
        assert queued(rows, added.job_id) == 1


class PagedParser(TextParser):
    """Every section is a page; the reader waits before one of them."""

    def __init__(self, *, wait_at: int, resume: asyncio.Event, total: int | None) -> None:
        self.wait_at, self.resume, self.total = wait_at, resume, total

    @asynccontextmanager
    async def open(self, path: Path, filename: str) -> AsyncIterator[TextDocument]:
        async with super().open(path, filename) as document:
            document.info = DocumentInfo("text/plain", page_count=self.total)
            yield _Paged(document, self)


class _Paged(TextDocument):
    def __init__(self, whole: TextDocument, parser: PagedParser) -> None:
        self._blocks, self.info, self._parser = whole._blocks, whole.info, parser

    async def blocks(self) -> AsyncIterator[Block]:
        page = 0
        for block in self._blocks:
            page += block.kind is BlockKind.HEADING
            if page == self._parser.wait_at:
                await self._parser.resume.wait()
            has_pages = self._parser.total is not None
            yield dataclasses.replace(block, page=page if has_pages else None)


class Waits(HashEmbedder):
    """A model that waits before one of its batches."""

    def __init__(self, *, before: int, resume: asyncio.Event) -> None:
        super().__init__()
        self._left, self._resume = before, resume

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self._left -= 1
        if self._left < 0:
            await self._resume.wait()
        return await super().embed_passages(texts)


@pytest.mark.usefixtures("small_batches")
class TestProgress:
    @pytest.fixture(autouse=True)
    def _often(self, shelf: Shelf) -> None:
        shelf.platform.state_of(IngestPace).note_seconds = 0.02

    async def test_pages_are_told_while_it_is_read_then_chunks(self, shelf: Shelf) -> None:
        read_on, embed_on = asyncio.Event(), asyncio.Event()
        parser = PagedParser(wait_at=24, resume=read_on, total=60)
        parts = with_parts(shelf, parser=parser, embedder=Waits(before=5, resume=embed_on))
        added = await shelf.register("a.txt", sections(60))
        work = asyncio.ensure_future(parts.process(added))
        told = await until(shelf, added, "parsing", 23)
        assert told.model_dump() == {"stage": "parsing", "done": 23, "total": 60, "unit": "pages"}
        read_on.set()
        told = await until(shelf, added, "embedding", 40)
        assert told.total in (None, 60)
        embed_on.set()
        await work
        told = (await job_of(shelf, added)).progress
        assert told is not None
        assert told.model_dump() == {
            "stage": "published", "done": told.total, "total": told.total, "unit": "chunks",
        }  # fmt: skip

    async def test_without_pages_chunks_are_told_and_their_total_last(self, shelf: Shelf) -> None:
        read_on = asyncio.Event()
        parser = PagedParser(wait_at=58, resume=read_on, total=None)
        added = await shelf.register("a.txt", sections(60))
        work = asyncio.ensure_future(with_parts(shelf, parser=parser).process(added))
        told = await until(shelf, added, "embedding", 50)
        assert (told.total, told.unit) == (None, "chunks")
        read_on.set()
        await work

    async def test_total_is_known_once_all_was_read(self, shelf: Shelf) -> None:
        embed_on = asyncio.Event()
        added = await shelf.register("a.txt", sections(20))
        slow = Waits(before=1, resume=embed_on)
        work = asyncio.ensure_future(with_parts(shelf, embedder=slow).process(added))
        told = await until(shelf, added, "embedding", 8, total=20)
        assert (told.done, told.total) == (8, 20)
        embed_on.set()
        await work


async def until(
    shelf: Shelf, added: Registered, stage: str, least: int, total: int = 0
) -> JobProgressRead:
    """The progress once it is so far."""
    deadline = time.monotonic() + PATIENCE
    while True:
        job = await job_of(shelf, added)
        now = job.progress
        if now and now.stage == stage and now.done >= least and (now.total or 0) >= total:
            assert job.status == "running"
            return now
        assert time.monotonic() < deadline, job
        await asyncio.sleep(0.02)
