"""Parts that outlive the platform they are made for: they are dear to start and keep no state."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from citewell.core.compute import ComputeLimits, ComputePool
from citewell.core.settings import Settings
from citewell.engine.embedding.base import Vector
from citewell.engine.embedding.bundled import BundledEmbedder
from citewell.engine.embedding.calibrating import calibrated
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.sandbox import SandboxedParser
from citewell.kit.sandbox.pool import ChildPool
from citewell.kit.sandbox.process import Child
from tests.waiting import PATIENCE

PATIENT_COMPUTING = ComputeLimits(run_seconds=PATIENCE / 3, wait_seconds=PATIENCE)
"""Children that compute are niced: beside thirty busy processes they need more than ten seconds."""


class LastingEmbedder(BundledEmbedder):
    """The bundled model for all platforms of this process: loading it takes 0.15 s and 30 MB.

    A text's vector depends on the text alone, so each text is computed once.
    """

    def __init__(self, *, threads: int) -> None:
        super().__init__(threads=threads)
        self._known: dict[str, Vector] = {}

    def _embed(self, text: str) -> Vector:
        if (vector := self._known.get(text)) is None:
            vector = self._known[text] = super()._embed(text)
            vector.setflags(write=False)
        return vector

    async def close(self) -> None:
        """Stay open for the next platform."""


LASTING: list[LastingEmbedder] = []


async def lasting_embedder(settings: Settings) -> LastingEmbedder | None:
    """The model, loaded once; None where the settings ask for another one."""
    if (settings.embedding, settings.threads) != ("bundled", 1):
        return None
    if not LASTING:
        made = await asyncio.to_thread(LastingEmbedder, threads=1)
        made.spec = replace(made.spec, calibration=await calibrated(made))
        LASTING.append(made)
    return LASTING[0]


IDLE: defaultdict[str, list[Child]] = defaultdict(list)
"""Children that a closed pool has left, by all that they were started with.

A start takes 0.05 to 0.3 s of processor time, with the libraries of the formats it has read."""


def _left(key: str) -> Child | None:
    """A child of this kind that waits for work; it goes on counting its requests."""
    while IDLE[key]:
        child = IDLE[key].pop()
        if child.is_alive:
            return child
        child.reap()
    return None


def _leave(key: str, pool: ChildPool) -> None:
    """Keep what would be ended with the pool; a child in the middle of a request is not kept."""
    IDLE[key] += pool._idle
    pool._idle = []


class _Lasting:
    """Leaves its children to the next of its kind that was made alike."""

    _pool: ChildPool
    _limits: object
    _folders: Sequence[Path]

    def _start(self) -> Child:
        return _left(self._key) or super()._start()  # type: ignore[misc] - of the other base

    async def close(self) -> None:
        """End what is busy and leave the rest."""
        _leave(self._key, self._pool)
        await super().close()  # type: ignore[misc] - of the other base

    @property
    def _key(self) -> str:
        return repr((type(self), self._limits, self._folders))


class LastingParser(_Lasting, SandboxedParser):
    """Reads documents in children that go on to the next parser of the same limits and folders."""


class LastingCompute(_Lasting, ComputePool):
    """Computes in children that go on to the next pool of the same folders."""

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__(PATIENT_COMPUTING, folders=folders)


def parser_of(settings: Settings, folders: Sequence[Path]) -> LastingParser:
    """The parser of an installation with these settings."""
    limits = ParseLimits(
        file_bytes=settings.max_upload_bytes,
        ocr_languages=settings.ocr_languages,
        keeps_hidden=settings.hidden_text == "mark",
    )
    return LastingParser(limits, concurrency=settings.worker_concurrency, folders=folders)


def end_children() -> None:
    """End them all, at the end of the run."""
    for child in [child for left in IDLE.values() for child in left]:
        child.kill()
        child._process.wait()
        child.reap()
    IDLE.clear()
