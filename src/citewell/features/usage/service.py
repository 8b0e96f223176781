"""Counts the usage of a tenant and refuses what its plan does not allow."""

import asyncio
import math
import uuid
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime

from citewell.core.context import (
    SYSTEM,
    Actor,
    BatchContext,
    Caller,
    Context,
    batched_work,
    unit_of_work,
)
from citewell.core.metrics import OTHER, ProcessMetrics
from citewell.core.platform import Platform
from citewell.engine.llm.base import TokenUsage
from citewell.engine.llm.pricing import price_of
from citewell.engine.llm.registry import PROVIDERS
from citewell.features.usage import repository
from citewell.features.usage.errors import (
    BudgetUsedUpError,
    QuotaReachedError,
    UnknownPlanError,
)
from citewell.features.usage.metrics import USER_LIMITS, Metric, end_of, period_of
from citewell.features.usage.pending import PendingCounts
from citewell.features.usage.plans import PLANS
from citewell.features.usage.repository import QuotaDecision, SpendingBudget
from citewell.features.usage.schemas import UsageRead, UsageReply
from citewell.kit.clock import utc_now

__all__ = ["Metric"]

MICRO = 1_000_000
"""Units of `Metric.MODEL_COST` in a US dollar."""


async def consume(
    ctx: BatchContext, metric: Metric, amount: int = 1, *, spender: Actor | None = None
) -> None:
    """Count a use in the caller's unit of work.

    It locks the tenant's row of that metric until the unit of work ends, so do it last.

    Args:
        ctx: The unit of work of the use.
        metric: The metric.
        amount: The amount.
        spender: User or key it is counted for; None: the actor of the unit of work.

    Raises:
        QuotaReachedError: The plan does not hold it; roll the unit of work back.
        BudgetUsedUpError: The tenant's or the spender's own budget for models is used up.
    """
    if metric.is_kept:
        assert isinstance(ctx, Context), "counters of kept things are no part of a batch"
        await consume_all(ctx, {metric: amount})
        return
    now, who = utc_now(), _id_of(spender or ctx.actor)
    period = period_of(metric, now)
    budgets = None
    if metric is Metric.MODEL_TOKENS:
        # Sent with what is spent; a budget that is used up takes that back.
        month = period_of(Metric.MODEL_COST, now)
        budgets = repository.budgets(ctx.session, ctx.tenant_id, who, month)
    outcome = await repository.spend(ctx.session, ctx.tenant_id, metric, period, {who: amount})
    if budgets is not None:
        _require_budgets(await budgets, amount, now)
    _require_counted([outcome], now)


async def consume_query(ctx: BatchContext, spender: Actor) -> None:
    """Count a query; without a limit to check, counts are gathered and written together.

    A statement per query would make each search about a tenth slower.

    Raises:
        QuotaReachedError: The queries of the day are used up.
    """
    pending, who, now = ctx.platform.state_of(PendingCounts), _id_of(spender), utc_now()
    if pending.add(ctx.tenant_id, who):
        return
    amounts = pending.take(ctx.tenant_id)
    is_written = False
    try:
        period = period_of(Metric.QUERIES, now)
        outcome = await repository.spend(
            ctx.session, ctx.tenant_id, Metric.QUERIES, period, amounts + Counter([who])
        )
        is_written = outcome.is_counted
    # Also after a cancelled request or a failed statement: what was taken would be lost.
    finally:
        if not is_written:
            pending.put_back(ctx.tenant_id, amounts)
    pending.note(ctx.tenant_id, may_wait=outcome.limit is None)
    _require_counted([outcome], now)


async def count_query(platform: Platform, caller: Caller) -> None:
    """Count a query that takes no unit of work of its own, as a reply out of a cache.

    Raises:
        QuotaReachedError: The queries of the day are used up.
    """
    if platform.state_of(PendingCounts).add(caller.tenant_id, _id_of(caller.actor)):
        return
    # Nothing is awaited before the counts are taken: the next ones wait in memory again, instead of
    # a transaction for each that comes meanwhile.
    async with batched_work(platform, caller, has_kept_plans=True) as ctx:
        await consume_query(ctx, caller.actor)


async def write_waiting(platform: Platform) -> None:
    """Write the gathered query counts of all tenants."""
    for tenant_id in platform.state_of(PendingCounts).tenants():
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            await write_counts(ctx)


