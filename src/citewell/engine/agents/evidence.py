"""The passages that the tools of a run have returned, numbered once for the whole run."""

from collections.abc import Iterable, Sequence

from citewell.engine.answering.base import Passage
from citewell.engine.answering.marks import without_marks
from citewell.engine.llm.untrusted import harmless

Place = tuple[str, int, int, int]
"""Document, version, start and end: passages of one place are one."""


class EvidenceShelf:
    """Numbers passages from 1, in the order in which they are put in."""

    def __init__(self, passages: Iterable[Passage] = ()) -> None:
        self._numbers: dict[Place, int] = {}
        self._passages: list[Passage] = []
        self.add(passages)

    @property
    def passages(self) -> Sequence[Passage]:
        """All of them; number n is at index n - 1."""
        return self._passages

    @property
    def document_ids(self) -> set[str]:
        """The documents they are from."""
        return {passage.document_id for passage in self._passages}

    def add(self, passages: Iterable[Passage]) -> None:
        """Put passages in; those of a place that is known keep their number."""
        for passage in passages:
            if _place_of(passage) not in self._numbers:
                self._passages.append(passage)
                self._numbers[_place_of(passage)] = len(self._passages)

    def number_for(self, passage: Passage) -> int:
        """The number that a passage has, or would get now."""
        return self._numbers.get(_place_of(passage), len(self._passages) + 1)


def _place_of(passage: Passage) -> Place:
    return (passage.document_id, passage.version, passage.start, passage.end)


def block_of(number: int, passage: Passage) -> str:
    """A passage as the model reads it, with the number it is cited by."""
    source = " > ".join((passage.title, *passage.heading))
    place = f"version {passage.version}, characters {passage.start}-{passage.end}"
    if passage.page is not None:
        place = f"page {passage.page}, {place}"
    context = f"{_quotable(passage.context)}\n" if passage.context else ""
    return (
        f'<passage number="{number}" document="{passage.document_id}">\n'
        f"({_quotable(source)}; {place})\n{context}{_quotable(passage.text)}\n</passage>"
    )


def _quotable(text: str) -> str:
    """Text of a document for a prompt: its footnote numbers are no citation marks."""
    return without_marks(harmless(text))
