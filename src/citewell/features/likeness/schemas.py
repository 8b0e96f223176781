"""Shapes of documents of nearly the same text."""

import uuid

from pydantic import BaseModel

from citewell.features.documents.schemas import OtherDocument


class LikeDocument(OtherDocument):
    """A document of the same content, or nearly the same text, that the caller may read."""

    likeness: float
    """Share of the text that both have in common, 0.8 to 1; 1 of the same content."""


class LikeDocuments(BaseModel):
    """Documents that a document resembles, the nearest first."""

    document_id: uuid.UUID
    resembles: list[LikeDocument]
