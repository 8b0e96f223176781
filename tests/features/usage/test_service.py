import asyncio
import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from citewell.core.context import Actor, ActorKind, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.usage import repository, service
from citewell.features.usage.errors import QuotaReachedError, UnknownPlanError
from citewell.features.usage.metrics import Metric, end_of, period_of
from citewell.features.usage.plans import PLANS

pytestmark = pytest.mark.usefixtures("one_day")


async def give(platform: Platform, caller: Caller, plan: str = "unlimited", **limits: int | None):
    async with unit_of_work(platform, caller) as ctx:
        await ctx.session.execute(
            text("UPDATE tenant SET plan = :plan, limits = CAST(:limits AS jsonb) WHERE id = :id"),
            {"plan": plan, "limits": json.dumps(limits), "id": caller.tenant_id},
        )


async def use(platform: Platform, caller: Caller, metric: Metric, amount: int = 1) -> bool:
    try:
        async with unit_of_work(platform, caller) as ctx:
            await service.consume(ctx, metric, amount)
    except QuotaReachedError:
        return False
    return True


async def used(platform: Platform, caller: Caller, metric: Metric) -> int:
    async with unit_of_work(platform, caller) as ctx:
        reply = await service.standing(ctx)
    return next(item.used for item in reply.usage if item.metric is metric)


def somebody(caller: Caller) -> Caller:
    user = uuid.uuid4()
    return replace(caller, actor=Actor(ActorKind.USER, id=user, user_id=user))


class TestConsume:
    async def test_what_is_kept_is_refused_beyond_the_limit(
        self, platform: Platform, caller: Caller
    ):
        await give(platform, caller, documents=2)
        assert await use(platform, caller, Metric.DOCUMENTS)
        assert not await use(platform, caller, Metric.DOCUMENTS, 2)
        assert await use(platform, caller, Metric.DOCUMENTS)
        with pytest.raises(QuotaReachedError) as caught:
            async with unit_of_work(platform, caller) as ctx:
                await service.consume(ctx, Metric.DOCUMENTS)
        error = caught.value
        assert (error.code, error.status, error.retry_after) == ("quota_reached", 403, None)
        assert "2 documents" in error.detail
        assert await used(platform, caller, Metric.DOCUMENTS) == 2

    @pytest.mark.parametrize("metric", [Metric.QUERIES, Metric.MODEL_TOKENS])
    async def test_what_is_spent_is_refused_until_it_resets(
        self, platform: Platform, caller: Caller, metric: Metric
    ):
        await give(platform, caller, **{metric.value: 1})
        before = datetime.now(UTC)
        assert await use(platform, caller, metric)
        with pytest.raises(QuotaReachedError) as caught:
            async with unit_of_work(platform, caller) as ctx:
                await service.consume(ctx, metric)
        after = datetime.now(UTC)
        end = end_of(metric, before)
        assert end is not None
        assert caught.value.status == 429
        left = caught.value.retry_after
        assert left is not None
        assert (end - after).total_seconds() - 1 <= left <= (end - before).total_seconds() + 1
        assert f"{end:%Y-%m-%d %H:%M} UTC" in caught.value.detail

    async def test_limit_of_zero_refuses_the_first(self, platform: Platform, caller: Caller):
        await give(platform, caller, agents=0)
        assert not await use(platform, caller, Metric.AGENTS)

    async def test_more_than_the_limit_at_once_is_refused(self, platform: Platform, caller: Caller):
        await give(platform, caller, stored_bytes=10)
        assert not await use(platform, caller, Metric.STORED_BYTES, 11)
        assert await use(platform, caller, Metric.STORED_BYTES, 10)

    async def test_rolled_back_use_is_not_counted(self, platform: Platform, caller: Caller):
        async with unit_of_work(platform, caller) as ctx:
            await service.consume(ctx, Metric.DOCUMENTS)
            await ctx.session.rollback()
        assert await used(platform, caller, Metric.DOCUMENTS) == 0

    @pytest.mark.parametrize("metric", [Metric.DOCUMENTS, Metric.QUERIES])
    async def test_racing_uses_never_pass_the_last_unit(
        self, platform: Platform, caller: Caller, metric: Metric
    ):
        await give(platform, caller, **{metric.value: 5})
        passed = await asyncio.gather(*(use(platform, caller, metric) for _ in range(20)))
        assert sum(passed) == 5
        assert await used(platform, caller, metric) == 5

    async def test_plan_without_own_limits_holds(self, platform: Platform, caller: Caller):
        await give(platform, caller, plan="free")
        assert await use(platform, caller, Metric.COLLECTIONS, 5)
        assert not await use(platform, caller, Metric.COLLECTIONS)

    async def test_own_limit_replaces_the_plans(self, platform: Platform, caller: Caller):
        await give(platform, caller, plan="free", collections=6, agents=None)
        assert await use(platform, caller, Metric.COLLECTIONS, 6)
        assert not await use(platform, caller, Metric.COLLECTIONS)
        assert await use(platform, caller, Metric.AGENTS, 1000)

    async def test_unknown_plan_is_not_unlimited(self, platform: Platform, caller: Caller):
        await give(platform, caller, plan="gone")
        assert not await use(platform, caller, Metric.DOCUMENTS, 101)

    async def test_what_is_spent_is_booked_on_its_actor(self, platform: Platform, caller: Caller):
        anna, binh = somebody(caller), somebody(caller)
        for who in (anna, anna, binh, caller):
            assert await use(platform, who, Metric.QUERIES)
        async with unit_of_work(platform, caller) as ctx:
            rows = await ctx.session.execute(text("SELECT actor_id, amount FROM usage_record"))
            amounts = {str(row[0]): row[1] for row in rows}
        assert amounts[str(anna.actor.id)] == 2
        assert amounts[str(binh.actor.id)] == 1
        assert amounts[str(uuid.UUID(int=0))] == 4


