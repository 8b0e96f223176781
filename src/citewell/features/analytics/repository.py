"""Statements that count days and months anew, and read the counts."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Reach
from citewell.access.statements import reach_sql
from citewell.core.context import NOBODY
from citewell.core.database.sessions import is_stale
from citewell.features.analytics.errors import StaleSnapshotError
from citewell.features.analytics.schemas import DayRange, DocumentKind, QuestionKind
from citewell.features.analytics.spans import BUCKETS, ONE_DAY, STEPS, Spans, next_month
from citewell.models.analytics import AnalyticsDay, AnalyticsState

MOST_QUESTIONS = 5_000
"""Kinds of questions that are kept of a day, and of a month, the most frequent first: all of
nearly every day, and an end to what a year has to read."""

LATE_SECONDS = 1_800
"""Longest time from a question, as its answer tells it, until that answer is in the log."""

_LATE = text("SELECT citewell_late_changes(:tenant_id, :moment, :late)")

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('analytics:' || :tenant_id, 0))")
_TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended('analytics:' || :tenant_id, 0))")

_ASKED = f"""
asked AS (
  SELECT q.id, q.question, q.language, q.privacy, q.is_abstained, q.is_cached,
    q.confidence_level = 'low' AND NOT q.is_abstained AS is_doubtful,
    coalesce(q.actor_id, '{NOBODY}') AS actor_id, q.user_id, q.input_tokens, q.output_tokens,
    q.degraded <> '[]' AS is_degraded, CAST(q.timings_ms ->> 'total' AS float8) AS ms,
    q.input_tokens * coalesce(CAST(p.prices -> q.model ->> 0 AS float8), 0)
      + q.output_tokens * coalesce(CAST(p.prices -> q.model ->> 1 AS float8), 0) AS money
  FROM query_log q, (SELECT CAST(:prices AS jsonb) AS prices) AS p
  WHERE q.tenant_id = :tenant_id AND q.at >= :begin AND q.at < :end AND q.refusal IS NULL
), runs AS (
  SELECT r.agent_id, r.agent_slug, coalesce(r.actor_id, '{NOBODY}') AS actor_id, r.user_id,
    r.input_tokens, r.output_tokens, r.money
  FROM agent_run r
  WHERE r.tenant_id = :tenant_id AND r.created_at >= :begin AND r.created_at < :end AND r.depth = 0
)"""  # noqa: S608 - a constant of ours
"""Runs below another have no part: what they spent is in what that one did."""

_DAY = text(f"""
WITH {_ASKED}, rated AS (
  SELECT f.rating FROM feedback f JOIN asked a ON a.id = f.query_id
  WHERE f.tenant_id = :tenant_id
), timed AS (
  SELECT CASE WHEN ms <= 1 THEN 0
    ELSE least({BUCKETS - 1}, CAST(ceil({STEPS} * log(2, CAST(ms AS numeric))) AS int))
  END AS place, count(*) AS n
  FROM asked WHERE ms IS NOT NULL GROUP BY 1
)
INSERT INTO analytics_day (tenant_id, day, users, questions, unanswered, doubtful, cached,
  cache_noted, degraded, ratings, rating_sum, bad_ratings, input_tokens, output_tokens, money,
  agent_runs, documents_created, documents_updated, latency)
SELECT :tenant_id, :day, count(DISTINCT actor_id), count(*),
  count(*) FILTER (WHERE is_abstained), count(*) FILTER (WHERE is_doubtful),
  count(*) FILTER (WHERE is_cached), count(is_cached),
  count(*) FILTER (WHERE is_degraded),
  (SELECT count(*) FROM rated), (SELECT coalesce(sum(rating), 0) FROM rated),
  (SELECT count(*) FROM rated WHERE rating <= 2),
  coalesce(sum(input_tokens), 0) + (SELECT coalesce(sum(input_tokens), 0) FROM runs),
  coalesce(sum(output_tokens), 0) + (SELECT coalesce(sum(output_tokens), 0) FROM runs),
  coalesce(sum(money), 0) + (SELECT coalesce(sum(money), 0) FROM runs),
  (SELECT count(*) FROM runs),
  (SELECT count(*) FROM document d WHERE d.tenant_id = :tenant_id
    AND d.created_at >= :begin AND d.created_at < :end),
  (SELECT count(*) FROM document_version v WHERE v.tenant_id = :tenant_id AND v.number > 1
    AND v.published_at >= :begin AND v.published_at < :end),
  (SELECT array_agg(CAST(coalesce(t.n, 0) AS int) ORDER BY place)
    FROM generate_series(0, {BUCKETS - 1}) AS place LEFT JOIN timed t USING (place))
