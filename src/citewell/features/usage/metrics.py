"""The metrics of a plan and the periods (UTC days and months) they are counted in."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Metric(StrEnum):
    """A quantity that is counted per tenant."""

    USERS = "users"
    COLLECTIONS = "collections"
    DOCUMENTS = "documents"
    STORED_BYTES = "stored_bytes"
    AGENTS = "agents"
    QUERIES = "queries"
    """Searches and questions of a day."""
    MODEL_TOKENS = "model_tokens"
    """Tokens of the language model in a month, read and written."""
    MODEL_COST = "model_cost"
    """Millionths of a US dollar in a month, by the public list of prices; a model without a price
    there costs nothing."""

    @property
    def is_kept(self) -> bool:
        """Whether it counts what exists now (documents, bytes), not what was done in a period."""
        return self not in (Metric.QUERIES, Metric.MODEL_TOKENS, Metric.MODEL_COST)


USER_LIMITS = {
    "user_model_tokens": Metric.MODEL_TOKENS,
    "user_model_cost": Metric.MODEL_COST,
}
"""Limits of a tenant that hold for each user or key by itself, and the metrics they bound."""

ALL = "all"
"""Period of metrics that count what exists now."""


def period_of(metric: Metric, now: datetime) -> str:
    """Period in which usage at a moment is counted: a day, a month, or `all`."""
    if metric.is_kept:
        return ALL
    return f"{now:%Y-%m-%d}" if metric is Metric.QUERIES else f"{now:%Y-%m}"


def end_of(metric: Metric, now: datetime) -> datetime | None:
    """End of the period that holds the moment; None for `all`."""
    if metric.is_kept:
        return None
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    if metric is Metric.QUERIES:
        return midnight + timedelta(days=1)
    # 32 days after the first of any month lie in the next one.
    return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
