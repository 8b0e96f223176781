"""Budgets for models: of a tenant in money, of each of its users in tokens and in money."""

import pytest

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.llm.base import TokenUsage
from citewell.features.usage import service
from citewell.features.usage.errors import BudgetUsedUpError, UnknownPlanError
from citewell.features.usage.service import Metric
from citewell.kit.clock import utc_now
from tests.features.usage.test_service import give, somebody, used

pytestmark = pytest.mark.usefixtures("one_day")

PRICED = "openai:gpt-4o-mini"
SPENT = TokenUsage(1_000_000, 100_000)
COST = 150_000 + 60_000
"""Of that model in the list of prices: 15 and 60 cents a million tokens."""


async def spend(
    platform: Platform, caller: Caller, model: str = PRICED, spent: TokenUsage = SPENT
) -> None:
    async with unit_of_work(platform, caller) as ctx:
        await service.consume(ctx, Metric.MODEL_TOKENS, 1_000)
    async with unit_of_work(platform, caller) as ctx:
        await service.settle_model(ctx, model, spent, reserved=1_000, at=utc_now())


async def own(platform: Platform, caller: Caller) -> dict[Metric, tuple[int, int | None]]:
    async with unit_of_work(platform, caller) as ctx:
        reply = await service.standing(ctx)
    return {each.metric: (each.used, each.limit) for each in reply.own}


class TestBudgets:
    async def test_money_of_a_tenant_is_counted_and_ends(
        self, platform: Platform, caller: Caller
    ) -> None:
        await give(platform, caller, model_cost=2 * COST)
        ann, ben = somebody(caller), somebody(caller)
        await spend(platform, ann)
        await spend(platform, ben)
        assert await used(platform, caller, Metric.MODEL_COST) == 2 * COST
        assert await used(platform, caller, Metric.MODEL_TOKENS) == 2_200_000
        with pytest.raises(BudgetUsedUpError, match=r"organisation of 0\.42 US dollars") as caught:
            await spend(platform, ann)
        assert (caught.value.code, caught.value.status) == ("budget_used_up", 429)
        assert caught.value.retry_after
        assert await used(platform, caller, Metric.MODEL_TOKENS) == 2_200_000

    async def test_budget_of_each_user_leaves_others_theirs(
        self, platform: Platform, caller: Caller
    ) -> None:
        await give(platform, caller, user_model_cost=COST, user_model_tokens=3_000_000)
        ann, ben = somebody(caller), somebody(caller)
        await spend(platform, ann)
        assert await own(platform, ann) == {
            Metric.MODEL_TOKENS: (1_100_000, 3_000_000), Metric.MODEL_COST: (COST, COST),
        }  # fmt: skip
        with pytest.raises(BudgetUsedUpError, match=r"Your own budget of 0\.21 US dollars"):
            await spend(platform, ann)
        for _ in range(2):  # a model without a price is bounded by tokens alone
            await spend(platform, ben, "ollama:small")
        assert (await own(platform, ben))[Metric.MODEL_COST] == (0, COST)
        await spend(platform, ben, "ollama:small", TokenUsage(799_500, 0))
        with pytest.raises(BudgetUsedUpError, match=r"Your own budget of 3,000,000 model tokens"):
            await spend(platform, ben)

    def test_limits_that_there_are_not_are_refused(self) -> None:
        service.check_plan("free", {"model_cost": 1, "user_model_tokens": None})
        with pytest.raises(UnknownPlanError, match="user_model_cost"):
            service.check_plan("free", {"user_money": 1})
