"""Tenants take turns in the queue, and what somebody waits for goes before what nobody does."""

import asyncio
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from citewell.core.context import Caller, unit_of_work
from citewell.core.jobs import Urgency
from citewell.core.platform import Platform
from citewell.entrypoints.commands.ingesting import ingest_paths
from citewell.entrypoints.installation import running_worker
from citewell.features.collections import service as collections
from citewell.features.documents import registering
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import DocumentQuery, NewFile, OnDuplicate
from citewell.features.search import service as search
from citewell.features.search.schemas import SearchRequest
from citewell.kit.ids import uuid7
from citewell.kit.pagination import PageRequest
from tests.conftest import Servers, new_caller
from tests.quiet import quiet_database

PAGE = PageRequest()
QUEUED = 2_000
MOST_SECONDS = 10.0


@pytest.fixture(scope="module")
def own_url(servers: Servers, template: str) -> Iterator[str]:
    """A database of this module's own: who is next depends on all jobs there are."""
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture(autouse=True)
def empty_queue(own_url: str) -> Iterator[None]:
    """Nothing of other tests is waiting."""
    yield
    with psycopg.connect(own_url, autocommit=True) as connection:
        connection.execute("DELETE FROM procrastinate_jobs")


async def defer(
    platform: Platform, caller: Caller, count: int, urgency: Urgency = Urgency.INTERACTIVE
) -> list[uuid.UUID]:
    """Queue jobs that nobody does; returns what they are about."""
    subjects = [uuid7() for _ in range(count)]
    async with unit_of_work(platform, caller) as ctx:
        await platform.queue.defer(
            ctx.session, documents.INGEST_JOB, tenant_id=ctx.tenant_id,
            subjects=[(subject, None) for subject in subjects], urgency=urgency,
        )  # fmt: skip
    return subjects


class Fetching:
    """Takes jobs off the queue as a worker does, one after the other."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        row = self._connection.execute(
            "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id"
        ).fetchone()
        assert row is not None
        self._worker = row[0]

    def next(self, count: int) -> list[uuid.UUID]:
        found: list[uuid.UUID] = []
        for _ in range(count):
            row = self._connection.execute(
                "SELECT id, args ->> 'subject_id' FROM procrastinate_fetch_job_v2(NULL, %s)",
                (self._worker,),
            ).fetchone()
            assert row is not None
            found.append(uuid.UUID(row[1]))
            self._connection.execute(
                "SELECT procrastinate_finish_job_v1(%s, 'succeeded', true)", (row[0],)
            )
        return found

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def fetching(own_url: str) -> Iterator[Fetching]:
    fetching = Fetching(own_url)
    yield fetching
    fetching.close()


def is_alternating(found: Sequence[uuid.UUID], one: set[uuid.UUID], other: set[uuid.UUID]) -> bool:
    """Whether of each two neighbours one is of each, whoever begins."""
    pairs = zip(found[::2], found[1::2], strict=True)
    return all(len({a, b} & one) == 1 == len({a, b} & other) for a, b in pairs)


class TestTurns:
    async def test_one_job_goes_before_two_thousand_others(
        self, quiet: Platform, fetching: Fetching
    ) -> None:
        await defer(quiet, await new_caller(quiet), QUEUED)
        [mine] = await defer(quiet, await new_caller(quiet), 1)
        assert mine in fetching.next(2)

    async def test_tenants_with_many_jobs_alternate(
        self, quiet: Platform, fetching: Fetching
    ) -> None:
        first, second = await new_caller(quiet), await new_caller(quiet)
        theirs = [one for _ in range(4) for one in await defer(quiet, first, 25)]
        fetching.next(50)
        mine = await defer(quiet, second, 50)
        assert is_alternating(fetching.next(100), set(theirs[50:]), set(mine))

    async def test_nobody_is_starved_by_a_tenant_that_always_has_a_few(
        self, quiet: Platform, fetching: Fetching
    ) -> None:
        many, steady = await new_caller(quiet), await new_caller(quiet)
        theirs = set(await defer(quiet, many, 60))
        served = 0
        for _ in range(20):
            await defer(quiet, steady, 2)
            served += len(theirs.intersection(fetching.next(2)))
        assert served >= 19

    async def test_who_was_idle_has_gained_nothing(
        self, quiet: Platform, fetching: Fetching
    ) -> None:
        """A job that waits for its next attempt keeps its early turn; newcomers do not get it."""
        many, late = await new_caller(quiet), await new_caller(quiet)
        theirs = await defer(quiet, many, 100)
        with unplanned(fetching):
            fetching.next(40)
            mine = await defer(quiet, late, 40)
        assert is_alternating(fetching.next(80), set(theirs), set(mine))

    async def test_a_folder_waits_for_uploads(self, quiet: Platform, fetching: Fetching) -> None:
        caller = await new_caller(quiet)
        folder = await defer(quiet, caller, 10, Urgency.BULK)
        assert fetching.next(1) == folder[:1]
        uploads = await defer(quiet, caller, 3)
        others = await defer(quiet, await new_caller(quiet), 1, Urgency.BULK)
        found = fetching.next(5)
        assert found[:3] == uploads
        assert others[0] in found[3:]


class unplanned:  # noqa: N801 - reads as a word
    """While the block lasts, the queue's first job waits for a later time."""

    def __init__(self, fetching: Fetching) -> None:
        self._execute = fetching._connection.execute

    def __enter__(self) -> None:
        self._execute(
            "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour' WHERE id = "
            "(SELECT id FROM procrastinate_jobs WHERE status = 'todo' "
            "ORDER BY priority DESC, id LIMIT 1)"
        )

    def __exit__(self, *_: object) -> None:
        self._execute("DELETE FROM procrastinate_jobs WHERE scheduled_at > now()")


