"""Files that are broken or made to hurt, taken in among good ones by a real worker."""

import asyncio
import dataclasses
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from hostile_files import FILES

from citewell.engine.parsing.base import ParseFailure
from citewell.engine.parsing.sandbox import ParseLimits, SandboxedParser
from citewell.models.documents import VersionStatus
from tests.quiet import Shelf
from tests.waiting import PATIENCE

from .conftest import Rows

LOCKED = {name for name in FILES if name.startswith("locked")}
HARMLESS = {
    "many-objects.pdf", "owner-locked.pdf", "really-a-pdf.docx", "really-a-docx.pdf",
    "really-html.doc", "zeros-in-text.txt", "surrogates.txt", "direction.txt", "one-line.txt",
    "deep.html", "deep-tables.html", "deep.xml", "unclosed.html", "wide.csv", "open-quote.csv",
    "endless.eml",
}  # fmt: skip
"""Odd, but they have a text that can be read."""

EITHER = {"dimension.xlsx"}
"""Read, or refused for the memory it takes."""

MAX_GROWTH = 150 * 1024 * 1024
"""Growth of this process in all; one parser child alone may take seven times that."""


@pytest.fixture
async def reading_shelf(shelf: Shelf) -> AsyncIterator[Shelf]:
    """With the real parser in its child process."""
    parser = SandboxedParser(ParseLimits(), concurrency=2)
    yield dataclasses.replace(shelf, platform=dataclasses.replace(shelf.platform, parser=parser))
    await parser.close()


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """The largest resident size of this process in the block, as its only element."""
    process, peak, over = psutil.Process(), [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            peak[0] = max(peak[0], process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


class TestHostileFiles:
    @pytest.mark.slow
    async def test_each_fails_with_a_reason_and_the_good_ones_are_found(
        self, reading_shelf: Shelf, rows: Rows, tmp_path: Path
    ) -> None:
        added = {}
        for number, (name, write) in enumerate(FILES.items()):
            write(tmp_path / name)
            content = (tmp_path / name).read_bytes()
            added[name] = await reading_shelf.register(name, content)
            good = f"# Good {number}\n\nThis is proof{number} of reading."
            added[f"good{number}.md"] = await reading_shelf.register(f"good{number}.md", good)
        before = psutil.Process().memory_info().rss
        with peak_memory() as peak:
            await work(reading_shelf, rows)
        failed: dict[str, str] = {}
        for name, registered in added.items():
            version, job = await reading_shelf.state(registered)
            assert job is not None
            if version.status == VersionStatus.FAILED:
                failed[name] = version.error_code or ""
                assert version.error_detail
                assert version.error_detail[0].isupper()
                assert version.error_detail.endswith(".")
                assert (job.status, job.reason) == ("failed", version.error_detail)
            else:
                assert (version.status, job.status) == ("ready", "succeeded"), name
        assert set(failed) - EITHER == set(FILES) - HARMLESS - EITHER
        assert set(failed.values()) <= set(ParseFailure), failed
        assert {failed[name] for name in LOCKED} == {ParseFailure.ENCRYPTED}
        findable = {chunk["document_id"] for chunk in rows.chunks(active=True)}
        assert findable == {one.document_id for name, one in added.items() if name not in failed}
        for number in (0, len(FILES) // 2, len(FILES) - 1):
            assert any(f"proof{number} " in text for text in await rows.found(f"proof{number}"))
        assert peak[0] - before < MAX_GROWTH


async def work(shelf: Shelf, rows: Rows) -> None:
    """Run a worker until nothing is left to do."""
    worker = asyncio.ensure_future(shelf.platform.queue.run_worker(shelf.platform))
    deadline = time.monotonic() + PATIENCE
    try:
        while rows.select(
            "SELECT 1 FROM document_version WHERE {t} AND status IN ('queued', 'processing')"
        ):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
    finally:
        worker.cancel()
        await asyncio.wait([worker])
