"""Figures over HTTP: equal to what a plain count of the log gives, and no more than may be told."""

import asyncio
import csv
import io
import json
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from citewell.access.policy import Role
from citewell.core.context import OPERATOR as OPERATORS
from citewell.core.context import Caller, Context
from citewell.features.analytics import counting, repository
from citewell.features.analytics.schemas import DayRange
from citewell.features.usage import metering
from citewell.features.usage.schemas import MeteredUsage
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from tests.conftest import Library
from tests.office import Office, Person

pytestmark = pytest.mark.usefixtures("one_day")

Refused = Callable[[httpx.Response, int, str], None]

URL = "/api/v1/analytics"

_ADD = text("""
INSERT INTO query_log (tenant_id, id, at, actor_kind, actor_id, user_id, question, request,
  language, is_abstained, confidence_level, confidence_score, passages, citations, model, release,
  input_tokens, output_tokens, timings_ms, degraded, is_cached, privacy)
SELECT :tenant_id, :id, now() - make_interval(days => :days, mins => :minutes), 'user', :user_id,
  :user_id,
  :question, '{}', :language, :is_abstained, :level, 0.5, CAST(:passages AS jsonb),
  CAST(:citations AS jsonb), 'openai:gpt-4o', '0', :tokens, 0,
  jsonb_build_object('total', CAST(:ms AS float8)), '[]', :is_cached, t.question_log
FROM tenant t WHERE t.id = :tenant_id
""")


async def ask(
    office: Office,
    who: Person,
    question: str,
    *,
    days: int = 0,
    minutes: int = 0,
    level: str = "high",
    document: str | None = None,
    ms: float = 100,
    is_cached: bool = False,
    language: str = "en",
) -> str:
    """A question in the log, as if asked some days and minutes ago."""
    query_id = uuid7()
    values: dict[str, Any] = {
        "id": query_id, "days": days, "minutes": minutes, "user_id": who.id, "question": question,
        "is_abstained": level == "none", "level": level, "tokens": 1_000, "ms": ms,
        "is_cached": is_cached, "language": language,
        "passages": json.dumps([{"document_id": document}] if document else []),
        # Twice from one passage: the document is cited by one question.
        "citations": json.dumps([{"passage": 0}, {"passage": 0}] if document else []),
    }  # fmt: skip

    async def add(ctx: Context) -> None:
        await ctx.session.execute(_ADD, {"tenant_id": ctx.tenant_id, **values})

    await office.within(add)
    return str(query_id)


async def count(office: Office) -> None:
    await office.run(counting.count_changed(office.server.platform))


async def words(office: Office) -> list[str]:
    """The questions whose words are kept with the counts."""

    async def read(ctx: Context) -> list[str]:
        statement = text("SELECT DISTINCT label FROM analytics_item WHERE kind = 'question'")
        return sorted(await ctx.session.scalars(statement))

    return await office.within(read)


