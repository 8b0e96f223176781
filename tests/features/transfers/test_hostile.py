"""Files that lie: a clear error, and nothing is there afterwards."""

import copy
import io
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.documents.errors import FileTooLargeError
from citewell.features.transfers import importing
from citewell.features.transfers.errors import DamagedExportError
from citewell.features.transfers.sealing import HEADER_BYTES
from citewell.features.usage import service as usage
from tests.features.transfers.conftest import exported, frames_of, imported, sealed, written
from tests.quiet import Shelf

Frames = list[tuple[bytes, Any]]
TEXT = "# Hall\n\nThe marker stands in the hall. " + "It is looked after daily. " * 60


@pytest.fixture
async def content(shelf: Shelf) -> bytes:
    """An export of one document with two versions."""
    await shelf.add("a.md", TEXT)
    await shelf.add("a.md", TEXT + "Also at night.")
    return await exported(shelf.platform, shelf.caller)


def stored(platform: Platform, caller: Caller) -> list[Path]:
    folder = platform.settings.home / "files" / str(caller.tenant_id)
    return [path for path in folder.rglob("*") if path.is_file()]


async def assert_nothing_is_there(platform: Platform, caller: Caller) -> None:
    assert stored(platform, caller) == []
    async with unit_of_work(platform, caller) as ctx:
        used = {item.metric: item.used for item in (await usage.standing(ctx)).usage}
        assert await usage.differences(ctx) == {}
    assert (used["collections"], used["documents"], used["stored_bytes"]) == (0, 0, 0)


def records(frames: Frames, kind: str) -> list[dict[str, Any]]:
    return [inside for is_json, inside in frames if is_json == b"J" and inside["kind"] == kind]


def with_field(kind: str, **values: object) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        records(frames, kind)[0].update(values)

    return change


def with_row(**values: object) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        records(frames, "chunks")[0]["rows"][0].update(values)

    return change


def without(kind: str) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        place = next(
            n for n, (is_json, inside) in enumerate(frames)
            if is_json == b"J" and inside["kind"] == kind
        )  # fmt: skip
        del frames[place]

    return change


def twice(kind: str) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        place = next(
            n for n, (is_json, inside) in enumerate(frames)
            if is_json == b"J" and inside["kind"] == kind
        )  # fmt: skip
        frames.insert(place, frames[place])

    return change


def other_bytes(frames: Frames) -> None:
    place = next(n for n, (kind, _) in enumerate(frames) if kind == b"B")
    frames[place] = (b"B", bytes(len(frames[place][1])))


def bomb(frames: Frames) -> None:
    frames.insert(1, (b"J", zlib.compress(b" " * 200_000_000, 9)))


def raw(content: bytes) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames.insert(1, (b"J", content))

    return change


def more_after_the_end(frames: Frames) -> None:
    frames.append((b"B", b"more"))


