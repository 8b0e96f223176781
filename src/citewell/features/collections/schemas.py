"""Shapes of collections."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from citewell.access.policy import Visibility
from citewell.kit.bodies import RequestBody
from citewell.kit.visible import VISIBLE_LINE, VISIBLE_TEXT

Name = Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE]
Description = Annotated[str, Field(max_length=2000), VISIBLE_TEXT]
# Below 32 tokens a passage says too little to be found; above 2,000 most embedders cut it off.
ChunkSize = Annotated[int, Field(ge=32, le=2000, description="Tokens of a passage.")]
ChunkOverlap = Annotated[int, Field(ge=0, le=1000, description="Tokens passages share.")]
# A hundred years: further back no date is meant.
KeepDays = Annotated[
    int,
    Field(
        ge=1,
        le=36_500,
        description="Days after which a document goes to the trash, counted from when the version "
        "that answers was published, restored or imported; null: never. For administrators.",
    ),
]


class CollectionCreate(RequestBody):
    """A collection to make."""

    model_config = ConfigDict(str_strip_whitespace=True)

    name: Name
    description: Description = ""
    visibility: Visibility = Field(
        default=Visibility.OPEN,
        description="`open`: roles read by access level; `private`: only whom it is granted to.",
    )
    chunk_strategy: str = "structure"
    # Leaves room for the heading within the 256 tokens at which the bundled embedder cuts off.
    chunk_size: ChunkSize = 200
    chunk_overlap: ChunkOverlap = 0
    keep_days: KeepDays | None = None


class CollectionUpdate(RequestBody):
    """Changes to a collection; new chunking applies to documents ingested from now on."""

    model_config = ConfigDict(str_strip_whitespace=True)

    name: Name | None = None
    description: Description | None = None
    visibility: Visibility | None = Field(
        default=None, description="Changed by administrators only."
    )
    chunk_strategy: str | None = None
    chunk_size: ChunkSize | None = None
    chunk_overlap: ChunkOverlap | None = None
    keep_days: KeepDays | None = None
    """Null takes the rule away; left out it stays as it is, like all others that are null."""

    def changes(self) -> dict[str, object]:
        """The fields to change, with their values."""
        given = self.model_dump(exclude_none=True)
        if "keep_days" in self.model_fields_set:
            given["keep_days"] = self.keep_days
        return given


class CollectionRead(BaseModel):
    """A collection as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    description: str
    visibility: Visibility
    chunk_strategy: str
    chunk_size: int
    chunk_overlap: int
    keep_days: int | None
    created_at: datetime
    updated_at: datetime


class CollectionListed(CollectionRead):
    """A collection in the list, with what it holds for the caller."""

    documents: int = Field(
        description="Number of its documents that the caller may read, of every status."
    )
