"""Random sequences of events leave both engines with the same answers, whatever breaks off."""

import random
import uuid
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from citewell.access.policy import Reach
from citewell.core.database.sessions import Database
from citewell.indexes.contract import GenerationChangedError, IncompleteVersionError
from citewell.indexes.events import (
    AccessChanged,
    ChunkRow,
    ChunksStaged,
    DocumentHidden,
    DocumentsRemoved,
    Event,
    VersionDiscarded,
    VersionKey,
    VersionPublished,
    VersionRebuilt,
    VersionRestored,
    VersionShelved,
)
from citewell.indexes.testing import OTHER_SPEC
from citewell.indexes.testing_library import TenantLibrary, publication_of, random_rows
from tests.indexes.engines import MemoryEngine, PostgresEngine

SEEDS = range(6)
STEPS = 25
DOCUMENTS = 3

AGAIN = 0.2
"""Share of the events that are applied twice, and of those that are broken off before."""


class BrokenOffError(Exception):
    """Ends a unit of work after its event."""


@dataclass
class Pair:
    """The same documents in both engines; keys of one stand for those of the other."""

    memory: TenantLibrary
    postgres: TenantLibrary
    chance: random.Random
    rows: np.random.Generator
    keys: list[tuple[VersionKey, VersionKey]] = field(default_factory=list)
    """Of PostgreSQL's versions; in memory they have the same ids."""
    answering: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    counts: dict[uuid.UUID, int] = field(default_factory=dict)

    def some_rows(self, dimensions: int) -> list[ChunkRow]:
        return random_rows(self.rows, self.chance.randint(1, 6), dimensions=dimensions)

    async def apply(self, event: Event) -> bool:
        """Both do it, or both refuse it in the same way."""
        ends = [
            await outcome(shelf, in_generation_of(shelf, event), self.chance.random() < AGAIN)
            for shelf in self.both
        ]
        assert ends[0] == ends[1], event
        return ends[0] is None

    @property
    def both(self) -> tuple[TenantLibrary, TenantLibrary]:
        return self.memory, self.postgres

    async def assert_agree(self) -> None:
        for level in range(4):
            found = [await each.texts(each.scope(Reach(level))) for each in self.both]
            assert found[0] == found[1]
        assert await self.memory.counts() == await self.postgres.counts()


def in_generation_of(shelf: TenantLibrary, event: Event) -> Event:
    """The same event, where it names a generation."""
    if not hasattr(event, "generation_id"):
        return event
    return replace(event, generation_id=shelf.generation.id)


async def outcome(shelf: TenantLibrary, event: Event, is_again: bool) -> type[Exception] | None:
    """How applying ends; beforehand it may be broken off, afterwards come again."""
    try:
        if is_again:
            with pytest.raises(BrokenOffError):
                await break_off(shelf, event)
        await shelf.apply(event)
        if is_again:
            await shelf.apply(event)
    except (GenerationChangedError, IncompleteVersionError) as error:
        return type(error)
    return None


async def break_off(shelf: TenantLibrary, event: Event) -> None:
    async with shelf.engine.unit_of_work(shelf.tenant_id) as work:
        await shelf.engine.writer.apply(work, event)
        raise BrokenOffError


async def new_pair(database: Database, url: str, seed: int) -> Pair:
    postgres = await TenantLibrary.of(PostgresEngine(database, url))
    engine = MemoryEngine()
    memory = await TenantLibrary.of(engine)
    pair = Pair(memory, postgres, random.Random(seed), np.random.default_rng(seed))
    for _ in range(DOCUMENTS):
        keys = await postgres.engine.new_document(postgres.tenant_id)
        await engine.add_record(memory.tenant_id, keys)
        pair.keys.append(keys)
    return pair


def event_of(pair: Pair) -> Event:
    """Something that may happen to a document now."""
    versions = pair.chance.choice(pair.keys)
    key = pair.chance.choice(versions)
    document_id = key.document_id
    number = pair.postgres.generation.id
    answering = pair.answering.get(document_id)
    rows = pair.some_rows(pair.postgres.generation.dimensions)
    publication = replace(publication_of(rows), is_answering=answering == key.version_id)
    events: list[Event] = [
        ChunksStaged(key, number, rows),
        VersionPublished(key, number, publication),
        VersionPublished(key, number, publication),
        VersionRestored(key, number, pair.counts.get(key.version_id, 1)),
        DocumentHidden(document_id),
        AccessChanged(document_id, key.collection_id, pair.chance.randint(0, 3)),
        VersionDiscarded(key.version_id),
    ]
    if answering not in (None, key.version_id):
        events.append(VersionShelved(key, number, publication))
    if answering is None:
        events.append(DocumentsRemoved([document_id]))
    return pair.chance.choice(events)


def note(pair: Pair, event: Event) -> None:
    """Notes an event as the model remembers it."""
    match event:
        case VersionPublished(version, _, publication):
            pair.answering[version.document_id] = version.version_id
            pair.counts[version.version_id] = publication.chunk_count
        case VersionShelved(version, _, publication):
            pair.counts[version.version_id] = publication.chunk_count
        case VersionRestored(version):
            pair.answering[version.document_id] = version.version_id
        case DocumentHidden(document_id):
            pair.answering.pop(document_id, None)
        case _:
            pass


async def rebuild(pair: Pair) -> None:
    """Another generation takes over with what is complete now."""
    building = []
    for shelf in pair.both:
        async with shelf.engine.unit_of_work(shelf.tenant_id) as work:
            building.append(await shelf.engine.generations.begin(work, OTHER_SPEC, anew=False))
    for key in (key for keys in pair.keys for key in keys):
        rows = pair.some_rows(OTHER_SPEC.dimensions)
        is_active = pair.answering.get(key.document_id) == key.version_id
        for shelf, generation in zip(pair.both, building, strict=True):
            await shelf.apply(
                VersionRebuilt(key, generation.id, publication_of(rows), is_active=is_active)
            )
    taken: list[object] = []
    for shelf, generation in zip(pair.both, building, strict=True):
        async with shelf.engine.unit_of_work(shelf.tenant_id) as work:
            recut = await shelf.engine.generations.take_over(work, generation)
            taken.append(recut if recut is None else sorted(recut))
        shelf.generation = generation
    assert taken[0] == taken[1]


@pytest.mark.parametrize("seed", SEEDS)
async def test_sequence_of_events_gives_the_same_answers(
    database: Database, own_url: str, seed: int
) -> None:
    pair = await new_pair(database, own_url, seed)
    applied = 0
    for _ in range(STEPS):
        event = event_of(pair)
        if await pair.apply(event):
            note(pair, event)
            applied += 1
        await pair.assert_agree()
    assert applied > STEPS // 3
    await rebuild(pair)
    await pair.assert_agree()