async def told(client: httpx.AsyncClient, what: str, **query: str | int) -> dict[str, Any]:
    reply = await client.get(f"{URL}/{what}", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def rate(client: httpx.AsyncClient, query_id: str, rating: int) -> None:
    reply = await client.post("/api/v1/feedback", json={"query_id": query_id, "rating": rating})
    assert reply.status_code == 200, reply.text


class TestUsage:
    async def test_figures_are_those_of_the_log(self, office: Office) -> None:
        one, two, manager = (
            await office.person(), await office.person(), await office.person(Role.MANAGER)
        )  # fmt: skip
        await ask(office, one, "How?", days=40, ms=400)
        await ask(office, one, "How?", days=1, level="low", is_cached=True)
        bad = await ask(office, two, "Why?", days=1, level="none", ms=3_000)
        await ask(office, one, "When?")
        await rate(two.client, bad, 1)
        await count(office)
        seen = await told(manager.client, "usage")
        total = seen["total"]
        assert (total["questions"], seen["users"], seen["active_days"]) == (3, 2, 2)
        assert (total["unanswered"], total["low_confidence"]) == (1, 1)
        assert (total["ratings"], total["bad_ratings"], total["rating"]) == (1, 1, 1.0)
        assert total["cache_hit_rate"] == 0.3333
        assert total["input_tokens"] == 3_000
        assert total["money"] > 0
        assert 100 <= total["latency_ms"]["p50"] < 110
        assert 3_000 <= total["latency_ms"]["p95"] < 3_280
        assert [(day["questions"], day["users"]) for day in seen["buckets"]] == [(2, 2), (1, 1)]
        long = (utc_now().date() - timedelta(days=60)).isoformat()
        assert (await told(manager.client, "usage", **{"from": long}))["total"]["questions"] == 4
        months = await told(manager.client, "usage", bucket="month", **{"from": long})
        assert sum(each["questions"] for each in months["buckets"]) == 4
        system = await told(manager.client, "system")
        assert system["latency_ms"] == total["latency_ms"]

    async def test_what_changes_is_counted_again_and_a_recount_changes_nothing(
        self, office: Office
    ) -> None:
        asker, manager = await office.person(), await office.person(Role.MANAGER)
        given = await ask(office, asker, "How?", days=35)
        await count(office)
        since = utc_now().date() - timedelta(days=60)
        query = {"from": since.isoformat()}
        assert (await told(manager.client, "usage", **query))["total"]["rating"] is None
        await rate(asker.client, given, 4)
        await count(office)
        await ask(office, asker, "Again?", days=35)
        await count(office)
        before = await told(manager.client, "usage", **query)
        assert (before["total"]["rating"], before["total"]["questions"]) == (4.0, 1)
        # A question that came into the log long after it was asked is no change of that day.
        platform, caller = office.server.platform, Caller(office.tenant_id, OPERATORS)
        wanted = DayRange(since, utc_now().date() + timedelta(days=1))
        days = await office.run(counting.recount(platform, caller, wanted))
        assert days[0] == since
        after = await told(manager.client, "usage", **query)
        assert after["total"]["questions"] == 2
        await office.run(counting.recount(platform, caller, wanted))
        assert (await told(manager.client, "usage", **query))["total"] == after["total"]

    async def test_only_managers_read_it(
        self, office: Office, stranger: httpx.AsyncClient, refused: Refused
    ) -> None:
        employee = await office.person()
        admin = await office.person(is_admin=True)
        for what in ("usage", "queries", "documents", "spending", "system", "export",
                     f"users/{employee.id}"):  # fmt: skip
            refused(await employee.client.get(f"{URL}/{what}"), 403, "forbidden")
            refused(await admin.client.get(f"{URL}/{what}"), 403, "forbidden")
        assert (await told(stranger, "usage"))["total"]["questions"] == 0
        refused(await stranger.get(f"{URL}/users/{employee.id}"), 404, "user_not_found")
        for query in ({"from": "2026-02-01", "to": "2026-02-01"}, {"from": "2020-01-01"},
                      {"to": "0001-01-02"}):  # fmt: skip
            reply = await stranger.get(f"{URL}/usage", params=query)
            refused(reply, 422, "unusable_range")


class TestQuestions:
    async def test_near_equal_ones_are_one_and_others_are_not(self, office: Office) -> None:
        asker, manager = await office.person(), await office.person(Role.MANAGER)
        same = ("What is the warranty of the Rill 310?", "what's the warranty of Rill 310",
                "Please tell me: what is the warranty, Rill 310?",
                "Rill 310: what is the warranty?")  # fmt: skip
        for question in (*same, "May I not work at home?", "May I work at home?",
                         "What is the warranty of the Rill 320?"):  # fmt: skip
            await ask(office, asker, question)
        for question in ("Bảo hành mấy năm?", "Bão hành mấy năm?", "XIN HỎI BẢO HÀNH MẤY NĂM Ạ?"):
            await ask(office, asker, question, language="vi")
        await count(office)
        found = (await told(manager.client, "queries"))["data"]
        assert [each["questions"] for each in found] == [4, 2, 1, 1, 1, 1]
        assert found[0]["query"] in same

    async def test_kinds(self, office: Office) -> None:
        asker, manager = await office.person(), await office.person(Role.MANAGER)
        for days in (20, 20, 20, 1):
            await ask(office, asker, "Old?", days=days, level="low")
        for _ in range(2):
            bad = await ask(office, asker, "New?", days=1, level="none")
        await rate(asker.client, bad, 2)
        await count(office)
        week = {"from": (utc_now().date() - timedelta(days=10)).isoformat()}

        async def listed(kind: str, **query: str) -> list[tuple[str, int]]:
            rows = (await told(manager.client, "queries", kind=kind, **query))["data"]
            return [(row["query"], row["questions"]) for row in rows]

        assert await listed("popular") == [("Old?", 4), ("New?", 2)]
        assert await listed("rising", **week) == [("New?", 2)]
        assert await listed("unanswered") == await listed("badly_rated") == [("New?", 2)]
        assert await listed("low_confidence") == [("Old?", 4)]

    async def test_a_log_that_is_off_tells_no_words_and_an_anonymous_one_no_person(
        self, office: Office, refused: Refused
    ) -> None:
        asker, manager = await office.person(), await office.person(Role.MANAGER)
        tenant = f"/api/v1/tenants/{office.tenant_id}"
        for setting in ("off", "anonymous", "full"):
            await office.service.patch(tenant, json={"question_log": setting})
            await ask(office, asker, f"Asked while {setting}?")
        await count(office)
        found = (await told(manager.client, "queries"))["data"]
        assert {each["query"] for each in found} == {"Asked while anonymous?", "Asked while full?"}
        usage = await told(manager.client, "usage")
        assert (usage["total"]["questions"], usage["users"]) == (3, 1)
        spent = (await told(manager.client, "spending"))["data"]
        assert [(each["id"], each["questions"]) for each in spent] == [
            (None, 2), (str(asker.id), 1)
        ]  # fmt: skip
        await office.service.patch(tenant, json={"question_log": "anonymous"})
        for what in ("spending", f"users/{asker.id}"):
            refused(await manager.client.get(f"{URL}/{what}"), 403, "people_hidden")
        await office.service.patch(tenant, json={"question_log": "off"})
        assert (await told(manager.client, "queries"))["data"] == []

    async def test_words_go_with_their_questions(self, office: Office) -> None:
        asker, manager = await office.person(), await office.person(Role.MANAGER)
        await ask(office, asker, "Old?", days=40)
        await ask(office, asker, "New?")
        await count(office)
        await office.service.patch(f"/api/v1/tenants/{office.tenant_id}", json={"answer_days": 30})
        since = {"from": (utc_now().date() - timedelta(days=60)).isoformat()}
        found = await told(manager.client, "queries", **since)
        assert [each["query"] for each in found["data"]] == ["New?"]
        assert date.fromisoformat(found["since"]) == utc_now().date() - timedelta(days=29)
        await ask(office, asker, "Newer?")
        await count(office)

        assert await words(office) == ["New?", "Newer?"]
        assert (await told(manager.client, "usage", **since))["total"]["questions"] == 3

    async def test_words_go_where_nothing_happens_any_more(self, office: Office) -> None:
        asker = await office.person()
        platform = office.server.platform
        await ask(office, asker, "Old?", days=40)
        await ask(office, asker, "New?")
        await count(office)
        assert await words(office) == ["New?", "Old?"]
        await office.run(counting.forget_words(platform))
        assert await words(office) == ["New?", "Old?"], "90 days are not over"
        await office.service.patch(f"/api/v1/tenants/{office.tenant_id}", json={"answer_days": 30})
        await office.run(counting.forget_words(platform))
        assert await words(office) == ["New?"]

        async def old() -> list[uuid.UUID]:
            async with platform.database.lookup() as session:
                return await repository.tenants_with_old_words(session, 90)

        assert office.tenant_id not in await office.run(old())


class TestCounting:
    async def test_what_comes_into_the_log_late_is_counted_though_nothing_follows(
        self, office: Office
    ) -> None:
        asker, manager = await office.person(), await office.person(Role.MANAGER)
        await ask(office, asker, "How?", minutes=20)
        await count(office)
        await ask(office, asker, "Why?", minutes=10)
        await count(office)
        since = {"from": (utc_now().date() - timedelta(days=1)).isoformat()}
        seen = await told(manager.client, "usage", **since)
        assert seen["total"]["questions"] == 2

        async def left() -> list[uuid.UUID]:
            async with office.server.platform.database.lookup() as session:
                return await repository.tenants_to_count(session)

        assert office.tenant_id not in await office.run(left())

    async def test_counts_of_a_day_wait_for_each_other(self, office: Office) -> None:
        asker = await office.person()
        for number in range(20):
            await ask(office, asker, f"Question {number}?")
        platform, caller = office.server.platform, Caller(office.tenant_id, OPERATORS)
        today = utc_now().date()
        wanted = DayRange(today, today + timedelta(days=1))
        await office.run(counting.recount(platform, caller, wanted))

        async def at_once() -> None:
            await asyncio.gather(*(counting.recount(platform, caller, wanted) for _ in range(4)))

        await office.run(at_once())
        assert len(await words(office)) == 20


class TestDocuments:
    async def test_managers_see_those_they_may_read(self, office: Office) -> None:
        library = Library(office.service)
        asker, manager = await office.person(), await office.person(Role.MANAGER)
        open_one = await library.add("Open", "# Open\n\nA text.")
        await library.add("Never", "# Never\n\nAnother text.")
        shelf = await office.service.post("/api/v1/collections", json={"name": "Closed"})
        closed = await library.add(
            "Closed", "# Closed\n\nSalaries.", collection_id=shelf.json()["id"]
        )
        for _ in range(2):
            await ask(office, asker, "Salaries?", document=closed["id"])
        await ask(office, asker, "Text?", document=open_one["id"])
        await count(office)

        async def listed(kind: str) -> list[tuple[str, int]]:
            rows = (await told(manager.client, "documents", kind=kind))["data"]
            return [(row["title"], row["questions"]) for row in rows]

        assert await listed("most_cited") == [("Closed", 2), ("Open", 1)]
        changed = await office.service.patch(
            f"/api/v1/collections/{shelf.json()['id']}", json={"visibility": "private"}
        )
        assert changed.status_code == 200, changed.text
        assert await listed("most_cited") == [("Open", 1)]
        assert await listed("never_cited") == [("Never", 0)]
        exported = await manager.client.get(f"{URL}/export", params={"table": "documents"})
        assert [row["title"] for row in csv.DictReader(io.StringIO(exported.text))] == ["Open"]


class TestMetered:
    async def test_totals_are_those_of_the_quotas_and_signed(
        self, office: Office, refused: Refused
    ) -> None:
        employee, manager = await office.person(), await office.person(Role.MANAGER)
        for _ in range(2):
            asked = await employee.client.post("/api/v1/query", json={"query": "How many?"})
            assert asked.status_code == 200
        reply = await office.service.get("/api/v1/usage/export")
        metered = MeteredUsage.model_validate(reply.json())
        counted = (await manager.client.get("/api/v1/usage")).json()["usage"]
        by_metric = {each["metric"]: each["used"] for each in counted}
        assert metered.totals.queries == by_metric["queries"] == 2
        assert metered.totals.model_tokens == by_metric["model_tokens"]
        assert [(each.actor_id, each.queries) for each in metered.users] == [(employee.id, 2)]
        key = metering.public_key(office.server.platform)
        assert metering.is_genuine(metered, key)
        forged = metered.totals.model_copy(update={"queries": 1})
        assert not metering.is_genuine(metered.model_copy(update={"totals": forged}), key)
        told = MeteredUsage.model_validate(
            (await manager.client.get("/api/v1/usage/export")).json()
        )
        assert (told.totals, told.users) == (metered.totals, [])
        written = await office.service.get("/api/v1/usage/export", params={"format": "csv"})
        rows = list(csv.DictReader(io.StringIO(written.text)))
        assert [(row["queries"], row["actor_id"]) for row in rows] == [
            ("2", ""), ("2", str(employee.id))
        ]  # fmt: skip
        assert rows[0]["public_key"] == f"ed25519:{key}"
        assert rows[0]["signature"] == f"ed25519:{metered.signature.value}"
        refused(await employee.client.get("/api/v1/usage/export"), 403, "forbidden")
        for month in ("2026-13", "x"):
            reply = await manager.client.get("/api/v1/usage/export", params={"month": month})
            refused(reply, 422, "validation_error")
