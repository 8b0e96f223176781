"""Conversations as PDF files."""

from collections.abc import Iterable, Iterator

from citewell.features.conversations.talk_parts import PartKind, TalkPart
from citewell.kit.pdf import PrintedText, make_pdf


def printed(title: str, parts: Iterable[TalkPart]) -> bytes:
    """The parts as pages of A4, in fonts that the file holds."""
    return make_pdf(title, (each for part in parts for each in _texts(part)))


def _texts(part: TalkPart) -> Iterator[PrintedText]:
    match part.kind:
        case PartKind.TITLE:
            yield PrintedText(part.text, size=18, is_bold=True, space=0, holds_next=True)
        case PartKind.QUESTION:
            yield PrintedText(part.text, size=12.5, is_bold=True, space=20, holds_next=True)
        case PartKind.NOTE | PartKind.DETAIL:
            yield PrintedText(part.text, size=9, is_grey=True)
        case PartKind.TEXT:
            yield PrintedText(part.text)
        case PartKind.SOURCES:
            for line in part.text.split("\n"):
                yield PrintedText(line, size=9, indent=18, hang=18, space=3)
