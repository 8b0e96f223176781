"""Cross-encoders in this process: threads, and scores from what a graph puts out."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from citewell.engine.errors import ProviderError
from citewell.engine.onnx.sessions import encodable

MAX_CHARACTERS = 6_000
"""Characters read of a passage; cross-encoders take about 512 tokens of question and passage."""


class LocalReranker:
    """Scores pairs in one thread of its own, so that no embedding waits for it.

    Args:
        name: As in CITEWELL_RERANKER.
        logits: Gives one number for each pair of a question and a passage.
    """

    def __init__(
        self, name: str, logits: Callable[[str, Sequence[str]], NDArray[np.float32]]
    ) -> None:
        self.name = name
        self._logits = logits
        self._thread = ThreadPoolExecutor(1, "rerank")

    async def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        if not passages:
            return []
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._score, encodable(question), [encodable(each) for each in passages]
        )

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    def _score(self, question: str, passages: Sequence[str]) -> list[float]:
        logits = self._logits(question, [each[:MAX_CHARACTERS] for each in passages])
        if logits.shape != (len(passages),) or not np.isfinite(logits).all():
            raise ProviderError(f"{self.name} gave no number for each passage.")
        # The output it was trained for: logits of "this passage answers the question".
        return [float(each) for each in 1 / (1 + np.exp(-np.clip(logits, -30, 30)))]
