"""Statements of usage."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.database.batches import AnySession, StatementResult, batch_of
from citewell.core.database.exchange import Rows
from citewell.features.usage.metrics import USER_LIMITS, Metric
from citewell.features.usage.plans import FALLBACK_PLAN, PLANS

TOTAL = uuid.UUID(int=0)
"""Value of `actor_id` in the row that holds the tenant's total."""

# Plans live in the code, so every statement brings them along; a tenant's own limits win.
_PLANS = json.dumps(PLANS)

_ASKED = f"""
asked AS (
  SELECT a.metric, a.period, a.amount,
    CASE WHEN t.limits ? a.metric THEN (t.limits ->> a.metric)::bigint
    ELSE (coalesce(p.plans -> t.plan, p.plans -> '{FALLBACK_PLAN}') ->> a.metric)::bigint
    END AS most
  FROM unnest(CAST(:metrics AS text[]), CAST(:periods AS text[]), CAST(:amounts AS bigint[]))
         AS a (metric, period, amount),
       (SELECT CAST(:plans AS jsonb) AS plans) AS p,
       tenant t
  WHERE t.id = :tenant_id
)"""  # noqa: S608 - a constant of ours

# Rows are inserted by metric in one order, here and in the statements below, so that two requests
# lock the counters in the same order and cannot deadlock.
_COUNTED = """
counted AS (
  INSERT INTO usage_record AS u (tenant_id, metric, period, actor_id, amount)
  SELECT :tenant_id, metric, period, :total, amount FROM asked
  WHERE most IS NULL OR amount <= most
  ORDER BY metric
  ON CONFLICT (tenant_id, metric, period, actor_id)
  DO UPDATE SET amount = u.amount + excluded.amount, updated_at = now()
  WHERE coalesce(
    u.amount + excluded.amount <= (SELECT a.most FROM asked a WHERE a.metric = excluded.metric),
    true)
  RETURNING metric
)"""

# One statement checks the limit and counts: of two requests that race for the last unit, the second
# waits for the first one's row lock and then sees its amount.
_CONSUME = text(f"""
WITH {_ASKED}, {_COUNTED}
SELECT asked.metric, asked.most, counted.metric IS NOT NULL AS is_counted
FROM asked LEFT JOIN counted USING (metric)
""")  # noqa: S608 - constants of ours

# Spending is also counted per user. The commit does not wait for the disk, which would take longer
# than a search; a power cut loses the last moment's counts. `hurried` is named in FROM because
# PostgreSQL does not run a CTE that nothing refers to.
_SPEND = f"""
WITH hurried AS (SELECT set_config('synchronous_commit', 'off', true)), {_ASKED}, {_COUNTED},
actors AS (
  INSERT INTO usage_record AS u (tenant_id, metric, period, actor_id, amount)
  SELECT :tenant_id, a.metric, a.period, b.actor_id, b.amount
  FROM counted JOIN asked a USING (metric),
       unnest(CAST(:actor_ids AS uuid[]), CAST(:actor_amounts AS bigint[])) AS b (actor_id, amount)
  ORDER BY b.actor_id
  ON CONFLICT (tenant_id, metric, period, actor_id)
  DO UPDATE SET amount = u.amount + excluded.amount, updated_at = now()
)
SELECT asked.metric, asked.most, counted.metric IS NOT NULL AS is_counted
FROM hurried, asked LEFT JOIN counted USING (metric)
"""  # noqa: S608 - constants of ours

# The inner SELECTs of these two lock the counters in the same order as `_COUNTED` and `_SPEND`;
# UPDATE alone would lock them in the order it finds them, and two answers of one user deadlock.
# Never below zero: a correction may meet a period whose counter was recounted meanwhile.
_ADJUST = """
UPDATE usage_record u
SET amount = greatest(0, u.amount + CAST(:amount AS bigint)), updated_at = now()
FROM (
  SELECT actor_id FROM usage_record
  WHERE tenant_id = :tenant_id AND metric = :metric AND period = :period
    AND actor_id = ANY(CAST(:actor_ids AS uuid[]))
  ORDER BY actor_id FOR UPDATE
) AS held
WHERE u.tenant_id = :tenant_id AND u.metric = :metric AND u.period = :period
  AND u.actor_id = held.actor_id
"""

_RELEASE = text("""
UPDATE usage_record u SET amount = greatest(0, u.amount - r.amount), updated_at = now()
FROM (
  SELECT u.metric, a.amount
  FROM unnest(CAST(:metrics AS text[]), CAST(:amounts AS bigint[])) AS a (metric, amount)
  JOIN usage_record u
    ON u.tenant_id = :tenant_id AND u.metric = a.metric AND u.period = 'all'
      AND u.actor_id = :total
  ORDER BY a.metric FOR UPDATE OF u
) AS r
WHERE u.tenant_id = :tenant_id AND u.metric = r.metric AND u.period = 'all'
  AND u.actor_id = :total
""")

