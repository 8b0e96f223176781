import dataclasses
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import DBAPIError

from citewell.access.policy import AccessLevel
from citewell.core.context import unit_of_work
from citewell.core.embedders import Embedders
from citewell.core.jobs import TransientJobError
from citewell.core.metrics import PREFIX, ProcessMetrics
from citewell.core.platform import Platform
from citewell.engine.embedding.testing import HashEmbedder
from citewell.features.documents import service as documents
from citewell.features.documents.registering import Registered
from citewell.features.documents.schemas import DocumentUpdate, OnDuplicate
from citewell.features.ingestion import service as ingestion
from citewell.features.ingestion.pace import IngestPace
from citewell.features.trash import service as trash
from citewell.indexes.contract import index_of
from tests.conftest import new_caller
from tests.quiet import Shelf

from .conftest import Rows, broken_update_of_document, recount, statistics
from .parts import BreaksOff, Interrupted, Unreachable, crash, crash_as_provider

HANDBOOK = "# Leave\n\nEverybody gets twenty days of leave.\n\n# Travel\n\nTrains come first."


def sections(count: int, changed: int | None = None) -> str:
    """A text whose every section is a chunk of its own."""
    return "\n\n".join(
        f"# Section {number}\n\n"
        + f"The{' new' if number == changed else ''} rule of subject{number} is firm. " * 30
        for number in range(count)
    )


def counting(shelf: Shelf) -> tuple[Shelf, CollectorRegistry]:
    """The same shelf, whose figures are recorded, and where."""
    registry = CollectorRegistry()
    platform = shelf.platform.holding(ProcessMetrics.recording(registry))
    return dataclasses.replace(shelf, platform=platform), registry


def failed_versions(registry: CollectorRegistry, of: str) -> float | None:
    """Versions of a format that were counted as failed."""
    labels = {"format": of, "end": "failed"}
    return registry.get_sample_value(f"{PREFIX}ingested_versions_total", labels)


def embedder(shelf: Shelf) -> HashEmbedder:
    assert isinstance(shelf.platform.embedder, HashEmbedder)
    return shelf.platform.embedder


def with_parts(shelf: Shelf, **parts: object) -> Shelf:
    """The same shelf over a platform with other parts."""
    return dataclasses.replace(shelf, platform=dataclasses.replace(shelf.platform, **parts))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def small_batches(shelf: Shelf) -> None:
    """Batches of eight chunks: by the sixth that is embedded, the first has been stored."""
    pace = shelf.platform.state_of(IngestPace)
    pace.feed_chars, pace.batch_chunks, pace.segment_chars = 500, 8, 1_000


