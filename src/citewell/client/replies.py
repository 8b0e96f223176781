"""Replies of the API as values; fields that a newer server adds are left out."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

Value = TypeVar("Value")


class ApiError(Exception):
    """The server refused a request.

    Attributes:
        status: Of HTTP.
        code: Stable, see the API's documentation.
        detail: For people.
        request_id: Which the server's log has too.
        retry_after: Seconds after which it may work.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code} ({status}): {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after


class UnreachableError(Exception):
    """The server did not answer."""


@dataclass(frozen=True, slots=True)
class AnswerConfidence:
    """How far an answer can be relied on."""

    level: str
    """`high`, `medium`, `low` or `none`."""
    score: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerCitation:
    """Where a sentence comes from; `quote` is the text from `start` to `end`."""

    number: int
    document_id: str
    chunk_id: str
    title: str
    version: int
    page: int | None
    heading: str | None
    quote: str
    start: int
    end: int
    score: float
    provision: str | None = None
    link: str = ""
    """Path in the web application that opens the passage."""


@dataclass(frozen=True, slots=True)
class GradedSentence:
    """A sentence of an answer, and how far its quotes carry it."""

    text: str
    citations: tuple[int, ...]
    grade: str | None
    unsupported_terms: tuple[str, ...] = ()
    verified_by: str | None = None


@dataclass(frozen=True, slots=True)
class CitedAnswer:
    """An answer with its sources."""

    query_id: str
    query: str
    text: str
    abstained: bool
    confidence: AnswerConfidence
    sentences: tuple[GradedSentence, ...]
    citations: tuple[AnswerCitation, ...]
    model: str
    cached: bool
    degraded: tuple[str, ...]
    """Reasons why something was done without."""


@dataclass(frozen=True, slots=True)
class AnswerPiece:
    """A piece of an answer while it is made; the last one holds the whole."""

    text: str = ""
    answer: CitedAnswer | None = None


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage that was found."""

    document_id: str
    chunk_id: str
    title: str
    version: int
    page: int | None
    heading: str | None
    start: int
    end: int
    score: float
    text: str


@dataclass(frozen=True, slots=True)
class LibraryDocument:
    """A document and how far its processing is."""

    id: str
    title: str
    filename: str
    status: str
    """`queued`, `processing`, `ready` or `failed`."""
    version: int
    error: Mapping[str, str] | None = None
    warnings: tuple[Mapping[str, str], ...] = ()
    """Remarks of reading it, each with `code` and `message`."""

    @property
    def is_settled(self) -> bool:
        """Whether it is ready, or has failed."""
        return self.status not in ("queued", "processing")


@dataclass(frozen=True, slots=True)
class LibraryCollection:
    """A collection of documents."""

    id: str
    name: str
    description: str


def read_answer(reply: Mapping[str, Any]) -> CitedAnswer:
    """The answer in a reply of `/query`."""
    made = reply["metadata"]
    return CitedAnswer(
        query_id=reply["query_id"],
        query=reply["query"],
        text=reply["answer"],
        abstained=reply["abstained"],
        confidence=_read(AnswerConfidence, reply["confidence"]),
        sentences=tuple(_read(GradedSentence, each) for each in reply["sentences"]),
        citations=tuple(_read(AnswerCitation, each) for each in reply["citations"]),
        model=made["model"],
        cached=made["cached"],
        degraded=tuple(f"{each['what']}: {each['why']}" for each in made["degraded"]),
    )


def read_passages(reply: Mapping[str, Any]) -> list[FoundPassage]:
    """The passages in a reply of `/search`."""
    return [_read(FoundPassage, each) for each in reply["results"]]


def read_document(reply: Mapping[str, Any]) -> LibraryDocument:
    """A document."""
    return _read(LibraryDocument, reply)


def read_collection(reply: Mapping[str, Any]) -> LibraryCollection:
    """A collection."""
    return _read(LibraryCollection, reply)


def _read(kind: type[Value], given: Mapping[str, Any]) -> Value:
    known = {field.name for field in fields(kind)}  # pyright: ignore[reportArgumentType] - dataclasses all
    values = {name: _frozen(value) for name, value in given.items() if name in known}
    return kind(**values)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - JSON
