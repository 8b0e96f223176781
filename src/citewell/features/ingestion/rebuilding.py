"""Building another generation of a tenant's index beside the live one, and letting it take over.

A generation is one embedding model and one chunking for each collection. Searches stay in the
live one; publishing, rollback and deletion during the build apply to both.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from citewell.core.blobs.encryption import DamagedFileError
from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.database.sessions import is_held, is_outage
from citewell.core.errors import ConflictError
from citewell.core.platform import Platform
from citewell.engine.chunking.base import Chunk, chunking_name
from citewell.engine.embedding.base import Embedder
from citewell.engine.errors import ProviderError
from citewell.engine.lexical.base import ANALYSIS
from citewell.engine.parsing.base import ParseError
from citewell.features.audit import service as audit
from citewell.features.ingestion import generations, pipeline
from citewell.features.ingestion.errors import AbandonedError
from citewell.features.ingestion.generations import Rebuild
from citewell.features.ingestion.pace import IngestPace
from citewell.features.ingestion.progress import StageCounter
from citewell.features.ingestion.service import sizes_for
from citewell.indexes.contract import Generation, index_of
from citewell.indexes.events import Publication, VersionKey, VersionRebuilt
from citewell.kit.tasks import TaskGroup

log = structlog.get_logger(__name__)

LISTED = 200
"""Versions that are looked up at a time."""

COMPARED = 1_000
"""Versions whose chunking is compared at a time: two statements of some milliseconds."""

MAX_FAILURES = 8
"""Failures in a row of the model or the database for one version before the run ends; with the
pauses below about four minutes. What is built stays, so ending loses nothing."""

OnProgress = Callable[["Rebuilding"], None]


@dataclass(slots=True)
class Rebuilding:
    """State of a rebuild."""

    live: Generation
    building: Generation
    embedder: Embedder
    chunks_total: int
    chunks_done: int
    is_forced: bool = False
    """Whether everything is computed anew."""
    documents: int = 0
    """Versions built by this run."""
    vanished: set[uuid.UUID] = field(default_factory=set[uuid.UUID])
    """Versions of which no passages were found. If one is listed again, it was not deleted: its
    passages are lost."""
    kept: list[tuple[uuid.UUID, int, str]] = field(default_factory=list[tuple[uuid.UUID, int, str]])
    """Documents and versions that keep their passages although another chunking is asked for, with
    the reason."""


class LostPassagesError(ConflictError):
    """The live generation lists a version it has no passages of."""

    def __init__(self, document_id: uuid.UUID, number: int) -> None:
        super().__init__(
            f"Version {number} of the document {document_id} has lost its passages. "
            "Run `citewell doctor --repair`, then this again."
        )


class _TooLongError(Exception):
    """A passage is longer than the model takes."""


def alone(platform: Platform, caller: Caller) -> AbstractAsyncContextManager[None]:
    """Hold the tenant's only place for a rebuild of its index.

    Raises:
        ConflictError: Another process is rebuilding it.
    """
    return generations.only_builder(platform.database, caller.tenant_id)


async def begin(
    platform: Platform, caller: Caller, embedding: str | None, *, force: bool = False
) -> Rebuilding | None:
    """Begin a generation, or continue an unfinished one; None if there is nothing to do.

    Args:
        platform: Index and models.
        caller: The operator, in the tenant.
        embedding: The model, in the form of CITEWELL_EMBEDDING; None: the library's present one.
        force: Build even if model and chunking are up to date.

    Raises:
        ProviderConfigurationError, ProviderError: The model cannot be used.
    """
    live = await index_of(platform).searcher.current_generation(caller.tenant_id)
    if live is None:
        return None
    if embedding is None:
        embedder = await platform.embedder_of(live.embedding)
    elif embedding == platform.settings.embedding:
        embedder = platform.embedder
    else:
        embedder = await platform.embedders.open(embedding)
    async with unit_of_work(platform, caller) as ctx:
        is_same = (live.embedding, live.dimensions, live.analysis) == (
            embedder.spec.name,
            embedder.spec.dimensions,
            ANALYSIS,
        )
        if is_same and not force and not await _is_cut_otherwise(ctx, live):
            return None
        # A run that was killed is continued, unless collections ask for another chunking since.
        building = await index_of(platform).generations.begin(ctx, embedder.spec, anew=False)
        if await _is_cut_otherwise(ctx, building):
            building = await index_of(platform).generations.begin(ctx, embedder.spec, anew=True)
        chunks_total = await index_of(platform).generations.chunk_count(ctx, live.id)
        chunks_done = await index_of(platform).generations.chunk_count(ctx, building.id)
    return Rebuilding(live, building, embedder, chunks_total, chunks_done, is_forced=force)


async def _is_cut_otherwise(ctx: Context, generation: Generation) -> bool:
    """Whether the generation has a version whose chunking differs from its collection's."""
    after = uuid.UUID(int=0)
    while wanted := await generations.wanted_chunkings(ctx.session, after, COMPARED):
        after = max(wanted)
        complete = await index_of(ctx.platform).generations.complete(
            ctx, generation.id, list(wanted)
        )
        # Versions from before chunking was recorded have None, which counts as different.
        if any(each.chunking != wanted[each.version_id] for each in complete):
            return True
    return False


