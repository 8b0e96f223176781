"""Finds for each sentence of a generated answer the stored passage that supports it, or none.

What the model says about its sources is a hint, never a proof. A span of one or two adjacent
sentences supports a sentence when

1. it holds every number, date and code of the sentence (see `facts`), its quoted phrases word for
   word, and its passage holds every name;
2. it does not contradict it: no negation on one side only, no opposite word;
3. it covers enough of the sentence's content words, weighted by how rare they are in the passages.

Where sentence and passage are in different languages words cannot be compared. Then only a
passage the model named is looked at, the first two conditions must hold, and at least one telling
fact (a code, a name, a date, a number with its unit or of two digits) must be shared; the score
says that it was less sure. A sentence without such facts stays unsupported: nothing in it could
be checked.

Lexical checks rather than an entailment model: they need no download, take well under a
millisecond a sentence, and what they do can be explained to the reader.
"""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from citewell.engine.answering.base import AnswerSentence, Citation, Passage
from citewell.engine.answering.drafting import Draft, SentenceStream
from citewell.engine.answering.evidence import CLAUSE_ENDS, UNKNOWN, Evidence, Shelf
from citewell.engine.answering.facts import (
    Facts,
    contradicts,
    missing_facts,
    read_facts,
)
from citewell.engine.answering.grades import grade_cited
from citewell.engine.answering.neutral import neutralise
from citewell.engine.answering.quoting import FoundQuote, QuoteFinder
from citewell.engine.answering.terms import Space, keys_of, unit_keys
from citewell.engine.text.normalisation import normalise, words
from citewell.engine.text.numerals import Quantity
from citewell.engine.text.vietnamese import has_diacritics

MIN_COVERAGE = 0.55
"""Weighted share of the content words a span must hold; from the cases in the tests, where
reworded sentences reach it and unrelated ones stay below 0.4."""

MIN_OWN_COVERAGE = 0.25
"""Share the span itself must hold; title and headings can supply the rest."""

FACT_WEIGHT = 1.5
"""Weight of a number found in the span itself, in content words."""

MIN_STATED = 2
"""Content words and facts a sentence needs before it can be said to state anything."""

CLAIMED_BONUS = 0.1
PAIR_PENALTY = 0.12
"""A second sentence must add that much to be quoted too."""

CROSS_LANGUAGE_SCORE = 0.5

_MARKUP = re.compile(r"^[\s>#*•–-]+(?=\S)|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")  # noqa: RUF001
_PREAMBLE = re.compile(r"^(?:yes|no|có|không|vâng|đúng|correct)\s*[,.:;-]\s*(?=\S)", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“«]([^\"”»]{4,300})[\"”»]")


@dataclass(frozen=True, slots=True)
class Alignment:
    """A text with its sentences and citations, numbered in the order they appear."""

    text: str
    """The text with our marks and none of the model's."""
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]


def align(text: str, passages: Sequence[Passage], *, language: str) -> Alignment:
    """Align a whole generated text with the passages it was written from.

    Args:
        text: As the model wrote it, with marks `[1]` that count `passages` from 1.
        passages: In the order in which the model was given them.
        language: ISO 639-1 code of the text.
    """
    aligner = Aligner(passages, language=language)
    stream = SentenceStream(language)
    for draft in (*stream.feed(text), *stream.finish()):
        aligner.add(draft)
    return aligner.result()


