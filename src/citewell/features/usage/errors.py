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


class UnknownPlanError(AppError):
    """The plan is unknown, or a limit is not a valid number."""

    code = "unknown_plan"
    status = 422
    title = "The input cannot be used"
