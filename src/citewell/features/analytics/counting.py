"""Keeps the counts: the days of which something has changed are counted anew, each at once."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import date

from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.llm.base import TokenUsage
from citewell.engine.llm.pricing import price_of
from citewell.features.analytics import repository, service
from citewell.features.analytics.errors import StaleSnapshotError
from citewell.features.analytics.schemas import DayRange
from citewell.kit.clock import utc_now

_SAMPLE_TOKENS = 1_000
"""Tokens of which a price is asked for: of about a request, as some prices rise with its length."""


async def count_changed(platform: Platform) -> None:
    """Count the changed days of all tenants."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_to_count(session)
    for tenant_id in tenants:
        caller = Caller(tenant_id, SYSTEM)
        async with unit_of_work(platform, caller) as ctx:
            since = await repository.counted_until(ctx.session)
            # Before the days: what comes in between is counted once more rather than not at all.
            moment = await repository.now(ctx.session)
            late = await repository.late_changes(ctx.session, moment)
            days = await repository.changed_days(ctx.session, since)
            first = await service.first_kept(ctx)
        await _count(platform, caller, [day for day in days if day >= first])
        await _forget_words(platform, caller)
        async with unit_of_work(platform, caller) as ctx:
            await repository.note(ctx.session, moment, late)


async def forget_words(platform: Platform) -> None:
    """Remove words of questions that are not kept any more, also where nothing happens."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_old_words(session, platform.settings.answer_days)
    for tenant_id in tenants:
        await _forget_words(platform, Caller(tenant_id, SYSTEM))


async def _forget_words(platform: Platform, caller: Caller) -> None:
    async with _counting(platform, caller) as ctx:
        await repository.forget_words(ctx.session, await service.first_kept(ctx))


async def recount(platform: Platform, caller: Caller, wanted: DayRange) -> list[date]:
    """Count days anew of which all questions are kept; returns them.

    Counts of older days stay: what they were counted from is gone.
    """
    async with unit_of_work(platform, caller) as ctx:
        first = await service.first_kept(ctx)
    end = min(wanted.until, utc_now().date() + service.ONE_DAY)
    span = (end - max(wanted.since, first)).days
    days = [max(wanted.since, first) + service.ONE_DAY * place for place in range(max(0, span))]
    await _count(platform, caller, days)
    return days


async def _count(platform: Platform, caller: Caller, days: Sequence[date]) -> None:
    """Count days, each in a transaction, and then the months they belong to."""
    this_month = utc_now().date().replace(day=1)
    for day in days:
        while not await _is_counted(platform, caller, day):
            # Waited for outside of the snapshot, which would be older than the other's count; and
            # on one connection at a time, as a pool has two at the least.
            async with _counting(platform, caller):
                pass
    for month in sorted({day.replace(day=1) for day in days} - {this_month}):
        async with _counting(platform, caller) as ctx:
            await repository.count_month(ctx.session, month)


async def _is_counted(platform: Platform, caller: Caller, day: date) -> bool:
    """Count a day; false if another count of the tenant is under way, or ended just now."""
    try:
        # One snapshot, so that the figures of a day agree with each other.
        async with unit_of_work(platform, caller, is_snapshot=True) as ctx:
            if not await repository.try_hold(ctx.session):
                return False
            prices = _prices(await repository.models_of(ctx.session, day))
            await repository.count_day(ctx.session, day, prices)
    except StaleSnapshotError:
        return False
    return True


@asynccontextmanager
async def _counting(platform: Platform, caller: Caller) -> AsyncGenerator[Context, None]:
    """A unit of work in which no other counts the tenant."""
    async with unit_of_work(platform, caller) as ctx:
        await repository.hold(ctx.session)
        yield ctx


def _prices(models: Sequence[str]) -> dict[str, tuple[float, float]]:
    """US dollars for a token read and written, of the models whose price is known."""
    found: dict[str, tuple[float, float]] = {}
    for model in models:
        read = price_of(model, TokenUsage(_SAMPLE_TOKENS, 0))
        written = price_of(model, TokenUsage(0, _SAMPLE_TOKENS))
        if read is not None and written is not None:
            found[model] = read / _SAMPLE_TOKENS, written / _SAMPLE_TOKENS
    return found
