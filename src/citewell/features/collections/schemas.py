"""Shapes of collections."""

import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from citewell.kit.storable import StorableText


class CollectionCreate(BaseModel):
    """A collection to make."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: StorableText = Field(min_length=1, max_length=200)
    description: StorableText = Field(default="", max_length=2000)
    chunk_strategy: str = "structure"
    chunk_size: int = Field(default=200, ge=32, le=2000, description="Tokens of a passage.")
    chunk_overlap: int = Field(default=0, ge=0, le=1000, description="Tokens passages share.")


class CollectionRead(BaseModel):
    """A collection as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    description: str
    chunk_strategy: str
    chunk_size: int
    chunk_overlap: int
    created_at: datetime
    updated_at: datetime