LIES: dict[str, Callable[[Frames], None]] = {
    "another format": with_field("collection", format=2),
    "unknown field": with_field("collection", surprise=1),
    "unknown chunking": with_field("collection", chunk_strategy="rm -rf"),
    "name with a NUL": with_field("collection", name="a\0b"),
    "level too high": with_field("document", access_level=9),
    "title too long": with_field("document", title="x" * 501),
    "filename of nothing": with_field("document", filename="../.."),
    "metadata not a map": with_field("document", metadata=[1]),
    "no such active version": with_field(
        "document", active_version="01890000-0000-7000-8000-000000000000"
    ),
    "two versions answer": with_field("version", status="ready"),
    "another hash": with_field("version", sha256="0" * 64),
    "another size": with_field("version", size_bytes=1),
    "endless number": with_field("version", number=2**40),
    "made before the first year": with_field("document", created_at="0001-01-01T00:00:00+12:00"),
    "made after the last year": with_field("document", created_at="9999-12-31T23:59:59-12:00"),
    "version of no year": with_field("version", created_at="0001-01-01T00:00:00+12:00"),
    "more chunks than there are": with_field("version", chunk_count=99),
    "length of the original": with_field("original", size_bytes=10),
    "text with a gap": with_field("text", start=5),
    "vector of another model": with_row(vector="AAAA"),
    "vector of words": with_row(vector="[1,2]'::halfvec;--"),
    "vector of not a number": with_row(vector="AH4" + "AAAA" * 255 + "A"),
    "weight that is infinite": with_row(terms={"5": 1e400}),
    "weight that is negative": with_row(terms={"5": -1}),
    "weight that is next to nothing": with_row(terms={"5": 1e-300}),
    "term outside": with_row(terms={"0": 1}),
    "too many terms": with_row(terms={str(n): 1 for n in range(1, 1_002)}),
    "offset outside": with_row(end=10**9),
    "ordinal": with_row(ordinal=7),
    "heading of numbers": with_row(heading=[1]),
    "no header": without("collection"),
    "no original": without("original"),
    "no text": without("text"),
    "no end of a version": without("end_of_version"),
    "no end of a document": without("end_of_document"),
    "no end": without("end_of_collection"),
    "version twice": twice("version"),
    "document twice": twice("document"),
    "changed original": other_bytes,
    "bomb": bomb,
    "no JSON": raw(zlib.compress(b"{")),
    "deep JSON": raw(zlib.compress(b"[" * 100_000)),
    "not compressed": raw(b"hello"),
    "more": more_after_the_end,
    "history of another": lambda frames: records(frames, "end_of_document")[0]["activations"][
        0
    ].update(version="01890000-0000-7000-8000-000000000000"),
    "history backwards": lambda frames: records(frames, "end_of_document")[0]["activations"][
        0
    ].update(active_until="1999-01-01T00:00:00Z"),
    "forged passage": lambda frames: records(frames, "chunks")[0]["rows"][0].update(
        text="Employees get 99 days of leave."
    ),
    "no history": with_field("end_of_document", activations=[]),
}


class TestLies:
    @pytest.mark.volume
    async def test_each_is_refused_and_leaves_nothing(
        self, shelf: Shelf, target: Caller, content: bytes
    ) -> None:
        frames = frames_of(content)
        for name, change in LIES.items():
            changed = copy.deepcopy(frames)
            change(changed)
            said: str | None = None
            try:
                plain = written(changed)
                await importing.import_frames(
                    shelf.platform,
                    target,
                    lambda plain=plain: io.BytesIO(plain),
                    name=None,
                    restrict=False,
                )
            except DamagedExportError as error:
                said = error.detail
            assert said is not None, name
            assert "\n" not in said, name
            await assert_nothing_is_there(shelf.platform, target)
        await imported(shelf.platform, target, sealed(frames))

    async def test_original_over_the_limit_is_refused(
        self, shelf: Shelf, target: Caller, content: bytes
    ) -> None:
        frames = frames_of(content)
        with_field("original", size_bytes=10**15)(frames)
        with pytest.raises(FileTooLargeError):
            await imported(shelf.platform, target, sealed(frames))
        await assert_nothing_is_there(shelf.platform, target)


class TestDamage:
    async def test_cut_off_or_changed_anywhere_is_refused(
        self, shelf: Shelf, target: Caller, content: bytes
    ) -> None:
        rng = random.Random(3)
        for place in (0, 3, HEADER_BYTES - 1, HEADER_BYTES, len(content) - 1, len(content) // 2):
            with pytest.raises(DamagedExportError):
                await imported(shelf.platform, target, content[:place])
            changed = bytearray(content)
            changed[place] ^= 1 + rng.randrange(255)
            with pytest.raises(DamagedExportError):
                await imported(shelf.platform, target, bytes(changed))
        await assert_nothing_is_there(shelf.platform, target)

    async def test_wrong_passphrase_is_told(
        self, shelf: Shelf, target: Caller, content: bytes
    ) -> None:
        with pytest.raises(DamagedExportError, match="passphrase is not that of this file"):
            await importing.import_collection(
                shelf.platform, target, io.BytesIO(content), "another passphrase"
            )
