"""Turns a file into staged chunks, in concurrent stages with bounded batches."""

import asyncio
import hashlib
import time
import uuid
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.chunking.base import (
    BLOCK_SEPARATOR,
    Chunk,
    Chunker,
    ChunkSizes,
    content_hash,
    embedding_text,
)
from citewell.engine.chunking.registry import create_chunker
from citewell.engine.embedding.base import Embedder, Vector
from citewell.engine.lexical.weighing import PassageWeigher
from citewell.engine.parsing.base import Block, DocumentInfo, ParseWarning
from citewell.engine.text.language import UNDETERMINED
from citewell.features.ingestion import repository
from citewell.features.ingestion.errors import AbandonedError
from citewell.features.ingestion.pace import IngestPace
from citewell.features.ingestion.progress import StageCounter
from citewell.features.ingestion.recent import RecentVectors
from citewell.indexes.contract import Generation, index_of
from citewell.indexes.events import ChunkRow, ChunksStaged, VersionKey
from citewell.kit.spans import span
from citewell.kit.tasks import TaskGroup


@dataclass(frozen=True, slots=True)
class IngestTarget:
    """The version to make ready, and the generation it goes into."""

    tenant_id: uuid.UUID
    key: VersionKey
    generation: Generation
    embedder: Embedder
    """The embedder of the generation."""
    hold: Callable[[Context], Awaitable[bool]]
    """Locks the version for a transaction; False if this attempt may not write it any more."""
    has_earlier_chunks: bool
    """Whether an earlier version or attempt may have embedded some of the chunks."""
    vectors_of: int | None = None
    """Another generation of the same model, whose vectors are taken over."""
    stores_text: bool = True
    """Whether its text is stored; False if it is stored already."""
    has_earlier_text: bool = False
    """Whether an earlier attempt may have stored part of the text, to be replaced by this one."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file a version is made from, and the chunking."""

    path: Path
    filename: str
    title: str | None
    """The title a person gave; None: the document's own, or its file name."""
    chunk_strategy: str
    sizes: ChunkSizes


@dataclass(slots=True)
class PipelineResult:
    """Result of the pipeline; everything but `last` is staged in the index."""

    title: str
    info: DocumentInfo | None = None
    """None if nothing was parsed."""
    chunk_count: int = 0
    embedded_count: int = 0
    char_count: int = 0
    term_frequencies: Counter[int] = field(default_factory=Counter[int])
    warnings: Sequence[ParseWarning] = ()
    """Remarks of the parser."""
    acronyms: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Meanings of acronyms that the text has given so far."""
    text_hash: bytes = b""
    """SHA-256 of the extracted text in UTF-8."""
    has_text: bool = False
    """Whether part of the extracted text is stored."""
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    """Time that each stage has worked: `read`, `embed`, `store`; they run side by side."""
    last: "Batch | None" = None
    """The last batch, to be stored by the transaction that publishes."""


@dataclass(slots=True)
class Batch:
    """Chunks on their way through the stages, with the text they were cut from."""

    chunks: list[Chunk] = field(default_factory=list[Chunk])
    segments: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    texts: list[str] = field(default_factory=list[str])
    """The text that is embedded for each chunk, title and heading included."""
    rows: list[ChunkRow] = field(default_factory=list[ChunkRow])

    def full_ones(self, size: int) -> Iterator["Batch"]:
        """Take out batches of `size` chunks: a chunker may hold a document's beginning back."""
        while len(self.chunks) >= size:
            full, self.chunks = self.chunks[:size], self.chunks[size:]
            yield Batch(chunks=full)


class _TextRecorder:
    """Joins blocks to the extracted text and hands it out in stretches."""

    def __init__(self, segment_chars: int) -> None:
        self._segment_chars = segment_chars
        self.length = 0
        self.digest = hashlib.sha256()
        self._start = 0
        self._parts: list[str] = []

    def add(self, block: Block) -> None:
        # Offsets of chunks and citations count in this text, so the chunkers join blocks in the
        # same way.
        part = block.text if not self.length else BLOCK_SEPARATOR + block.text
        self._parts.append(part)
        self.digest.update(part.encode("utf-8", "surrogatepass"))
        self.length += len(part)

    def take(self, *, everything: bool = False) -> list[tuple[int, str]]:
        held = self.length - self._start
        if not held or (held < self._segment_chars and not everything):
            return []
        text = "".join(self._parts)
        size = self._segment_chars
        segments = [
            (self._start + offset, text[offset : offset + size])
            for offset in range(0, len(text), size)
        ]
        self._start, self._parts = self.length, []
        return segments


