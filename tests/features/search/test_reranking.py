"""Searches whose result a reranker puts in order, or fails to."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.engine.errors import ProviderError
from citewell.engine.reranking.base import Reranker, Reranking
from citewell.engine.reranking.testing import WordReranker
from citewell.features.search import service
from citewell.features.search.schemas import SearchReply, SearchRequest
from tests.conftest import Servers, new_caller
from tests.quiet import Shelf, quiet_database, quiet_platform

QUESTION = "pump pump pump warranty repair"
"""Its words are weighed by how often they are asked; a `WordReranker` counts each once."""

TEXTS = {
    "often.txt": "Pump after pump after pump: every pump of the pump hall is a pump.",
    "right.txt": "The warranty of a pump covers its repair within two years of delivery.",
    "other.txt": "The canteen opens at noon.",
}


class Silent(WordReranker):
    async def scores(self, question: str, passages: Sequence[str]) -> list[float]:  # noqa: ARG002
        await asyncio.Event().wait()
        raise AssertionError


class Broken(WordReranker):
    async def scores(self, question: str, passages: Sequence[str]) -> list[float]:  # noqa: ARG002
        raise ProviderError("The reranking service at here answered 503.")


@pytest.fixture(scope="module")
def database(servers: Servers, template: str) -> Iterator[str]:
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture
async def shelf(settings: Settings, database: str, tmp_path: Path) -> AsyncIterator[Shelf]:
    async with quiet_platform(settings, database) as platform:
        made = Shelf(platform, await new_caller(platform), tmp_path)
        for name, text in TEXTS.items():
            await made.process(await made.register(name, text))
        yield made


async def searched(
    platform: Platform, caller: Caller, reranker: Reranker | None, question: str = QUESTION
) -> SearchReply:
    held = platform.holding(Reranking(reranker, candidates=10, seconds=0.2))
    request = SearchRequest(query=question, top_k=2, explain=True)
    return await service.search(held, caller, request)


class TestSearch:
    async def test_hits_are_in_the_order_of_the_scores(self, shelf: Shelf) -> None:
        plain = await searched(shelf.platform, shelf.caller, None)
        reply = await searched(shelf.platform, shelf.caller, WordReranker())
        assert [hit.text for hit in reply.results] == [TEXTS["right.txt"], TEXTS["often.txt"]]
        assert [hit.score for hit in reply.results] == [1.0, pytest.approx(1 / 3, abs=1e-6)]
        assert reply.explain is not None
        assert reply.explain.reranker == "testing:words"
        assert plain.explain is not None
        assert plain.explain.reranker is None
        assert "rerank" in reply.timings_ms
        assert reply.degraded == []

    @pytest.mark.parametrize(
        ("reranker", "why"), [(Silent(), "took more than 0.2 s"), (Broken(), "answered 503")]
    )
    async def test_failure_leaves_the_order_and_is_said(
        self, shelf: Shelf, reranker: Reranker, why: str
    ) -> None:
        plain = await searched(shelf.platform, shelf.caller, None)
        reply = await searched(shelf.platform, shelf.caller, reranker)
        assert reply.results == plain.results
        [degraded] = reply.degraded
        assert degraded.what == "reranking"
        assert why in degraded.why

    async def test_quoted_phrases_are_not_put_in_another_order(self, shelf: Shelf) -> None:
        question = '"canteen opens" pump'
        plain = await searched(shelf.platform, shelf.caller, None, question)
        reply = await searched(shelf.platform, shelf.caller, Broken(), question)
        assert reply.results == plain.results
        assert reply.degraded == []
