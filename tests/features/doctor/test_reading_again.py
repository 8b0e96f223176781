"""A version that is read again goes on answering, whatever happens meanwhile."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

import pytest

from citewell.core.context import unit_of_work
from citewell.engine.embedding.base import Vectors
from citewell.engine.embedding.testing import HashEmbedder
from citewell.features.doctor import passages
from citewell.features.doctor.checks import CheckRun
from citewell.features.documents import service as documents
from citewell.features.documents.registering import Registered
from citewell.features.documents.schemas import DocumentUpdate
from citewell.features.ingestion import service as ingestion
from citewell.features.ingestion.pace import IngestPace
from citewell.features.jobs import service as jobs
from citewell.features.trash import service as trash
from citewell.features.versions import service as versions

from .conftest import NOW, Ward, files_of, found, long_text


@pytest.fixture
async def first(ward: Ward) -> Registered:
    """A document that answers."""
    return await ward.shelf.add("first.txt", long_text("first"))


async def read_again(ward: Ward, registered: Registered) -> uuid.UUID:
    async with unit_of_work(ward.shelf.platform, ward.shelf.caller) as ctx:
        job_id = await ingestion.read_again(ctx, registered.version_id)
    assert job_id is not None
    return job_id


async def process(ward: Ward, job_id: uuid.UUID) -> None:
    await ingestion.process(ward.shelf.platform, ward.shelf.caller.tenant_id, job_id)


def active(ward: Ward, registered: Registered) -> list[int]:
    """Ordinals of the version's passages that are found."""
    statement = "SELECT ordinal FROM chunk WHERE version_id = %s AND active ORDER BY ordinal"
    return [row["ordinal"] for row in ward.sql(statement, registered.version_id)]


def status(ward: Ward, registered: Registered) -> str:
    statement = "SELECT status FROM document_version WHERE id = %s"
    return ward.sql(statement, registered.version_id)[0]["status"]


