"""The language and the BM25 weights of a document's passages, one after the other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from citewell.engine.lexical.acronyms import MAX_DEFINITIONS, definitions_in
from citewell.engine.lexical.base import ANALYSIS, SparseVector
from citewell.engine.lexical.bm25 import passage_terms
from citewell.engine.text.language import UNDETERMINED, detect_language


@dataclass(slots=True)
class PassageWeigher:
    """Weighs passages in the order of their document, as far as it has been read."""

    title: str
    acronyms: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Meanings of acronyms that the text has given so far."""
    analysis: int = ANALYSIS
    """The version to analyse by, that of the generation."""

    def read(self, texts: Iterable[str]) -> None:
        """Note what acronyms stand for: texts say it where they use them first."""
        for text in texts:
            if len(self.acronyms) < MAX_DEFINITIONS:
                self.acronyms |= definitions_in(text)

    def weigh(
        self, text: str, context: str, heading: Sequence[str], language: str = UNDETERMINED
    ) -> tuple[str, SparseVector]:
        """The language of a passage and its weights.

        Args:
            text: The passage.
            context: Its context, indexed with it.
            heading: The headings above it.
            language: Of the passage before: tables of figures show none of their own.
        """
        detected = detect_language(text)
        language = detected if detected != UNDETERMINED else language
        terms = passage_terms(
            f"{context}\n{text}" if context else text,
            language,
            heading=" ".join(heading),
            title=self.title,
            acronyms=self.acronyms,
            analysis=self.analysis,
        ).weights
        return language, terms
