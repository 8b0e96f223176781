"""BM25 split in two: term weights stored with the passage, IDF brought by the question."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from citewell.engine.lexical.acronyms import Definitions, acronyms_of, words_behind
from citewell.engine.lexical.base import (
    ANALYSIS,
    CorpusStatistics,
    PassageTerms,
    QueryTerm,
    SparseVector,
)
from citewell.engine.lexical.codes import Code, find_codes
from citewell.engine.lexical.forms import Form, apart_words, find_forms, word_terms
from citewell.engine.lexical.terms import hash64, look_up, passage_hashes, term_id
from citewell.engine.text.normalisation import normalise, words

# The usual values for passages (Robertson and Zaragoza 2009). They are part of the stored weights:
# changing them takes a new generation of the index.
K1 = 1.2
B = 0.75

AVERAGE_LENGTH = 130
"""Words of an average passage; a constant, as stored weights cannot follow the library.

Against each set's true average (125 SQuAD, 212 SciFact, 162 to 175 Vietnamese) it costs 0.003
nDCG@10 on SciFact, at most 0.002 elsewhere and nothing on SQuAD; 120 to 200 stay within 0.004.
"""

CONTEXT_WEIGHT = 1.0
"""Term frequency of a word of title or heading; 0 costs 0.013 nDCG@10 on SQuAD, 2 gains nothing."""

# Bounds the weight of a title or heading that is a whole paragraph by mistake.
MAX_CONTEXT_WORDS = 64
MAX_CONTEXT = 8 * MAX_CONTEXT_WORDS
"""Characters of it that are looked through for forms."""

MAX_TERMS = 1_000
"""Non-zeros pgvector's HNSW takes in a sparsevec."""

MAX_QUERY_TERMS = 128
"""Heaviest terms of a question that are searched; a 30-syllable question has about 100."""


ACRONYM_WEIGHT = 0.5
"""Term frequency of the words that an acronym of the passage stands for."""

APART_WEIGHT = 0.5
"""Term frequency of the bare word of what is apart from it: C of C++, 1067 of -1067."""

COVERED_WEIGHT = 0.3
"""Weight of a question's words that stand in a form the library has, beside the form."""

FALLBACK_WEIGHT = 0.2
"""Weight of a question's unaccented terms beside the exact ones that the library has.

Of both halves of ViQuAD nDCG@10 is 0.872 at 1, 0.878 at 0.3 and 0.880 at 0; with one accent in ten
left out 0.868, 0.873 and 0.875. Not 0, as some passages of a library may have no accents.
"""

_NO_DEFINITIONS: Definitions = {}


def passage_terms(
    text: str,
    language: str,
    *,
    heading: str = "",
    title: str = "",
    acronyms: Definitions = _NO_DEFINITIONS,
    analysis: int = ANALYSIS,
) -> PassageTerms:
    """Return a passage's BM25 weights (Robertson and Zaragoza 2009), all but the IDF.

    Args:
        text: The passage, as stored.
        language: ISO 639-1 code as `detect_language` gives it, or "und".
        heading: The headings above it, joined by anything that is no letter.
        title: The document's title.
        acronyms: What the document says that its acronyms stand for.
        analysis: The version to analyse by, that of the generation.
    """
    plain = normalise(text)
    body = [look_up(word) for word in words(plain)]
    singles, pairs = passage_hashes(body, language)
    frequency = dict[int, float](Counter(map(term_id, singles)))
    pair_frequency = dict[int, float](Counter(map(term_id, pairs)))
    codes = find_codes(text)
    _add_codes(frequency, codes, 1.0)
    if analysis > 1:
        forms = find_forms(text, language, plain=plain, codes=codes, is_stored=True)
        _add_forms(frequency, forms, language, 1.0)
    _add(frequency, (acronym_term(each) for each in acronyms_of(text, acronyms)), 1.0)
    for named in words_behind(text, acronyms):
        singles, pairs = passage_hashes([look_up(word) for word in named], language)
        _add(frequency, map(term_id, singles), ACRONYM_WEIGHT)
        _add(pair_frequency, map(term_id, pairs), ACRONYM_WEIGHT)
    for context in (title, heading):
        if context:
            above = [look_up(word) for word in words(normalise(context))[:MAX_CONTEXT_WORDS]]
            singles, pairs = passage_hashes(above, language)
            _add(frequency, map(term_id, singles), CONTEXT_WEIGHT)
            _add(pair_frequency, map(term_id, pairs), CONTEXT_WEIGHT)
            _add_codes(frequency, find_codes(context), CONTEXT_WEIGHT)
            if analysis > 1:
                forms = find_forms(context[:MAX_CONTEXT], language, is_stored=True)
                _add_forms(frequency, forms, language, CONTEXT_WEIGHT)
    length_norm = K1 * (1 - B + B * len(body) / AVERAGE_LENGTH)
    weights = _heaviest(_saturate(frequency, length_norm), MAX_TERMS)
    room = MAX_TERMS - len(weights)
    for term, weight in _heaviest(_saturate(pair_frequency, length_norm), room).items():
        weights.setdefault(term, weight)
    return PassageTerms(weights)


