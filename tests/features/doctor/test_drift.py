"""Every kind of drift is found, mended, and gone."""

import uuid

import psycopg
import pytest

from citewell.core.context import unit_of_work
from citewell.features.doctor import service as doctor
from citewell.features.documents.registering import Registered
from citewell.features.jobs import service as jobs
from citewell.features.search import service as search
from citewell.features.search.schemas import SearchRequest
from citewell.features.trash import service as trash
from citewell.features.versions import service as versions
from citewell.indexes.contract import index_of

from .conftest import Ward, files_of, found, long_text


@pytest.fixture
async def first(ward: Ward) -> Registered:
    """A document with two versions, beside another one."""
    await ward.shelf.add("other.txt", long_text("other"))
    await ward.shelf.add("first.txt", long_text("old"))
    return await ward.shelf.add("first.txt", long_text("new"))


async def hits(ward: Ward, query: str) -> list[str]:
    request = SearchRequest(query=query, top_k=50)
    reply = await search.search(ward.shelf.platform, ward.shelf.caller, request)
    return [hit.text for hit in reply.results]


class TestSound:
    async def test_library_of_every_status_has_no_problem(
        self, ward: Ward, first: Registered
    ) -> None:
        await ward.shelf.add("empty.txt", "")
        await ward.shelf.register("waiting.txt", long_text("waiting"))
        cancelled = await ward.shelf.register("cancelled.txt", long_text("cancelled"))
        assert cancelled.job_id is not None
        async with unit_of_work(ward.shelf.platform, ward.shelf.caller) as ctx:
            await jobs.cancel(ctx, cancelled.job_id)
            await versions.rollback(ctx, first.document_id, 1)
        await ward.assert_sound()
        assert (await ward.mend(deep=True)).problems == 0

    async def test_empty_tenant_has_no_problem(self, ward: Ward) -> None:
        await ward.assert_sound()


@pytest.mark.usefixtures("first")
class TestVersions:
    async def test_pointer_at_a_superseded_version(self, ward: Ward, first: Registered) -> None:
        ward.sql(
            "UPDATE document SET active_version_id = (SELECT id FROM document_version v "
            "WHERE v.document_id = document.id AND number = 1) WHERE {t} AND id = %s",
            first.document_id,
        )
        report = await ward.look()
        assert {"active versions", "history", "access of passages"} <= found(report)
        report = await ward.mend()
        assert report.left == []
        await ward.assert_sound()
        assert any("Part 1 of old" in text for text in await hits(ward, "old rule"))

    async def test_pointer_at_nothing(self, ward: Ward) -> None:
        ward.sql("UPDATE document SET active_version_id = NULL WHERE {t}")
        assert "active versions" in found(await ward.look())
        assert (await ward.mend()).left == []
        await ward.assert_sound()
        assert any("Part 1 of new" in text for text in await hits(ward, "new rule"))

    async def test_answering_version_marked_as_failed_is_read_again(
        self, ward: Ward, first: Registered
    ) -> None:
        ward.sql("UPDATE document_version SET status = 'failed' WHERE id = %s", first.version_id)
        await ward.assert_mended("active versions")
        version, _ = await ward.shelf.state(first)
        assert version.status == "ready"

    async def test_history_that_ends_elsewhere(self, ward: Ward, first: Registered) -> None:
        ward.sql("DELETE FROM document_activation WHERE {t} AND active_until IS NULL")
        await ward.assert_mended("history")
        ward.sql(
            "UPDATE document_activation SET version_id = (SELECT id FROM document_version v "
            "WHERE v.document_id = document_activation.document_id AND number = 1) "
            "WHERE {t} AND active_until IS NULL AND document_id = %s",
            first.document_id,
        )
        await ward.assert_mended("history")

    async def test_text_with_a_gap_is_read_again(self, ward: Ward, first: Registered) -> None:
        ward.sql("DELETE FROM document_text WHERE {t} AND version_id = %s", first.version_id)
        await ward.assert_mended("texts")
        [text] = ward.sql("SELECT text FROM document_text WHERE version_id = %s", first.version_id)
        assert text["text"].startswith("Part 0 of new") or "Part 0 of new" in text["text"]


