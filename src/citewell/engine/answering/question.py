"""The question as answering needs it: words and what each of them weighs."""

from array import array
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from citewell.engine.answering.base import Question, QuestionTerm
from citewell.engine.lexical.base import CorpusStatistics, QueryTerm
from citewell.engine.lexical.bm25 import inverse_document_frequency, is_covered
from citewell.engine.lexical.codes import find_codes
from citewell.engine.lexical.forms import apart_words, find_forms, word_terms
from citewell.engine.lexical.terms import hash64, look_up, passage_hashes, term_id
from citewell.engine.text.normalisation import normalise, words
from citewell.engine.text.stopwords import (
    CUT_ENGLISH,
    ENGLISH,
    INFORMAL_VIETNAMESE,
    LIGHT,
    QUESTION_VIETNAMESE,
)

_FUNCTION_SHARE = 0.3
"""Share of its IDF a function word counts: `which` may be rare in a library, yet is no topic."""

_FUNCTION_WEIGHT = 2.0
"""The most informativeness that a function word may have, in IDF."""

_LIGHT_SHARE = 0.5
"""The same for a word that questions of any subject have: `need`, `get`, `work`."""

_SMALL_LIBRARY = 20
"""Passages below which counting tells little: the IDF of a word shrinks towards `_TYPICAL`, by
half at this size. In a library of one note every word that is not in it would else count five
times as much as each that is."""

CACHED_TEXTS = 10_240
"""Sentences whose terms are remembered, those of about 250 questions: about 8 MB. Documents are
asked about again and again, and taking a sentence apart is half of the cost of an answer."""

_TYPICAL = inverse_document_frequency(1, _SMALL_LIBRARY)

_FUNCTION_WORDS = {"en": ENGLISH | CUT_ENGLISH, "vi": QUESTION_VIETNAMESE | INFORMAL_VIETNAMESE}


def question_of(
    text: str, language: str, terms: Iterable[QueryTerm], statistics: CorpusStatistics
) -> Question:
    """Make a question out of its lexical terms.

    A word is looked for under one id in each namespace it may be stored in, most of which no
    passage holds; here the ids of a word are one term. It weighs its IDF over all of them, and
    the most when no passage holds it: what the library does not know is what must lower the
    confidence.

    Args:
        text: The question as asked.
        language: ISO 639-1 code; the answer is in this language.
        terms: As searched for.
        statistics: In how many chunks each of them occurs.
    """
    function = _FUNCTION_WORDS.get(language, frozenset[str]())
    light = LIGHT.get(language, frozenset[str]())
    ids: dict[str, set[int]] = {}
    boosts: dict[str, float] = {}
    forms: set[str] = set()
    for term in terms:
        if term.namespace == "acronym":
            continue  # no word of a passage: it only brings passages up
        if is_covered(term, statistics):
            continue  # its form says it
        if term.is_optional and not statistics.document_frequency.get(term.id):
            continue  # its words or parts say it
        if term.namespace == "form":
            forms.add(term.text)
        ids.setdefault(term.text, set()).add(term.id)
        boosts[term.text] = max(boosts.get(term.text, 0.0), term.boost)
    frequency = statistics.document_frequency
    made: list[QuestionTerm] = []
    for word, found in ids.items():
        most = max(frequency.get(one, 0) for one in found)
        if not function.isdisjoint(word.split()):
            share = _FUNCTION_SHARE
        else:
            share = boosts[word] * (_LIGHT_SHARE if light.issuperset(word.split()) else 1.0)
        weight = min(boosts[word], share) * _informativeness(most, statistics.chunk_count)
        if share == _FUNCTION_SHARE:  # a small library may lack `do`, which makes it no topic
            weight = min(weight, _FUNCTION_SHARE * _FUNCTION_WEIGHT)
        is_form = word in forms and " " in word
        made.append(QuestionTerm(word, frozenset(found), weight, most > 0, is_form))
    return Question(text, language, tuple(made), _certainty(statistics.chunk_count))


def _certainty(chunk_count: int) -> float:
    return chunk_count / (chunk_count + _SMALL_LIBRARY)


def _informativeness(document_frequency: int, chunk_count: int) -> float:
    """IDF as far as a library of this size can tell it."""
    certainty = _certainty(chunk_count)
    idf = inverse_document_frequency(document_frequency, chunk_count)
    return certainty * idf + (1 - certainty) * _TYPICAL


def text_terms(text: str, language: str) -> frozenset[int]:
    """Get the ids of a text's terms as they would be indexed, without their weights."""
    return frozenset(term_array(text, language))


@lru_cache(maxsize=CACHED_TEXTS)
def term_array(text: str, language: str) -> "array[int]":
    """Get the same without repetitions as numbers of 8 bytes, a tenth of the memory of a set."""
    plain = normalise(text)
    body = words(plain)
    codes = find_codes(text)
    forms = find_forms(text, language, plain=plain, codes=codes)
    apart = apart_words(forms)
    counts = Counter(body)
    found = set[int]()
    for word, count in counts.items():
        if count > apart[word]:
            found.update(word_terms(word, language))
    for form in forms:
        found.update(form.stored)
    if language == "vi":  # the only one whose pairs of words are terms
        found.update(map(term_id, passage_hashes(list(map(look_up, body)), language)[1]))
    for code in codes:
        found.update(term_id(hash64("code", key)) for key in (code.key, *code.prefixes()))
    return array("q", found)
