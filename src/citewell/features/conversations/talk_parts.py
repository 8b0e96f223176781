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