async def write_counts(ctx: Context) -> None:
    """Write the gathered query counts of this process for the caller's tenant."""
    pending = ctx.platform.state_of(PendingCounts)
    amounts = pending.take(ctx.tenant_id)
    if not amounts:
        return
    is_written = False
    try:
        period = period_of(Metric.QUERIES, utc_now())
        outcome = await repository.spend(
            ctx.session, ctx.tenant_id, Metric.QUERIES, period, amounts
        )
        is_written = outcome.is_counted
    finally:
        if not is_written:
            pending.put_back(ctx.tenant_id, amounts)


async def consume_all(ctx: Context, amounts: Mapping[Metric, int]) -> None:
    """Add to several counters of kept things in one statement.

    Args:
        ctx: The unit of work of the use.
        amounts: Amount by metric; zeros are left out.

    Raises:
        QuotaReachedError: The plan does not hold one of them; roll the unit of work back.
    """
    # In one order, in which the counters are locked; a zero would lock a row for nothing.
    amounts = {metric: amounts[metric] for metric in sorted(amounts) if amounts[metric]}
    if not amounts:
        return
    now = utc_now()
    periods = {metric: period_of(metric, now) for metric in amounts}
    outcomes = await repository.consume(ctx.session, ctx.tenant_id, amounts, periods)
    _require_counted(outcomes, now)


async def require_room(ctx: Context, amounts: Mapping[Metric, int]) -> None:
    """Refuse early an amount that the plan does not allow at present; nothing is counted.

    Raises:
        QuotaReachedError: The plan does not hold one of them.
    """
    now = utc_now()
    periods = {metric: period_of(metric, now) for metric, amount in amounts.items() if amount}
    if not periods:
        return
    _, found = await repository.standings(ctx.session, ctx.tenant_id, periods)
    for item in found:
        if item.limit is not None and item.used + amounts[item.metric] > item.limit:
            raise QuotaReachedError(
                item.metric, item.limit, now=now, resets_at=end_of(item.metric, now)
            )


async def release(ctx: Context, metric: Metric, amount: int = 1) -> None:
    """Subtract from a counter of kept things in the caller's unit of work; call it last."""
    await release_all(ctx, {metric: amount})


async def release_all(ctx: Context, amounts: Mapping[Metric, int]) -> None:
    """Subtract from several counters of kept things."""
    amounts = {metric: amounts[metric] for metric in sorted(amounts) if amounts[metric]}
    if amounts:
        await repository.release(ctx.session, ctx.tenant_id, amounts)


async def settle(
    ctx: BatchContext, metric: Metric, *, reserved: int, spent: int, at: datetime
) -> None:
    """Correct a reservation to the amount that was really spent, without checking the limit.

    Args:
        ctx: A unit of work of the same caller.
        metric: One that is spent.
        reserved: Amount counted beforehand.
        spent: Amount really spent.
        at: Time of the reservation; its period is corrected.
    """
    if spent != reserved:
        await repository.adjust(
            ctx.session,
            ctx.tenant_id,
            _id_of(ctx.actor),
            metric,
            period_of(metric, at),
            spent - reserved,
        )


async def settle_model(
    ctx: BatchContext, model: str, spent: TokenUsage, *, reserved: int, at: datetime
) -> None:
    """Replace a reservation of model tokens by what was spent, and count its price.

    Args:
        ctx: A unit of work of the same caller.
        model: `provider:model`, whose price is looked up.
        spent: What the model says it took.
        reserved: Tokens counted beforehand.
        at: Time of the reservation; its period is corrected.
    """
    tokens = spent.input_tokens + spent.output_tokens
    # The list is read from disk at first.
    price = await asyncio.to_thread(price_of, model, spent) if tokens else None
    who, asked = _id_of(ctx.actor), list[Awaitable[object]]()
    if tokens != reserved:
        metric = Metric.MODEL_TOKENS
        period, more = period_of(metric, at), tokens - reserved
        asked.append(repository.adjust(ctx.session, ctx.tenant_id, who, metric, period, more))
    if price:
        provider = model.partition(":")[0]
        known = provider if provider in PROVIDERS else OTHER
        metrics = ctx.platform.state_of(ProcessMetrics)
        # A unit of work that is rolled back is settled again: it would be counted twice.

        async def count() -> None:
            metrics.count("model_cost_dollars_total", known, by=price)

        ctx.after_commit.append(count)
    cost = math.ceil(price * MICRO) if price else 0
    if cost:
        metric = Metric.MODEL_COST
        period = period_of(metric, at)
        asked.append(repository.add(ctx.session, ctx.tenant_id, who, metric, period, cost))
    for each in asked:  # sent together with the first
        await each


