"""How long pages of analytics take over a year of questions, and whether they tell the truth."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from bench.options import Options
from bench.report import Row, percentile
from citewell.core.context import OPERATOR, Caller, Context, unit_of_work
from citewell.core.database.dumping import as_superuser
from citewell.core.platform import Platform
from citewell.core.settings import load_settings
from citewell.entrypoints.installation import open_platform, running_database
from citewell.features.analytics import counting, service
from citewell.features.analytics.schemas import (
    DayRange,
    DocumentKind,
    FiguresTable,
    QuestionKind,
    Spender,
)
from citewell.features.identity import service as identity
from citewell.kit.ids import uuid7
from citewell.models.documents import Collection, Document
from citewell.models.tenancy import Group, GroupMember, User

DAYS = 365
PEOPLE = 500
GROUPS = 40
DOCUMENTS = 2_000
KINDS = 40_000
"""Different questions; how often each is asked falls as its rank rises, as words do."""

REPEATS = 7
BUDGET_MS = 300

# `power` gives ranks by Zipf's law; 3 % are abstained, 2 % rated, some take long, half come cached.
_ASK = text("""
WITH drawn AS (
  SELECT uuidv7() AS id, random() AS moment, 1 + floor(power(:kinds, random())) AS kind,
    1 + floor(:people * power(random(), 2))::int AS who, random() AS luck,
    1 + floor(:documents * power(random(), 3))::int AS cited
  FROM generate_series(1, :asked)
)
INSERT INTO query_log (tenant_id, id, at, actor_kind, actor_id, user_id, question, request,
  language, answer, sentences, is_abstained, confidence_level, confidence_score, passages,
  citations, model, release, input_tokens, output_tokens, timings_ms, degraded, is_cached)
SELECT :tenant_id, id, :begin + moment * interval '86399 seconds', 'user',
  (CAST(:user_ids AS uuid[]))[who], (CAST(:user_ids AS uuid[]))[who],
  'What does rule ' || kind || ' say about ' || (kind::int % 97) || '?', '{}', 'en',
  'It says so.', '[]', luck < 0.03, CASE WHEN luck < 0.1 THEN 'low' ELSE 'high' END, luck,
  jsonb_build_array(jsonb_build_object('document_id', (CAST(:document_ids AS uuid[]))[cited])),
  CASE WHEN luck < 0.03 THEN '[]' ELSE '[{"number": 1, "passage": 0}]'::jsonb END,
  'extractive', 'bench', floor(luck * 100), floor(luck * 10),
  jsonb_build_object('total', 5 + 20 / (luck + 0.001)), '[]', luck > 0.5
FROM drawn
""")

_RATE = text("""
INSERT INTO feedback (tenant_id, query_id, actor_id, rating)
SELECT tenant_id, id, actor_id, 1 + floor(random() * 5) FROM query_log
WHERE tenant_id = :tenant_id AND at >= :begin AND at < :begin + interval '1 day'
  AND random() < 0.02