FROM asked
ON CONFLICT (tenant_id, day) DO UPDATE SET users = excluded.users,
  questions = excluded.questions,
  unanswered = excluded.unanswered, doubtful = excluded.doubtful, cached = excluded.cached,
  cache_noted = excluded.cache_noted, degraded = excluded.degraded, ratings = excluded.ratings,
  rating_sum = excluded.rating_sum, bad_ratings = excluded.bad_ratings,
  input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
  money = excluded.money, agent_runs = excluded.agent_runs,
  documents_created = excluded.documents_created, documents_updated = excluded.documents_updated,
  latency = excluded.latency, counted_at = now()
""")  # noqa: S608 - constants of ours

_FORGET_ITEMS = text("""
DELETE FROM analytics_item
WHERE tenant_id = :tenant_id AND span = :span AND start = :start
""")

# People who asked under a log that does not name people is counted under a pseudonym, which also
# counts those as one who asked on both sides of a change of the setting.
_PEOPLE = text(f"""
WITH {_ASKED}, done AS (
  SELECT actor_id, CASE WHEN privacy = 'full' THEN user_id END AS user_id, 1 AS questions,
    is_abstained, is_doubtful, input_tokens, output_tokens, money FROM asked
  UNION ALL
  SELECT actor_id, CASE WHEN t.question_log = 'full' THEN user_id END, 0, false, false,
    input_tokens, output_tokens, money FROM runs, tenant t WHERE t.id = :tenant_id
)
INSERT INTO analytics_item (tenant_id, kind, span, start, key, user_id, label, questions,
  unanswered, doubtful, input_tokens, output_tokens, money)
SELECT :tenant_id, 'person', 'day', :day,
  CASE WHEN user_id IS NULL THEN CAST(md5(CAST(actor_id AS text)) AS uuid) ELSE user_id END,
  user_id, md5(CAST(actor_id AS text)), sum(questions), count(*) FILTER (WHERE is_abstained),
  count(*) FILTER (WHERE is_doubtful), sum(input_tokens), sum(output_tokens), sum(money)
FROM done GROUP BY actor_id, user_id
""")  # noqa: S608 - constants of ours

# Near-equal: the same words but for case, punctuation, articles, prepositions and polite turns; in
# English in any order and without the s of a plural. Negations, modal verbs and question words
# stay, as they turn a question into another one. Two questions of the same Vietnamese syllables in
# another order are two.
_LISTLESS = (
    r"\m(a|an|the|of|to|for|in|on|at|by|with|from|is|are|was|were|be|been|do|does|did|have|has|"
    r"had|i|we|you|me|us|my|our|your|it|its|there|please|tell|about|s)\M"
)
_POLITE = (
    r"(xin (vui lòng |hỏi )?|vui lòng |cho (tôi|mình|em|hỏi|biết) |(dạ|thưa) )"
    r"|( (ạ|vậy|nhé|nhỉ|hả|thế))+ ?$"
)

_QUESTIONS = text(f"""
WITH {_ASKED}, worded AS (
  SELECT id, question, language, is_abstained, is_doubtful,
    regexp_replace(regexp_replace(lower(normalize(question, NFC)), '[\u2019'']', '', 'g'),
      '\\W+', ' ', 'g') AS words
  FROM asked WHERE privacy <> 'off'
), keyed AS (
  SELECT id, question, is_abstained, is_doubtful, coalesce(nullif(CASE language
    WHEN 'en' THEN (
      SELECT string_agg(DISTINCT regexp_replace(w, '(\\w{{3,}}[^s])s$', '\\1'), ' ')
      FROM regexp_split_to_table(regexp_replace(words, CAST(:listless AS text), ' ', 'g'), ' +') w
      WHERE w <> '')
    ELSE trim(regexp_replace(words, CAST(:polite AS text), ' ', 'g')) END, ''), words) AS key
  FROM worded
)
INSERT INTO analytics_item (tenant_id, kind, span, start, key, label, questions, unanswered,
  doubtful, bad)
