"""Going back and forth: what is findable, counted and remembered, and by several at once."""

import asyncio
import random
from itertools import pairwise

import pytest
from sqlalchemy import text

from citewell.core.context import unit_of_work
from citewell.features.documents import service as documents
from citewell.features.documents.registering import Registered
from citewell.features.ingestion.pace import IngestPace
from citewell.features.versions import service
from citewell.features.versions.errors import VersionIncompleteError, VersionNotFinishedError
from tests.features.ingestion.conftest import Rows, recount, statistics
from tests.quiet import Shelf

PERIODS = "SELECT * FROM document_activation WHERE {t} ORDER BY active_from, active_until"


async def back(shelf: Shelf, registered: Registered, number: int) -> int | None:
    """Roll back; returns the version that answers then."""
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        state = await service.rollback(ctx, registered.document_id, number)
    return state.active.number if state.active else None


def assert_one_answers(rows: Rows, number: int) -> None:
    """Pointer, status, chunks, statistics and history all say the same version."""
    found = rows.select(
        "SELECT v.number FROM document_version v JOIN document d ON d.active_version_id = v.id"
        " WHERE v.status = 'ready' AND v.tenant_id = d.tenant_id AND d.{t}"
    )
    assert [row["number"] for row in found] == [number]
    [ready] = rows.select("SELECT id FROM document_version WHERE {t} AND status = 'ready'")
    assert {chunk["version_id"] for chunk in rows.chunks(active=True)} == {ready["id"]}
    assert statistics(rows) == recount(rows)
    periods = rows.select(PERIODS)
    assert [p["version_id"] for p in periods if p["active_until"] is None] == [ready["id"]]
    for first, second in pairwise(periods):
        assert first["active_until"] == second["active_from"]


def paragraphs(count: int, *, changed: int | None = None) -> str:
    """So many articles of one chunk each, one of them written anew."""
    draw = random.Random(7)
    parts = [
        f"## Article {n}\n\n" + " ".join(f"word{draw.randrange(3_000)}" for _ in range(45)) + "."
        for n in range(count)
    ]
    if changed is not None:
        parts[changed] = f"## Article {changed}\n\nIt is repealed from the first of January on."
    return "\n\n".join(parts)