class TestJobs:
    async def test_version_without_work_is_queued_again(self, ward: Ward) -> None:
        waiting = await ward.shelf.register("waiting.txt", long_text("waiting"))
        ward.sql("DELETE FROM procrastinate_jobs WHERE args ->> 'tenant_id' = %s", ward.tenant_id)
        await ward.assert_mended("stuck versions")
        version, job = await ward.shelf.state(waiting)
        assert version.status == "ready"
        assert job is not None
        assert job.status == "succeeded"
        assert {row["status"] for row in ward.sql("SELECT status FROM job WHERE {t}")} == {
            "cancelled", "succeeded",
        }  # fmt: skip

    async def test_version_without_a_job_is_queued(self, ward: Ward) -> None:
        await ward.shelf.register("waiting.txt", long_text("waiting"))
        ward.sql("DELETE FROM procrastinate_jobs WHERE args ->> 'tenant_id' = %s", ward.tenant_id)
        ward.sql("DELETE FROM job WHERE {t}")
        await ward.assert_mended("stuck versions")

    async def test_open_job_of_a_ready_version_is_closed(
        self, ward: Ward, first: Registered
    ) -> None:
        ward.sql("UPDATE job SET status = 'running' WHERE {t} AND id = %s", first.job_id)
        await ward.assert_mended("jobs")
        _, job = await ward.shelf.state(first)
        assert job is not None
        assert job.status == "succeeded"

    async def test_entry_of_the_queue_without_a_job_is_dropped(self, ward: Ward) -> None:
        waiting = await ward.shelf.register("waiting.txt", long_text("waiting"))
        ward.sql("DELETE FROM job WHERE {t}")
        ward.sql("UPDATE document_version SET status = 'failed' WHERE id = %s", waiting.version_id)
        await ward.assert_mended("queue")
        left = "SELECT 1 FROM procrastinate_jobs WHERE args ->> 'tenant_id' = %s AND status='todo'"
        assert ward.sql(left, ward.tenant_id) == []


