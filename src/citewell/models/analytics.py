"""Counts by day and month; a recount of the log replaces them."""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, Integer, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, TenantScoped


class AnalyticsDay(Base, TenantScoped):
    """Sums of what happened on a day (UTC)."""

    __tablename__ = "analytics_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    users: Mapped[int]
    """Different people and keys that asked."""
    questions: Mapped[int]
    unanswered: Mapped[int]
    doubtful: Mapped[int]
    """Answered, with low confidence."""
    cached: Mapped[int]
    cache_noted: Mapped[int]
    """Questions of which it is known whether their reply came out of a cache."""
    degraded: Mapped[int]
    ratings: Mapped[int]
    rating_sum: Mapped[int]
    bad_ratings: Mapped[int]
    input_tokens: Mapped[int] = mapped_column(BigInteger)
    output_tokens: Mapped[int] = mapped_column(BigInteger)
    money: Mapped[float]
    """US dollars, agents' included; 0 where the price of a model is not known."""
    agent_runs: Mapped[int]
    documents_created: Mapped[int]
    documents_updated: Mapped[int]
    latency: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    """Questions by the bucket of their time, see `features.analytics.spans`."""
    counted_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AnalyticsItem(Base, TenantScoped):
    """A person, kind of question, document or agent on a day or in a month that is over."""

    __tablename__ = "analytics_item"

    kind: Mapped[str] = mapped_column(primary_key=True)
    span: Mapped[str] = mapped_column(primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID | None]
    """Of a person, where the log of the tenant named who asks."""
    label: Mapped[str] = mapped_column(server_default="")
    """One of the questions; a person's pseudonym, by which they are counted once."""
    questions: Mapped[int]
    """Questions asked; of a document those that cite it, of an agent its runs."""
    unanswered: Mapped[int] = mapped_column(server_default="0")
    doubtful: Mapped[int] = mapped_column(server_default="0")
    bad: Mapped[int] = mapped_column(server_default="0")
    """Bad ratings."""
    input_tokens: Mapped[int] = mapped_column(BigInteger, server_default="0")
    output_tokens: Mapped[int] = mapped_column(BigInteger, server_default="0")
    money: Mapped[float] = mapped_column(server_default="0")


class AnalyticsState(Base, TenantScoped):
    """How far the counts of a tenant are."""

    __tablename__ = "analytics_state"

    counted_until: Mapped[datetime]
    late_changes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Changes that had come in by then of the half-hour before it."""
