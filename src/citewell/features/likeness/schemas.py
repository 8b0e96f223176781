"""Shapes of documents of nearly the same text."""

import uuid

from pydantic import BaseModel


class LikeDocument(BaseModel):
    """A document of nearly the same text that the caller may read."""

    document_id: uuid.UUID
    title: str
    likeness: float
    """Share of the text that both have in common, 0.8 to 1."""


class LikeDocuments(BaseModel):
    """Documents that a document resembles, the nearest first."""

    document_id: uuid.UUID
    resembles: list[LikeDocument]