class TestRelease:
    async def test_released_units_can_be_used_again(self, platform: Platform, caller: Caller):
        await give(platform, caller, documents=1)
        assert await use(platform, caller, Metric.DOCUMENTS)
        async with unit_of_work(platform, caller) as ctx:
            await service.release(ctx, Metric.DOCUMENTS)
        assert await use(platform, caller, Metric.DOCUMENTS)

    async def test_it_never_goes_below_zero(self, platform: Platform, caller: Caller):
        assert await use(platform, caller, Metric.DOCUMENTS)
        async with unit_of_work(platform, caller) as ctx:
            await service.release_all(ctx, {Metric.DOCUMENTS: 5, Metric.STORED_BYTES: 5})
        assert await used(platform, caller, Metric.DOCUMENTS) == 0


class TestSettle:
    async def test_reserved_tokens_become_the_spent_ones(self, platform: Platform, caller: Caller):
        anna = somebody(caller)
        await give(platform, caller, model_tokens=100)
        assert await use(platform, anna, Metric.MODEL_TOKENS, 60)
        async with unit_of_work(platform, anna) as ctx:
            await service.settle(
                ctx, Metric.MODEL_TOKENS, reserved=60, spent=140, at=datetime.now(UTC)
            )
        assert await used(platform, caller, Metric.MODEL_TOKENS) == 140
        assert not await use(platform, anna, Metric.MODEL_TOKENS)

    async def test_total_is_locked_before_the_users_counter(
        self, platform: Platform, caller: Caller
    ):
        """Two answers of one user that lock both in different orders end in a deadlock."""
        anna, metric, now = somebody(caller), Metric.MODEL_TOKENS, datetime.now(UTC)
        values = {
            "tenant": caller.tenant_id, "metric": metric.value, "period": period_of(metric, now),
            "anna": anna.actor.user_id,
        }  # fmt: skip
        row = "tenant_id = :tenant AND metric = :metric AND period = :period AND actor_id"
        async with unit_of_work(platform, caller) as ctx:  # the user's row lies before the total
            for actor in (":anna", f"'{repository.TOTAL}'"):
                await ctx.session.execute(
                    text(
                        "INSERT INTO usage_record (tenant_id, metric, period, actor_id, amount) "
                        f"VALUES (:tenant, :metric, :period, {actor}, 60)"
                    ),
                    values,
                )

        async def settle() -> None:
            async with unit_of_work(platform, anna) as ctx:
                # A small table is read in the order of its rows.
                for index in ("enable_indexscan", "enable_bitmapscan", "enable_indexonlyscan"):
                    await ctx.session.execute(text(f"SET LOCAL {index} = off"))
                await service.settle(ctx, metric, reserved=60, spent=70, at=now)

        async with unit_of_work(platform, caller) as ctx:
            await ctx.session.execute(
                text(f"SELECT 1 FROM usage_record WHERE {row} = '{repository.TOTAL}' FOR UPDATE"),
                values,
            )
            settling = asyncio.create_task(settle())
            waits = text("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
            while await ctx.session.scalar(waits) is None:
                await ctx.session.execute(text("SELECT pg_sleep(0.01)"))
            await ctx.session.execute(
                text(f"SELECT 1 FROM usage_record WHERE {row} = :anna FOR UPDATE NOWAIT"), values
            )
        await settling
        assert await used(platform, caller, metric) == 70


class TestRecount:
    async def test_wrong_counts_are_found_and_set_right(self, platform: Platform, caller: Caller):
        assert await use(platform, caller, Metric.DOCUMENTS, 3)
        async with unit_of_work(platform, caller) as ctx:
            assert await service.differences(ctx) == {Metric.DOCUMENTS: (3, 0)}
        async with unit_of_work(platform, caller) as ctx:
            assert await service.recount(ctx) == {Metric.DOCUMENTS: (3, 0)}
        async with unit_of_work(platform, caller) as ctx:
            assert await service.differences(ctx) == {}


class TestCheckPlan:
    def test_known_plans_and_limits_pass(self):
        for plan in PLANS:
            assert service.check_plan(plan, {"documents": 0, "queries": None}) is None

    @pytest.mark.parametrize(
        ("plan", "limits"),
        [("gold", {}), ("free", {"pages": 1}), ("free", {"documents": -1})],
    )
    def test_others_are_refused(self, plan: str, limits: dict[str, int]):
        with pytest.raises(UnknownPlanError):
            service.check_plan(plan, limits)


class TestPeriods:
    def test_days_and_months_end_in_utc(self):
        late = datetime(2027, 12, 31, 23, 59, tzinfo=UTC)
        assert period_of(Metric.QUERIES, late) == "2027-12-31"
        assert period_of(Metric.MODEL_TOKENS, late) == "2027-12"
        assert period_of(Metric.DOCUMENTS, late) == "all"
        assert end_of(Metric.QUERIES, late) == datetime(2028, 1, 1, tzinfo=UTC)
        assert end_of(Metric.MODEL_TOKENS, late) == datetime(2028, 1, 1, tzinfo=UTC)
        assert end_of(Metric.MODEL_TOKENS, datetime(2028, 2, 29, tzinfo=UTC)) == datetime(
            2028, 3, 1, tzinfo=UTC
        )
        assert end_of(Metric.DOCUMENTS, late) is None
