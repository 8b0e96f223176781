import dataclasses
import random
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from citewell.core.context import unit_of_work
from citewell.engine.parsing.sandbox import ParseLimits
from citewell.features.documents import service as documents
from citewell.features.documents.registering import Registered
from citewell.features.ingestion.pace import IngestPace
from tests.lasting import LastingParser
from tests.quiet import Shelf

from .conftest import Rows

LIBRARY = Path(__file__).parents[3] / "samples" / "library"

WORDS = ["nghỉ", "phép", "\U0001f642", "holiday", "\U0001d4b3", "e\u0301", "thưởng", "10.000"]


def mixed_text(seed: int, paragraphs: int) -> str:
    """Paragraphs of letters of one to four bytes, pairs of surrogates in UTF-16 and marks."""
    chance = random.Random(seed)
    return "\n\n".join(
        ("# " if chance.random() < 0.1 else "")
        + " ".join(chance.choice(WORDS) for _ in range(chance.randint(1, 120)))
        + "."
        for _ in range(paragraphs)
    )


async def assert_places_are_exact(shelf: Shelf, rows: Rows, added: Registered) -> None:
    """Every chunk is the stored text between its offsets, in whole and read alone."""
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        whole = await documents.content(ctx, added.document_id)
        assert whole.total == len(whole.text)
        chunks = [c for c in rows.chunks(active=True) if c["version_id"] == added.version_id]
        assert chunks
        for chunk in chunks:
            start, end = chunk["start_offset"], chunk["end_offset"]
            assert whole.text[start:end] == chunk["text"]
        for chunk in random.Random(1).sample(chunks, min(10, len(chunks))):
            start, end = chunk["start_offset"], chunk["end_offset"]
            alone = await documents.content(ctx, added.document_id, start=start, end=end)
            assert alone.text == chunk["text"]


class TestOffsets:
    @pytest.mark.parametrize("length", [1, 7, 100, 1_000])
    async def test_chunk_is_the_text_between_its_offsets_over_all_segments(
        self, shelf: Shelf, rows: Rows, length: int
    ) -> None:
        pace = shelf.platform.state_of(IngestPace)
        pace.segment_chars, pace.feed_chars, pace.batch_chunks = length, 500, 4
        added = await shelf.add("mixed.txt", mixed_text(length, 12 if length == 1 else 120))
        await assert_places_are_exact(shelf, rows, added)

    async def test_any_stretch_is_what_the_whole_text_has_there(self, shelf: Shelf) -> None:
        shelf.platform.state_of(IngestPace).segment_chars = 50
        added = await shelf.add("mixed.txt", mixed_text(5, 30))
        chance = random.Random(2)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            whole = (await documents.content(ctx, added.document_id)).text
            places = [0, 49, 50, 51, len(whole) - 1, len(whole)]
            places += [chance.randint(0, len(whole)) for _ in range(30)]
            for start in places:
                end = chance.randint(start, len(whole))
                part = await documents.content(ctx, added.document_id, start=start, end=end)
                assert part.text == whole[start:end]
                assert (part.start, part.end, part.total) == (start, end, len(whole))


@pytest.fixture
async def reading_shelf(shelf: Shelf) -> AsyncIterator[Shelf]:
    """With the real parser in its child process."""
    parser = LastingParser(ParseLimits(), concurrency=1)
    yield dataclasses.replace(shelf, platform=dataclasses.replace(shelf.platform, parser=parser))
    await parser.close()


class TestFormats:
    @pytest.mark.parametrize("path", sorted(LIBRARY.iterdir()), ids=lambda path: path.name)
    async def test_passages_of_every_format_are_exact(
        self, reading_shelf: Shelf, rows: Rows, path: Path
    ) -> None:
        added = await reading_shelf.add(path.name, await anyio.Path(path).read_bytes())
        version, _ = await reading_shelf.state(added)
        assert version.status == "ready", version.error_detail
        await assert_places_are_exact(reading_shelf, rows, added)
        pages = [chunk["page"] for chunk in rows.chunks(active=True)]
        if path.suffix == ".pdf":
            assert all(1 <= page <= (version.page_count or 0) for page in pages)
            assert pages == sorted(pages)