@pytest.mark.usefixtures("first")
class TestPassages:
    async def test_place_that_is_not_the_documents(self, ward: Ward) -> None:
        for change in (
            "active = NOT active", "access_level = 3", "collection_id = gen_random_uuid()",
            "document_id = gen_random_uuid()",
        ):  # fmt: skip
            ward.sql(f"UPDATE chunk SET {change} WHERE {{t}} AND ordinal = 2")
            report = await ward.mend()
            assert found(report) == {"access of passages"}, change
            assert (report.problems, report.left) == (3, []), change  # versions
        await ward.assert_sound()

    async def test_damaged_passage_is_made_again(self, ward: Ward) -> None:
        passages = "SELECT text, embedding::text FROM chunk WHERE {t} ORDER BY version_id, ordinal"
        before = ward.sql(passages)
        for change in (
            "text = 'something else'", "start_offset = start_offset + 1", "end_offset = 10000000",
            "embedding = '[1,0,0]'", "embedding = l2_normalize(embedding) * embedding",
        ):  # fmt: skip
            ward.sql(f"UPDATE chunk SET {change} WHERE {{t}} AND ordinal = 1")
            report = await ward.mend()
            assert found(report) == {"damaged passages"}, change
            assert report.left == [], change
            assert ward.sql(passages) == before, change
        await ward.assert_sound()

    async def test_passages_of_the_trash_that_can_be_found(
        self, ward: Ward, first: Registered
    ) -> None:
        async with unit_of_work(ward.shelf.platform, ward.shelf.caller) as ctx:
            await trash.delete(ctx, first.document_id)
        await ward.assert_sound()
        ward.sql("UPDATE chunk SET active = true WHERE version_id = %s", first.version_id)
        await ward.assert_mended("access of passages")
        statement = "SELECT 1 FROM chunk WHERE version_id = %s AND active"
        assert ward.sql(statement, first.version_id) == []

    async def test_missing_passages_are_made_again(self, ward: Ward, first: Registered) -> None:
        await hits(ward, "new rule")
        ward.sql(
            "DELETE FROM chunk WHERE {t} AND ordinal IN (0, 2) AND version_id = %s",
            first.version_id,
        )
        await ward.assert_mended("missing passages")

    async def test_all_passages_gone_are_made_again(self, ward: Ward) -> None:
        ward.sql("DELETE FROM chunk WHERE {t}")
        await ward.assert_mended("missing passages")
        assert any("Part 1 of new" in text for text in await hits(ward, "new rule"))
        assert not any("Part 1 of old" in text for text in await hits(ward, "old rule"))

    async def test_version_that_answers_after_a_rollback_stays_the_one(
        self, ward: Ward, first: Registered
    ) -> None:
        async with unit_of_work(ward.shelf.platform, ward.shelf.caller) as ctx:
            await versions.rollback(ctx, first.document_id, 1)
        ward.sql("DELETE FROM chunk WHERE {t} AND ordinal = 1")
        await ward.assert_mended("missing passages")
        statuses = ward.sql(
            "SELECT number, status FROM document_version WHERE document_id = %s ORDER BY number",
            first.document_id,
        )
        assert [row["status"] for row in statuses] == ["ready", "superseded"]
        assert not any("Part 1 of new" in text for text in await hits(ward, "new rule"))

    async def test_passages_of_a_cancelled_version_go(self, ward: Ward) -> None:
        cancelled = await ward.shelf.register("cancelled.txt", long_text("cancelled"))
        other = await ward.shelf.add("another.txt", long_text("another"))
        assert cancelled.job_id is not None
        async with unit_of_work(ward.shelf.platform, ward.shelf.caller) as ctx:
            await jobs.cancel(ctx, cancelled.job_id)
        ward.sql(
            "INSERT INTO chunk SELECT tenant_id, gen_random_uuid(), generation_id, %s, %s, "
            "collection_id, ordinal, access_level, false, page, start_offset, end_offset, language,"
            " content_hash, heading, context, text, embedding, terms FROM chunk "
            "WHERE version_id = %s",
            cancelled.document_id, cancelled.version_id, other.version_id,
        )  # fmt: skip
        await ward.assert_mended("cancelled versions")


@pytest.mark.usefixtures("first")
class TestTerms:
    async def test_terms_of_a_version(self, ward: Ward) -> None:
        ward.sql("UPDATE version_terms SET terms[1] = 7 WHERE {t}")
        assert found(await ward.look()) == {"terms", "term statistics"}
        assert (await ward.mend()).left == []  # the statistics may have been right all the time
        await ward.assert_sound()

    async def test_terms_that_are_gone(self, ward: Ward) -> None:
        ward.sql("DELETE FROM version_terms WHERE {t}")
        assert found(await ward.look()) == {"terms", "term statistics"}
        assert (await ward.mend()).left == []  # the statistics may have been right all the time
        await ward.assert_sound()

    async def test_statistics(self, ward: Ward) -> None:
        await index_of(ward.shelf.platform).maintenance.fold_statistics(ward.shelf.caller.tenant_id)
        for statement in (
            "UPDATE term_stat SET frequency = frequency + 1 WHERE {t}",
            "DELETE FROM term_stat WHERE {t}",
            "INSERT INTO term_stat SELECT tenant_id, generation_id, 5, 9 FROM term_stat "
            "WHERE {t} LIMIT 1",
            "UPDATE index_generation SET chunk_count = 1 WHERE {t}",
        ):
            ward.sql(statement)
            report = await ward.mend()
            assert found(report) == {"term statistics"}, statement
            assert report.left == [], statement
        await ward.assert_sound()

    async def test_notes_that_were_never_folded(self, ward: Ward) -> None:
        ward.sql("DELETE FROM term_delta WHERE {t}")
        ward.sql("DELETE FROM term_stat WHERE {t}")
        await ward.assert_mended("term statistics")


