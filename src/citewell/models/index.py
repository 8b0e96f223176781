"""Index generations; chunks and term statistics are written and read by SQL in `indexes`."""

from datetime import datetime

from sqlalchemy import BigInteger, FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasTimestamps, TenantScoped


class IndexGeneration(Base, TenantScoped, HasTimestamps):
    """One embedding space of a tenant's chunks; one generation is live."""

    __tablename__ = "index_generation"

    id: Mapped[int] = mapped_column(primary_key=True, server_default=FetchedValue())
    embedding: Mapped[str]
    dimensions: Mapped[int]
    status: Mapped[str]
    chunk_count: Mapped[int] = mapped_column(BigInteger, server_default="0")
    live_since: Mapped[datetime | None]
    """Time of its take-over from another; None for a tenant's first one and one being built."""
    analysis: Mapped[int] = mapped_column(server_default="1")
    """Version of the terms its passages have; processes before there were versions write 1."""
    has_lexical: Mapped[bool] = mapped_column(server_default="true")
    """Whether the inverted index holds the terms of all its findable chunks."""