async def run(
    platform: Platform, caller: Caller, work: Rebuilding, on_progress: OnProgress
) -> None:
    """Build the missing versions and let the generation take over; can be killed and repeated.

    Raises:
        ProviderError, ProviderConfigurationError: The model failed.
        sqlalchemy.exc.SQLAlchemyError: The database does not answer.
        LostPassagesError: The live generation lacks passages.
        GenerationChangedError: The generation being built was given up by somebody else.
    """
    while True:
        async with unit_of_work(platform, caller) as ctx:
            lacking = await index_of(platform).generations.lacking(
                ctx, work.live, work.building, limit=LISTED
            )
            waiting = await generations.rebuilds(ctx.session, lacking)
        if waiting:
            await _build_all(platform, work, caller.tenant_id, waiting, on_progress)
            continue
        # Before the take-over, so that the first search finds indexes and current statistics.
        await index_of(platform).maintenance.fold_statistics(caller.tenant_id)
        await index_of(platform).maintenance.build_indexes(caller.tenant_id, at_once=True)
        if await _take_over_patiently(platform, caller, work):
            return


async def _take_over_patiently(platform: Platform, caller: Caller, work: Rebuilding) -> bool:
    """`_take_over`, repeated while long transactions such as imports hold the generation."""
    failures = 0
    while True:
        try:
            return await _take_over(platform, caller, work)
        except SQLAlchemyError as error:
            failures += 1
            if not is_held(error) or failures >= MAX_FAILURES:
                raise
            longest = platform.state_of(IngestPace).longest_pause_seconds
            # Doubling from 2 s. Only waits for locks are repeated here; other errors end the run.
            await asyncio.sleep(min(2.0**failures, longest))


async def _take_over(platform: Platform, caller: Caller, work: Rebuilding) -> bool:
    """Let the new generation answer; False if a version published meanwhile is still missing."""
    async with unit_of_work(platform, caller) as ctx:
        recut = await index_of(platform).generations.take_over(ctx, work.building)
        if recut is None:
            return False
        await generations.note_chunk_counts(ctx.session, recut)
        details = {"from": work.live.embedding, "to": work.building.embedding}
        await audit.record(ctx, "index.rebuilt", details=details)
    log.info("index_rebuilt", generation=work.building.id, embedding=work.building.embedding)
    return True


async def _build_all(
    platform: Platform,
    work: Rebuilding,
    tenant_id: uuid.UUID,
    waiting: list[Rebuild],
    on_progress: OnProgress,
) -> None:
    """Build versions concurrently, with the concurrency of a worker."""
    queue = iter(waiting)

    async def build_next() -> None:
        for version in queue:
            await _build_patiently(platform, work, tenant_id, version)
            work.documents += 1
            work.chunks_done += version.chunk_count
            on_progress(work)

    async with TaskGroup() as group:
        for _ in range(platform.settings.worker_concurrency):
            group.create_task(build_next())


async def _build_patiently(
    platform: Platform, work: Rebuilding, tenant_id: uuid.UUID, version: Rebuild
) -> None:
    failures = 0
    while True:
        try:
            await _build(platform, work, tenant_id, version)
        except AbandonedError:
            if version.version_id in work.vanished:
                raise LostPassagesError(version.document_id, version.number) from None
            work.vanished.add(version.version_id)  # deleted meanwhile, unless it is listed again
            return
        except (ProviderError, SQLAlchemyError) as error:
            failures += 1
            can_heal = error.retryable if isinstance(error, ProviderError) else is_outage(error)
            if not can_heal or failures >= MAX_FAILURES:
                raise
            asked = error.retry_after if isinstance(error, ProviderError) else None
            longest = platform.state_of(IngestPace).longest_pause_seconds
            await asyncio.sleep(min(asked or 2.0**failures, longest))
        else:
            return


async def _build(
    platform: Platform, work: Rebuilding, tenant_id: uuid.UUID, version: Rebuild
) -> None:
    """Make one version of the new generation, from its passages or from its file."""
    key = VersionKey(
        version.document_id,
        version.version_id,
        version.collection_id,
        version.access_level,
    )
    target = pipeline.IngestTarget(
        tenant_id=tenant_id,
        key=key,
        generation=work.building,
        embedder=work.embedder,
        hold=partial(_hold, version.version_id),
        has_earlier_chunks=True,
        vectors_of=None if work.is_forced else _vectors_of(work),
        stores_text=False,
    )
    wanted = chunking_name(version.chunk_strategy, version.chunk_size, version.chunk_overlap)
    why, outcome = "", None
    # Embedding the stored passages anew is the cheap way; another chunking, or passages too long
    # for the new model, need the file.
    if version.chunking != wanted:
        outcome, why = await _from_file(platform, target, version)
    else:
        try:
            outcome = await _from_passages(platform, work, target, version, is_strict=True)
        except _TooLongError:
            outcome, why = await _from_file(platform, target, version)
    if outcome is None:
        outcome = await _from_passages(platform, work, target, version, is_strict=False)
        work.kept.append((version.document_id, version.number, why))
    await _complete(platform, target, outcome, wanted)