class TestPublish:
    async def test_file_becomes_ready_and_is_found(self, shelf: Shelf, rows: Rows) -> None:
        added = await shelf.add("handbook.txt", HANDBOOK)
        version, job = await shelf.state(added)
        assert (version.status, version.number, version.error_code) == ("ready", 1, None)
        assert version.published_at is not None
        assert version.chunk_count == version.embedded_count == len(rows.chunks(active=True)) > 0
        assert job is not None
        assert (job.status, job.done, job.total) == ("succeeded", job.total, version.chunk_count)
        assert any("twenty days" in text for text in await rows.found("days of leave"))

    @pytest.mark.usefixtures("small_batches")
    async def test_nothing_is_found_before_publishing(self, shelf: Shelf, rows: Rows) -> None:
        """Every batch is stored, and the last step fails."""
        added = await shelf.add("handbook.txt", HANDBOOK)
        changed = f"{HANDBOOK}\n\n{sections(20)}\n\nPlanes need a permit."
        new = await shelf.register("handbook.txt", changed)
        with broken_update_of_document(rows.url), pytest.raises(DBAPIError, match="no update"):
            await shelf.process(new)
        assert len({chunk["version_id"] for chunk in rows.chunks()}) == 2
        assert {chunk["version_id"] for chunk in rows.chunks(active=True)} == {added.version_id}
        assert await rows.found("planes permit") == []
        assert await rows.found("twenty days")
        assert (await shelf.state(added))[0].status == "ready"
        assert statistics(rows) == recount(rows)
        version, job = await shelf.state(new)
        assert (version.status, job and job.status) == ("processing", "running")
        await shelf.process(new)
        assert await rows.found("planes permit")
        assert (await shelf.state(added))[0].status == "superseded"

    async def test_new_version_replaces_the_old_one(self, shelf: Shelf, rows: Rows) -> None:
        first = await shelf.add("rules.txt", "# Old\n\nApples are allowed.")
        second = await shelf.add("rules.txt", "# New\n\nPears are allowed.")
        assert (second.document_id, second.number) == (first.document_id, 2)
        assert await rows.found("apples") == []
        assert await rows.found("pears")
        assert [(await shelf.state(one))[0].status for one in (first, second)] == [
            "superseded",
            "ready",
        ]

    async def test_older_version_that_comes_late_is_superseded(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        first = await shelf.register("rules.txt", "# Old\n\nApples are allowed.")
        second = await shelf.register("rules.txt", "# New\n\nPears are allowed.")
        await shelf.process(second)
        await shelf.process(first)
        assert await rows.found("apples") == []
        assert await rows.found("pears")
        version, job = await shelf.state(first)
        assert (version.status, job and job.status) == ("superseded", "succeeded")
        assert (await shelf.state(second))[0].status == "ready"
        assert statistics(rows) == recount(rows)

    async def test_access_changed_meanwhile_holds(self, shelf: Shelf, rows: Rows) -> None:
        new = await shelf.register("rules.txt", HANDBOOK, access_level=AccessLevel.PUBLIC)

        async def restrict() -> None:
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                await documents.update(
                    ctx, new.document_id, DocumentUpdate(access_level="restricted")
                )

        await with_parts(shelf, embedder=Interrupted(restrict)).process(new)
        assert {chunk["access_level"] for chunk in rows.chunks(active=True)} == {3}

    async def test_title_given_meanwhile_holds(self, shelf: Shelf) -> None:
        new = await shelf.register("rules.txt", HANDBOOK)

        async def rename() -> None:
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                await documents.update(ctx, new.document_id, DocumentUpdate(title="House rules"))

        await with_parts(shelf, embedder=Interrupted(rename)).process(new)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            assert (await documents.get(ctx, new.document_id)).document.title == "House rules"

    async def test_title_follows_the_text_until_a_person_gives_one(self, shelf: Shelf) -> None:
        for text in ("# Handbook of May\n\nOne.", "# Handbook of June\n\nTwo."):
            added = await shelf.add("h.txt", text)
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                title = (await documents.get(ctx, added.document_id)).document.title
            assert title in text


class TestReuse:
    async def test_unchanged_file_does_nothing(self, shelf: Shelf, rows: Rows) -> None:
        first = await shelf.add("handbook.txt", HANDBOOK)
        embedded = list(embedder(shelf).embedded)
        again = await shelf.register("handbook.txt", HANDBOOK)
        assert (again.version_id, again.number, again.status) == (first.version_id, 1, "ready")
        assert again.job_id is None
        assert embedder(shelf).embedded == embedded
        assert len(rows.select("SELECT 1 FROM document_version WHERE {t}")) == 1

    async def test_changed_file_embeds_only_what_is_new(self, shelf: Shelf, rows: Rows) -> None:
        await shelf.add("rules.txt", sections(20))
        before = len(embedder(shelf).embedded)
        changed = await shelf.add("rules.txt", sections(20, changed=7))
        new = embedder(shelf).embedded[before:]
        version, _ = await shelf.state(changed)
        assert version.chunk_count >= 20
        assert 1 <= len(new) <= 3
        assert version.embedded_count == len(new)
        assert all("subject7" in text or "subject6" in text for text in new)
        vectors = rows.select(
            "SELECT content_hash, count(DISTINCT embedding::text) AS n FROM chunk WHERE {t} "
            "GROUP BY content_hash"
        )
        assert {row["n"] for row in vectors} == {1}

    @pytest.mark.usefixtures("small_batches")
    async def test_equal_passages_are_embedded_once(self, shelf: Shelf, rows: Rows) -> None:
        added = await shelf.add("numbers.txt", "[1," * 20_000)
        version, _ = await shelf.state(added)
        hashes = {chunk["content_hash"] for chunk in rows.chunks(active=True)}
        assert version.chunk_count > 3 * len(hashes), "over several batches of eight"
        assert version.embedded_count == len(hashes) == len(embedder(shelf).embedded)

    async def test_same_content_under_another_name_is_stored_once(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        first = await shelf.add("a.txt", HANDBOOK)
        second = await shelf.add("b.txt", HANDBOOK, on_duplicate=OnDuplicate.KEEP_BOTH)
        assert first.document_id != second.document_id
        assert len(rows.select("SELECT 1 FROM blob WHERE {t}")) == 1

    async def test_file_registered_while_it_waits_is_the_same_job(self, shelf: Shelf) -> None:
        first = await shelf.register("a.txt", HANDBOOK)
        second = await shelf.register("a.txt", HANDBOOK)
        assert second == dataclasses.replace(first, known_by="source", change="unchanged")
        assert first.job_id is not None


class TestFailure:
    async def test_parse_error_is_kept_with_code_and_reason(self, shelf: Shelf, rows: Rows) -> None:
        added = await shelf.add("noise.txt", b"\xff\xfe\xff")
        version, job = await shelf.state(added)
        assert (version.status, version.error_code) == ("failed", "unsupported_format")
        assert version.error_detail == "noise.txt is no text."
        assert job is not None
        assert (job.status, job.reason) == ("failed", version.error_detail)
        assert rows.chunks(active=True) == []

    async def test_failed_version_leaves_the_old_one_answering(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        first = await shelf.add("a.txt", HANDBOOK)
        await shelf.add("a.txt", b"\xff\xfe\xff")
        assert (await shelf.state(first))[0].status == "ready"
        assert await rows.found("twenty days")

    @pytest.mark.usefixtures("small_batches")
    async def test_error_in_the_middle_leaves_nothing_findable(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        broken = with_parts(shelf, parser=BreaksOff())
        added = await broken.add("big.txt", sections(80))
        version, _ = await shelf.state(added)
        assert (version.status, version.error_code) == ("failed", "corrupt_document")
        assert rows.chunks(), "it broke off before anything was stored: this shows nothing"
        assert rows.chunks(active=True) == []
        assert await rows.found("rule firm") == []

    @pytest.mark.usefixtures("small_batches")
    async def test_failed_file_is_tried_again(self, shelf: Shelf, rows: Rows) -> None:
        broken = with_parts(shelf, parser=BreaksOff())
        first = await broken.add("big.txt", sections(80))
        embedded = len(embedder(shelf).embedded)
        again = await shelf.register("big.txt", sections(80))
        assert (again.version_id, again.status) == (first.version_id, "queued")
        assert again.job_id not in (None, first.job_id)
        await shelf.process(again)
        version, job = await shelf.state(again)
        assert (version.status, version.error_code, version.error_detail) == ("ready", None, None)
        assert job is not None
        assert job.id == again.job_id
        assert version.embedded_count < version.chunk_count, "it kept what it had embedded"
        assert len(embedder(shelf).embedded) == embedded + version.embedded_count
        assert await rows.found("subject79")

    async def test_fixed_file_follows_a_failed_one(self, shelf: Shelf, rows: Rows) -> None:
        await shelf.add("a.txt", b"\xff")
        fixed = await shelf.add("a.txt", HANDBOOK)
        version, _ = await shelf.state(fixed)
        assert (version.number, version.status) == (2, "ready")
        assert await rows.found("twenty days")

    async def test_empty_file_is_told(self, shelf: Shelf) -> None:
        added = await shelf.add("a.txt", " \n ")
        assert (await shelf.state(added))[0].error_code == "empty_document"

    async def test_lost_file_is_told(self, shelf: Shelf, rows: Rows) -> None:
        added = await shelf.register("a.txt", HANDBOOK)
        [blob] = rows.select("SELECT sha256 FROM blob WHERE {t}")
        remove = await shelf.platform.blobs.remover(shelf.caller.tenant_id)
        await remove(blob["sha256"])
        await shelf.process(added)
        assert (await shelf.state(added))[0].error_code == "stored_file_missing"

    async def test_unreachable_model_waits_with_its_reason_and_succeeds_later(
        self, shelf: Shelf
    ) -> None:
        down = with_parts(shelf, embedder=Unreachable())
        added = await shelf.register("a.txt", HANDBOOK)
        with pytest.raises(TransientJobError, match="no answer") as caught:
            await down.process(added)
        assert caught.value.retry_after == 7
        version, job = await shelf.state(added)
        assert version.status == "processing"
        assert job is not None
        assert (job.status, job.reason, job.attempts) == ("queued", "no answer", 1)
        await shelf.process(added)
        version, job = await shelf.state(added)
        assert job is not None
        assert (version.status, job.status, job.reason) == ("ready", "succeeded", None)

    async def test_model_that_never_answers_fails_in_the_end(self, shelf: Shelf) -> None:
        shelf.platform.state_of(IngestPace).max_attempts = 2
        down = with_parts(shelf, embedder=Unreachable())
        added = await shelf.register("a.txt", HANDBOOK)
        with pytest.raises(TransientJobError):
            await down.process(added)
        await down.process(added)
        version, _ = await shelf.state(added)
        assert (version.status, version.error_code) == ("failed", "embedding_failed")

    async def test_refusing_model_fails_at_once(self, shelf: Shelf) -> None:
        added = await shelf.register("a.txt", HANDBOOK)
        await with_parts(shelf, embedder=Unreachable(retryable=False)).process(added)
        version, job = await shelf.state(added)
        assert (version.error_code, job and job.status) == ("embedding_failed", "failed")

    async def test_library_grows_with_the_model_it_is_in(self, shelf: Shelf) -> None:
        await shelf.add("a.txt", HANDBOOK)
        own = HashEmbedder()

        async def open_model(name: str) -> HashEmbedder:
            assert name == own.spec.name
            return own

        other = HashEmbedder(64, name="testing:other")
        parts = with_parts(shelf, embedder=other, embedders=Embedders(open_model))
        version, _ = await shelf.state(
            await parts.add("b.txt", HANDBOOK, on_duplicate=OnDuplicate.KEEP_BOTH)
        )
        assert version.status == "ready"
        assert (len(own.embedded), other.embedded) == (version.chunk_count, [])

    async def test_library_whose_model_cannot_be_opened_fails_with_what_to_do(
        self, shelf: Shelf
    ) -> None:
        await shelf.add("a.txt", HANDBOOK)
        other = with_parts(shelf, embedder=HashEmbedder(64, name="testing:other"))
        added = await other.add("b.txt", HANDBOOK, on_duplicate=OnDuplicate.KEEP_BOTH)
        version, _ = await shelf.state(added)
        assert version.error_code == "embedding_failed"
        assert "testing:hash" in (version.error_detail or "")

    @pytest.mark.parametrize("status", ["queued", "processing"])
    async def test_unexpected_error_is_noted(self, shelf: Shelf, status: str) -> None:
        shelf, registry = counting(shelf)
        added = await shelf.register("a.txt", HANDBOOK)
        if status == "processing":
            with pytest.raises(ZeroDivisionError):
                await with_parts(shelf, embedder=Interrupted(crash)).process(added)
        assert added.job_id is not None
        for _ in range(2):
            await ingestion.note_crash(shelf.platform, shelf.caller.tenant_id, added.job_id)
        assert failed_versions(registry, "text") == 1
        version, job = await shelf.state(added)
        assert (version.status, version.error_code) == ("failed", "internal_error")
        assert job is not None
        assert job.status == "failed"
        assert "\n" not in (version.error_detail or "\n")


class TestRepetition:
    async def test_done_job_that_comes_again_changes_nothing(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        """As after a kill between the publication and the queue's note of it."""
        added = await shelf.add("a.txt", HANDBOOK)
        before = rows.chunks()
        embedded = len(embedder(shelf).embedded)
        await shelf.process(added)
        version, job = await shelf.state(added)
        assert (version.status, job and job.status) == ("ready", "succeeded")
        assert rows.chunks() == before
        assert len(embedder(shelf).embedded) == embedded

    @pytest.mark.usefixtures("small_batches")
    @pytest.mark.parametrize("after", [0, 5])
    async def test_attempt_that_was_taken_over_touches_nothing_any_more(
        self, shelf: Shelf, rows: Rows, after: int
    ) -> None:
        """A worker taken for dead wakes up after another has done its job."""
        added = await shelf.register("a.txt", sections(60))

        async def meanwhile() -> None:
            await shelf.process(added)

        slow = Interrupted(meanwhile, after=after)
        await with_parts(shelf, embedder=slow).process(added)
        await slow.done
        version, job = await shelf.state(added)
        assert (version.status, version.error_code) == ("ready", None)
        assert job is not None
        assert (job.status, job.attempts) == ("succeeded", 2)
        assert statistics(rows) == recount(rows)

    async def test_failing_attempt_that_was_taken_over_does_not_fail_the_version(
        self, shelf: Shelf
    ) -> None:
        shelf, registry = counting(shelf)
        # Without a note of progress, which would notice the loss first on a busy machine.
        shelf.platform.state_of(IngestPace).note_seconds = 3_600
        added = await shelf.register("a.txt", sections(40))

        async def meanwhile() -> None:
            with pytest.raises(TransientJobError):
                await with_parts(shelf, embedder=Unreachable()).process(added)
            await crash_as_provider()

        await with_parts(shelf, embedder=Interrupted(meanwhile)).process(added)
        version, job = await shelf.state(added)
        assert (version.status, version.error_code) == ("processing", None)
        assert job is not None
        assert (job.status, job.attempts) == ("queued", 2)
        assert failed_versions(registry, "text") is None

    @pytest.mark.usefixtures("small_batches")
    async def test_interrupted_attempt_leaves_no_text_behind(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        added = await shelf.register("big.txt", sections(60))
        with pytest.raises(ZeroDivisionError):
            await with_parts(shelf, embedder=Interrupted(crash, after=5)).process(added)
        assert rows.select("SELECT 1 FROM document_text WHERE {t}")
        await shelf.process(added)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            content = await documents.content(ctx, added.document_id)
        assert content.total == len(content.text)
        ordinals = [chunk["ordinal"] for chunk in rows.chunks()]
        assert ordinals == list(range(len(ordinals)))


class TestDelete:
    @pytest.mark.usefixtures("small_batches")
    async def test_document_deleted_in_the_middle_is_abandoned(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        added = await shelf.register("big.txt", sections(60))

        async def delete() -> None:
            await shelf.delete(added)

        slow = Interrupted(delete, after=5)
        await with_parts(shelf, embedder=slow).process(added)
        await slow.done
        assert rows.chunks() == []
        assert rows.select("SELECT 1 FROM document_text WHERE {t}") == []
        await shelf.purge()
        for table in ("document", "document_version", "document_text", "chunk", "job", "blob"):
            assert rows.select(f"SELECT 1 FROM {table} WHERE {{t}}") == [], table
        assert stored_files(shelf) == []
        assert await rows.found("rule firm") == []

    async def test_deleted_document_leaves_nothing(self, shelf: Shelf, rows: Rows) -> None:
        added = await shelf.add("a.txt", HANDBOOK)
        await shelf.add("a.txt", HANDBOOK + "\n\nMore.")
        await shelf.delete(added)
        await shelf.purge()
        await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
        for table in ("document", "document_version", "document_text", "chunk", "job", "blob"):
            assert rows.select(f"SELECT 1 FROM {table} WHERE {{t}}") == [], table
        assert stored_files(shelf) == []
        assert statistics(rows) == {}

    async def test_file_that_another_document_needs_stays(self, shelf: Shelf) -> None:
        added = await shelf.add("a.txt", HANDBOOK)
        other = await shelf.add("b.txt", HANDBOOK, on_duplicate=OnDuplicate.KEEP_BOTH)
        await shelf.delete(added)
        await shelf.purge()
        async with documents.original_file(
            shelf.platform, shelf.caller, other.document_id
        ) as original:
            assert original.path.read_text() == HANDBOOK

    async def test_deletion_that_is_not_committed_keeps_the_file(self, shelf: Shelf) -> None:
        added = await shelf.add("a.txt", HANDBOOK)
        with pytest.raises(ZeroDivisionError):
            await delete_and_fail(shelf, added)
        assert len(stored_files(shelf)) == 1
        async with documents.original_file(
            shelf.platform, shelf.caller, added.document_id
        ) as original:
            assert original.path.read_text() == HANDBOOK


async def delete_and_fail(shelf: Shelf, added: Registered) -> None:
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        await trash.delete(ctx, added.document_id)
        raise ZeroDivisionError


class TestTenants:
    async def test_same_file_of_two_tenants_stays_apart(
        self, shelf: Shelf, quiet: Platform, tmp_path: Path, rows: Rows
    ) -> None:
        other = Shelf(quiet, await new_caller(quiet), tmp_path)
        await shelf.add("a.txt", HANDBOOK)
        theirs = await other.add("a.txt", HANDBOOK)
        await other.delete(theirs)
        await other.purge()
        assert await rows.found("twenty days")
        assert len(stored_files(shelf)) == 1


def stored_files(shelf: Shelf) -> list[Path]:
    folder = shelf.platform.settings.home / "files" / str(shelf.caller.tenant_id)
    return [path for path in folder.rglob("*") if path.is_file()]