class TestRollback:
    async def test_everything_follows_and_nothing_is_embedded(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        first = await shelf.add("rules.txt", "# Old\n\nApples are allowed.")
        second = await shelf.add("rules.txt", "# New\n\nPears are allowed.")
        before = [(c["id"], c["embedding"]) for c in rows.chunks()]
        assert await back(shelf, second, 1) == 1
        assert_one_answers(rows, 1)
        assert await rows.found("apples")
        assert await rows.found("pears") == []
        assert [(c["id"], c["embedding"]) for c in rows.chunks()] == before
        assert await back(shelf, first, 2) == 2
        assert_one_answers(rows, 2)
        assert len(rows.select(PERIODS)) == 4

    async def test_version_that_came_late_can_answer_too(self, shelf: Shelf, rows: Rows) -> None:
        first = await shelf.register("rules.txt", "# Old\n\nApples are allowed.")
        await shelf.add("rules.txt", "# New\n\nPears are allowed.")
        await shelf.process(first)
        assert_one_answers(rows, 2)
        assert await back(shelf, first, 1) == 1
        assert_one_answers(rows, 1)
        assert await rows.found("apples")

    async def test_access_of_today_holds_for_the_version_of_yesterday(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        first = await shelf.add("rules.txt", "# Old\n\nApples are allowed.")
        await shelf.add("rules.txt", "# New\n\nPears are allowed.")
        level = documents.parse_access_level("restricted")
        await shelf.register("rules.txt", "# New\n\nPears are allowed.", access_level=level)
        await back(shelf, first, 1)
        assert {chunk["access_level"] for chunk in rows.chunks(active=True)} == {level}

    async def test_title_follows_unless_a_person_gave_one(self, shelf: Shelf) -> None:
        async def title(registered: Registered) -> str:
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                return (await documents.get(ctx, registered.document_id)).document.title

        first = await shelf.add("rules.txt", "# Old\n\nApples are allowed.")
        begun = await title(first)
        await shelf.add("rules.txt", "# New\n\nPears are allowed.")
        await back(shelf, first, 1)
        assert await title(first) == begun
        await shelf.register("rules.txt", "# New\n\nPears are allowed.", title="House rules")
        await back(shelf, first, 2)
        assert await title(first) == "House rules"

    async def test_slow_older_version_does_not_undo_it(self, shelf: Shelf, rows: Rows) -> None:
        first = await shelf.add("rules.txt", "# One\n\nApples are allowed.")
        second = await shelf.register("rules.txt", "# Two\n\nPears are allowed.")
        await shelf.add("rules.txt", "# Three\n\nPlums are allowed.")
        await back(shelf, first, 1)
        await shelf.process(second)  # older than what was gone back from
        assert_one_answers(rows, 1)
        assert await back(shelf, first, 2) == 2
        assert_one_answers(rows, 2)

    async def test_unfinished_and_incomplete_versions_are_refused(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        first = await shelf.add("rules.txt", "# One\n\nApples are allowed.")
        await shelf.add("rules.txt", "# Two\n\nPears are allowed.")
        await shelf.register("rules.txt", "# Three\n\nPlums are allowed.")
        with pytest.raises(VersionNotFinishedError):
            await back(shelf, first, 3)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await ctx.session.execute(
                text("DELETE FROM chunk WHERE version_id = :id").bindparams(id=first.version_id)
            )
        with pytest.raises(VersionIncompleteError):
            await back(shelf, first, 1)
        assert_one_answers(rows, 2)

    async def test_a_changed_paragraph_of_a_large_document_embeds_few_chunks(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        shelf.platform.state_of(IngestPace).batch_chunks = 150
        first = await shelf.add("law.txt", paragraphs(300))
        second = await shelf.add("law.txt", paragraphs(300, changed=150))
        version, _ = await shelf.state(second)
        assert version.chunk_count >= 270
        assert version.embedded_count <= 3
        assert await back(shelf, first, 1) == 1
        assert_one_answers(rows, 1)


class TestSeveralAtOnce:
    async def test_two_rollbacks_leave_one_version(self, shelf: Shelf, rows: Rows) -> None:
        for number in range(1, 4):
            last = await shelf.add("rules.txt", f"# Rules\n\nEdition{number} of the rules.")
        for _ in range(5):
            answers = await asyncio.gather(*(back(shelf, last, n) for n in (1, 2, 1, 3, 2)))
            assert list(answers) == [1, 2, 1, 3, 2]
            [ready] = rows.select(
                "SELECT number FROM document_version WHERE {t} AND status = 'ready'"
            )
            assert_one_answers(rows, ready["number"])

    async def test_rollback_and_publishing_leave_the_newest_or_the_chosen(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        last = await shelf.add("rules.txt", "# Rules\n\nEdition1 of the rules.")
        await shelf.add("rules.txt", "# Rules\n\nEdition2 of the rules.")
        for number in range(3, 9):
            new = await shelf.register("rules.txt", f"# Rules\n\nEdition{number} of the rules.")

            async def soon(pause: float) -> None:
                await asyncio.sleep(pause)
                await back(shelf, last, 1)

            await asyncio.gather(shelf.process(new), soon(number * 0.004))
            [ready] = rows.select(
                "SELECT number FROM document_version WHERE {t} AND status = 'ready'"
            )
            assert ready["number"] in (1, number)
            assert_one_answers(rows, ready["number"])

    async def test_rollback_and_deletion_leave_nothing_or_are_late(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        for number in range(4):
            await shelf.add(f"{number}.txt", "# Rules\n\nApples are allowed.")
            last = await shelf.add(f"{number}.txt", "# Rules\n\nPears are allowed.")
            await asyncio.gather(back(shelf, last, 1), shelf.delete(last), return_exceptions=True)
        assert rows.chunks(active=True) == []
        assert [p for p in rows.select(PERIODS) if p["active_until"] is None] == []
        await shelf.purge()
        assert rows.select("SELECT id FROM document WHERE {t}") == []
        assert rows.select(PERIODS) == []
        assert statistics(rows) == {}