class Aligner:
    """Takes the sentences of one answer one by one.

    Args:
        passages: The passages it was written from.
        language: ISO 639-1 code of the text.
        question: As asked, where the text answers one.
    """

    def __init__(self, passages: Sequence[Passage], *, language: str, question: str = "") -> None:
        self._language = language
        self._question = question
        self._shelf = Shelf(passages)
        self._finder = QuoteFinder(passages)
        self._citations: dict[tuple[int, int, int], Citation] = {}
        self._sentences: list[AnswerSentence] = []
        self._pieces: list[str] = []

    def add(self, draft: Draft) -> tuple[AnswerSentence, str, tuple[Citation, ...]]:
        """Align the next sentence.

        A sentence with quotes is cited from those that stand in a passage, whatever the passages
        hold besides; one without them from what supports it.

        Returns:
            The sentence with its grade, empty if nothing of it may be shown; the same as a piece of
            the answer's text, with white space before and marks behind; the citations that are new.
        """
        known = len(self._citations)
        if draft.quotes is None:
            cited = [self._cite(*found) for found in self._supports(draft.text, draft.claimed)]
        else:
            places = [place for quote in draft.quotes for place in self._finder.find(quote)]
            cited = [self._cite_quote(place) for place in places]
        cited = list(dict.fromkeys(cited))
        text = neutralise(draft.text, [citation.passage.text for citation in cited]).strip()
        sentence = AnswerSentence(text, tuple(citation.number for citation in cited))
        if not text:
            return sentence, "", ()
        sentence = grade_cited(sentence, cited, language=self._language, question=self._question)
        piece = (draft.lead if self._pieces else "") + text + marks_of(sentence)
        self._sentences.append(sentence)
        self._pieces.append(piece)
        return sentence, piece, tuple(self._citations.values())[known:]

    def result(self) -> Alignment:
        """Return everything added so far."""
        return Alignment(
            "".join(self._pieces), tuple(self._sentences), tuple(self._citations.values())
        )

    def _cite(self, evidence: Evidence, score: float) -> Citation:
        return self._cite_quote(
            FoundQuote(evidence.passage, evidence.start, evidence.end), round(min(score, 1.0), 4)
        )

    def _cite_quote(self, found: FoundQuote, score: float = 1.0) -> Citation:
        key = (found.passage, found.start, found.end)
        if key not in self._citations:
            passage = self._shelf.passages[found.passage]
            self._citations[key] = Citation(
                number=len(self._citations) + 1,
                passage=passage,
                start=passage.start + found.start,
                end=passage.start + found.end,
                quote=passage.text[found.start : found.end],
                score=score,
                readings=found.readings,
            )
        return self._citations[key]

    def _supports(self, text: str, claimed: Sequence[int]) -> list[tuple[Evidence, float]]:
        """The spans that support a sentence, best first; none when a part of it has none."""
        named = [n - 1 for n in claimed if 1 <= n <= len(self._shelf.passages)]
        plain = _MARKUP.sub("", text).strip()
        plain = _PREAMBLE.sub("", plain)
        found = self._support(plain, named)
        if found:
            return found
        clauses = self._clauses(plain)
        parts = [self._support(clause, named) for clause in clauses]
        if len(parts) < 2 or not all(parts):
            return []
        supports = [part[0] for part in parts]
        # A name that begins a clause is seen as one in the whole sentence only.
        whole = _Claim(plain, self._language)
        return supports if self._knows_names(whole, [item for item, _ in supports]) else []

    def _knows_names(self, claim: "_Claim", found: Sequence[Evidence]) -> bool:
        """Whether each name of the claim is in the passage of one of the spans."""
        spaces = [
            self._shelf.space(item, language=claim.language, folded=claim.is_folded)
            for item in found
        ]
        known = [
            (space, self._shelf.all_keys(item, space))
            for item, space in zip(found, spaces, strict=True)
        ]
        return all(
            any(all(space.key(word) in keys for word in words(name)) for space, keys in known)
            for name in claim.facts(spaces[0]).names
        )

    def _clauses(self, text: str) -> list[str]:
        """The parts of a sentence that say something each; one when it cannot be parted."""
        ranges: list[tuple[int, int]] = []
        start = 0
        for match in CLAUSE_ENDS.finditer(text):
            if _Claim(text[start : match.start()], self._language).says_enough():
                ranges.append((start, match.start()))
                start = match.end()
        if ranges and not _Claim(text[start:], self._language).says_enough():
            start, _ = ranges.pop()
        return [text[first:last] for first, last in [*ranges, (start, len(text))]]

    def _support(self, text: str, named: Sequence[int]) -> list[tuple[Evidence, float]]:
        claim = _Claim(text, self._language)
        if not claim.says_enough():
            return []
        best: dict[int, tuple[float, float, Evidence]] = {}
        for evidence in self._shelf.evidence():
            score = self._score(claim, evidence, evidence.passage in named)
            if score is None:
                continue
            rank = score + CLAIMED_BONUS * (evidence.passage in named)
            rank -= PAIR_PENALTY * evidence.is_pair
            if evidence.passage not in best or rank > best[evidence.passage][0]:
                best[evidence.passage] = (rank, score, evidence)
        if not best:
            return []
        chosen = [n for n in dict.fromkeys(named) if n in best] or [
            max(best, key=lambda n: best[n][0])
        ]
        return [self._narrowed(claim, best[n][2], best[n][1]) for n in chosen]

    def _score(self, claim: "_Claim", evidence: Evidence, is_named: bool) -> float | None:
        """How well the span supports the claim, None when it does not."""
        space = self._shelf.space(evidence, language=claim.language, folded=claim.is_folded)
        is_foreign = claim.language not in (space.language, UNKNOWN)
        if is_foreign and not is_named:
            return None
        keys = claim.keys(space)
        score, own = self._coverage(claim, evidence, space)
        if not is_foreign and (score < MIN_COVERAGE or own < MIN_OWN_COVERAGE):
            return None
        if evidence.is_row and self._is_of_other_row(keys, evidence, space):
            return None
        facts, source = claim.facts(space), self._shelf.facts(evidence, space)
        context = self._shelf.context_facts(evidence, space)
        shared = keys & self._shelf.keys(evidence, space)
        if missing_facts(facts, source, context) or contradicts(
            facts, source, context, shared, space.key
        ):
            return None
        if not self._has_words(claim, evidence):
            return None
        if not is_foreign and self._is_mixed_up(claim, evidence, space):
            return None
        if is_foreign and score < MIN_COVERAGE:
            return CROSS_LANGUAGE_SCORE if _shares_telling_fact(facts, source) else None
        return score

    def _coverage(self, claim: "_Claim", evidence: Evidence, space: Space) -> tuple[float, float]:
        """Weighted share of the keys in the span with its headings, and in the span alone."""
        keys = claim.keys(space)
        if not keys:
            return 1.0, 1.0
        weights = {key: self._shelf.weight(key) for key in keys}
        total = sum(weights.values())
        own = self._shelf.keys(evidence, space)
        context = self._shelf.context_keys(evidence, space)
        inside = sum(weight for key, weight in weights.items() if key in own)
        around = sum(w for key, w in weights.items() if key in context and key not in own)

        def with_facts(found: float) -> tuple[float, float]:
            return (inside + around + found) / (total + found), (inside + found) / (total + found)

        facts = claim.facts(space)
        most = with_facts(FACT_WEIGHT * (len(facts.quantities) + len(facts.dates)))
        # Reading the facts of a span is the dearest part: left out where even all would not do.
        if most[0] < MIN_COVERAGE or not (facts.quantities or facts.dates):
            return most
        return with_facts(FACT_WEIGHT * self._shared_facts(claim, evidence, space))

    def _shared_facts(self, claim: "_Claim", evidence: Evidence, space: Space) -> int:
        """How many of the claim's numbers and dates the span itself holds."""
        facts, source = claim.facts(space), self._shelf.facts(evidence, space)
        return sum(
            any(wanted.matches(found) for found in source.quantities) for wanted in facts.quantities
        ) + sum(
            any(not wanted.isdisjoint(found) for found in source.dates) for wanted in facts.dates
        )

    def _has_words(self, claim: "_Claim", evidence: Evidence) -> bool:
        """Whether the passage holds the names, and the quoted phrases as they stand."""
        if not self._knows_names(claim, [evidence]):
            return False
        text = self._shelf.plain_text(evidence.passage)
        return all(_spaced(quote) in text for quote in claim.quotes)

    def _is_of_other_row(self, keys: Set[str], row: Evidence, space: Space) -> bool:
        """Whether the claim has words of the table that are in other rows only."""
        known = self._shelf.keys(row, space) | self._shelf.context_keys(row, space)
        return not (keys & self._shelf.row_keys(row.passage, space)) <= known

    def _is_mixed_up(self, claim: "_Claim", evidence: Evidence, space: Space) -> bool:
        """Whether the span says the claim's numbers or opposites of something else.

        `Managers get 20 days, employees 15` holds all words of `Managers get 15 days`.
        """
        facts, context = claim.facts(space), self._shelf.context_facts(evidence, space)
        keys = claim.keys(space) - unit_keys(space)
        clauses = [
            (clause_keys - unit_keys(space), clause)
            for clause_keys, clause in self._shelf.clauses(evidence, space)
        ]
        return any(
            _is_out_of_place(wanted, keys, facts, clauses)
            for wanted in facts.quantities
            if not context.has(wanted)
        ) or any(
            _is_said_of_other(group, said, keys, facts, clauses)
            for group, said in facts.contrasts.items()
        )

    def _narrowed(
        self, claim: "_Claim", evidence: Evidence, score: float
    ) -> tuple[Evidence, float]:
        """The exact place of a sentence that stands in the passage word for word."""
        passage = self._shelf.passages[evidence.passage].text
        pattern = _verbatim(claim.text)
        match = pattern.search(passage, evidence.start, evidence.end) if pattern else None
        if match is None:
            return evidence, score
        return replace(evidence, start=match.start(), end=match.end()), 1.0


