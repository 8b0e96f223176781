"""Text and chunks of one imported version, on their way into the database."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence

import anyio.to_thread
import numpy as np

from citewell.core.context import Context
from citewell.core.errors import UnavailableError
from citewell.engine.chunking.base import content_hash, embedding_text
from citewell.engine.embedding.base import Vector
from citewell.engine.lexical.base import ANALYSIS
from citewell.engine.lexical.weighing import PassageWeigher
from citewell.engine.text.language import UNDETERMINED
from citewell.features.transfers import repository
from citewell.features.transfers.errors import DamagedExportError
from citewell.features.transfers.schemas import (
    ChunkRecord,
    ChunksRecord,
    TextRecord,
    VersionRecord,
)
from citewell.features.transfers.vectors import chunk_of, decoded
from citewell.indexes.contract import Generation, GenerationChangedError, index_of
from citewell.indexes.events import (
    ChunkRow,
    ChunksStaged,
    Publication,
    VersionKey,
    VersionShelved,
)
from citewell.models.documents import DocumentText

MAX_TERMS = 1_000
"""Of a chunk (`PassageTerms.weights`)."""

# The largest finite value of half precision (IEEE 754 binary16): the vectors are stored as such.
LARGEST_HALF = 65_504.0
SMALLEST_FLOAT = float(np.finfo(np.float32).tiny)
"""Below it the database refuses a weight. Weights of a file are looked at and not used: what cannot
be shows that it was made by something else."""


class VersionRows:
    """Takes the parts of a version in; its chunks are staged, and found by nobody.

    Holds the version's text, so that no passage can be forged: what is cited stands in it. Each
    call may be in a transaction of its own.
    """

    def __init__(
        self, key: VersionKey, generation: Generation | None, record: VersionRecord, title: str
    ) -> None:
        self._key = key
        self._generation = generation
        self._record = record
        # Without a generation the version is cut and weighed anew, by a job.
        analysis = ANALYSIS if generation is None else generation.analysis
        self._weigher = PassageWeigher(title, analysis=analysis)
        self._chars = 0
        self._starts: list[int] = []
        self._texts: list[str] = []
        self._held: list[ChunkRow] = []
        self._frequencies: Counter[int] = Counter()
        self.chunks = 0
        self.new_ids = 0

    async def take(self, ctx: Context, part: TextRecord | ChunksRecord) -> None:
        """The next part.

        Raises:
            DamagedExportError: It cannot be.
            UnavailableError: The index was replaced just now.
        """
        if isinstance(part, TextRecord):
            await self._text(ctx, part)
        else:
            await self._rows(ctx, part)

    async def _text(self, ctx: Context, part: TextRecord) -> None:
        # Texts come before passages, so that each passage can be compared with its text.
        if part.start != self._chars or not part.text or self.chunks:
            raise _damaged("a text has a gap")
        self._starts.append(part.start)
        self._texts.append(part.text)
        self._chars += len(part.text)
        row = {
            "tenant_id": ctx.tenant_id,
            "version_id": self._key.version_id,
            "start_offset": part.start,
            "text": part.text,
        }
        await repository.add(ctx.session, DocumentText, [row])

    async def _rows(self, ctx: Context, part: ChunksRecord) -> None:
        assert self._generation is not None
        if self._held:
            await _apply(ctx, ChunksStaged(self._key, self._generation.id, self._held))
        writer = index_of(ctx.platform).writer
        taken = await writer.taken_ids(ctx, [row.id for row in part.rows])
        # If an id occurs twice, all of the record get new ones; the database would refuse the
        # batch.
        is_repeated = len({row.id for row in part.rows}) < len(part.rows)
        is_new = [is_repeated or row.id in taken for row in part.rows]
        self.new_ids += sum(is_new)
        # Weighing is real work: not in the event loop.
        self._held = await anyio.to_thread.run_sync(self._made, part.rows, is_new)

    def _made(self, rows: Sequence[ChunkRecord], is_new: Sequence[bool]) -> list[ChunkRow]:
        made: list[ChunkRow] = []
        language = UNDETERMINED
        self._weigher.read(row.text for row in rows)
        for row, has_new_id in zip(rows, is_new, strict=True):
            made.append(self._row(row, language, is_new=has_new_id))
            language = made[-1].language
            self._frequencies.update(made[-1].terms.keys())
            self.chunks += 1
        return made

    def _row(self, row: ChunkRecord, language: str, *, is_new: bool) -> ChunkRow:
        """A passage of what stands in its document; what search knows of it is made here.

        Weights and hashes of the file would let a passage win any question, or lend its vector to
        a text that is not its own.
        """
        if row.ordinal != self.chunks or not row.start <= row.end <= self._chars:
            raise _damaged("a passage is in the wrong place")
        if row.text != self._stretch(row.start, row.end):
            raise _damaged("a passage is not what stands in its document")
        if len(row.terms) > MAX_TERMS or not all(
            SMALLEST_FLOAT <= weight < LARGEST_HALF for weight in row.terms.values()
        ):
            raise _damaged("the terms of a passage cannot be")
        language, terms = self._weigher.weigh(row.text, row.context, row.heading, language)
        embedded = embedding_text(chunk_of(row), self._weigher.title)
        return ChunkRow(
            ordinal=row.ordinal,
            text=row.text,
            context=row.context,
            heading=tuple(row.heading),
            page=row.page,
            page_breaks=tuple(at for at in row.page_breaks if at < len(row.text)),
            start=row.start,
            end=row.end,
            language=language,
            content_hash=content_hash(embedded),
            embedding=self._vector(row.vector),
            terms=terms,
            id=None if is_new else row.id,
        )

    def _stretch(self, start: int, end: int) -> str:
        """The text from one offset to another."""
        first = bisect_right(self._starts, start) - 1
        last = bisect_left(self._starts, end)
        if first < 0:
            return ""
        offset = self._starts[first]
        return "".join(self._texts[first:last])[start - offset : end - offset]

    def _vector(self, encoded: str) -> Vector:
        """A vector of the library's model, made of nothing but finite numbers."""
        assert self._generation is not None
        numbers = decoded(encoded)
        if numbers is None:
            raise _damaged("a vector is damaged")
        if len(numbers) != self._generation.dimensions or not np.isfinite(numbers).all():
            raise _damaged("a vector is not of its model")
        return numbers

    async def finish(self, ctx: Context) -> None:
        """All parts were there: the index has the whole version, and does not show it yet.

        Raises:
            DamagedExportError: Something is missing.
            UnavailableError: The index was replaced just now.
        """
        assert self._generation is not None
        record = self._record
        if self.chunks != record.chunk_count or not self.chunks:
            raise _damaged("passages are missing")
        if record.char_count is not None and record.char_count != self._chars:
            raise _damaged("a text is not whole")
        publication = Publication(
            last_rows=self._held,
            chunk_count=self.chunks,
            term_frequencies=dict(self._frequencies),
            has_predecessor=False,
            is_retry=False,
            chunking=record.chunking or "",
        )
        await _apply(ctx, VersionShelved(self._key, self._generation.id, publication))


async def _apply(ctx: Context, event: ChunksStaged | VersionShelved) -> None:
    try:
        await index_of(ctx.platform).writer.apply(ctx, event)
    except GenerationChangedError as error:
        raise UnavailableError(str(error)) from None


def _damaged(what: str) -> DamagedExportError:
    return DamagedExportError(f"The export cannot be read: {what}.")
