"""Parts of an answer: sentences, each resting on stored passages."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from citewell.engine.verification.grading import Assessment


class ConfidenceLevel(StrEnum):
    """How far an answer can be relied on."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Confidence:
    """A level and the score in 0..1 it was read from."""

    level: ConfidenceLevel
    score: float
    reasons: tuple[str, ...] = ()
    """Reasons for and against the answer, in the question's language."""


@dataclass(frozen=True, slots=True)
class QuestionTerm:
    """A word, pair of syllables or code of a question."""

    text: str
    ids: frozenset[int]
    """Its term ids in the namespaces it may be stored in."""
    weight: float
    """Its IDF, the highest where no passage holds it, less for a function word."""
    is_known: bool = True
    """Whether any passage of the library holds it."""
    is_form: bool = False
    """Whether it is a date, a number or another form that stands for several words."""
    is_guess: bool = False
    """Whether it is a short word taken for another one that differs in a letter."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the answerer sees it."""

    text: str
    language: str
    """ISO 639-1 code; the answer is in this language."""
    terms: tuple[QuestionTerm, ...]
    certainty: float = 1.0
    """How much the library is able to tell of its words, 0..1: little of three passages."""
    day: date | None = None
    """The day for which it is answered: what holds only later does not lead; None: any day."""
    must_mention: str = ""
    """Words that an answer must rest on, as a follow-up puts them in the place of others."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk as the answerer sees it, best first in a list."""

    chunk_id: str
    document_id: str
    title: str
    version: int
    page: int | None
    heading: tuple[str, ...]
    start: int
    """Offset of `text` in the version's extracted text, in characters."""
    end: int
    text: str
    score: float
    """Fused score in 0..1."""
    language: str
    dense_score: float | None = None
    """Cosine similarity with the question, as the bundled model would have it; None where there is
    no vector, or where its model's cosines are not understood."""
    context: str = ""
    """Header row or lead-in of a chunk cut out of a table or list; no part of `text`."""
    date: str = ""
    """Date of the document, ISO 8601, where it is known."""
    cosine: float | None = None
    """Cosine similarity with the question as the library's embedder gives it."""
    page_breaks: tuple[int, ...] = ()
    """Offsets in the text at which a page ends."""
    sheet: str | None = None
    """Name of the sheet of a workbook, of which `page` is the number; None elsewhere."""
    names: str = ""
    """Names of the question that its document bears, as a contract does those of its parties."""


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence of the answer comes from: `quote == extracted_text[start:end]`."""

    number: int
    passage: Passage
    start: int
    end: int
    quote: str
    score: float
    readings: tuple[str, ...] = ()
    """Rows of a table in the quote, with the names of their columns: what they say in full."""


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence of an answer with the numbers of its citations; none means unsupported."""

    text: str
    citations: tuple[int, ...]
    assessment: Assessment | None = None
    """How far its quotes carry it; None: not graded, or no statement about the documents."""
    operands: tuple[str, ...] | None = None
    """Numbers that its value was computed from, as the quotes have them; empty where quotes were
    counted, None where nothing was computed."""

    @property
    def is_supported(self) -> bool:
        """Whether a stored passage supports the sentence."""
        return bool(self.citations)


@dataclass(frozen=True, slots=True)
class Degradation:
    """Something that did not work and was answered without."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to one question."""

    text: str
    """The sentences with their citation marks, as `[1]`; the abstention text when abstained."""
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    confidence: Confidence
    is_abstained: bool
    model: str
    """`extractive`, or the provider and model that wrote it."""
    degraded: tuple[Degradation, ...] = ()
    prompt: str | None = None
    """Version of the prompt that a model was asked with, whoever wrote the answer then."""