async def reserve_tokens(platform: Platform, caller: Caller, tokens: int) -> None:
    """Count tokens that a model is going to take, in a unit of work of its own.

    Raises:
        QuotaReachedError: The plan does not hold them.
        BudgetUsedUpError: The tenant's or the caller's own budget for models is used up.
    """
    async with batched_work(platform, caller, has_kept_plans=True) as ctx:
        await consume(ctx, Metric.MODEL_TOKENS, tokens)


async def settle_tokens(
    platform: Platform,
    caller: Caller,
    model: str,
    spent: TokenUsage,
    *,
    reserved: int,
    at: datetime,
) -> None:
    """Replace a reservation by what was spent, in one round trip; see `settle_model`."""
    async with batched_work(platform, caller, has_kept_plans=True) as ctx:
        ctx.batch.commit_with_next()
        await settle_model(ctx, model, spent, reserved=reserved, at=at)


def _require_budgets(budgets: Sequence[SpendingBudget], tokens: int, now: datetime) -> None:
    """Refuse tokens that a user's budget does not hold, and all once money is used up.

    The price is known only afterwards: what was begun before goes on.
    """
    for each in budgets:
        more = tokens if each.metric is Metric.MODEL_TOKENS else 1
        if each.limit is not None and each.used + more > each.limit:
            resets_at = end_of(each.metric, now)
            assert resets_at is not None
            raise BudgetUsedUpError(
                each.metric, each.limit, is_own=each.is_own, now=now, resets_at=resets_at
            )


async def standing(ctx: Context) -> UsageReply:
    """The tenant's plan and its usage now."""
    # Counts of this process only; those that others gather show a second later.
    await write_counts(ctx)
    now = utc_now()
    periods = {metric: period_of(metric, now) for metric in Metric}
    plan, found = await repository.standings(ctx.session, ctx.tenant_id, periods)
    who, month = _id_of(ctx.actor), periods[Metric.MODEL_TOKENS]
    budgets = await repository.budgets(ctx.session, ctx.tenant_id, who, month)
    return UsageReply(
        plan=plan,
        own=[
            UsageRead(
                metric=each.metric,
                used=each.used,
                limit=each.limit,
                resets_at=end_of(each.metric, now),
            )
            for each in budgets
            if each.is_own
        ],
        usage=[
            UsageRead(
                metric=item.metric,
                used=item.used,
                limit=item.limit,
                resets_at=end_of(item.metric, now),
            )
            for item in sorted(found, key=lambda item: list(Metric).index(item.metric))
        ],
    )


async def differences(ctx: Context, *, hold: bool = False) -> dict[Metric, tuple[int, int]]:
    """Counted and actual amounts by metric, where they differ.

    With `hold` the counters stay locked until the unit of work ends.
    """
    if hold:
        await repository.hold(ctx.session, ctx.tenant_id)
    counted = {item.metric: item.used for item in (await standing(ctx)).usage}
    there = await repository.actual(ctx.session, ctx.tenant_id)
    return {
        metric: (counted[metric], amount)
        for metric, amount in there.items()
        if counted[metric] != amount
    }


async def recount(ctx: Context) -> dict[Metric, tuple[int, int]]:
    """Recount kept things from their tables; returns the differences found.

    Locks the counters: uploads and deletions wait until the unit of work ends.
    """
    wrong = await differences(ctx, hold=True)
    there = await repository.actual(ctx.session, ctx.tenant_id)
    await repository.set_kept(ctx.session, ctx.tenant_id, there)
    return wrong


def check_plan(plan: str, limits: Mapping[str, int | None]) -> None:
    """Check that a plan and a tenant's own limits are valid.

    Raises:
        UnknownPlanError: There is no such plan or metric, or a limit is below zero.
    """
    if plan not in PLANS:
        raise UnknownPlanError(f"There is no plan `{plan}`; use one of {', '.join(PLANS)}.")
    for name, limit in limits.items():
        if name not in (*Metric, *USER_LIMITS):
            known = ", ".join((*Metric, *USER_LIMITS))
            raise UnknownPlanError(f"`{name}` has no limit; use {known}.")
        if limit is not None and limit < 0:
            raise UnknownPlanError(f"The limit of {name} must be 0 or more, or null for none.")


def _id_of(actor: Actor) -> uuid.UUID | None:
    # The key of a user spends for the user, a key of the organisation for itself.
    return actor.user_id or actor.id


def _require_counted(outcomes: list[QuotaDecision], now: datetime) -> None:
    for outcome in outcomes:
        if not outcome.is_counted:
            raise QuotaReachedError(
                outcome.metric,
                outcome.limit or 0,
                now=now,
                resets_at=end_of(outcome.metric, now),
            )