SELECT :tenant_id, 'question', 'day', :day, CAST(md5(key) AS uuid), min(left(question, 500)),
  count(*), count(*) FILTER (WHERE is_abstained), count(*) FILTER (WHERE is_doubtful),
  coalesce(sum(b.bad), 0)
FROM keyed LEFT JOIN LATERAL (
  SELECT count(*) AS bad FROM feedback f
  WHERE f.tenant_id = :tenant_id AND f.query_id = keyed.id AND f.rating <= 2
) AS b ON true
GROUP BY key ORDER BY count(*) DESC, key LIMIT {MOST_QUESTIONS}
""")  # noqa: S608 - constants of ours

_DOCUMENTS = text("""
INSERT INTO analytics_item (tenant_id, kind, span, start, key, questions)
SELECT :tenant_id, 'document', 'day', :day, cited.document_id, count(*)
FROM query_log q CROSS JOIN LATERAL (
  SELECT DISTINCT
    CAST(q.passages -> CAST(c ->> 'passage' AS int) ->> 'document_id' AS uuid) AS document_id
  FROM jsonb_array_elements(q.citations) AS c
) AS cited
WHERE q.tenant_id = :tenant_id AND q.at >= :begin AND q.at < :end
GROUP BY cited.document_id
""")

_AGENTS = text(f"""
WITH {_ASKED}
INSERT INTO analytics_item (tenant_id, kind, span, start, key, label, questions, input_tokens,
  output_tokens, money)
SELECT :tenant_id, 'agent', 'day', :day, agent_id, max(agent_slug), count(*), sum(input_tokens),
  sum(output_tokens), sum(money)
FROM runs GROUP BY agent_id
""")  # noqa: S608 - a constant of ours

_MONTH = text(f"""
INSERT INTO analytics_item (tenant_id, kind, span, start, key, user_id, label, questions,
  unanswered, doubtful, bad, input_tokens, output_tokens, money)
SELECT tenant_id, kind, 'month', :start, key, user_id, label, questions, unanswered, doubtful,
  bad, input_tokens, output_tokens, money
FROM (
  SELECT tenant_id, kind, key, (array_agg(user_id))[1] AS user_id, min(label) AS label,
    sum(questions) AS questions, sum(unanswered) AS unanswered, sum(doubtful) AS doubtful,
    sum(bad) AS bad, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
    sum(money) AS money,
    row_number() OVER (PARTITION BY kind ORDER BY sum(questions) DESC, key) AS place
  FROM analytics_item
  WHERE tenant_id = :tenant_id AND span = 'day' AND start >= :start AND start < :end
  GROUP BY tenant_id, kind, key
) AS summed WHERE kind <> 'question' OR place <= {MOST_QUESTIONS}
""")  # noqa: S608 - a constant of ours

_CHANGED_DAYS = text("""
SELECT DISTINCT CAST(moment AT TIME ZONE 'UTC' AS date) FROM (
  SELECT q.at AS moment FROM query_log q WHERE q.tenant_id = :tenant_id AND q.at > :since
  UNION ALL
  SELECT q.at FROM feedback f JOIN query_log q ON q.tenant_id = f.tenant_id AND q.id = f.query_id
  WHERE f.tenant_id = :tenant_id AND f.updated_at > :since
  UNION ALL
  SELECT v.published_at FROM document_version v
  WHERE v.tenant_id = :tenant_id AND v.published_at > :since
  UNION ALL
  SELECT d.created_at FROM document_version v
  JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
  WHERE v.tenant_id = :tenant_id AND v.published_at > :since
  UNION ALL
  SELECT r.created_at FROM agent_run r
  WHERE r.tenant_id = :tenant_id AND r.finished_at > :since AND r.depth = 0
) AS changed ORDER BY 1
""")

_MODELS = text("""
SELECT DISTINCT model FROM query_log
WHERE tenant_id = :tenant_id AND at >= :begin AND at < :end AND input_tokens + output_tokens > 0
""")

_NOTE = text("""
INSERT INTO analytics_state (tenant_id, counted_until, late_changes)
VALUES (:tenant_id, :moment, :late_changes)
ON CONFLICT (tenant_id) DO UPDATE SET counted_until = excluded.counted_until,
  late_changes = excluded.late_changes
