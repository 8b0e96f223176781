"""One attempt to make a version ready, from its job to its publication."""

import json
import time
import uuid
from dataclasses import asdict
from functools import partial

import structlog

from citewell.core.blobs.encryption import DamagedFileError
from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.database.keyring import MasterKeyError
from citewell.core.jobs import TransientJobError
from citewell.core.platform import Platform
from citewell.engine.chunking.base import ChunkSizes, chunking_name
from citewell.engine.embedding.base import EmbedderSpec
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.parsing.base import ParseError, ParseFailure
from citewell.features.documents import service as documents
from citewell.features.ingestion import attaching, counting, pipeline, repository
from citewell.features.ingestion.errors import (
    EMBEDDING_FAILED,
    FILE_MISSING,
    INTERNAL,
    STORAGE_FAILED,
    AbandonedError,
    IngestionError,
)
from citewell.features.ingestion.pace import IngestPace
from citewell.features.ingestion.progress import ProgressNotes
from citewell.features.ingestion.repository import Assignment
from citewell.features.jobs import service as jobs
from citewell.features.jobs.schemas import NewJob
from citewell.indexes.contract import Generation, GenerationChangedError, index_of
from citewell.indexes.events import Publication, VersionKey, VersionPublished, VersionShelved
from citewell.models.work import JobStatus

log = structlog.get_logger(__name__)


async def process(platform: Platform, tenant_id: uuid.UUID, job_id: uuid.UUID) -> None:
    """Make the job's version ready, or mark it failed with a reason. Idempotent.

    Raises:
        TransientJobError: It did not work now and is to be tried again.
    """
    caller = Caller(tenant_id, SYSTEM)
    max_attempts = platform.state_of(IngestPace).max_attempts
    async with unit_of_work(platform, caller) as ctx:
        work = await repository.begin(ctx.session, job_id)
        if work is None:
            await jobs.finish(ctx, job_id, JobStatus.CANCELLED)
            return
        generation = await index_of(platform).generations.ensure(ctx, platform.embedder.spec)
    try:
        await _make_ready(platform, caller, work, generation)
    except AbandonedError:
        log.info("document_abandoned", document_id=str(work.document_id))
    except ParseError as error:
        await _fail(platform, caller, work, error.code, error.message)
    except IngestionError as error:
        await _fail(platform, caller, work, error.code, error.detail)
    except ProviderConfigurationError as error:
        await _fail(platform, caller, work, EMBEDDING_FAILED, str(error))
    except ProviderError as error:
        if not error.retryable or work.tries >= max_attempts:
            await _fail(platform, caller, work, EMBEDDING_FAILED, str(error))
            return
        await _wait(platform, caller, work, str(error), error.retry_after)
    except (MasterKeyError, GenerationChangedError) as error:
        await _wait(platform, caller, work, str(error), error.retry_after)
    except DamagedFileError as error:
        await _fail(platform, caller, work, STORAGE_FAILED, f"The original is damaged: {error}.")
    except OSError as error:
        reason = error.strerror or str(error)
        # A full disk or a store that is away can heal, so it is tried again for over an hour.
        if work.tries >= max_attempts:
            await _fail(platform, caller, work, STORAGE_FAILED, reason)
            return
        await _wait(platform, caller, work, reason, None)


async def _make_ready(
    platform: Platform, caller: Caller, work: Assignment, generation: Generation
) -> None:
    embedder = await platform.embedder_of(generation.embedding)
    key = VersionKey(work.document_id, work.version_id, work.collection_id, work.access_level)
    target = pipeline.IngestTarget(
        tenant_id=caller.tenant_id,
        key=key,
        generation=generation,
        embedder=embedder,
        hold=partial(_hold, work),
        has_earlier_chunks=work.has_earlier_attempts or work.number > 1,
        has_earlier_text=work.has_earlier_attempts,
    )
    try:
        async with platform.blobs.local_file(caller.tenant_id, work.sha256) as path:
            outcome = await pipeline.run(
                platform,
                target,
                pipeline.SourceFile(
                    path=path,
                    filename=work.filename,
                    title=work.title if work.has_given_title else None,
                    chunk_strategy=work.chunk_strategy,
                    sizes=sizes_for(work.chunk_size, work.chunk_overlap, embedder.spec),
                ),
                ProgressNotes(platform, caller, work.job_id, work.attempt),
            )
            if outcome.info is not None and outcome.info.attachments:
                await attaching.take_in(platform, caller, work, path, outcome.title)
    except FileNotFoundError as error:
        raise IngestionError(FILE_MISSING, f"The stored file cannot be found: {error}.") from error
    # A file without text is a failure: a ready document that no search finds would puzzle people.
    if not outcome.chunk_count:
        raise ParseError(ParseFailure.EMPTY, "The document has no text.")
    began = time.perf_counter()
    await _publish(platform, caller, work, target, outcome)
    outcome.seconds["publish"] = time.perf_counter() - began
    counting.note_ready(platform, work, outcome)
    await index_of(platform).maintenance.fold_statistics(
        caller.tenant_id, at_most_every=platform.state_of(IngestPace).fold_seconds
    )