class TestFiles:
    async def test_folder_is_bulk_and_a_named_file_is_not(
        self, quiet: Platform, own_url: str, tmp_path: Path
    ) -> None:
        caller = await new_caller(quiet)
        (tmp_path / "a").mkdir()
        for path in (tmp_path / "a" / "one.txt", tmp_path / "two.txt"):
            path.write_text(f"# A\n\nText of {path.name}.")
        for path in (tmp_path / "a", tmp_path / "two.txt"):
            await ingest_paths(quiet, caller, [path], wait=False)
        with psycopg.connect(own_url) as connection:
            rows = connection.execute("SELECT priority FROM procrastinate_jobs ORDER BY id")
            assert [priority < -1_000 for (priority,) in rows] == [True, False]

    @pytest.mark.slow
    async def test_one_file_is_searchable_soon_beside_two_thousand_of_another_tenant(
        self, quiet: Platform, tmp_path: Path
    ) -> None:
        """Over real jobs: files of one tenant, done by a real worker, before one of another."""
        many, one = await new_caller(quiet), await new_caller(quiet)
        async with unit_of_work(quiet, many) as ctx:
            target = await collections.get_or_create(ctx, "all")
        path = tmp_path / "a.txt"
        path.write_text("# Tides\n\nThe tide turns twice a day.")
        for start in range(0, QUEUED, 100):
            files = [
                NewFile(
                    path=path,
                    filename=f"{n}.txt",
                    source=f"upload:{n}.txt",
                    on_duplicate=OnDuplicate.KEEP_BOTH,
                )
                for n in range(start, start + 100)
            ]
            await registering.register_files(quiet, many, target.id, files)
        async with running_worker(quiet, adopt_all=False):
            await asyncio.sleep(0.5)
            begun = time.monotonic()
            new = NewFile(path=path, filename="mine.txt", source="upload:mine.txt")
            await registering.register_file(quiet, one, new)
            while not (await search.search(quiet, one, SearchRequest(query="tide"))).results:
                assert time.monotonic() - begun < MOST_SECONDS
                await asyncio.sleep(0.05)
            async with unit_of_work(quiet, many) as ctx:
                left = (await documents.page(ctx, PAGE, DocumentQuery(status="queued"))).total
        assert left > QUEUED / 2, "the others were done before it; this showed nothing"
