"""Shapes of usage."""

from datetime import datetime

from pydantic import BaseModel

from citewell.features.usage.metrics import Metric


class UsageRead(BaseModel):
    """How much of something is used."""

    metric: Metric
    used: int
    limit: int | None
    """Null: none."""
    resets_at: datetime | None
    """When counting begins anew (UTC); null for what is kept."""


class UsageReply(BaseModel):
    """What a tenant uses of its plan."""

    plan: str
    usage: list[UsageRead]
