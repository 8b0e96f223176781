"""The end of an import: all that was filled in unseen is there at once, or none of it is left."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import UnavailableError
from citewell.core.jobs import Urgency
from citewell.core.platform import Platform
from citewell.features.audit import service as audit
from citewell.features.collections.errors import CollectionExistsError
from citewell.features.documents import registering
from citewell.features.transfers import repository
from citewell.features.transfers.errors import ImportInterruptedError
from citewell.features.transfers.exporting import require_mover
from citewell.features.transfers.pace import ImportPace
from citewell.features.transfers.schemas import ImportReport
from citewell.features.transfers.stock import Stock
from citewell.features.trash import service as trash
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.indexes.contract import GenerationChangedError, IncompleteVersionError, index_of
from citewell.indexes.events import VersionKey, VersionRestored
from citewell.models.documents import DocumentVersion
from citewell.models.trash import trash_shown


@dataclass(slots=True)
class Filled:
    """Progress of an import into its collection."""

    report: ImportReport
    is_begun: bool = False
    """Whether the collection was made."""
    answering: list[tuple[VersionKey, int]] = field(default_factory=list[tuple[VersionKey, int]])
    """Versions that are to answer, with the number of their chunks."""
    waiting: list[DocumentVersion] = field(default_factory=list[DocumentVersion])
    """Versions that are to be ingested, because they have no vectors of this model."""


async def show(platform: Platform, caller: Caller, filled: Filled, stock: Stock) -> None:
    """Let a filled collection be there, in one transaction.

    What others wait for (the name, the counts of the tenant) is locked last.

    Raises:
        CollectionExistsError: The name was taken meanwhile.
        ImportInterruptedError: Upkeep has taken the import for dead.
        QuotaReachedError: The plan does not hold it.
        UnavailableError: The index was replaced just now.
    """
    report, pace = filled.report, platform.state_of(ImportPace)
    async with unit_of_work(platform, caller) as ctx:
        require_mover(ctx)
        async with trash_shown(ctx.session):
            if not await repository.put_off(ctx.session, report.collection_id, pace.lease_seconds):
                raise ImportInterruptedError
            await _let_answer(ctx, filled.answering, pace.shown_chunks)
            shown = await repository.show_collection(ctx.session, report.collection_id, report.name)
        if shown is None:
            raise CollectionExistsError(report.name)
        # Some of it is gone: upkeep has taken the import for dead meanwhile.
        if shown != report.documents:
            raise ImportInterruptedError
        if filled.waiting:
            await repository.queue(ctx.session, [version.id for version in filled.waiting])
            await registering.enqueue(ctx, filled.waiting, Urgency.BULK)
        await stock.settle(ctx)
        await audit.record(
            ctx,
            "collection.imported",
            object_kind="collection",
            object_id=report.collection_id,
            details={"documents": report.documents, "restricted": report.restricted},
        )
        amounts = {Metric.COLLECTIONS: 1, Metric.DOCUMENTS: report.documents}
        await usage.consume_all(ctx, amounts)


async def _let_answer(ctx: Context, answering: list[tuple[VersionKey, int]], at_once: int) -> None:
    if not answering:
        return
    index = index_of(ctx.platform)
    generation = await index.generations.live(ctx)
    assert generation is not None  # the versions are in one
    try:
        for some in _batches(answering, at_once):
            events = [VersionRestored(key, generation.id, chunks) for key, chunks in some]
            await index.writer.apply(ctx, *events)
    except (IncompleteVersionError, GenerationChangedError) as error:
        raise UnavailableError(str(error)) from None


def _batches(
    answering: list[tuple[VersionKey, int]], at_once: int
) -> Iterator[list[tuple[VersionKey, int]]]:
    batch, chunks = list[tuple[VersionKey, int]](), 0
    for each in answering:
        if batch and chunks + each[1] > at_once:
            yield batch
            batch, chunks = [], 0
        batch.append(each)
        chunks += each[1]
    yield batch


async def abandon(platform: Platform, caller: Caller, filled: Filled, stock: Stock) -> None:
    """Remove what was filled in, batch by batch, and the originals that nobody else needs."""
    if filled.is_begun:
        async with unit_of_work(platform, caller) as ctx, trash_shown(ctx.session):
            await repository.give_up(ctx.session, filled.report.collection_id)
        await trash.remove_discarded(platform, caller)
    await stock.abandon()
