"""Term statistics: they follow the chunks, and nobody waits for anybody."""

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from citewell.core.context import unit_of_work
from citewell.features.ingestion.pace import IngestPace
from citewell.indexes.contract import index_of
from tests.quiet import Shelf
from tests.waiting import PATIENCE

from .conftest import Rows, recount, statistics

ROOT = Path(__file__).parents[3]

COMMON = "the common terms of every document are shared by all workers at once "


def text(number: int, revision: int = 0) -> str:
    return f"# Document {number}\n\n{COMMON * 3}\n\nOnly{number} has revision{revision}."


def deadlocks(url: str) -> int:
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        row = connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    return row[0]


def generation_count(rows: Rows) -> int:
    [generation] = rows.select("SELECT chunk_count FROM index_generation WHERE {t}")
    return generation["chunk_count"]


class TestConcurrency:
    @pytest.mark.volume
    async def test_documents_with_the_same_terms_go_side_by_side(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        before = deadlocks(rows.url)
        finished = asyncio.Event()

        async def keep_folding() -> None:
            while not finished.is_set():
                await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)

        async def live(number: int) -> None:
            """A document's life: three versions, and for every third an end."""
            for revision in range(3):
                added = await shelf.add(f"{number}.txt", text(number, revision))
            if number % 3 == 0:
                await shelf.delete(added)

        folding = asyncio.ensure_future(keep_folding())
        await asyncio.gather(*(live(number) for number in range(15)))
        finished.set()
        await folding
        await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
        assert deadlocks(rows.url) == before
        assert rows.select("SELECT 1 FROM term_delta WHERE {t}") == []
        assert len({chunk["document_id"] for chunk in rows.chunks(active=True)}) == 10
        assert statistics(rows) == recount(rows)
        assert generation_count(rows) == len(rows.chunks(active=True))

    @pytest.mark.volume
    async def test_deletions_in_the_middle_of_ingestion_never_deadlock(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        pace = shelf.platform.state_of(IngestPace)
        pace.feed_chars = pace.batch_chunks = 1
        before = deadlocks(rows.url)
        chance = random.Random(4)

        async def end_early(number: int) -> None:
            parts = "\n\n".join(text(part) for part in range(6))
            added = await shelf.register(f"{number}.txt", parts)
            working = asyncio.ensure_future(shelf.process(added))
            await asyncio.sleep(chance.random() * 0.3)
            await shelf.delete(added)
            await working

        for _ in range(3):
            await asyncio.gather(*(end_early(number) for number in range(8)))
        await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
        assert deadlocks(rows.url) == before
        assert rows.chunks(active=True) == []
        assert statistics(rows) == {}
        await shelf.purge()
        assert rows.chunks() == []
        assert statistics(rows) == {}

    @pytest.mark.slow
    async def test_worker_processes_take_the_same_terms_in_at_once(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        added = [await shelf.register(f"{number}.txt", text(number)) for number in range(60)]
        random.Random(3).shuffle(added)
        workers = [start_worker(rows.url, shelf.platform.settings.home) for _ in range(3)]
        try:
            deadline = time.monotonic() + PATIENCE
            while rows.select("SELECT 1 FROM document_version WHERE {t} AND status <> 'ready'"):
                assert time.monotonic() < deadline
                assert all(worker.poll() is None for worker in workers)
                await asyncio.sleep(0.1)
            deadline = time.monotonic() + PATIENCE
            while rows.select("SELECT 1 FROM term_delta WHERE {t}"):
                assert time.monotonic() < deadline, "the statistics do not follow"
                await asyncio.sleep(0.1)
        finally:
            for worker in workers:
                worker.terminate()
                worker.wait(PATIENCE)
        assert deadlocks(rows.url) == 0
        assert {job["attempts"] for job in rows.select("SELECT attempts FROM job WHERE {t}")} == {1}
        assert statistics(rows) == recount(rows)
        assert generation_count(rows) == len(rows.chunks(active=True))


class TestIdf:
    async def test_frequencies_are_those_of_the_findable_chunks(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        for number in range(5):
            await shelf.add(f"{number}.txt", text(number))
        await shelf.add("0.txt", "# Document\n\nNothing in it.")
        await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            counted = recount(rows)
            facts = await index_of(shelf.platform).searcher.facts(ctx, list(counted))
        assert facts is not None
        assert facts.statistics.document_frequency == counted
        assert facts.statistics.chunk_count == len(rows.chunks(active=True))

    async def test_new_term_weighs_as_soon_as_its_document_is_ready(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        shelf.platform.state_of(IngestPace).fold_seconds = 3600.0
        for number in range(4):
            await shelf.add(f"{number}.txt", text(number))
        await shelf.add("0.txt", "# Document\n\nNothing but a pangolin.")
        assert rows.select("SELECT 1 FROM term_delta WHERE {t}"), "folded: nothing is shown"
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            counted = recount(rows)
            facts = await index_of(shelf.platform).searcher.facts(ctx, list(counted))
        assert facts is not None
        assert facts.statistics.document_frequency == counted
        assert facts.statistics.chunk_count == len(rows.chunks(active=True))


WORKER = """
import asyncio, sys
from pathlib import Path
from citewell.core.settings import Settings
from citewell.entrypoints.installation import running_worker
from tests.quiet import quiet_platform

async def main(url, home):
    settings = Settings(_env_file=None, home=Path(home), database_url=url)
    async with quiet_platform(settings, url) as platform, running_worker(platform, adopt_all=False):
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


def start_worker(url: str, home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, url, str(home)], cwd=ROOT)
