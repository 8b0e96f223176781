"""Questions in another language than the documents, with an embedder that reads both."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from citewell.core.settings import Settings
from citewell.engine.embedding.calibrating import calibrated
from citewell.engine.embedding.testing import BilingualEmbedder
from citewell.features.search import answers
from citewell.features.search.schemas import QueryReply, QueryRequest
from tests.conftest import Servers, new_caller
from tests.quiet import Shelf, quiet_database, quiet_platform

HARBOUR = (
    "The harbour is ten metres deep at low tide. The harbour office opens at nine on weekdays. "
    "Ships of any flag may enter."
)
LIBRARY = "Thư viện có hai tầng. Thư viện mở cửa lúc tám giờ sáng. Mọi người đều được vào."


@pytest.fixture(scope="module")
def database(servers: Servers, template: str) -> Iterator[str]:
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture
async def shelf(settings: Settings, database: str, tmp_path: Path) -> AsyncIterator[Shelf]:
    embedder = BilingualEmbedder()
    embedder.spec = replace(embedder.spec, calibration=await calibrated(embedder))
    async with quiet_platform(settings, database, embedder=embedder) as platform:
        yield Shelf(platform, await new_caller(platform), tmp_path)


async def asked(shelf: Shelf, question: str) -> QueryReply:
    return await answers.answer(shelf.platform, shelf.caller, QueryRequest(query=question))


class TestAnswer:
    async def test_vietnamese_question_is_answered_from_an_english_text(self, shelf: Shelf) -> None:
        for name, text in (("harbour.txt", HARBOUR), ("library.txt", LIBRARY)):
            await shelf.process(await shelf.register(name, text))
        reply = await asked(shelf, "Văn phòng bến cảng mở cửa lúc mấy giờ?")
        assert not reply.abstained
        assert reply.citations[0].quote == "The harbour office opens at nine on weekdays."
        assert reply.sentences[0].grade == "quoted"
        assert reply.confidence.level in {"low", "medium"}
        own = await asked(shelf, "Thư viện mở cửa lúc mấy giờ?")
        assert own.citations[0].quote == "Thư viện mở cửa lúc tám giờ sáng."

    async def test_question_about_something_else_is_not_answered(self, shelf: Shelf) -> None:
        await shelf.process(await shelf.register("harbour.txt", HARBOUR))
        assert (await asked(shelf, "Con mèo của hàng xóm ngủ ở đâu?")).abstained