_LIMITS = text(f"""
WITH {_ASKED}
SELECT t.plan, asked.metric, asked.most, coalesce(u.amount, 0)
FROM asked
JOIN tenant t ON t.id = :tenant_id
LEFT JOIN usage_record u
  ON u.tenant_id = :tenant_id AND u.metric = asked.metric AND u.period = asked.period
    AND u.actor_id = :total
""")  # noqa: S608 - a constant of ours

# Of budgets that the tenant has alone: what is used now. A total belongs to TOTAL.
_BUDGETS = """
SELECT l.name, l.metric, (t.limits ->> l.name)::bigint AS most, coalesce(u.amount, 0)
FROM tenant t
CROSS JOIN unnest(CAST(:names AS text[]), CAST(:metrics AS text[]), CAST(:actors AS uuid[]))
  AS l (name, metric, actor_id)
LEFT JOIN usage_record u ON u.tenant_id = t.id AND u.metric = l.metric AND u.period = :period
  AND u.actor_id = l.actor_id
WHERE t.id = :tenant_id
"""

# In the order of ids, the total first, as `_SPEND` locks them.
_ADD = """
INSERT INTO usage_record AS u (tenant_id, metric, period, actor_id, amount)
SELECT :tenant_id, :metric, :period, a, CAST(:amount AS bigint)
FROM unnest(CAST(:actor_ids AS uuid[])) AS a
ORDER BY a
ON CONFLICT (tenant_id, metric, period, actor_id)
DO UPDATE SET amount = u.amount + excluded.amount, updated_at = now()
"""

_ACTUAL = text("""
SELECT 'users', count(*) FROM user_account
  WHERE tenant_id = :tenant_id AND status <> 'deactivated'
UNION ALL SELECT 'collections', count(*) FROM collection WHERE tenant_id = :tenant_id
UNION ALL SELECT 'documents', count(*) FROM document WHERE tenant_id = :tenant_id
UNION ALL SELECT 'stored_bytes', coalesce(sum(size_bytes), 0)::bigint FROM blob
  WHERE tenant_id = :tenant_id
""")

# Locks the counters of everything kept. Uploads and deletions update them as their last statement,
# so this waits for those in flight, sees their amounts, and blocks new ones until the end.
_HOLD = text("""
INSERT INTO usage_record AS u (tenant_id, metric, period, actor_id)
SELECT :tenant_id, metric, 'all', :total FROM unnest(CAST(:metrics AS text[])) AS metric
ORDER BY metric
ON CONFLICT (tenant_id, metric, period, actor_id) DO UPDATE SET amount = u.amount
""")

_SET = text("""
INSERT INTO usage_record (tenant_id, metric, period, actor_id, amount)
SELECT :tenant_id, a.metric, 'all', :total, a.amount
FROM unnest(CAST(:metrics AS text[]), CAST(:amounts AS bigint[])) AS a (metric, amount)
ORDER BY a.metric
ON CONFLICT (tenant_id, metric, period, actor_id)
DO UPDATE SET amount = excluded.amount, updated_at = now()
""")


# Queries are counted by day, tokens by month; of what is kept there is the present amount alone.
_OF_MONTH = text("""
SELECT metric, actor_id, sum(amount)::bigint AS amount FROM usage_record
WHERE tenant_id = :tenant_id AND (period = :month OR period LIKE :days)
GROUP BY metric, actor_id ORDER BY metric, actor_id
""")