""")

# Months first: of a question's words nothing may stay longer than the question.
_FORGET_WORDS = text("""
DELETE FROM analytics_item
WHERE tenant_id = :tenant_id AND kind = 'question' AND start < :before
""")

# Three ranges of the key, each a stretch of the primary key.
_ITEMS = """
items AS (
  SELECT * FROM analytics_item WHERE tenant_id = :tenant_id AND kind = :kind AND span = 'month'
    AND start >= :months_from AND start < :months_to
  UNION ALL
  SELECT * FROM analytics_item WHERE tenant_id = :tenant_id AND kind = :kind AND span = 'day'
    AND start >= :since AND start < least(:months_from, :until)
  UNION ALL
  SELECT * FROM analytics_item WHERE tenant_id = :tenant_id AND kind = :kind AND span = 'day'
    AND start >= greatest(:months_to, :since) AND start < :until
)"""

_CITED = ", cited AS (SELECT key, sum(questions) AS questions FROM items GROUP BY key)"

_SUMS = """sum(questions) AS questions, sum(unanswered) AS unanswered, sum(doubtful) AS doubtful,
  sum(bad) AS bad, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
  sum(money) AS money"""

_ORDERS = {
    QuestionKind.POPULAR: "questions",
    QuestionKind.UNANSWERED: "unanswered",
    QuestionKind.LOW_CONFIDENCE: "doubtful",
    QuestionKind.BADLY_RATED: "bad",
}


def _day_values(session: AsyncSession, day: date) -> dict[str, object]:
    begin = datetime.combine(day, time(), UTC)
    return {
        "tenant_id": session.info["tenant_id"],
        "day": day,
        "begin": begin,
        "end": begin + ONE_DAY,
    }


async def hold(session: AsyncSession) -> None:
    """Wait for other counts of the tenant; held until the transaction ends."""
    await session.execute(_LOCK, {"tenant_id": str(session.info["tenant_id"])})


async def try_hold(session: AsyncSession) -> bool:
    """As `hold`, but false instead of waiting where another counts."""
    tenant = {"tenant_id": str(session.info["tenant_id"])}
    return bool(await session.scalar(_TRY, tenant))


async def models_of(session: AsyncSession, day: date) -> list[str]:
    """Models that wrote or read for the answers of a day."""
    return list(await session.scalars(_MODELS, _day_values(session, day)))


async def count_day(
    session: AsyncSession, day: date, prices: Mapping[str, tuple[float, float]]
) -> None:
    """Count a day anew from what is kept.

    Args:
        session: A snapshot of the tenant.
        day: The day (UTC).
        prices: US dollars for a token read and written, by model.

    Raises:
        StaleSnapshotError: Another count of the tenant ended between snapshot and lock.
    """
    try:
        await _count_day(session, day, prices)
    except DBAPIError as error:
        if is_stale(error):
            raise StaleSnapshotError from error
        raise


async def _count_day(
    session: AsyncSession, day: date, prices: Mapping[str, tuple[float, float]]
) -> None:
    values = _day_values(session, day)
    await session.execute(
        _FORGET_ITEMS, {"tenant_id": values["tenant_id"], "span": "day", "start": day}
    )
    asked = {**values, "prices": json.dumps(prices)}
    await session.execute(_DAY, asked)
    await session.execute(_PEOPLE, asked)
    await session.execute(_QUESTIONS, {**asked, "listless": _LISTLESS, "polite": _POLITE})
    await session.execute(_DOCUMENTS, values)
    await session.execute(_AGENTS, asked)


async def count_month(session: AsyncSession, start: date) -> None:
    """Add up the days of a month that is over."""
    values = {"tenant_id": session.info["tenant_id"], "start": start}
    await session.execute(_FORGET_ITEMS, {**values, "span": "month"})
    await session.execute(_MONTH, {**values, "end": next_month(start)})


async def tenants_to_count(session: AsyncSession) -> list[uuid.UUID]:
    """Tenants of which something has changed since they were counted, or came in late.

    Needs no tenant set.
    """
    statement = text("SELECT citewell_tenants_to_count(:late)")
    return list(await session.scalars(statement, {"late": LATE_SECONDS}))


async def tenants_with_old_words(session: AsyncSession, usual_days: int) -> list[uuid.UUID]:
    """Tenants with words of questions that are not kept any more; needs no tenant set."""
    statement = text("SELECT citewell_tenants_with_old_words(:usual_days)")
    return list(await session.scalars(statement, {"usual_days": usual_days}))


async def counted_until(session: AsyncSession) -> datetime | None:
    """Moment up to which the tenant is counted."""
    return await session.scalar(select(AnalyticsState.counted_until))


async def now(session: AsyncSession) -> datetime:
    """Start of the transaction."""
    return (await session.execute(text("SELECT now()"))).scalar_one()


async def changed_days(session: AsyncSession, since: datetime | None) -> list[date]:
    """The days of which something has changed since a moment, or came in late."""
    after = datetime.min.replace(tzinfo=UTC) if since is None else since
    after = max(after, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=LATE_SECONDS))
    values = {
        "tenant_id": session.info["tenant_id"],
        "since": after - timedelta(seconds=LATE_SECONDS),
    }
    return list(await session.scalars(_CHANGED_DAYS, values))


async def late_changes(session: AsyncSession, moment: datetime) -> int:
    """How much of the time before a moment in which changes come in late has come in so far."""
    values = {"tenant_id": session.info["tenant_id"], "moment": moment, "late": LATE_SECONDS}
    return (await session.execute(_LATE, values)).scalar_one()


async def note(session: AsyncSession, moment: datetime, late: int) -> None:
    """Note up to which moment the tenant is counted, and how much had come in late by then."""
    values = {"tenant_id": session.info["tenant_id"], "moment": moment, "late_changes": late}
    await session.execute(_NOTE, values)


async def forget_words(session: AsyncSession, before: date) -> None:
    """Remove the questions of days and months that began before a day."""
    await session.execute(_FORGET_WORDS, {"tenant_id": session.info["tenant_id"], "before": before})


async def answer_days(session: AsyncSession) -> int | None:
    """How long the tenant keeps answers; None: as the installation says."""
    statement = text("SELECT answer_days FROM tenant WHERE id = :tenant_id")
    return await session.scalar(statement, {"tenant_id": session.info["tenant_id"]})


async def days(session: AsyncSession, wanted: DayRange) -> list[AnalyticsDay]:
    """The counted days of a range, in order."""
    found = await session.scalars(
        select(AnalyticsDay)
        .where(AnalyticsDay.day >= wanted.since, AnalyticsDay.day < wanted.until)
        .order_by(AnalyticsDay.day)
    )
    return list(found)


def _values(session: AsyncSession, kind: str, spans: Spans) -> dict[str, object]:
    return {"tenant_id": session.info["tenant_id"], "kind": kind, **spans.values()}


async def people_by_month(session: AsyncSession, spans: Spans) -> dict[date, int]:
    """How many different people asked, by month."""
    statement = text(f"""
    WITH {_ITEMS} SELECT CAST(date_trunc('month', start) AS date), count(DISTINCT label)
    FROM items WHERE questions > 0 GROUP BY 1
    """)  # noqa: S608 - a constant of ours
    rows = await session.execute(statement, _values(session, "person", spans))
    return {row[0]: row[1] for row in rows}


async def people(session: AsyncSession, spans: Spans) -> int:
    """How many different people asked in a range."""
    statement = text(
        f"WITH {_ITEMS} SELECT count(DISTINCT label) FROM items WHERE questions > 0"  # noqa: S608
    )
    return await session.scalar(statement, _values(session, "person", spans)) or 0


async def questions(
    session: AsyncSession, kind: QuestionKind, spans: Spans, limit: int
) -> Sequence[Row[Any]]:
    """Questions of a kind, the most first, with their sums."""
    column = _ORDERS[kind]
    statement = text(f"""
    WITH {_ITEMS}, summed AS (SELECT key, min(label) AS label, {_SUMS} FROM items GROUP BY key)
    SELECT label, questions, unanswered, doubtful, bad FROM summed WHERE {column} > 0
    ORDER BY {column} DESC, questions DESC, key LIMIT :limit
    """)  # noqa: S608 - of a list of ours
    return (
        await session.execute(statement, _values(session, "question", spans) | {"limit": limit})
    ).all()


async def rising(
    session: AsyncSession, spans: Spans, before: Spans, limit: int
) -> Sequence[Row[Any]]:
    """Questions that were asked more often than in an earlier range, by how much."""
    earlier = _ITEMS.replace("items AS", "earlier AS")
    for name in ("months_from", "months_to", "since", "until"):
        earlier = earlier.replace(f":{name}", f":before_{name}")
    statement = text(f"""
    WITH {_ITEMS}, {earlier},
    summed AS (SELECT key, min(label) AS label, {_SUMS} FROM items GROUP BY key),
    past AS (SELECT key, sum(questions) AS questions FROM earlier GROUP BY key)
    SELECT s.label, s.questions, s.unanswered, s.doubtful, s.bad, coalesce(p.questions, 0) AS before
    FROM summed s LEFT JOIN past p USING (key) WHERE s.questions > coalesce(p.questions, 0)
    ORDER BY s.questions - coalesce(p.questions, 0) DESC, key LIMIT :limit
    """)  # noqa: S608 - constants of ours
    values = _values(session, "question", spans) | {"limit": limit}
    values |= {f"before_{name}": value for name, value in before.values().items()}
    return (await session.execute(statement, values)).all()


async def documents(
    session: AsyncSession, kind: DocumentKind, spans: Spans, reach: Reach, limit: int
) -> tuple[int, Sequence[Row[Any]]]:
    """Documents within reach that are cited most, or never, and how many there are of them."""
    predicate, bound = reach_sql(reach, table="d", document_column="id")
    values = _values(session, "document", spans) | bound | {"limit": limit}
    cited = _ITEMS + _CITED
    if kind is DocumentKind.MOST_CITED:
        found = f"""
        SELECT d.id, d.title, c.questions, count(*) OVER () AS total
        FROM cited c JOIN document d ON d.tenant_id = :tenant_id AND d.id = c.key AND {predicate}
        ORDER BY c.questions DESC, d.id LIMIT :limit"""  # noqa: S608 - constants, and a predicate
    else:
        found = f"""
        SELECT d.id, d.title, 0 AS questions, count(*) OVER () AS total FROM document d
        WHERE d.tenant_id = :tenant_id AND d.active_version_id IS NOT NULL AND {predicate}
          AND NOT EXISTS (SELECT FROM cited c WHERE c.key = d.id)
        ORDER BY d.created_at, d.id LIMIT :limit"""  # noqa: S608 - constants, and a predicate
    rows = (await session.execute(text(f"WITH {cited} {found}"), values)).all()
    return (rows[0].total if rows else 0), rows


async def by_user(session: AsyncSession, spans: Spans, limit: int) -> Sequence[Row[Any]]:
    """Spending by user, most tokens first; of those who are not named together."""
    statement = text(f"""
    WITH {_ITEMS}, summed AS (SELECT user_id AS id, {_SUMS} FROM items GROUP BY user_id)
    SELECT s.*, u.name, u.email FROM summed s
    LEFT JOIN user_account u ON u.tenant_id = :tenant_id AND u.id = s.id
    ORDER BY s.input_tokens + s.output_tokens DESC, s.questions DESC, s.id LIMIT :limit
    """)  # noqa: S608 - constants of ours
    return (
        await session.execute(statement, _values(session, "person", spans) | {"limit": limit})
    ).all()


async def by_group(
    session: AsyncSession, spans: Spans, member: uuid.UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Spending by group; a user of several counts in each.

    Args:
        session: Acts for the tenant.
        spans: The range.
        member: Only groups of this user; None: all.
        limit: The most groups.
    """
    # Summed by user first: joined to groups, the days of a year would be as many times more.
    statement = text(f"""
    WITH {_ITEMS},
    spent AS MATERIALIZED (SELECT user_id, {_SUMS} FROM items GROUP BY user_id)
    SELECT g.id, g.name, {_SUMS} FROM spent
    JOIN group_member m ON m.tenant_id = :tenant_id AND m.user_id = spent.user_id
    JOIN user_group g ON g.tenant_id = :tenant_id AND g.id = m.group_id
    WHERE CAST(:member AS uuid) IS NULL OR EXISTS (SELECT FROM group_member own
      WHERE own.tenant_id = :tenant_id AND own.group_id = g.id AND own.user_id = :member)
    GROUP BY g.id, g.name
    ORDER BY sum(input_tokens) + sum(output_tokens) DESC, sum(questions) DESC, g.id LIMIT :limit
    """)  # noqa: S608 - constants of ours
    values = _values(session, "person", spans) | {"member": member, "limit": limit}
    return (await session.execute(statement, values)).all()


