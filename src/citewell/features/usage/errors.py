"""Errors of usage."""

import math
from datetime import datetime

from citewell.core.errors import AppError
from citewell.features.usage.metrics import Metric

NAMES = {
    Metric.USERS: "users",
    Metric.COLLECTIONS: "collections",
    Metric.DOCUMENTS: "documents",
    Metric.STORED_BYTES: "bytes of stored files",
    Metric.AGENTS: "agents",
    Metric.QUERIES: "queries a day",
    Metric.MODEL_TOKENS: "model tokens a month",
    Metric.MODEL_COST: "millionths of a US dollar for models a month",
}


class QuotaReachedError(AppError):
    """The limit of the tenant's plan is reached."""

    code = "quota_reached"
    status = 403
    title = "The plan's limit is reached"

    def __init__(
        self, metric: Metric, limit: int, *, now: datetime, resets_at: datetime | None
    ) -> None:
        what = f"Your organisation's plan allows {limit:,} {NAMES[metric]}"
        if resets_at is None:
            super().__init__(f"{what}, and this would be more. Remove some, or change the plan.")
            return
        super().__init__(f"{what}; more are possible from {resets_at:%Y-%m-%d %H:%M} UTC.")
        # Waiting helps here, so the reply says how long; a limit on what is kept stays 403.
        self.status = 429
        self.retry_after = max(1, math.ceil((resets_at - now).total_seconds()))


class BudgetUsedUpError(QuotaReachedError):
    """A budget for models in a month is used up: the tenant's, or that of one user."""

    code = "budget_used_up"
    title = "The budget is used up"

    def __init__(
        self, metric: Metric, limit: int, *, is_own: bool, now: datetime, resets_at: datetime
    ) -> None:
        whose = "Your own budget" if is_own else "The budget of your organisation"
        amount = f"{limit:,} model tokens"
        if metric is Metric.MODEL_COST:
            amount = f"{limit / 1_000_000:,.2f} US dollars"
        detail = (
            f"{whose} of {amount} a month is used up; more is possible from "
            f"{resets_at:%Y-%m-%d %H:%M} UTC. An administrator can ask the operator for more."
        )
        AppError.__init__(self, detail)
        self.status = 429
        self.retry_after = max(1, math.ceil((resets_at - now).total_seconds()))


class UnknownPlanError(AppError):
    """The plan is unknown, or a limit is not a valid number."""

    code = "unknown_plan"
    status = 422
    title = "The input cannot be used"
