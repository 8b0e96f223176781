"""Vectors of an export, believed only where some of them are found to be of their texts."""

import base64
import binascii
import random
from collections.abc import Sequence

import numpy as np

from citewell.core.platform import Platform
from citewell.engine.chunking.base import Chunk, embedding_text
from citewell.engine.embedding.base import Embedder, Vector
from citewell.features.transfers.pace import ImportPace
from citewell.features.transfers.schemas import (
    ChunkRecord,
    ChunksRecord,
    CollectionRecord,
    DocumentRecord,
    Record,
    VersionRecord,
)

LIKE_ENOUGH = 0.9
"""Least cosine between a vector and the one made here. The same text gives above 0.99 in half
precision and on other processors; a title that was changed since gives less, which costs embedding
the record again. A vector made for a question that it is to win has about 0.5."""


def chunk_of(row: ChunkRecord) -> Chunk:
    """A passage of an export as the chunker made it."""
    return Chunk(
        ordinal=row.ordinal,
        text=row.text,
        start=row.start,
        end=row.end,
        heading=tuple(row.heading),
        page=row.page,
        token_count=0,
        context=row.context,
    )


class VectorCheck:
    """Looks at the records of an import in their order, between its transactions."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._chance = random.SystemRandom()
        self._is_of_our_model = False
        self._titles: list[str] = []
        """Titles that the passages at hand may have been embedded with."""
        self._document: DocumentRecord | None = None
        self._has_looked = False
        self._is_believed = True

    async def look(self, records: Sequence[Record]) -> list[Record]:
        """The records; vectors are new where those of a record do not fit its texts.

        Raises:
            ProviderError: The embedder failed.
        """
        return [await self._look(record) for record in records]

    async def _look(self, record: Record) -> Record:
        spec = self._platform.embedder.spec
        if isinstance(record, CollectionRecord):
            theirs = record.embedding
            self._is_of_our_model = theirs is not None and (theirs.name, theirs.dimensions) == (
                spec.name,
                spec.dimensions,
            )
        elif isinstance(record, DocumentRecord):
            self._document = record
        elif isinstance(record, VersionRecord) and self._document is not None:
            names = (self._document.title, record.parsed_title, self._document.filename)
            self._titles = list(dict.fromkeys(name for name in names if name))
        elif isinstance(record, ChunksRecord) and self._is_of_our_model and self._titles:
            return await self._checked(record)
        return record

    async def _checked(self, record: ChunksRecord) -> ChunksRecord:
        rows, embedder = record.rows, self._platform.embedder
        share = self._platform.state_of(ImportPace).checked_share
        looked_at = [row for row in rows if self._chance.random() < share]
        if not self._has_looked and not looked_at:
            looked_at = [self._chance.choice(rows)]
        self._has_looked = True
        for row in looked_at if self._is_believed else ():
            self._is_believed &= await self._likeness(embedder, row) >= LIKE_ENOUGH
        if self._is_believed:
            return record
        texts = [embedding_text(chunk_of(row), self._titles[0]) for row in rows]
        vectors = await embedder.embed_passages(texts)
        made = [
            row.model_copy(update={"vector": _encoded(vector)})
            for row, vector in zip(rows, vectors, strict=True)
        ]
        return record.model_copy(update={"rows": made})

    async def _likeness(self, embedder: Embedder, row: ChunkRecord) -> float:
        given = decoded(row.vector)
        if given is None or len(given) != embedder.spec.dimensions or not np.isfinite(given).all():
            return 1.0  # refused where it is taken in, with an error that says so
        texts = [embedding_text(chunk_of(row), title) for title in self._titles]
        made = await embedder.embed_passages(list(dict.fromkeys(texts)))
        return max(_cosine(given, vector) for vector in made)


def decoded(vector: str) -> "Vector | None":
    """The numbers of a vector; None if they cannot be read."""
    try:
        numbers = np.frombuffer(base64.b64decode(vector, validate=True), dtype="<f2")
    except (binascii.Error, ValueError):
        return None
    return numbers.astype(np.float32)


def _encoded(vector: Vector) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f2").tobytes()).decode()


def _cosine(one: Vector, other: Vector) -> float:
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 0.0
