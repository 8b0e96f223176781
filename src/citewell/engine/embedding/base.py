"""The contract of embedders: unit vectors for passages and questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeAlias

from citewell.engine.errors import ProviderConfigurationError

if TYPE_CHECKING:
    # Read where vectors are made: half a tenth of a second that lists and rights do without.
    import numpy as np
    from numpy.typing import NDArray

Vectors: TypeAlias = "NDArray[np.float32]"
"""Shape (n, dimensions), rows of length 1."""

Vector: TypeAlias = "NDArray[np.float32]"
"""Shape (dimensions,), of length 1."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Typical cosines between questions of one language and passages of one."""

    unrelated: float
    """With passages about something else."""
    answering: float
    """With the passage that answers."""
    is_understood: bool
    """Whether the model tells the two apart."""

    def place(self, cosine: float) -> float:
        """Return where a cosine lies: 0 as of the unrelated, 1 as of those that answer."""
        return (cosine - self.unrelated) / (self.answering - self.unrelated)


_MARGIN = 0.6
"""Room below the unrelated and above those that answer, as a share of the distance between them.

It is about two standard deviations of unrelated cosines (0.018 of 0.068 with multilingual-e5-small
in English). Within a language 0.6 and 1.1 give the same nDCG@10 on XQuAD.
"""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The meaning of a model's cosines, and how far they can be trusted.

    Models differ widely: unrelated texts have 0.02 with the bundled one and 0.78 with
    multilingual-e5-small, so a bare cosine compares with nothing. Nor does it across languages:
    with the latter, passages of the question's language have 0.81 where they are unrelated, those
    of another 0.80 where they answer. Of Vietnamese questions over a library of both languages
    whose answer is in an English passage, nDCG@10 is 0.21 on one scale and 0.72 on one for each
    pair of languages.
    """

    bounds: tuple[float, float] | None = (0.0, 1.0)
    """Cosines that count as no and as full likeness; None: as `likeness` says of the languages."""
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    """Dense leg's share of a passage's score by language of the question, where it was learned."""
    likeness: Mapping[tuple[str, str], Likeness] = field(
        default_factory=dict[tuple[str, str], Likeness]
    )
    """By languages of question and passage, where they were measured."""

    @property
    def crosses_languages(self) -> bool:
        """Whether questions find passages of another language."""
        return any(
            asked != said and each.is_understood for (asked, said), each in self.likeness.items()
        )

    def bounds_of(self, asked: str, said: str | None) -> tuple[float, float]:
        """Return the cosines that count as no and as full likeness.

        Args:
            asked: Language of the question.
            said: Language of the passage; None: not known, as it does not matter.
        """
        if self.bounds is not None:
            return self.bounds
        likeness = self.likeness_of(asked, said)
        margin = _MARGIN * (likeness.answering - likeness.unrelated)
        return likeness.unrelated - margin, likeness.answering + margin

    def likeness_of(self, asked: str, said: str | None) -> Likeness:
        """Get that of the pair of languages, or of the nearest to it that was measured.

        Raises:
            KeyError: Nothing was measured.
        """
        # A language that was not measured counts as English; probes are in two languages only.
        for pair in ((asked, said or asked), (asked, asked)):
            if pair in self.likeness:
                return self.likeness[pair]
        return self.likeness["en", "en"]


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """Identity of an embedding space, and the limits of its texts."""

    name: str
    """`provider:model`, as in CITEWELL_EMBEDDING; vectors of different names never mix."""
    dimensions: int
    max_tokens: int
    """Longest input in tokens, special tokens included; what is longer is cut."""
    languages: frozenset[str] | None
    """ISO 639-1 codes it was trained for; None means multilingual."""
    calibration: Calibration = field(default_factory=Calibration, compare=False)

    def covers(self, language: str, passages: str | None = None) -> bool:
        """Whether vectors of this language's texts mean something: as measured, else as declared.

        Args:
            language: Of a question.
            passages: Language of the passages; None: the same.
        """
        measured = self.calibration.likeness.get((language, passages or language))
        if measured is not None:
            return measured.is_understood
        declared = self.languages
        return declared is None or {language, passages or language} <= declared


@dataclass(frozen=True, slots=True)
class EmbedderOptions:
    """Options of a provider beyond the model's name; each takes those that concern it."""

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


class NoEmbedder:
    """In the place of an `Embedder` where none was opened: whatever needs one is refused."""

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse all but closing.

        Raises:
            ProviderConfigurationError: Always.
        """
        raise ProviderConfigurationError(f"No embedding model was opened here, asked for {name}.")

    async def close(self) -> None:
        """Return at once: nothing is open."""
