"""Conversations as PDF files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from citewell.kit.pdf import Paragraph, make_pdf
from citewell.kit.truetype import Font, read_font

_FONTS = "ttf_opensans"
"""The package with the fonts: Open Sans, which has the letters of Vietnamese."""


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
    """A part of an exported conversation, whatever it is written as."""

    kind: PartKind
    text: str


def printed(title: str, parts: Iterable[TalkPart]) -> bytes:
    """The parts as pages of A4, in fonts that the file holds."""
    paragraphs = [each for part in parts for each in _paragraphs(part)]
    return make_pdf(title, paragraphs, _font("Regular"), _font("Bold"))


def _font(style: str) -> Font:
    name = f"OpenSans-{style}"
    file = resources.files(_FONTS).joinpath("ttf").joinpath(f"{name}.ttf")
    return read_font(name, file.read_bytes())


def _paragraphs(part: TalkPart) -> Iterator[Paragraph]:
    match part.kind:
        case PartKind.TITLE:
            yield Paragraph(part.text, size=18, is_bold=True, space=0, holds_next=True)
        case PartKind.QUESTION:
            yield Paragraph(part.text, size=12.5, is_bold=True, space=20, holds_next=True)
        case PartKind.NOTE | PartKind.DETAIL:
            yield Paragraph(part.text, size=9, is_grey=True)
        case PartKind.TEXT:
            yield Paragraph(part.text)
        case PartKind.SOURCES:
            for line in part.text.split("\n"):
                yield Paragraph(line, size=9, indent=18, hang=18, space=3)
