"""A tenant's model providers."""

import uuid

from sqlalchemy import SmallInteger
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped


class ModelConnection(Base, HasId, TenantScoped, HasTimestamps):
    """A language model at a provider, with the key it is asked with."""

    __tablename__ = "model_connection"

    name: Mapped[str]
    """Unique in the tenant."""
    provider: Mapped[str]
    model: Mapped[str]
    base_url: Mapped[str | None]
    """None: the provider's usual address."""
    sealed_key: Mapped[bytes | None]
    """Encrypted; bound to the row and to the address it may be sent to."""
    key_id: Mapped[uuid.UUID | None]
    """The tenant's key that it was sealed with."""
    key_hint: Mapped[str | None]
    """The last characters of the key."""
    uses: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    """Purposes it is for; see `Use`."""
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Lower ones are asked first; the others stand in when they fail."""
    min_role: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Lowest role whose questions it answers."""
    is_active: Mapped[bool] = mapped_column(server_default="true")
    revision: Mapped[int] = mapped_column(server_default="1")
    """Raised with every change, so that processes open it anew."""
    created_by: Mapped[uuid.UUID | None]