""")

_PUBLISH = (
    text("""
    INSERT INTO blob (tenant_id, id, sha256, size_bytes) VALUES (:tenant_id, :blob_id, 'none', 1)
    """),
    text("""
    INSERT INTO document_version (tenant_id, id, document_id, number, blob_id, status, size_bytes)
    SELECT tenant_id, uuidv7(), id, 1, :blob_id, 'ready', 1 FROM document
    """),
    text("""
    UPDATE document SET active_version_id = v.id FROM document_version v
    WHERE v.document_id = document.id AND v.tenant_id = document.tenant_id
    """),
)

_PLAIN = {
    "questions": "SELECT count(*) FROM query_log",
    "unanswered": "SELECT count(*) FROM query_log WHERE is_abstained",
    "ratings": "SELECT count(*) FROM feedback",
    "bad ratings": "SELECT count(*) FROM feedback WHERE rating <= 2",
    "tokens": "SELECT sum(input_tokens + output_tokens) FROM query_log",
    "people": "SELECT count(DISTINCT actor_id) FROM query_log",
    "most frequent question": "SELECT count(*) FROM query_log GROUP BY question"
    " ORDER BY 1 DESC LIMIT 1",
    "most cited document": "SELECT count(*) FROM query_log WHERE citations <> '[]'"
    " GROUP BY passages -> 0 ->> 'document_id' ORDER BY 1 DESC LIMIT 1",
    "tokens of the first user": "SELECT sum(input_tokens + output_tokens) FROM query_log"
    " GROUP BY user_id ORDER BY 1 DESC LIMIT 1",
}
"""Figures of pages, each from the log itself by a statement that shares nothing with them."""

Page = Callable[[Context, DayRange], Awaitable[Any]]

PAGES: dict[str, Page] = {
    "usage, by day": lambda ctx, year: service.usage_of(ctx, year, "day"),
    "usage, by month": lambda ctx, year: service.usage_of(ctx, year, "month"),
    **{
        f"questions, {kind.value}": lambda ctx, year, kind=kind: service.questions(
            ctx, year, kind, 100
        )
        for kind in QuestionKind
    },
    **{
        f"documents, {kind.value}": lambda ctx, year, kind=kind: service.documents(
            ctx, year, kind, 100
        )
        for kind in DocumentKind
    },
    **{
        f"spending by {by.value}": lambda ctx, year, by=by: service.spending(ctx, year, by, 100)
        for by in Spender
    },
    "system": service.system,
    "export of questions": lambda ctx, year: service.export(ctx, year, FiguresTable.QUESTIONS),
}


def measure(options: Options, work: Path) -> tuple[list[Row], list[str]]:
    """Fill a year with questions, count them, read every page and count again by plain SQL."""
    settings = load_settings(home=work / "home", log_level="error")
    with running_database(settings) as database:

        async def inside() -> tuple[list[Row], list[str]]:
            async with open_platform(settings, database) as platform:
                with psycopg.connect(as_superuser(database.url), autocommit=True) as connection:
                    # Webhooks, of which there are none, would be asked for by each row.
                    connection.execute("ALTER TABLE query_log DISABLE TRIGGER note_for_webhooks")
                await identity.ensure_default_tenant(platform)
                tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
                return await _measure(platform, Caller(tenant_id, OPERATOR), options.questions)

        return asyncio.run(inside())


async def _measure(
    platform: Platform, caller: Caller, questions: int
) -> tuple[list[Row], list[str]]:
    today = datetime.now(UTC).date()
    year = DayRange(today - timedelta(days=DAYS - 1), today + timedelta(days=1))
    begun = time.perf_counter()
    asked = await _fill(platform, caller, year.since, questions)
    filled = time.perf_counter() - begun
    begun = time.perf_counter()
    days = await counting.recount(platform, caller, year)
    counted = time.perf_counter() - begun
    times = {name: await _seconds(platform, caller, page, year) for name, page in PAGES.items()}
    slowest = max(times, key=lambda name: percentile(times[name], 0.5))
    rows = [
        Row(f"analytics, {name}", f"{percentile(taken, 0.5) * 1000:.0f} ms", "", "",
            f"< {BUDGET_MS} ms", percentile(taken, 0.5) * 1000 < BUDGET_MS)
        for name, taken in times.items()
    ]  # fmt: skip
    told, plain = await _told(platform, caller, year), await _plain(platform, caller)
    wrong = [
        f"{name}: {told[name]}, not {plain[name]}" for name in plain if told[name] != plain[name]
    ]
    rows.append(
        Row("analytics, figures as a plain count has them", f"{len(plain) - len(wrong)}",
            f"{len(plain)} figures", "", "all", not wrong)
    )  # fmt: skip
    rows.append(
        Row("analytics, a day counted", f"{counted / len(days) * 1000:.0f} ms",
            f"{asked // DAYS:,} questions a day")
    )  # fmt: skip
    return rows, [
        f"{asked:,} questions of {PEOPLE} people in {DAYS} days, {KINDS:,} kinds of them, about "
        f"{DOCUMENTS:,} documents; written in {filled:.0f} s, counted in {counted:.0f} s. The "
        f"range is the whole year, the slowest page `{slowest}`; medians of {REPEATS}, of the "
        "services behind the routes.",
        *wrong,
    ]


async def _fill(platform: Platform, caller: Caller, first: date, questions: int) -> int:
    """Write the log of a year; returns how many questions are in it."""
    async with unit_of_work(platform, caller) as ctx:
        tenant = {"tenant_id": caller.tenant_id}
        await ctx.session.execute(
            text("UPDATE tenant SET answer_days = :days WHERE id = :tenant_id"),
            {**tenant, "days": DAYS + 30},
        )
        collection_id = uuid7()
        ctx.session.add(Collection(**tenant, id=collection_id, name="Rules"))
        users = [uuid7() for _ in range(PEOPLE)]
        groups = [uuid7() for _ in range(GROUPS)]
        documents = [uuid7() for _ in range(DOCUMENTS)]
        for number, each in enumerate(users):
            ctx.session.add(User(**tenant, id=each, email=f"{number}@example.org"))
        for number, each in enumerate(groups):
            ctx.session.add(Group(**tenant, id=each, name=f"Group {number}"))
        await ctx.session.flush()
        for number, each in enumerate(users):
            member = {"group_id": groups[number % GROUPS], "user_id": each}
            ctx.session.add(GroupMember(**tenant, **member))
        for number, each in enumerate(documents):
            ctx.session.add(
                Document(
                    **tenant, id=each, collection_id=collection_id, filename=f"{number}.md",
                    title=f"Rules {number}",
                )
            )  # fmt: skip
        await ctx.session.flush()
        published = {**tenant, "blob_id": uuid7()}
        for statement in _PUBLISH:
            await ctx.session.execute(statement, published)
    values = {
        **tenant, "kinds": KINDS, "people": PEOPLE, "documents": DOCUMENTS, "user_ids": users,
        "document_ids": documents, "asked": max(1, questions // DAYS),
    }  # fmt: skip
    for day in range(DAYS):
        begin = datetime.combine(first + timedelta(days=day), datetime.min.time(), UTC)
        async with unit_of_work(platform, caller) as ctx:
            await ctx.session.execute(_ASK, {**values, "begin": begin})
            await ctx.session.execute(_RATE, {**tenant, "begin": begin})
    return values["asked"] * DAYS


async def _seconds(platform: Platform, caller: Caller, page: Page, year: DayRange) -> list[float]:
    taken: list[float] = []
    for _ in range(REPEATS + 1):
        begun = time.perf_counter()
        async with unit_of_work(platform, caller) as ctx:
            await page(ctx, year)
        taken.append(time.perf_counter() - begun)
    return taken[1:]


async def _told(platform: Platform, caller: Caller, year: DayRange) -> dict[str, int]:
    """The same figures as in `_PLAIN`, as the pages tell them."""
    async with unit_of_work(platform, caller) as ctx:
        usage = await service.usage_of(ctx, year, "month")
        popular = await service.questions(ctx, year, QuestionKind.POPULAR, 1)
        cited = await service.documents(ctx, year, DocumentKind.MOST_CITED, 1)
        spent = await service.spending(ctx, year, Spender.USER, 1)
    total, first = usage.total, spent.data[0]
    return {
        "questions": total.questions,
        "unanswered": total.unanswered,
        "ratings": total.ratings,
        "bad ratings": total.bad_ratings,
        "tokens": total.input_tokens + total.output_tokens,
        "people": usage.users,
        "most frequent question": popular.data[0].questions,
        "most cited document": cited.data[0].questions,
        "tokens of the first user": first.input_tokens + first.output_tokens,
    }


async def _plain(platform: Platform, caller: Caller) -> dict[str, int]:
    async with unit_of_work(platform, caller) as ctx:
        return {
            name: await ctx.session.scalar(text(statement)) for name, statement in _PLAIN.items()
        }