async def by_agent(session: AsyncSession, spans: Spans, limit: int) -> Sequence[Row[Any]]:
    """Spending by agent, most tokens first."""
    statement = text(f"""
    WITH {_ITEMS} SELECT key AS id, max(label) AS name, {_SUMS} FROM items GROUP BY key
    ORDER BY sum(input_tokens) + sum(output_tokens) DESC, key LIMIT :limit
    """)  # noqa: S608 - constants of ours
    return (
        await session.execute(statement, _values(session, "agent", spans) | {"limit": limit})
    ).all()


async def of_user(
    session: AsyncSession, user_id: uuid.UUID, wanted: DayRange
) -> Sequence[Row[Any]] | None:
    """The days of a user; None: there is no such user."""
    exists = text("SELECT 1 FROM user_account WHERE tenant_id = :tenant_id AND id = :user_id")
    values = {"tenant_id": session.info["tenant_id"], "user_id": user_id}
    if await session.scalar(exists, values) is None:
        return None
    statement = text("""
    SELECT start, questions, unanswered, doubtful, input_tokens, output_tokens, money
    FROM analytics_item
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND kind = 'person' AND span = 'day'
      AND start >= :since AND start < :until
    ORDER BY start
    """)
    bounds = {"since": wanted.since, "until": wanted.until}
    return (await session.execute(statement, {**values, **bounds})).all()


async def failed_jobs(session: AsyncSession, wanted: DayRange) -> int:
    """How many jobs failed in a range, of those whose rows are kept."""
    statement = text("""
    SELECT count(*) FROM job WHERE tenant_id = :tenant_id AND status = 'failed'
      AND finished_at >= :since AND finished_at < :until
    """)
    values = {
        "tenant_id": session.info["tenant_id"],
        "since": datetime.combine(wanted.since, time(), UTC),
        "until": datetime.combine(wanted.until, time(), UTC),
    }
    return await session.scalar(statement, values) or 0
