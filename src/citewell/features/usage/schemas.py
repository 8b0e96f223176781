"""Shapes of usage."""

from datetime import datetime

from pydantic import BaseModel

from citewell.features.usage.metrics import Metric


class UsageRead(BaseModel):
    """Used amount and limit of one metric."""

    metric: Metric
    used: int
    limit: int | None
    """Null: unlimited."""
    resets_at: datetime | None
    """Time (UTC) at which counting restarts; null for metrics of what exists now."""


class UsageReply(BaseModel):
    """Plan and usage of a tenant."""

    plan: str
    usage: list[UsageRead]
