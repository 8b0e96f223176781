"""The contract of rerankers: a score for each passage, higher is better."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RerankerOptions:
    """Settings beyond the model's name; each provider takes those that concern it."""

    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    threads: int | None = None
    """Threads of a model that runs in this process; None takes all cores."""


class Reranker(Protocol):
    """Scores passages for a question. Safe to share between tasks."""

    @property
    def name(self) -> str:
        """`provider:model`, as in CITEWELL_RERANKER."""
        ...

    async def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """Score each passage in 0..1, in the order given; higher is better.

        Raises:
            ProviderError: The model did not answer.
        """
        ...

    async def close(self) -> None:
        """Let go of threads and connections."""
        ...


@dataclass(frozen=True, slots=True)
class Reranking:
    """Whether and how the best passages of a search are put in a better order."""

    reranker: Reranker | None = None
    """None: they stay as they are."""
    candidates: int = 30
    """Passages that are scored; the time it takes grows with each of them."""
    seconds: float = 2.0
    """Longest wait; then the order stays."""
