"""Conversations as PDF files."""

import base64
from collections.abc import Iterator

from citewell.features.conversations.talk_parts import PartKind, TalkPart
from citewell.kit.pdf import PrintedText, make_pdf


def printed(title: str, parts: list[tuple[str, str]]) -> str:
    """The parts as pages of A4, in fonts that the file holds, in base64.

    Args:
        title: Of the file.
        parts: Kind (`PartKind`) and text of each.
    """
    texts = (each for kind, text in parts for each in _texts(TalkPart(PartKind(kind), text)))
    return base64.b64encode(make_pdf(title, texts)).decode("ascii")


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