class _Claim:
    """One sentence, or a part of one, to be supported."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        plain = normalise(text)
        self.language = "vi" if has_diacritics(plain) else language
        self.is_folded = self.language == "vi" and not has_diacritics(plain)
        self.quotes = [quote for quote in _QUOTED.findall(text) if len(quote.split()) > 1]
        self._keys: dict[Space, frozenset[str]] = {}
        self._facts: dict[bool, Facts] = {}

    def keys(self, space: Space) -> frozenset[str]:
        if space not in self._keys:
            self._keys[space] = keys_of(self.text, space)
        return self._keys[space]

    def facts(self, space: Space) -> Facts:
        if space.is_folded not in self._facts:
            self._facts[space.is_folded] = read_facts(
                self.text, language=self.language, folded=space.is_folded
            )
        return self._facts[space.is_folded]

    def says_enough(self) -> bool:
        """Whether it says something that can be checked by itself."""
        space = Space(self.language, self.is_folded)
        facts = self.facts(space)
        stated = len(facts.quantities) + len(facts.dates) + len(facts.codes)
        return len(self.keys(space)) + stated >= MIN_STATED


def marks_of(sentence: AnswerSentence) -> str:
    """The marks that follow a sentence, with the space before them; empty when unsupported."""
    return (
        " " + "".join(f"[{number}]" for number in sentence.citations) if sentence.citations else ""
    )


def _is_out_of_place(
    wanted: Quantity, keys: Set[str], facts: Facts, clauses: Sequence[tuple[Set[str], Facts]]
) -> bool:
    """Whether a number stands only in clauses about something else than the claim's keys."""
    rivals = [
        clause_keys & keys
        for clause_keys, clause in clauses
        if any(found.unit == wanted.unit for found in clause.quantities) and not clause.has(wanted)
    ]
    is_elsewhere = any(clause_keys & keys for clause_keys, _ in clauses)
    is_found = False
    for clause_keys, clause in clauses:
        if not clause.has(wanted):
            continue
        is_found = True
        opposed = any(
            said.isdisjoint(clause.contrasts.get(group, said))
            for group, said in facts.contrasts.items()
        )
        about = clause_keys & keys
        if opposed or (clause_keys and not about and is_elsewhere):
            continue
        if not any(about < rival for rival in rivals if about):
            return False
    return is_found


