"""Questions asked of documents that were really taken in."""

import dataclasses

import pytest

from citewell.access.policy import AccessLevel, Role
from citewell.core.context import Actor, ActorKind, Caller, unit_of_work
from citewell.core.embedders import Embedders
from citewell.engine.embedding.testing import HashEmbedder
from citewell.features.documents import service as documents
from citewell.features.search import service
from citewell.features.search.schemas import SearchReply, SearchRequest
from citewell.indexes.contract import index_of
from tests.quiet import Shelf

NOISE = [
    f"# Circular {number}\n\nDecree and regulation number {number} on invoices, leave and travel. "
    f"Nghị định và thông tư số {number} về hoá đơn, nghỉ phép và công tác phí."
    for number in range(8)
]


async def find(shelf: Shelf, query: str, **more: object) -> SearchReply:
    await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
    request = SearchRequest(query=query, **more)  # pyright: ignore[reportArgumentType]
    return await service.search(shelf.platform, shelf.caller, request)


@pytest.fixture
async def library(shelf: Shelf) -> Shelf:
    for number, text in enumerate(NOISE):
        await shelf.add(f"noise{number}.txt", text)
    await shelf.add("decree.txt", "# Hoá đơn\n\nÁp dụng theo 123/2020/NĐ-CP về hoá đơn điện tử.")
    await shelf.add("pump.txt", "# Pump\n\nOrder the spare part PX-7741-B before the winter.")
    await shelf.add("house.txt", "# House\n\nThe silver keys hang behind the door.")
    return shelf


class TestCodes:
    async def test_exact_words_come_first(self, library: Shelf) -> None:
        for query, wanted in (
            ("123/2020/NĐ-CP", "decree.txt"),
            ("nghị định 123/2020/nđ-cp nói gì?", "decree.txt"),
            ("nghi dinh 123/2020/ND-CP", "decree.txt"),
            ("what is PX-7741-B for?", "pump.txt"),
            ('"silver keys"', "house.txt"),
            ('where is "the door"', "house.txt"),
            ("hoa don dien tu", "decree.txt"),
        ):
            reply = await find(library, query)
            assert reply.degraded == [], query
            assert await first_filename(library, reply) == wanted, query


async def first_filename(shelf: Shelf, reply: SearchReply) -> str:
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        return (await documents.get(ctx, reply.results[0].document_id)).document.filename


class TestFilters:
    async def test_language_narrows(self, shelf: Shelf) -> None:
        await shelf.add("en.txt", "# Leave\n\nEverybody has twenty days of annual leave a year.")
        await shelf.add(
            "vi.txt", "# Nghỉ phép\n\nMỗi nhân viên có hai mươi ngày nghỉ phép hằng năm."
        )
        for language, word in (("en", "twenty"), ("vi", "hai mươi")):
            reply = await find(shelf, "leave nghỉ phép", filters={"language": language})
            assert [word in hit.text for hit in reply.results] == [True]

    async def test_reader_of_a_low_level_finds_no_higher_document(self, shelf: Shelf) -> None:
        for level in AccessLevel:
            await shelf.add(f"{level}.txt", f"# Pay\n\nSalaries {level.name}.", access_level=level)
        for level in AccessLevel:
            caller = Caller(shelf.caller.tenant_id, Actor(ActorKind.API_KEY, role=Role(level)))
            reply = await find(dataclasses.replace(shelf, caller=caller), "salaries", top_k=50)
            found = {hit.text.rpartition(" ")[2].strip(".") for hit in reply.results}
            assert found == {other.name for other in AccessLevel if other <= level}


class TestOtherEmbedder:
    async def test_library_is_asked_with_the_model_it_was_embedded_with(
        self, library: Shelf
    ) -> None:
        async def open_model(name: str) -> HashEmbedder:
            return HashEmbedder(name=name)

        platform = dataclasses.replace(
            library.platform,
            embedder=HashEmbedder(64, name="testing:other"),
            embedders=Embedders(open_model),
        )
        shelf = dataclasses.replace(library, platform=platform)
        replies = [await find(each, "silver keys", explain=True) for each in (library, shelf)]
        assert [hit.explain for hit in replies[0].results] == [
            hit.explain for hit in replies[1].results
        ]
        assert replies[1].degraded == []

    async def test_library_whose_model_cannot_be_opened_is_searched_by_words_and_says_so(
        self, library: Shelf
    ) -> None:
        """Never by the model of the settings: its vectors mean something else."""
        for dimensions in (64, 384):
            other = HashEmbedder(dimensions, name="testing:other")
            shelf = dataclasses.replace(
                library, platform=dataclasses.replace(library.platform, embedder=other)
            )
            reply = await find(shelf, "silver keys", explain=True)
            assert reply.results[0].text.endswith("behind the door.")
            assert all(
                hit.explain and hit.explain.dense.score is None and hit.explain.dense.rank is None
                for hit in reply.results
            )
            [degraded] = reply.degraded
            assert degraded.what == "embedding"
            assert "testing:hash" in degraded.why
            assert reply.explain
            assert reply.explain.dense_weight == 0
