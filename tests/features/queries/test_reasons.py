"""Reasons of a replay that lie in the index and the settings, over light parts."""

import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from citewell.core.context import unit_of_work
from citewell.core.embedders import Embedders
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.engine.embedding.testing import HashEmbedder
from citewell.engine.llm.testing import FakeLanguageModel
from citewell.engine.reranking.base import Reranking
from citewell.engine.reranking.testing import WordReranker
from citewell.engine.verification.asking import ModelVerifier
from citewell.features.collections import service as collections
from citewell.features.collections.schemas import CollectionUpdate
from citewell.features.ingestion import rebuilding
from citewell.features.queries import replaying
from citewell.features.search import answers
from citewell.features.search.schemas import QueryRequest
from citewell.indexes.postgres.index import postgres_index
from citewell.indexes.postgres.pace import TakeoverPace
from citewell.kit.pagination import PageRequest
from tests.conftest import Servers, new_caller
from tests.quiet import Shelf, quiet_database, quiet_platform

OTHER = "testing:other"
WORDS = " ".join(f"Bay {number} of the yard is kept free for carts." for number in range(9))
TEXT = f"# Leave\n\nEmployees get 25 days of annual leave. {WORDS}\n\n{WORDS}\n\n{WORDS}"
REQUEST = QueryRequest(query="How many days of annual leave do employees get?")
SAID = "<quote passage=1>Employees get 25 days of annual leave.</quote><say>They get 25 days.</say>"


async def other_model(name: str) -> HashEmbedder:
    return HashEmbedder(64, name=OTHER) if name == OTHER else HashEmbedder()


@pytest.fixture(scope="module")
def database(servers: Servers, template: str) -> Iterator[str]:
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture
async def shelf(settings: Settings, database: str, tmp_path: Path) -> AsyncIterator[Shelf]:
    """A document in a library whose index may be replaced at once."""
    models = Embedders(other_model)
    async with quiet_platform(settings, database, embedders=models) as quiet:
        platform = quiet.holding(
            postgres_index(quiet.database, pace=TakeoverPace(settling_seconds=0))
        )
        made = Shelf(platform, await new_caller(platform), tmp_path)
        await made.add("leave.txt", TEXT)
        yield made
    await models.close()


async def codes(shelf: Shelf, then: Platform, now: Platform) -> set[str]:
    """Codes of what has changed since an answer of another platform."""
    return await since(shelf, (await answers.answer(then, shelf.caller, REQUEST)), now)


async def since(shelf: Shelf, kept: object, now: Platform) -> set[str]:
    replay = await replaying.replay(now, shelf.caller, kept.query_id)  # pyright: ignore[reportAttributeAccessIssue]
    return {reason.code for reason in replay.reasons}


async def rebuild(shelf: Shelf, embedding: str | None, *, force: bool = False) -> None:
    work = await rebuilding.begin(shelf.platform, shelf.caller, embedding, force=force)
    assert work is not None
    await rebuilding.run(shelf.platform, shelf.caller, work, lambda _: None)


class TestIndex:
    async def test_chunking_and_embedding_are_the_reason(self, shelf: Shelf) -> None:
        kept = await answers.answer(shelf.platform, shelf.caller, REQUEST)
        assert await since(shelf, kept, shelf.platform) == set()
        await rebuild(shelf, None, force=True)
        assert await since(shelf, kept, shelf.platform) == {"index_rebuilt"}
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            [folder] = (await collections.page(ctx, PageRequest(1, 10))).items
            await collections.update(ctx, folder.id, CollectionUpdate(chunk_size=60))
        await rebuild(shelf, None)
        assert await since(shelf, kept, shelf.platform) == {"chunking_changed"}
        await rebuild(shelf, OTHER)
        changed = {"chunking_changed", "embedding_changed"}
        assert await since(shelf, kept, shelf.platform) == changed

    async def test_other_documents_are_a_reason(self, shelf: Shelf) -> None:
        kept = await answers.answer(shelf.platform, shelf.caller, REQUEST)
        await shelf.add("canteen.txt", "The canteen opens at noon.")
        assert "library_changed" in await since(shelf, kept, shelf.platform)


class TestSettings:
    async def test_reranker_is_the_reason(self, shelf: Shelf) -> None:
        plain = shelf.platform
        ranked, fewer = (
            plain.holding(Reranking(WordReranker(), candidates=count, seconds=60))
            for count in (10, 9)
        )
        assert await codes(shelf, plain, ranked) == {"reranker_changed"}
        assert await codes(shelf, ranked, plain) == {"reranker_changed"}
        assert await codes(shelf, ranked, fewer) == {"settings_changed"}

    async def test_second_reader_is_the_reason(self, shelf: Shelf) -> None:
        model = FakeLanguageModel([SAID])
        rules = dataclasses.replace(shelf.platform, llm=model)
        read = dataclasses.replace(
            rules, verifier=ModelVerifier(FakeLanguageModel(["1: supported"]))
        )
        assert await codes(shelf, rules, rules) == set()
        assert await codes(shelf, rules, read) == {"verifier_changed"}