async def run(
    platform: Platform, target: IngestTarget, source: SourceFile, progress: StageCounter
) -> PipelineResult:
    """Parse, chunk, embed and stage one version; nothing of it is findable yet.

    Raises:
        ParseError: The file cannot be read.
        ProviderError: The embedder failed.
        AbandonedError: The version was deleted meanwhile, or the job cancelled or given to another
            worker.
    """
    async with platform.parser.open(source.path, source.filename) as parsed:
        outcome = PipelineResult(source.title or parsed.info.title or source.filename, parsed.info)
        progress.page_count = parsed.info.page_count
        chunker = create_chunker(source.chunk_strategy, target.embedder.count_tokens, source.sizes)
        pace = platform.state_of(IngestPace)
        batches = _cut(chunker, outcome, progress, parsed.blocks(), pace)
        await _work(platform, target, outcome, progress, batches)
        outcome.warnings = parsed.warnings
    return outcome


async def run_again(
    platform: Platform, target: IngestTarget, title: str, chunks: AsyncIterator[list[Chunk]]
) -> PipelineResult:
    """Embed and stage the existing chunks of a version for another generation.

    Raises:
        ProviderError: The embedder failed.
        AbandonedError: The version was deleted meanwhile.
    """
    outcome = PipelineResult(title)

    async def batches() -> AsyncIterator[Batch]:
        async for some in chunks:
            yield Batch(chunks=some)

    await _work(platform, target, outcome, StageCounter(), batches())
    return outcome


async def _work(
    platform: Platform,
    target: IngestTarget,
    outcome: PipelineResult,
    progress: StageCounter,
    batches: AsyncIterator[Batch],
) -> None:
    recent = RecentVectors(platform.state_of(IngestPace).recent_vectors)

    async def embed(batch: Batch) -> None:
        with _timed(outcome, "embed"):
            await _embed(platform, target, outcome, progress, recent, batch)

    async def store(batch: Batch) -> None:
        with _timed(outcome, "store"):
            await _store(platform, target, outcome, batch)

    await _side_by_side(progress, _timed_batches(outcome, batches), embed, store)


@contextmanager
def _timed(outcome: PipelineResult, stage: str) -> Generator[None, None, None]:
    began = time.perf_counter()
    yield
    taken = time.perf_counter() - began
    outcome.seconds[stage] = outcome.seconds.get(stage, 0.0) + taken


async def _timed_batches(
    outcome: PipelineResult, batches: AsyncIterator[Batch]
) -> AsyncIterator[Batch]:
    """The batches, with the time it took to make each, not that of waiting for the next stage."""
    while True:
        with _timed(outcome, "read"):
            batch = await anext(batches, None)
        if batch is None:
            return
        yield batch


async def _cut(
    chunker: Chunker,
    outcome: PipelineResult,
    notes: StageCounter,
    blocks: AsyncIterator[Block],
    pace: IngestPace,
) -> AsyncIterator[Batch]:
    recorder, batch = _TextRecorder(pace.segment_chars), Batch()
    waiting: list[Block] = []
    length = 0
    async for block in blocks:
        recorder.add(block)
        notes.page = block.page or notes.page
        waiting.append(block)
        length += len(block.text)
        if length < pace.feed_chars and len(waiting) < pace.feed_blocks:
            continue
        # Counting tokens and splitting is real work: not in the event loop.
        batch.chunks += await asyncio.to_thread(_feed, chunker, waiting)
        waiting, length = [], 0
        for full in batch.full_ones(pace.batch_chunks):
            full.segments = recorder.take()
            notes.cut += len(full.chunks)
            yield full
    batch.chunks += await asyncio.to_thread(_feed, chunker, waiting, is_end=True)
    for full in batch.full_ones(pace.batch_chunks):
        notes.cut += len(full.chunks)
        yield full
    batch.segments = recorder.take(everything=True)
    outcome.char_count, outcome.text_hash = recorder.length, recorder.digest.digest()
    notes.cut += len(batch.chunks)
    notes.is_parsed = True
    yield batch


def _feed(chunker: Chunker, blocks: Sequence[Block], *, is_end: bool = False) -> list[Chunk]:
    chunks = [chunk for block in blocks for chunk in chunker.feed(block)]
    if is_end:
        chunks += chunker.finish()
    return chunks