def inverse_document_frequency(document_frequency: int, chunk_count: int) -> float:
    """Return the IDF in Lucene's form, which is never negative."""
    # Statistics follow the chunks by seconds, so a count may run ahead of the total.
    rest = max(chunk_count - document_frequency, 0)
    return math.log1p((rest + 0.5) / (document_frequency + 0.5))


def query_weights(terms: Iterable[QueryTerm], statistics: CorpusStatistics) -> SparseVector:
    """Return the weights whose inner product with a passage's is its BM25 score.

    Terms that no passage holds are left out, so an empty result means nothing can match.
    """
    weights: SparseVector = {}
    for term in terms:
        frequency = statistics.document_frequency.get(term.id, 0)
        if frequency > 0:
            idf = inverse_document_frequency(frequency, statistics.chunk_count)
            share = COVERED_WEIGHT if is_covered(term, statistics) else 1.0
            if any(statistics.document_frequency.get(one, 0) > 0 for one in term.fallback_for):
                share *= FALLBACK_WEIGHT
            weight = share * term.count * term.boost * idf
            weights[term.id] = weights.get(term.id, 0.0) + weight
    return _heaviest(weights, MAX_QUERY_TERMS)


def is_covered(term: QueryTerm, statistics: CorpusStatistics) -> bool:
    """Whether the library has the form that a word of a question stands in."""
    return any(statistics.document_frequency.get(one, 0) > 0 for one in term.covered_by)


def best_possible_score(weights: SparseVector) -> float:
    """Return the BM25 score that no passage can exceed for these query weights."""
    return (K1 + 1) * sum(weights.values())


def _saturate(frequency: dict[int, float], length_norm: float) -> SparseVector:
    return {term: count * (K1 + 1) / (count + length_norm) for term, count in frequency.items()}


def _heaviest(weights: SparseVector, limit: int) -> SparseVector:
    if len(weights) <= limit:
        return weights
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return dict(ranked[:limit])


def _add(frequency: dict[int, float], terms: Iterable[int], weight: float) -> None:
    for term in terms:
        frequency[term] = frequency.get(term, 0.0) + weight


def acronym_term(acronym: str) -> int:
    """Return the term of an acronym in lower case, for passages that name it in words."""
    return term_id(hash64("acronym", acronym))


def _add_codes(frequency: dict[int, float], codes: Iterable[Code], weight: float) -> None:
    for code in codes:
        keys = (code.key, *code.prefixes())
        _add(frequency, (term_id(hash64("code", key)) for key in keys), weight)


def _add_forms(
    frequency: dict[int, float], forms: Sequence[Form], language: str, weight: float
) -> None:
    for each in forms:
        _add(frequency, each.stored, weight)
    for word, count in apart_words(forms).items():
        for term in word_terms(word, language):
            if term in frequency:
                frequency[term] -= (1 - APART_WEIGHT) * weight * count
