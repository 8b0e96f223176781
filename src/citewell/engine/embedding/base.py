"""What an embedder gives: unit vectors for passages and questions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape (n, dimensions), rows of length 1."""

Vector = NDArray[np.float32]
"""Shape (dimensions,), of length 1."""


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """What identifies an embedding space, and what it can take."""

    name: str
    """`provider:model`, as in CITEWELL_EMBEDDING; vectors of different names never mix."""
    dimensions: int
    max_tokens: int
    """Longest input in tokens, special tokens included; what is longer is cut."""
    languages: frozenset[str] | None
    """ISO 639-1 codes it was trained for; None means multilingual."""

    def covers(self, language: str) -> bool:
        """Whether vectors of this language's texts mean something."""
        return self.languages is None or language in self.languages


@dataclass(frozen=True, slots=True)
class EmbedderOptions:
    """What a provider may need beyond the model's name; each takes what concerns it."""

    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    threads: int | None = None
    """Threads of a model that runs in this process; None takes all cores."""


class Embedder(Protocol):
    """Turns texts into vectors. Safe to share between tasks."""

    spec: EmbedderSpec

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, without special tokens."""
        ...

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed passages, in the order given.

        Raises:
            ProviderError: The model did not answer.
        """
        ...

    async def embed_query(self, text: str) -> Vector:
        """Embed one question.

        Raises:
            ProviderError: The model did not answer.
        """
        ...

    async def close(self) -> None:
        """Let go of threads and connections."""
        ...