@dataclass(frozen=True, slots=True)
class QuotaDecision:
    """Result for one metric: the limit, and whether the amount was counted within it."""

    metric: Metric
    limit: int | None
    is_counted: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Used amount and limit of one metric."""

    metric: Metric
    limit: int | None
    used: int


@dataclass(frozen=True, slots=True)
class SpendingBudget:
    """A limit of the money or tokens for models in a period, and how much of it is used."""

    metric: Metric
    is_own: bool
    """Whether it is one user's; else the tenant's."""
    limit: int | None
    used: int


def _asked(
    tenant_id: uuid.UUID, amounts: Mapping[Metric, int], periods: Mapping[Metric, str]
) -> dict[str, object]:
    return {
        "tenant_id": tenant_id,
        "total": TOTAL,
        "plans": _PLANS,
        "metrics": [metric.value for metric in amounts],
        "periods": [periods[metric] for metric in amounts],
        "amounts": list(amounts.values()),
    }


async def consume(
    session: AsyncSession,
    tenant_id: uuid.UUID,
    amounts: Mapping[Metric, int],
    periods: Mapping[Metric, str],
) -> list[QuotaDecision]:
    """Add to counters of kept things (documents, bytes, users), each only within its limit."""
    rows = await session.execute(_CONSUME, _asked(tenant_id, amounts, periods))
    return [QuotaDecision(Metric(row[0]), row[1], row[2]) for row in rows]


async def spend(
    session: AnySession,
    tenant_id: uuid.UUID,
    metric: Metric,
    period: str,
    amounts: Mapping[uuid.UUID | None, int],
) -> QuotaDecision:
    """Count what actors spent if the limit allows it; the commit does not wait for the disk."""
    actors = {actor: amount for actor, amount in amounts.items() if actor is not None}
    values = _asked(tenant_id, {metric: sum(amounts.values())}, {metric: period})
    values |= {"actor_ids": list(actors), "actor_amounts": list(actors.values())}
    # With what waits in the batch: a search counts and reads with one round trip.
    [row] = await batch_of(session).ask(_SPEND, values, list)
    return QuotaDecision(Metric(row[0]), row[1], row[2])


def adjust(
    session: AnySession,
    tenant_id: uuid.UUID,
    actor_id: uuid.UUID | None,
    metric: Metric,
    period: str,
    amount: int,
) -> StatementResult[Rows]:
    """Correct the amount counted in a period, without checking the limit; await it."""
    values = {
        "tenant_id": tenant_id,
        "metric": metric.value,
        "period": period,
        "amount": amount,
        "actor_ids": [TOTAL] if actor_id is None else [TOTAL, actor_id],
    }
    return batch_of(session).ask(_ADJUST, values, _rows)


def add(
    session: AnySession,
    tenant_id: uuid.UUID,
    actor_id: uuid.UUID | None,
    metric: Metric,
    period: str,
    amount: int,
) -> StatementResult[Rows]:
    """Count what was spent already, without checking a limit; await it."""
    values = {
        "tenant_id": tenant_id,
        "metric": metric.value,
        "period": period,
        "amount": amount,
        "actor_ids": [TOTAL] if actor_id is None else [TOTAL, actor_id],
    }
    return batch_of(session).ask(_ADD, values, _rows)


def budgets(
    session: AnySession, tenant_id: uuid.UUID, actor_id: uuid.UUID | None, period: str
) -> StatementResult[list[SpendingBudget]]:
    """The budgets for models of a tenant and of one of its users, with what is used; await it."""
    asked = {Metric.MODEL_COST.value: (Metric.MODEL_COST, TOTAL)}
    if actor_id is not None:
        asked |= {name: (metric, actor_id) for name, metric in USER_LIMITS.items()}
    values = {
        "tenant_id": tenant_id,
        "period": period,
        "names": list(asked),
        "metrics": [metric.value for metric, _ in asked.values()],
        "actors": [actor for _, actor in asked.values()],
    }
    return batch_of(session).ask(_BUDGETS, values, _budgets_in)


def _rows(rows: Rows) -> Rows:
    return rows


def _budgets_in(rows: Rows) -> list[SpendingBudget]:
    return [SpendingBudget(Metric(row[1]), row[0] in USER_LIMITS, row[2], row[3]) for row in rows]


async def release(
    session: AsyncSession, tenant_id: uuid.UUID, amounts: Mapping[Metric, int]
) -> None:
    """Subtract what was removed from the counters of kept things."""
    values = {
        "tenant_id": tenant_id,
        "total": TOTAL,
        "metrics": [metric.value for metric in amounts],
        "amounts": list(amounts.values()),
    }
    await session.execute(_RELEASE, values)


async def standings(
    session: AsyncSession, tenant_id: uuid.UUID, periods: Mapping[Metric, str]
) -> tuple[str, list[Standing]]:
    """The tenant's plan, and how much of each limit is used."""
    rows = await session.execute(_LIMITS, _asked(tenant_id, dict.fromkeys(periods, 0), periods))
    found = rows.all()
    return found[0][0], [Standing(Metric(row[1]), row[2], row[3]) for row in found]


async def hold(session: AsyncSession, tenant_id: uuid.UUID) -> None:
    """Lock the counters of kept things until the transaction ends."""
    kept = sorted(metric.value for metric in Metric if metric.is_kept)
    await session.execute(_HOLD, {"tenant_id": tenant_id, "total": TOTAL, "metrics": kept})


async def actual(session: AsyncSession, tenant_id: uuid.UUID) -> dict[Metric, int]:
    """Count kept things anew from their tables."""
    rows = await session.execute(_ACTUAL, {"tenant_id": tenant_id})
    return {Metric(row[0]): row[1] for row in rows}


async def set_kept(
    session: AsyncSession, tenant_id: uuid.UUID, amounts: Mapping[Metric, int]
) -> None:
    """Overwrite the counters of kept things."""
    values = {
        "tenant_id": tenant_id,
        "total": TOTAL,
        "metrics": [metric.value for metric in amounts],
        "amounts": list(amounts.values()),
    }
    await session.execute(_SET, values)


async def of_month(session: AsyncSession, month: str) -> list[tuple[Metric, uuid.UUID, int]]:
    """Sums of a month (`2027-01`), by metric and actor; `TOTAL` is the tenant's."""
    values = {"tenant_id": session.info["tenant_id"], "month": month, "days": f"{month}-__"}
    known = {metric.value for metric in Metric}
    rows = await session.execute(_OF_MONTH, values)
    return [(Metric(row[0]), row[1], row[2]) for row in rows if row[0] in known]


async def slug(session: AsyncSession) -> str:
    """The tenant's short name."""
    statement = text("SELECT slug FROM tenant WHERE id = :tenant_id")
    found = await session.execute(statement, {"tenant_id": session.info["tenant_id"]})
    return found.scalar_one()
