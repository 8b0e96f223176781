"""Shapes of usage."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

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
    own: list[UsageRead]
    """The caller's own spending on models this month, within the limit of each user."""


class MeteredTotals(BaseModel):
    """Sums of a month, which are signed."""

    tenant_id: uuid.UUID
    tenant: str = Field(description="Its short name.")
    month: str
    is_over: bool
    """Whether the month is over; else the totals go on growing."""
    queries: int
    model_tokens: int


class MeteredUser(BaseModel):
    """Sums of what a user or key did in a month."""

    actor_id: uuid.UUID
    queries: int
    model_tokens: int


class Signature(BaseModel):
    """Signature of the totals, as JSON with sorted keys and no spaces, in base64."""

    algorithm: Literal["ed25519"] = "ed25519"
    public_key: str
    value: str


class MeteredUsage(BaseModel):
    """The metered usage of a month; the totals are those that the plan's limits are checked by."""

    totals: MeteredTotals
    signature: Signature
    users: list[MeteredUser]
    """For administrators; of others, and of the operator, there is only the sum in the totals."""