async def _publish(
    platform: Platform,
    caller: Caller,
    work: Assignment,
    target: pipeline.IngestTarget,
    outcome: pipeline.PipelineResult,
) -> None:
    """Let the version answer instead of its predecessor: all of it, in one transaction."""
    key, generation = target.key, target.generation
    async with unit_of_work(platform, caller) as ctx:
        locked = await repository.lock_for_publishing(ctx.session, work, outcome.chunk_count)
        if locked is None:
            raise AbandonedError
        if locked.ready_id is not None and locked.takes_over:
            # A statement before `note_ready`, because a unique index allows one ready version.
            await repository.supersede(ctx.session, locked.ready_id)
        assert outcome.info is not None
        facts = {
            "mime_type": outcome.info.mime_type,
            "parsed_title": outcome.info.title,
            "page_count": outcome.info.page_count,
            "char_count": outcome.char_count,
            "chunk_count": outcome.chunk_count,
            "embedded_count": outcome.embedded_count,
            "warnings": json.dumps([asdict(each) for each in outcome.warnings]),
        }
        last = outcome.last or pipeline.Batch()
        await pipeline.make_room(ctx, target, outcome)
        await repository.note_ready(
            ctx.session,
            work,
            facts,
            last.segments,
            title=None if locked.has_given_title else outcome.title[:500],
            takes_over=locked.takes_over,
        )
        current = VersionKey(
            key.document_id, key.version_id, locked.collection_id, locked.access_level
        )
        publication = Publication(
            last_rows=last.rows,
            chunk_count=outcome.chunk_count,
            term_frequencies=outcome.term_frequencies,
            has_predecessor=locked.has_predecessor,
            # Only then may staged rows of an earlier attempt exist, and looking for them costs a
            # statement.
            is_retry=work.has_earlier_attempts or locked.is_active,
            chunking=chunking_name(work.chunk_strategy, work.chunk_size, work.chunk_overlap),
            is_answering=locked.is_active,
        )
        completed = VersionPublished if locked.takes_over else VersionShelved
        await index_of(platform).writer.apply(ctx, completed(current, generation.id, publication))
    log.info("document_ready", document_id=str(key.document_id), chunks=outcome.chunk_count)


async def read_again(ctx: Context, version_id: uuid.UUID) -> uuid.UUID | None:
    """Queue a version to be made from its original again, in any state; returns the job's id.

    A published version keeps its role: it goes on answering meanwhile, and also if the original
    cannot be read. None if there is no such version.
    """
    reopened = await repository.reopen(ctx.session, version_id)
    if reopened is None:
        return None
    # Counts one attempt more, so that a running attempt notices that it has lost the version.
    await jobs.replace_all(ctx, version_id, "The version is read again by another job.")
    new = NewJob(
        document_id=reopened.document_id,
        version_id=version_id,
        lock=jobs.lock_of(reopened.document_id),
        attempts=max(1, reopened.attempts),  # existing text and chunks count as an attempt
    )
    [job] = await jobs.enqueue(ctx, documents.INGEST_JOB, [new])
    return job.id


def sizes_for(chunk_size: int, chunk_overlap: int, spec: EmbedderSpec) -> ChunkSizes:
    """A collection's sizes, as far as the embedder can take them."""
    target = min(chunk_size, spec.max_tokens)
    return ChunkSizes(target, maximum=spec.max_tokens, overlap=min(chunk_overlap, target // 2))


async def _hold(work: Assignment, ctx: Context) -> bool:
    return await repository.hold(ctx.session, work.version_id, work.job_id, work.attempt)


async def _fail(
    platform: Platform, caller: Caller, work: Assignment, code: str, detail: str
) -> None:
    async with unit_of_work(platform, caller) as ctx:
        if not await _hold(work, ctx):
            return
        await _note_failure(ctx, work.document_id, work.version_id, work.job_id, code, detail)
    counting.note_failed(platform, work.filename)


async def note_crash(platform: Platform, tenant_id: uuid.UUID, job_id: uuid.UUID) -> None:
    """Mark the job's version failed after an unexpected error."""
    async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
        held = await repository.hold_open(ctx.session, job_id)
        if held is None:
            return
        document_id, version_id, filename = held
        detail = "An internal error; the server's log has the details."
        await _note_failure(ctx, document_id, version_id, job_id, INTERNAL, detail)
    counting.note_failed(platform, filename)


async def note_wait(
    platform: Platform, tenant_id: uuid.UUID, job_id: uuid.UUID, reason: str
) -> None:
    """Show that the job waits for another attempt, which the queue decided."""
    async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
        await jobs.put_off(ctx, job_id, reason)


async def _note_failure(
    ctx: Context,
    document_id: uuid.UUID,
    version_id: uuid.UUID,
    job_id: uuid.UUID,
    code: str,
    detail: str,
) -> None:
    await repository.fail_version(ctx.session, version_id, code, detail)
    await jobs.finish(ctx, job_id, JobStatus.FAILED, detail)
    log.info("document_failed", document_id=str(document_id), code=code)


async def _wait(
    platform: Platform, caller: Caller, work: Assignment, reason: str, retry_after: float | None
) -> None:
    async with unit_of_work(platform, caller) as ctx:
        if not await _hold(work, ctx):
            return
        await jobs.put_off(ctx, work.job_id, reason)
    raise TransientJobError(reason, retry_after)