class TestReadingAgain:
    async def test_it_answers_all_the_time_and_is_published_once(
        self, ward: Ward, first: Registered
    ) -> None:
        before = ward.sql("SELECT id, text FROM chunk WHERE {t} ORDER BY ordinal")
        published = ward.sql("SELECT published_at FROM document_version WHERE {t}")
        job_id = await read_again(ward, first)
        assert status(ward, first) == "queued"
        assert active(ward, first) == list(range(len(before)))
        await ward.assert_sound()
        await process(ward, job_id)
        assert status(ward, first) == "ready"
        assert ward.sql("SELECT id, text FROM chunk WHERE {t} ORDER BY ordinal") == before
        assert ward.sql("SELECT published_at FROM document_version WHERE {t}") == published
        assert len(ward.sql("SELECT 1 FROM document_activation WHERE {t}")) == 1
        await ward.assert_sound()

    async def test_cancelled_it_stays_what_it_was(self, ward: Ward, first: Registered) -> None:
        job_id = await read_again(ward, first)
        async with unit_of_work(ward.shelf.platform, ward.shelf.caller) as ctx:
            await jobs.cancel(ctx, job_id)
        assert status(ward, first) == "ready"
        await ward.assert_sound()

    async def test_failed_it_stays_what_it_was(self, ward: Ward, first: Registered) -> None:
        [original] = files_of(ward)
        content = original.read_bytes()
        original.unlink()
        await process(ward, await read_again(ward, first))
        original.write_bytes(content)
        version, job = await ward.shelf.state(first)
        assert version.status == "ready"
        assert version.error_code is None
        assert job is not None
        assert job.status == "failed"
        assert active(ward, first) != []
        await ward.assert_sound()

    async def test_stopped_before_anything_was_stored_it_keeps_its_text(
        self, ward: Ward, first: Registered
    ) -> None:
        before = ward.sql("SELECT start_offset, text FROM document_text WHERE {t} ORDER BY 1")
        [original] = files_of(ward)
        damaged = bytearray(original.read_bytes())
        damaged[-20] ^= 1
        original.write_bytes(damaged)
        await process(ward, await read_again(ward, first))
        assert before
        assert (
            ward.sql("SELECT start_offset, text FROM document_text WHERE {t} ORDER BY 1") == before
        )

    async def test_newer_version_takes_over_meanwhile(self, ward: Ward, first: Registered) -> None:
        job_id = await read_again(ward, first)
        second = await ward.shelf.add("first.txt", long_text("second"))
        assert active(ward, first) == []
        await process(ward, job_id)
        assert (status(ward, first), status(ward, second)) == ("superseded", "ready")
        assert active(ward, first) == []
        await ward.assert_sound()

    async def test_late_older_version_does_not_take_over(self, ward: Ward) -> None:
        old = await ward.shelf.register("late.txt", long_text("old"))
        new = await ward.shelf.add("late.txt", long_text("new"))
        job_id = await read_again(ward, new)
        await ward.shelf.process(old)
        assert (status(ward, old), status(ward, new)) == ("superseded", "queued")
        await process(ward, job_id)
        assert (status(ward, old), status(ward, new)) == ("superseded", "ready")
        await ward.assert_sound()

    async def test_rollback_and_deletion_meanwhile(self, ward: Ward, first: Registered) -> None:
        second = await ward.shelf.add("first.txt", long_text("second"))
        job_id = await read_again(ward, second)
        async with unit_of_work(ward.shelf.platform, ward.shelf.caller) as ctx:
            await versions.rollback(ctx, first.document_id, 1)
        await process(ward, job_id)
        assert (status(ward, first), status(ward, second)) == ("ready", "superseded")
        await ward.assert_sound()
        job_id = await read_again(ward, first)
        async with unit_of_work(ward.shelf.platform, ward.shelf.caller) as ctx:
            await trash.delete(ctx, first.document_id)
        await process(ward, job_id)
        assert ward.sql("SELECT 1 FROM chunk WHERE {t} AND active") == []
        assert found(await ward.look()) <= {"queue"}  # whose entry a worker would drop

    async def test_access_that_changes_meanwhile_holds_at_once(
        self, ward: Ward, first: Registered
    ) -> None:
        pace = ward.shelf.platform.state_of(IngestPace)
        pace.feed_chars = pace.batch_chunks = 1
        last = active(ward, first)[-1]
        ward.sql("DELETE FROM chunk WHERE {t} AND ordinal IN (0, %s)", last)  # to be embedded
        levels: list[set[int]] = []

        async def change_and_look() -> None:
            if not levels:
                async with unit_of_work(ward.shelf.platform, ward.shelf.caller) as ctx:
                    data = DocumentUpdate(access_level="restricted")
                    await documents.update(ctx, first.document_id, data)
            rows = ward.sql("SELECT access_level FROM chunk WHERE {t} AND active")
            levels.append({row["access_level"] for row in rows})

        class Looking(HashEmbedder):
            async def embed_passages(self, texts: Sequence[str]) -> Vectors:
                await change_and_look()
                return await super().embed_passages(texts)

        job_id = await read_again(ward, first)
        platform = replace(ward.shelf.platform, embedder=Looking())
        await ingestion.process(platform, ward.shelf.caller.tenant_id, job_id)
        assert levels == [{3}, {3}]
        await ward.assert_sound()


class TestSearchIndexes:
    @pytest.mark.usefixtures("first")
    async def test_missing_and_unfinished_ones_are_built(self, ward: Ward) -> None:
        ward.sql("UPDATE index_generation SET chunk_count = 10000 WHERE {t}")
        run = CheckRun(ward.shelf.platform, ward.shelf.caller, is_deep=False, grace=NOW)
        [missing] = await passages.find_missing_indexes(run)
        await passages.build_indexes(run, [missing])
        assert await passages.find_missing_indexes(run) == []
        name = missing.key.split(" and ")[0]
        ward.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", name)
        assert await passages.find_missing_indexes(run) == [missing]
        await passages.build_indexes(run, [missing])
        assert await passages.find_missing_indexes(run) == []
