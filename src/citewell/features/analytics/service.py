"""Figures of a range of days, for managers and above."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import reduce
from itertools import groupby
from operator import add

from citewell.access.policy import Role
from citewell.core.context import Context
from citewell.features.analytics import repository
from citewell.features.analytics.errors import PeopleHiddenError, UnusableRangeError
from citewell.features.analytics.schemas import (
    Bucket,
    BucketRead,
    CitedRead,
    DayRange,
    DegradedPart,
    DocumentKind,
    DocumentsRead,
    Figures,
    FiguresTable,
    LatencyRead,
    PersonBucket,
    PersonRead,
    QuestionKind,
    QuestionRead,
    QuestionsRead,
    Spender,
    SpendersRead,
    SpendingRead,
    SystemRead,
    UsageFiguresRead,
)
from citewell.features.analytics.spans import BUCKETS, ONE_DAY, Spans, percentile
from citewell.features.queries import service as queries
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.features.users.errors import UserNotFoundError
from citewell.kit.clock import utc_now
from citewell.kit.csv_lines import csv_lines
from citewell.models.analytics import AnalyticsDay

READS_FROM = Role.MANAGER
"""Lowest role that reads figures, as it reads the log of questions."""

USUAL_DAYS = 30
MOST_DAYS = 1_100
"""Three years: a year and the ones to compare it with."""

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2999, 1, 1)

MOST_EXPORTED = 10_000


def range_of(since: date | None, until: date | None) -> DayRange:
    """The range that was asked for; the last 30 days, today included, unless one was.

    Raises:
        UnusableRangeError: It is empty, or longer than `MOST_DAYS`.
    """
    end = until or utc_now().date() + ONE_DAY
    if not FIRST_DAY < end <= LAST_DAY:
        raise UnusableRangeError("The range lies in no time there are figures of.")
    start = since or max(FIRST_DAY, end - timedelta(days=USUAL_DAYS))
    if not FIRST_DAY <= start < end:
        raise UnusableRangeError("The range must begin before it ends.")
    if (end - start).days > MOST_DAYS:
        raise UnusableRangeError(f"The range must not be longer than {MOST_DAYS:,} days.")
    return DayRange(start, end)


def spans_of(wanted: DayRange) -> Spans:
    """The counted months and days of a range."""
    return Spans.of(wanted.since, wanted.until, utc_now().date())


async def usage_of(ctx: Context, wanted: DayRange, bucket: Bucket) -> UsageFiguresRead:
    """Figures of what happened in a range, by day or month and together.

    Raises:
        ForbiddenError: The caller is no manager.
    """
    ctx.actor.require_role(READS_FROM)
    days = await repository.days(ctx.session, wanted)
    spans = spans_of(wanted)
    if bucket == "month":
        users = await repository.people_by_month(ctx.session, spans)
        start_of: Callable[[AnalyticsDay], date] = lambda each: each.day.replace(day=1)  # noqa: E731
    else:
        users = {each.day: each.users for each in days}
        start_of = lambda each: each.day  # noqa: E731
    moment = await repository.counted_until(ctx.session)
    return UsageFiguresRead(
        since=wanted.since,
        until=wanted.until,
        counted_until=moment.isoformat() if moment else None,
        buckets=[
            BucketRead(start=start, users=users.get(start, 0), **figures(list(part)).model_dump())
            for start, part in groupby(days, start_of)
        ],
        total=figures(days),
        users=await repository.people(ctx.session, spans),
        active_days=sum(each.questions > 0 for each in days),
    )


def figures(days: Sequence[AnalyticsDay]) -> Figures:
    """The figures of some days together."""

    def total(name: str) -> int:
        return sum(getattr(each, name) for each in days)

    ratings = total("ratings")
    return Figures(
        questions=total("questions"),
        unanswered=total("unanswered"),
        low_confidence=total("doubtful"),
        ratings=ratings,
        bad_ratings=total("bad_ratings"),
        rating=round(total("rating_sum") / ratings, 2) if ratings else None,
        cache_hit_rate=_share(total("cached"), total("cache_noted")),
        degraded=total("degraded"),
        input_tokens=total("input_tokens"),
        output_tokens=total("output_tokens"),
        money=round(sum(each.money for each in days), 6),
        agent_runs=total("agent_runs"),
        documents_created=total("documents_created"),
        documents_updated=total("documents_updated"),
        latency_ms=latency_of(days),
    )


def latency_of(days: Iterable[AnalyticsDay]) -> LatencyRead:
    """Percentiles of the times of all answers of some days."""
    buckets = reduce(lambda sums, each: list(map(add, sums, each.latency)), days, [0] * BUCKETS)
    return LatencyRead(
        p50=percentile(buckets, 0.5), p95=percentile(buckets, 0.95), p99=percentile(buckets, 0.99)
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


async def questions(
    ctx: Context, wanted: DayRange, kind: QuestionKind, limit: int
) -> QuestionsRead:
    """The most frequent questions of a kind, near-equal ones as one; none where the log is off.

    Raises:
        ForbiddenError: The caller is no manager.
    """
    ctx.actor.require_role(READS_FROM)
    since = max(wanted.since, await first_kept(ctx))
    shown = QuestionsRead(since=min(since, wanted.until), until=wanted.until, data=[])
    if since >= wanted.until or not (await queries.sight_of(ctx)).sees_all:
        return shown
    spans = spans_of(DayRange(since, wanted.until))
    if kind is QuestionKind.RISING:
        length = wanted.until - since
        before = spans_of(DayRange(since - length, since))
        rows = await repository.rising(ctx.session, spans, before, limit)
    else:
        rows = await repository.questions(ctx.session, kind, spans, limit)
    shown.data = [
        QuestionRead(
            query=row.label,
            questions=row.questions,
            before=row.before if kind is QuestionKind.RISING else None,
            unanswered=row.unanswered,
            low_confidence=row.doubtful,
            bad_ratings=row.bad,
        )
        for row in rows
    ]
    return shown


async def first_kept(ctx: Context) -> date:
    """The first day of which all questions are kept, and so may be shown and counted anew."""
    days = await repository.answer_days(ctx.session)
    kept = ctx.platform.settings.answer_days if days is None else days
    # The day on which the retention ends has lost a part of its questions already.
    return (utc_now() - timedelta(days=kept)).date() + ONE_DAY


async def documents(
    ctx: Context, wanted: DayRange, kind: DocumentKind, limit: int
) -> DocumentsRead:
    """Documents that the caller may read, by how often answers cite them.

    Raises:
        ForbiddenError: The caller is no manager.
    """
    ctx.actor.require_role(READS_FROM)
    reach = (await ctx.access()).read
    total, rows = await repository.documents(ctx.session, kind, spans_of(wanted), reach, limit)
    return DocumentsRead(
        since=wanted.since,
        until=wanted.until,
        total=total,
        data=[
            CitedRead(document_id=row.id, title=row.title, questions=row.questions) for row in rows
        ],
    )


async def spending(ctx: Context, wanted: DayRange, by: Spender, limit: int) -> SpendersRead:
    """Spending by who asked, most tokens first.

    Raises:
        ForbiddenError: The caller is no manager.
        PeopleHiddenError: The question log does not tell who asked.
    """
    ctx.actor.require_role(READS_FROM)
    spans, session = spans_of(wanted), ctx.session
    if by is Spender.AGENT:
        rows = await repository.by_agent(session, spans, limit)
    else:
        await _require_people(ctx)
        if by is Spender.GROUP:
            # As the list of groups: for others than administrators those they are in.
            own = None if ctx.actor.administers else ctx.actor.owner_id
            rows = await repository.by_group(session, spans, own, limit)
        else:
            rows = await repository.by_user(session, spans, limit)
    shows_names = by is not Spender.USER or ctx.actor.administers
    return SpendersRead(
        since=wanted.since,
        until=wanted.until,
        by=by,
        data=[
            SpendingRead(
                id=row.id,
                name=(row.name or getattr(row, "email", None)) if shows_names else None,
                questions=row.questions,
                input_tokens=row.input_tokens,
                output_tokens=row.output_tokens,
                money=round(row.money, 6),
            )
            for row in rows
        ],
    )


async def person(ctx: Context, user_id: uuid.UUID, wanted: DayRange) -> PersonRead:
    """Questions and spending of one user, by day.

    Raises:
        ForbiddenError: The caller is no manager.
        UserNotFoundError: There is no such user.
        PeopleHiddenError: The question log does not tell who asked.
    """
    ctx.actor.require_role(READS_FROM)
    rows = await repository.of_user(ctx.session, user_id, wanted)
    if rows is None:
        raise UserNotFoundError(user_id)
    await _require_people(ctx)
    return PersonRead(
        user_id=user_id,
        since=wanted.since,
        until=wanted.until,
        active_days=sum(row.questions > 0 for row in rows),
        buckets=[
            PersonBucket(
                start=row.start,
                questions=row.questions,
                unanswered=row.unanswered,
                low_confidence=row.doubtful,
                input_tokens=row.input_tokens,
                output_tokens=row.output_tokens,
                money=round(row.money, 6),
            )
            for row in rows
        ],
    )


async def system(ctx: Context, wanted: DayRange) -> SystemRead:
    """How fast answers were, how many came out of a cache or lacked a part, and what is stored.

    Raises:
        ForbiddenError: The caller is no manager.
    """
    ctx.actor.require_role(READS_FROM)
    days = await repository.days(ctx.session, wanted)
    all_days = figures(days)
    used = {each.metric: each.used for each in (await usage.standing(ctx)).usage}
    return SystemRead(
        since=wanted.since,
        until=wanted.until,
        latency_ms=all_days.latency_ms,
        cache_hit_rate=all_days.cache_hit_rate,
        degraded=all_days.degraded,
        documents=used[Metric.DOCUMENTS],
        stored_bytes=used[Metric.STORED_BYTES],
        jobs_failed=await repository.failed_jobs(ctx.session, wanted),
        buckets=[
            DegradedPart(
                start=each.day,
                questions=each.questions,
                degraded=each.degraded,
                cache_hit_rate=_share(each.cached, each.cache_noted),
                latency_ms=latency_of([each]),
            )
            for each in days
        ],
    )


async def require_export(ctx: Context, table: FiguresTable) -> None:
    """Refuse whom a table is refused to, without making it; raises as `export` does."""
    ctx.actor.require_role(READS_FROM)
    if table in (FiguresTable.USERS, FiguresTable.GROUPS):
        await _require_people(ctx)


async def _require_people(ctx: Context) -> None:
    if not (await queries.sight_of(ctx)).sees_askers:
        raise PeopleHiddenError


async def export(ctx: Context, wanted: DayRange, table: FiguresTable) -> bytes:
    """A table as CSV; raises as the figures in it do."""
    match table:
        case FiguresTable.USAGE:
            rows = (await usage_of(ctx, wanted, "day")).buckets
        case FiguresTable.QUESTIONS:
            rows = (await questions(ctx, wanted, QuestionKind.POPULAR, MOST_EXPORTED)).data
        case FiguresTable.DOCUMENTS:
            rows = (await documents(ctx, wanted, DocumentKind.MOST_CITED, MOST_EXPORTED)).data
        case FiguresTable.USERS:
            rows = (await spending(ctx, wanted, Spender.USER, MOST_EXPORTED)).data
        case FiguresTable.GROUPS:
            rows = (await spending(ctx, wanted, Spender.GROUP, MOST_EXPORTED)).data
        case FiguresTable.AGENTS:
            rows = (await spending(ctx, wanted, Spender.AGENT, MOST_EXPORTED)).data
    shape = {
        FiguresTable.USAGE: BucketRead,
        FiguresTable.QUESTIONS: QuestionRead,
        FiguresTable.DOCUMENTS: CitedRead,
    }.get(table, SpendingRead)
    names = [name for name in shape.model_fields if name not in ("latency_ms", "before")]
    head, lines = list(names), [[getattr(row, name) for name in names] for row in rows]
    if table is FiguresTable.USAGE:
        head += ["p50_ms", "p95_ms", "p99_ms"]
        for line, row in zip(lines, rows, strict=True):
            assert isinstance(row, BucketRead)
            line += [row.latency_ms.p50, row.latency_ms.p95, row.latency_ms.p99]
    return csv_lines([head, *lines])