async def _embed(
    platform: Platform,
    target: IngestTarget,
    outcome: PipelineResult,
    notes: StageCounter,
    recent: RecentVectors,
    batch: Batch,
) -> None:
    batch.texts = [embedding_text(chunk, outcome.title) for chunk in batch.chunks]
    hashes = [content_hash(text) for text in batch.texts]
    known = recent.among(hashes)
    if target.has_earlier_chunks:
        known |= await _stored_vectors(platform, target, set(hashes) - known.keys())
    # By hash: a paragraph that occurs twice is embedded once.
    missing = {key: text for key, text in zip(hashes, batch.texts, strict=True) if key not in known}
    if missing:
        with span("embed passages", model=target.embedder.spec.name, count=len(missing)):
            vectors = await target.embedder.embed_passages(list(missing.values()))
        known |= dict(zip(missing, vectors, strict=True))
        outcome.embedded_count += len(missing)
    recent.keep(known)
    batch.rows = await asyncio.to_thread(
        _rows, batch, outcome, hashes, known, target.generation.analysis
    )
    notes.embedded += len(batch.rows)


async def _stored_vectors(
    platform: Platform, target: IngestTarget, hashes: set[bytes]
) -> dict[bytes, Vector]:
    """Vectors that earlier versions, attempts or generations left in the index."""
    found: dict[bytes, Vector] = {}
    generations = [
        number for number in (target.generation.id, target.vectors_of) if number is not None
    ]
    if not hashes:
        return found
    async with unit_of_work(platform, _caller(target)) as ctx:
        for generation in generations:
            wanted = list(hashes - found.keys())
            found |= await index_of(platform).writer.known_vectors(
                ctx, target.key.document_id, generation, wanted
            )
    return found


def _rows(
    batch: Batch,
    outcome: PipelineResult,
    hashes: Sequence[bytes],
    vectors: dict[bytes, Vector],
    analysis: int,
) -> list[ChunkRow]:
    rows: list[ChunkRow] = []
    language = UNDETERMINED
    weigher = PassageWeigher(outcome.title, outcome.acronyms, analysis)
    weigher.read(chunk.text for chunk in batch.chunks)
    outcome.acronyms = weigher.acronyms
    for chunk, key in zip(batch.chunks, hashes, strict=True):
        language, terms = weigher.weigh(chunk.text, chunk.context, chunk.heading, language)
        outcome.term_frequencies.update(terms.keys())
        rows.append(
            ChunkRow(
                ordinal=chunk.ordinal,
                text=chunk.text,
                context=chunk.context,
                heading=chunk.heading,
                page=chunk.page,
                page_breaks=chunk.page_breaks,
                start=chunk.start,
                end=chunk.end,
                language=language,
                content_hash=key,
                embedding=vectors[key],
                terms=terms,
            )
        )
    return rows


async def _store(
    platform: Platform, target: IngestTarget, outcome: PipelineResult, batch: Batch
) -> None:
    """Store the batch before this one; the last one is left to the publishing transaction."""
    held, outcome.last = outcome.last, batch
    outcome.chunk_count += len(batch.rows)
    if held is None:
        return
    async with unit_of_work(platform, _caller(target)) as ctx:
        if not await target.hold(ctx):
            raise AbandonedError
        if target.stores_text and held.segments:
            await make_room(ctx, target, outcome)
            await repository.add_text(ctx.session, target.key.version_id, held.segments)
            outcome.has_text = True
        staged = ChunksStaged(target.key, target.generation.id, held.rows)
        await index_of(platform).writer.apply(ctx, staged)


async def make_room(ctx: Context, target: IngestTarget, outcome: PipelineResult) -> None:
    """Delete the text of earlier attempts, once, before this attempt stores its first part."""
    if target.has_earlier_text and not outcome.has_text:
        await repository.forget_text(ctx.session, target.key.version_id)


def _caller(target: IngestTarget) -> Caller:
    return Caller(target.tenant_id, SYSTEM)


async def _side_by_side(
    notes: StageCounter,
    batches: AsyncIterator[Batch],
    *stages: Callable[[Batch], Coroutine[None, None, None]],
) -> None:
    """Run each stage in a task of its own; queues of one batch between them bound the memory."""
    # Parsing, embedding and the database wait for different things, so they overlap; with one batch
    # waiting before each stage, a file of any size needs the memory of a few batches.
    queues = [asyncio.Queue[Batch | None](maxsize=1) for _ in stages]

    async def produce() -> None:
        async for batch in batches:
            await queues[0].put(batch)
        # None ends each stage in turn.
        await queues[0].put(None)

    async def work(number: int) -> None:
        while (batch := await queues[number].get()) is not None:
            await stages[number](batch)
            if number + 1 < len(stages):
                await queues[number + 1].put(batch)
        if number + 1 < len(stages):
            await queues[number + 1].put(None)
        else:
            notes.end()

    async with TaskGroup() as group:
        group.create_task(notes.keep())
        group.create_task(produce())
        for number in range(len(stages)):
            group.create_task(work(number))
