"""The parts of an exported conversation, whatever it is written as."""

from dataclasses import dataclass
from enum import StrEnum


class PartKind(StrEnum):
    """Kind of a part of an exported conversation."""

    TITLE = "title"
    QUESTION = "question"
    NOTE = "note"
    """Of ours, about the question or its answer."""
    TEXT = "text"
    DETAIL = "detail"
    """Confidence and time."""
    SOURCES = "sources"
    """Cited passages, one a line."""


@dataclass(frozen=True, slots=True)
class TalkPart:
    """A part, as text."""

    kind: PartKind
    text: str


def as_pdf(title: str, parts: list[tuple[str, str]]) -> str:
    """The parts as a PDF file, for a child process; see `printing.printed`."""
    # 20 MB, which the process that serves requests is spared.
    from citewell.features.conversations.printing import printed  # noqa: PLC0415

    return printed(title, parts)
