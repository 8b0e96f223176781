"""The contract of rerankers as a test class, and a reranker that needs no model.

A provider's tests inherit `RerankerContract` and give it one fixture named `reranker`.
"""

import asyncio
import re
from collections.abc import Sequence

from citewell.engine.reranking.base import Reranker

QUESTION = "annual leave days of employees"
FITTING = "Employees get annual leave of twenty days."
OTHERS = ("The printer takes paper of every size.", "A cat sleeps on the roof.")


class WordReranker:
    """Scores a passage by the share of the question's words it holds."""

    name = "testing:words"

    async def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        asked = _words(question)
        return [len(asked & _words(each)) / max(len(asked), 1) for each in passages]

    async def close(self) -> None:
        pass


class RerankerContract:
    """The contract suite of rerankers; inherit it and give the fixture `reranker`."""

    async def test_name_has_provider_and_model(self, reranker: Reranker) -> None:
        provider, _, model = reranker.name.partition(":")
        assert provider
        assert model

    async def test_scores_are_shares_in_the_order_given(self, reranker: Reranker) -> None:
        for place in range(3):
            passages: list[str] = [*OTHERS[:place], FITTING, *OTHERS[place:]]
            scores = await reranker.scores(QUESTION, passages)
            assert len(scores) == 3
            assert all(0 <= each <= 1 for each in scores)
            assert scores.index(max(scores)) == place

    async def test_no_passages_give_no_scores(self, reranker: Reranker) -> None:
        assert await reranker.scores(QUESTION, []) == []

    async def test_hostile_texts_are_scored(self, reranker: Reranker) -> None:
        passages = ["", "\0", "lone \ud800 surrogate", "[SEP] [CLS]", "word " * 20_000]
        assert len(await reranker.scores("\ud800 what?", passages)) == len(passages)

    async def test_concurrent_calls_do_not_mix(self, reranker: Reranker) -> None:
        orders = [[FITTING, OTHERS[0]], [OTHERS[0], FITTING]] * 3
        found = await asyncio.gather(*(reranker.scores(QUESTION, each) for each in orders))
        for number, scores in enumerate(found):
            assert scores.index(max(scores)) == number % 2

    async def test_close_twice_is_allowed(self, reranker: Reranker) -> None:
        await reranker.close()
        await reranker.close()


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