@pytest.mark.usefixtures("first")
class TestFiles:
    async def test_missing_original_is_told_and_comes_back_with_an_upload(self, ward: Ward) -> None:
        files_of(ward)[0].unlink()
        report = await ward.mend()
        assert found(report) == {"files"}
        [left] = report.left
        assert "upload the file again" in left.examples[0]
        for name in ("old", "new", "other"):
            await ward.shelf.register(f"{name} again.txt", long_text(name))
        await ward.mend()
        await ward.assert_sound()

    async def test_passages_without_original_are_left_as_they_are(self, ward: Ward) -> None:
        before = set(files_of(ward))
        only = await ward.shelf.add("only.txt", long_text("only"))
        [original] = set(files_of(ward)) - before
        original.unlink()
        ward.sql("DELETE FROM chunk WHERE {t} AND ordinal = 1 AND version_id = %s", only.version_id)
        report = await ward.mend()
        assert {check.name for check in report.left} == {"files", "missing passages"}
        version, _ = await ward.shelf.state(only)
        assert version.status == "ready"
        assert await hits(ward, "only rule") != []

    async def test_truncated_file_is_told(self, ward: Ward) -> None:
        path = files_of(ward)[0]
        path.write_bytes(path.read_bytes()[:-1])
        assert found(await ward.look()) == {"files"}

    async def test_changed_file_is_told_by_a_deep_look(self, ward: Ward) -> None:
        path = files_of(ward)[0]
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        assert found(await ward.look()) == set()
        assert found(await ward.look(deep=True)) == {"files"}

    async def test_file_nobody_knows_goes_when_it_is_old(self, ward: Ward) -> None:
        kept = files_of(ward)
        stray = kept[0].with_name("ab" * 32)
        stray.write_bytes(b"left over")
        young = await doctor.check(ward.shelf.platform, ward.shelf.caller.tenant_id)
        assert young.problems == 0
        await ward.assert_mended("unknown files")
        assert files_of(ward) == kept

    async def test_content_of_no_version_goes_and_is_not_counted(
        self, ward: Ward, first: Registered
    ) -> None:
        lonely = await ward.shelf.add("lonely.txt", long_text("lonely"))
        count = len(files_of(ward))
        blob = ward.sql("SELECT blob_id FROM document_version WHERE id = %s", lonely.version_id)
        ward.sql("UPDATE document_version SET blob_id = (SELECT blob_id FROM document_version "
                 "WHERE id = %s) WHERE id = %s", first.version_id, lonely.version_id)  # fmt: skip
        await ward.assert_mended("unused files")
        assert len(files_of(ward)) == count - 1
        assert ward.sql("SELECT 1 FROM blob WHERE id = %s", blob[0]["blob_id"]) == []


@pytest.mark.usefixtures("first")
class TestSurroundings:
    async def test_counters_of_the_plan(self, ward: Ward) -> None:
        ward.sql("UPDATE usage_record SET amount = amount + 5 WHERE {t}")
        await ward.assert_mended("usage")

    async def test_grants_of_what_is_gone(self, ward: Ward, first: Registered) -> None:
        ward.sql(
            "INSERT INTO document_grant (tenant_id, id, document_id, user_id, effect) "
            "VALUES (%s, %s, %s, %s, 'read')",
            ward.tenant_id, uuid.uuid4(), first.document_id, uuid.uuid4(),
        )  # fmt: skip
        ward.sql(
            "INSERT INTO collection_grant (tenant_id, id, collection_id, user_id, effect) "
            "VALUES (%s, %s, %s, %s, 'deny')",
            ward.tenant_id, uuid.uuid4(), uuid.uuid4(), uuid.uuid4(),
        )  # fmt: skip
        report = await ward.assert_mended("references")
        assert report.problems == 3

    async def test_row_security_that_is_not_enforced(self, ward: Ward) -> None:
        with psycopg.connect(ward.url) as connection:
            connection.execute("ALTER TABLE document NO FORCE ROW LEVEL SECURITY")
            connection.execute("ALTER TABLE chunk_3 DISABLE ROW LEVEL SECURITY")
            connection.execute("DROP POLICY tenant_isolation ON tenant_key")
        # Without a policy nothing is visible to the application, so its keys are not either.
        report = await ward.mend()
        assert "row security" in found(report)
        await ward.assert_sound()
