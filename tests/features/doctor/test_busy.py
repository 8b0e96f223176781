"""Work in progress of others is no drift."""

import asyncio
import random

import pytest

from citewell.core.context import unit_of_work
from citewell.core.errors import AppError
from citewell.features.doctor import service as doctor
from citewell.features.doctor.pace import CheckPace
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import DocumentUpdate
from citewell.features.ingestion.pace import IngestPace
from citewell.features.jobs import service as jobs
from citewell.features.trash import service as trash
from citewell.features.versions import service as versions
from citewell.indexes.contract import index_of

from .conftest import NOW, Ward, found, long_text

LOOKS = 3


@pytest.mark.slow
class TestBusyLibrary:
    async def test_library_in_use_has_no_problem(self, ward: Ward) -> None:
        pace = ward.shelf.platform.state_of(IngestPace)
        pace.feed_chars, pace.batch_chunks = 1, 2  # versions are staged in many steps
        looks = ward.shelf.platform.state_of(CheckPace)
        looks.page, looks.second_look_seconds = 100, 0.2
        chance, ended = random.Random(5), asyncio.Event()
        platform, caller = ward.shelf.platform, ward.shelf.caller

        async def live(number: int) -> None:
            """A document is replaced, rolled back, locked up, cancelled, deleted, over and over."""
            revision = 0
            while not ended.is_set():
                await asyncio.sleep(0.1)
                revision += 1
                added = await ward.shelf.add(f"{number}.txt", long_text(f"{number} {revision}", 4))
                change = chance.randrange(5)
                try:
                    async with unit_of_work(platform, caller) as ctx:
                        if change == 0 and added.number > 1:
                            await versions.rollback(ctx, added.document_id, added.number - 1)
                        elif change == 1:
                            level = chance.choice(["public", "restricted"])
                            data = DocumentUpdate(access_level=level)
                            await documents.update(ctx, added.document_id, data)
                        elif change == 2:
                            await trash.delete(ctx, added.document_id)
                    if change == 3:
                        waiting = await ward.shelf.register(f"{number}.txt", f"No. {revision}")
                        working = asyncio.ensure_future(ward.shelf.process(waiting))
                        await asyncio.sleep(chance.random() * 0.05)
                        assert waiting.job_id is not None
                        async with unit_of_work(platform, caller) as ctx:
                            await jobs.cancel(ctx, waiting.job_id)
                        await working
                except AppError:
                    continue  # it was too late for it

        async def fold() -> None:
            while not ended.is_set():
                await index_of(platform).maintenance.fold_statistics(caller.tenant_id)
                await asyncio.sleep(0.02)

        lives = [asyncio.ensure_future(live(number)) for number in range(3)]
        folding = asyncio.ensure_future(fold())
        try:
            for number in range(LOOKS):
                report = await doctor.check(
                    platform, caller.tenant_id, repair=number % 2 == 1, deep=number == 0
                )
                assert found(report) == set(), report
        finally:
            ended.set()
            await asyncio.gather(*lives, folding)
        assert found(await doctor.check(platform, caller.tenant_id, grace=NOW)) <= {"queue"}