def _vectors_of(work: Rebuilding) -> int | None:
    """The live generation, if the model is the same: then vectors need not be computed anew."""
    live, building = work.live, work.building
    is_same = (live.embedding, live.dimensions) == (building.embedding, building.dimensions)
    return live.id if is_same else None


async def _complete(
    platform: Platform,
    target: pipeline.IngestTarget,
    outcome: pipeline.PipelineResult,
    chunking: str,
) -> None:
    """Store the last batch, which completes the version in the new generation."""
    key = target.key
    async with unit_of_work(platform, Caller(target.tenant_id, SYSTEM)) as ctx:
        held = await generations.hold_pointer(ctx.session, key.version_id)
        if held is None:
            raise AbandonedError
        active_version_id, collection_id, access_level = held
        current = VersionKey(key.document_id, key.version_id, collection_id, access_level)
        publication = Publication(
            last_rows=outcome.last.rows if outcome.last else (),
            chunk_count=outcome.chunk_count,
            term_frequencies=outcome.term_frequencies,
            has_predecessor=False,
            is_retry=True,
            chunking=chunking,
        )
        is_active = active_version_id == key.version_id
        await index_of(platform).writer.apply(
            ctx, VersionRebuilt(current, target.generation.id, publication, is_active)
        )


async def _hold(version_id: uuid.UUID, ctx: Context) -> bool:
    return await generations.hold_pointer(ctx.session, version_id) is not None


async def _from_passages(
    platform: Platform,
    work: Rebuilding,
    target: pipeline.IngestTarget,
    version: Rebuild,
    *,
    is_strict: bool,
) -> pipeline.PipelineResult:
    """Embed the version's stored passages.

    Raises:
        _TooLongError: `is_strict`, and a passage is longer than the model takes.
    """
    caller = Caller(target.tenant_id, SYSTEM)
    limit = sizes_for(version.chunk_size, version.chunk_overlap, work.embedder.spec).limit

    async def stored() -> AsyncIterator[list[Chunk]]:
        first = 0
        while True:
            async with unit_of_work(platform, caller) as ctx:
                some = await index_of(platform).generations.chunks(
                    ctx,
                    version.version_id,
                    work.live.id,
                    first=first,
                    limit=platform.state_of(IngestPace).batch_chunks,
                )
            if not some:
                return
            # Counted with the new model's tokenizer: 200 tokens of one may be 300 of another.
            texts = [chunk.text for chunk in some]
            counts = await asyncio.to_thread(work.embedder.count_tokens, texts)
            if is_strict and max(counts) > limit:
                raise _TooLongError
            yield [
                Chunk(
                    ordinal=chunk.ordinal,
                    text=chunk.text,
                    start=chunk.start,
                    end=chunk.end,
                    heading=chunk.heading,
                    page=chunk.page,
                    page_breaks=chunk.page_breaks,
                    token_count=count,
                    context=chunk.context,
                )
                for chunk, count in zip(some, counts, strict=True)
            ]
            first = some[-1].ordinal + 1

    title = version.given_title or version.parsed_title or version.filename
    outcome = await pipeline.run_again(platform, target, title, stored())
    if not outcome.chunk_count:
        raise AbandonedError
    return outcome


async def _from_file(
    platform: Platform, target: pipeline.IngestTarget, version: Rebuild
) -> tuple[pipeline.PipelineResult | None, str]:
    """Chunk the file as its collection asks now; None and the reason if that is impossible.

    The text of a version never changes, because citations point into it: if today's parser reads
    the file differently, the old passages stay.
    """
    source = partial(
        pipeline.SourceFile,
        filename=version.filename,
        title=version.given_title,
        chunk_strategy=version.chunk_strategy,
        sizes=sizes_for(version.chunk_size, version.chunk_overlap, target.embedder.spec),
    )
    tenant_id = target.tenant_id
    try:
        async with platform.blobs.local_file(tenant_id, version.sha256) as path:
            outcome = await pipeline.run(platform, target, source(path=path), StageCounter())
    except (FileNotFoundError, DamagedFileError):
        return None, "the original is lost or damaged"
    except ParseError as error:
        return None, f"the original cannot be read any more: {error.message}"
    async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
        stored = await generations.stored_text_hash(ctx.session, target.key.version_id)
    if outcome.text_hash != stored or not outcome.chunk_count:
        return None, "its text would be different if it were read today"
    return outcome, ""
