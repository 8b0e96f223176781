"""Shapes of the audit trail."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict


class AuditRead(BaseModel):
    """A recorded action: its actor, object, address and credential."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    at: datetime
    actor_kind: str
    """`user`, `api_key`, `operator` (the command line) or `system`."""
    actor_id: uuid.UUID | None
    actor_name: str | None = None
    """Present name of the user, or their address where they have none, or of the key; null: none
    of them, or gone."""
    credential_id: uuid.UUID | None
    """The API key, or the session."""
    action: str
    object_kind: str | None
    object_id: uuid.UUID | None
    object_name: str | None = None
    """Present name or title of the object; null: it has none, is gone, or the reader may not read
    it."""
    address: str | None
    request_id: str | None
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Criteria for a list of events; an event must meet all that are given."""

    actor_id: uuid.UUID | None = None
    object_id: uuid.UUID | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Events before it."""
