"""The spans of the passages a sentence can rest on, with what is known of each."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from citewell.engine.answering.base import Passage
from citewell.engine.answering.facts import Facts, read_facts
from citewell.engine.answering.terms import Space, keys_of
from citewell.engine.text.normalisation import normalise, words
from citewell.engine.text.sentences import is_table_row, split_sentences
from citewell.engine.text.vietnamese import has_diacritics

UNKNOWN = "und"
"""Language of a passage whose language does not show."""

_AND = r"(?:and|while|whereas|but|và|còn|nhưng|trong khi)\s+"
CLAUSE_ENDS = re.compile(
    rf"[;\n|]\s*+|[.!?]\s++|,\s++(?:{_AND})?|(?<!\s)\s++(?:{_AND})", re.IGNORECASE
)
"""Where one statement of a sentence may end and the next begin.

Runs of white space are taken whole and tried from their first character only, so that the time is
linear in the text whatever is in it.
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence of a passage, or two adjacent ones."""

    passage: int
    """Index of the passage."""
    start: int
    end: int
    """Offsets in the passage's text."""
    is_pair: bool = False
    is_row: bool = False
    context: str = ""
    """Title, headings, and the header of a table row: true of the span though not in it."""


class Shelf:
    """The passages of one question, read once."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = tuple(passages)
        self._evidence: list[Evidence] = []
        self._keys: dict[tuple[str, Space], frozenset[str]] = {}
        self._facts: dict[tuple[str, Space], Facts] = {}
        self._plain: dict[int, str] = {}
        frequency: Counter[str] = Counter()
        count = 0
        for number in range(len(self.passages)):
            for span in self._read(number):
                frequency.update(self.keys(span, self.space(span)))
                count += 1
        self._frequency, self._count = frequency, max(count, 1)

    def _read(self, number: int) -> list[Evidence]:
        passage = self.passages[number]
        above = " . ".join((passage.title, *passage.heading, passage.context))
        singles: list[Evidence] = []
        header: str | None = None
        for start, end in split_sentences(passage.text, passage.language):
            text = passage.text[start:end]
            if not is_table_row(text):
                header = None
                singles.append(Evidence(number, start, end, context=above))
                continue
            context = above if header is None else f"{above} . {header}"
            header = header or text
            singles.append(Evidence(number, start, end, is_row=True, context=context))
        pairs = [
            Evidence(number, first.start, second.end, is_pair=True, context=above)
            for first, second in pairwise(singles)
            if not (first.is_row or second.is_row)
        ]
        self._evidence += [*singles, *pairs]
        return singles

    def evidence(self) -> list[Evidence]:
        """Return all spans, passage by passage."""
        return self._evidence

    def space(self, evidence: Evidence, *, language: str = "en", folded: bool = False) -> Space:
        """Return how words of the span's passage are compared with a sentence.

        Args:
            evidence: The span.
            language: Of the sentence; taken where the passage's does not show.
            folded: Whether the sentence is Vietnamese without diacritics.
        """
        passage = self.passages[evidence.passage]
        if passage.language != "vi":
            return Space(language if passage.language == UNKNOWN else passage.language)
        return Space("vi", folded or not has_diacritics(normalise(passage.text)))

    def weight(self, key: str) -> float:
        """Return how much a word tells: the IDF over the passages' sentences, flattened.

        The plain IDF of a handful of sentences makes one reworded rare word weigh as much as the
        rest of the sentence.
        """
        seen = self._frequency[key]
        return 1.0 + math.log1p((self._count - seen + 0.5) / (max(seen, 1) + 0.5)) / 4

    def keys(self, evidence: Evidence, space: Space) -> frozenset[str]:
        """Return the content words of the span."""
        return self._keys_of(self._text(evidence), space)

    def context_keys(self, evidence: Evidence, space: Space) -> frozenset[str]:
        """Return the content words of its title and headings."""
        return self._keys_of(evidence.context, space)

    def all_keys(self, evidence: Evidence, space: Space) -> frozenset[str]:
        """Return every word of its passage and headings, small words too."""
        return self._every_word(evidence.passage, space) | self._keys_of(evidence.context, space)

    def facts(self, evidence: Evidence, space: Space) -> Facts:
        """Return the facts of the span."""
        return self._facts_of(self._text(evidence), space)

    def context_facts(self, evidence: Evidence, space: Space) -> Facts:
        """Return the facts of its title and headings."""
        return self._facts_of(evidence.context, space)

    def row_keys(self, passage: int, space: Space) -> frozenset[str]:
        """Return the content words of all table rows of a passage."""
        rows = (e for e in self._evidence if e.is_row and e.passage == passage)
        return frozenset[str]().union(*(self.keys(row, space) for row in rows))

    def clauses(self, evidence: Evidence, space: Space) -> list[tuple[frozenset[str], Facts]]:
        """Return the content words and facts of each of its clauses."""
        parts = (part for part in CLAUSE_ENDS.split(self._text(evidence)) if part.strip())
        return [(self._keys_of(part, space), self._facts_of(part, space)) for part in parts]

    def plain_text(self, passage: int) -> str:
        """Return a passage's words in order, one space between them."""
        if passage not in self._plain:
            self._plain[passage] = " ".join(words(normalise(self.passages[passage].text)))
        return self._plain[passage]

    def _every_word(self, passage: int, space: Space) -> frozenset[str]:
        key = (f"\0{passage}", space)
        if key not in self._keys:
            found = words(normalise(self.passages[passage].text))
            self._keys[key] = frozenset(space.key(word) for word in found)
        return self._keys[key]

    def _keys_of(self, text: str, space: Space) -> frozenset[str]:
        if (text, space) not in self._keys:
            self._keys[text, space] = keys_of(text, space)
        return self._keys[text, space]

    def _facts_of(self, text: str, space: Space) -> Facts:
        if (text, space) not in self._facts:
            self._facts[text, space] = read_facts(
                text, language=space.language, folded=space.is_folded
            )
        return self._facts[text, space]

    def _text(self, evidence: Evidence) -> str:
        return self.passages[evidence.passage].text[evidence.start : evidence.end]
