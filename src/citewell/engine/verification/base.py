"""A second reading: whether quotes carry a sentence, told by something that understands more."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from citewell.engine.llm.base import TokenUsage


class Entailment(StrEnum):
    """Relation of the quotes to a sentence."""

    SUPPORTED = "supported"
    """They say it, in whatever words."""
    REFUTED = "refuted"
    """They say something that excludes it."""
    UNKNOWN = "unknown"
    """They say too little, or it was not read."""


@dataclass(frozen=True, slots=True)
class CitedClaim:
    """A sentence with what it is cited from."""

    text: str
    quotes: tuple[str, ...]
    language: str
    """ISO 639-1 code of the sentence."""
    question: str = ""
    """The question that a `Yes` before it answers; empty where it is not known."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdicts on some claims, in their order, and what they cost."""

    verdicts: tuple[Entailment, ...]
    usage: TokenUsage


class Verifier(Protocol):
    """Reads claims a second time. Safe to share between tasks of one event loop."""

    name: str
    """As in CITEWELL_VERIFIER, without a folder."""
    reader: Literal["rules", "model"]
    """Kind of reader that a sentence's grade names."""

    async def read(self, claims: Sequence[CitedClaim]) -> Verdicts:
        """Read claims, all at once.

        Raises:
            ProviderError: They could not be read.
            ProviderConfigurationError: The model is not set up rightly.
        """
        ...

    async def close(self) -> None:
        """Let go of threads; the verifier must not be used afterwards."""
        ...