def _is_said_of_other(
    group: int,
    said: Set[int],
    keys: Set[str],
    facts: Facts,
    clauses: Sequence[tuple[Set[str], Facts]],
) -> bool:
    """Whether the clause closest to the claim says the opposite, and another one the same."""
    same = opposite = 0
    for clause_keys, clause in clauses:
        found = clause.contrasts.get(group)
        if not found:
            continue
        shared = len(clause_keys & keys)
        if not said & found:
            opposite = max(opposite, shared)
        elif facts.quantities and all(clause.has(wanted) for wanted in facts.quantities):
            # `45 at home and 60 abroad`: the number ties the word to its clause
            return False
        else:
            same = max(same, shared)
    return opposite > same


def _spaced(text: str) -> str:
    return " ".join(words(normalise(text)))


def _shares_telling_fact(claim: Facts, source: Facts) -> bool:
    """Whether a fact that is hardly there by chance is in both; all of the claim's are known."""
    numbers = any(q.unit is not None or max(q.values) >= 10 for q in claim.quantities)
    names = any(f" {name} " in f" {' '.join(words(source.text))} " for name in claim.names)
    return bool(claim.codes or claim.dates) or numbers or names


def _verbatim(text: str) -> re.Pattern[str] | None:
    parts = text.strip().rstrip(".!?…").split()
    if len(parts) < 4:
        return None
    return re.compile(r"\s+".join(map(re.escape, parts)) + r"[.!?…]?", re.IGNORECASE)
