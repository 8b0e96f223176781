"""The library that the search figures ask: made by Citewell's own ingestion."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psycopg

from bench.corpus import BYTES_PER_CHUNK, Corpus
from bench.recording import Estimator, Recorder, Remembering
from citewell.access.policy import AccessLevel, Role
from citewell.core.context import OPERATOR, Actor, ActorKind, Caller
from citewell.core.platform import Platform
from citewell.core.settings import load_settings
from citewell.entrypoints.commands.ingesting import ingest_paths
from citewell.entrypoints.installation import DatabaseHandle, open_platform, running_worker
from citewell.features.identity import service as identity
from citewell.indexes.contract import index_of

SAMPLE_FILES = 60
"""Files that are embedded for real, and that the estimated vectors are fitted on."""

LOT = 100


@dataclass(frozen=True, slots=True)
class Library:
    """An open installation with its documents in."""

    platform: Platform
    url: str
    tenant_id: uuid.UUID
    generation_id: int
    counts: dict[AccessLevel, int]
    """Chunks by access level; a reader sees a level and those below."""
    texts: list[str]
    notes: list[str]

    @property
    def chunks(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def operator(self) -> Caller:
        """A caller who sees everything."""
        return Caller(self.tenant_id, OPERATOR)

    def reader(self, level: AccessLevel) -> Caller:
        """A caller who sees a level and those below."""
        return Caller(self.tenant_id, Actor(ActorKind.API_KEY, role=Role(level)))

    def allowed(self, level: AccessLevel) -> int:
        """Chunks such a caller sees."""
        return sum(count for each, count in self.counts.items() if each <= level)


@asynccontextmanager
async def open_library(
    home: Path,
    database: DatabaseHandle,
    corpus: Corpus,
    chunks: int,
    *,
    has_real_vectors: bool,
    kept_vectors: Path | None = None,
) -> AsyncIterator[Library]:
    """Fill a fresh installation with about `chunks` chunks, a part of them restricted."""
    settings = load_settings(home=home, log_level="error")
    async with open_platform(settings, database) as platform:
        await identity.ensure_default_tenant(platform)
        tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
        filling = _Filling(platform, Caller(tenant_id, OPERATOR), corpus, chunks)
        begun = time.perf_counter()
        await filling.run(has_real_vectors=has_real_vectors, kept_vectors=kept_vectors)
        seconds = time.perf_counter() - begun
        begun = time.perf_counter()
        await index_of(platform).maintenance.fold_statistics(tenant_id)
        await index_of(platform).maintenance.build_indexes(tenant_id)
        built = time.perf_counter() - begun
        generation_id, texts = await asyncio.to_thread(_finish, database.url, tenant_id)
        total = sum(filling.counts.values())
        notes = [
            f"The searched library holds {total:,} chunks of {filling.taken:,} files, filled in "
            f"{seconds:.0f} s; building its indexes took {built:.0f} s.",
            filling.note,
        ]
        yield Library(
            platform, database.url, tenant_id, generation_id, filling.counts, texts, notes
        )


class _Filling:
    """Takes files in until there are enough chunks; access levels by what is still to restrict."""

    def __init__(self, platform: Platform, caller: Caller, corpus: Corpus, chunks: int) -> None:
        self._platform = platform
        self._caller = caller
        self._left = list(corpus.files)
        self._wanted = chunks
        self.counts: dict[AccessLevel, int] = dict.fromkeys(AccessLevel, 0)
        self.taken = 0
        self.note = ""

    async def run(self, *, has_real_vectors: bool, kept_vectors: Path | None) -> None:
        model = self._platform.embedder
        recorder = Recorder(Remembering(model, kept_vectors) if kept_vectors else model)
        real = replace(self._platform, embedder=recorder)
        async with running_worker(real, adopt_all=True):
            await self._small(real, AccessLevel.PUBLIC, self._wanted // 1_000)
            await self._small(
                real,
                AccessLevel.INTERNAL,
                self._wanted // 100 - self.counts[AccessLevel.PUBLIC],
            )
            await self._take(real, self._next(SAMPLE_FILES), AccessLevel.CONFIDENTIAL)
            if has_real_vectors:
                await self._rest(real)
        self.note = "All vectors are the model's own."
        if has_real_vectors:
            return
        vectors = np.concatenate(recorder.vectors)
        estimator = await asyncio.to_thread(
            Estimator, self._platform.embedder, recorder.texts, vectors
        )
        rest = replace(self._platform, embedder=estimator)
        async with running_worker(rest, adopt_all=True):
            await self._rest(rest)
        self.note = (
            f"{len(vectors):,} of its vectors are the model's own (all that a restricted reader "
            "sees among them), the others are estimated from words and spread out like real ones "
            f"(mean cosine to the model's, held out: {estimator.fit:.2f})."
        )

    async def _rest(self, platform: Platform) -> None:
        while self._left and sum(self.counts.values()) < self._wanted:
            missing = self._wanted - sum(self.counts.values())
            lot = max(1, min(LOT, missing // 25))
            await self._take(platform, self._next(lot), AccessLevel.CONFIDENTIAL)

    async def _small(self, platform: Platform, level: AccessLevel, wanted: int) -> None:
        """Whole files of one level, as near to `wanted` chunks as small ones come."""
        while (missing := wanted - self.counts[level]) > 0:
            room = missing * BYTES_PER_CHUNK * 1.3
            fitting = [path for path in self._left[:1_000] if path.stat().st_size <= room]
            path = fitting[0] if fitting else min(self._left[:1_000], key=_size)
            self._left.remove(path)
            await self._take(platform, [path], level)

    async def _take(self, platform: Platform, files: list[Path], level: AccessLevel) -> None:
        results = await ingest_paths(platform, self._caller, files, access_level=level)
        failed = [result for result in results if result.status != "ready"]
        if failed:
            raise SystemExit(f"{Path(failed[0].path).name} was not ingested: {failed[0].error}")
        self.counts[level] += sum(result.chunks for result in results)
        self.taken += len(files)

    def _next(self, count: int) -> list[Path]:
        files, self._left = self._left[:count], self._left[count:]
        return files


def _size(path: Path) -> int:
    return path.stat().st_size


def _finish(url: str, tenant_id: uuid.UUID) -> tuple[int, list[str]]:
    """Let the planner know the tables as they are; read what questions are made of."""
    options = f"-c citewell.tenant_id={tenant_id}"
    with psycopg.connect(url, options=options, autocommit=True) as connection:
        connection.execute("ANALYZE")
        rows = connection.execute("SELECT text FROM chunk ORDER BY content_hash, id").fetchall()
        row = connection.execute("SELECT id FROM index_generation").fetchone()
        assert row is not None
        return row[0], [text for (text,) in rows]
