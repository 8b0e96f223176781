"""Analysis of a question: its language, its codes and phrases, and the terms to look for."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from citewell.engine.lexical.acronyms import is_acronym
from citewell.engine.lexical.base import Namespace, QueryTerm
from citewell.engine.lexical.bm25 import acronym_term
from citewell.engine.lexical.codes import Code, find_codes
from citewell.engine.lexical.forms import Form, find_forms, word_terms
from citewell.engine.lexical.terms import Word, hash64, look_up, pair, term_id, unspaced_pairs
from citewell.engine.text.language import UNDETERMINED, detect_language
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.stopwords import ENGLISH, OTHER, QUESTION_VIETNAMESE
from citewell.engine.text.vietnamese import has_diacritics

MAX_CHARACTERS = 4_000
"""Characters of a question that are read; an embedder reads about a quarter of them."""

# Bounds the terms of a question that is a pasted page.
MAX_WORDS = 256
MAX_CODES = 16
MAX_FORMS = 32
MAX_PHRASES = 8

PAIR_BOOST = 0.6
"""Weight of two adjacent syllables; 1 costs 0.009 nDCG@10 on ViQuAD, 0.3 costs 0.002 on ALQAC."""

FUNCTION_WORD_BOOST = 0.3
"""Weight of what, is, là, gì: 1 costs 0.012 nDCG@10 on SQuAD and 0.003 on ViQuAD, 0 costs 0.003."""

FOLDED_BOOST = 0.5
"""Weight of unaccented terms beside exact ones, in a question with accents.

Where one accent in ten is missing or wrong it gains 0.009 nDCG@10 on ViQuAD, where one in five is,
0.02; in clean questions it changes nothing (0.870 to 0.871).
"""

ACCENTED_SHARE = 0.6
"""Share of accented syllables below which accents cannot be trusted: unaccented terms only.

Real questions have 0.57 to 0.88 (1st and 50th percentile of ViQuAD). With half of the accents
taken off, 0.5 gives 0.815 nDCG@10 there and 0.6 gives 0.838 (exact terms 0.702); 0.7 gains 0.003
more and costs clean questions 0.002.
"""

ACRONYM_BOOST = 0.3
"""Weight of what an acronym stands for, beside the acronym itself.

Of 400 SQuAD questions with an acronym BM25 alone has nDCG@10 0.930 without, 0.938 at 0.2, 0.939 at
0.35, 0.932 at 0.5 and 0.915 at 1: names of the same initials are many.
"""

CODE_BOOST = 2.0
"""A code in a question is nearly always what it is about."""

FORM_BOOST = {
    "apart": 2.0, "day": 2.0, "number": 2.0, "mixed": 1.0, "code": 1.0, "spelling": 1.0
}  # fmt: skip
"""Weight of a form by its kind: dates, numbers and names with signs are what a question is about,
as codes are, which count by their own key besides."""

PART_BOOST = 0.3
"""Weight of a part of a mixed word or a compound: 1 costs 0.005 nDCG@10 on SciFact (IL-6, CD4)."""

_SECOND_CHOICE = 0.5
"""Weight in a namespace that the question's language makes unlikely."""

# Control characters count as spaces: pasted text brings tabs, breaks and worse.
_SPACES = re.compile(r"[\s\x00-\x1f]+")
# Quotation marks of English, French and German in pairs, so that an apostrophe or a single mark
# opens nothing; a phrase of one character or of a whole page is none.
_PHRASE = re.compile(r'"([^"]{2,200})"|“([^”]{2,200})”|«([^»]{2,200})»|„([^“”]{2,200})[“”]')


_WRITTEN = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class QueryAnalysis:
    """One question, taken apart."""

    text: str
    """Unicode NFC, spaces and control characters collapsed, at most MAX_CHARACTERS."""
    language: str
    """ISO 639-1 code, or "und"."""
    has_diacritics: bool
    """Whether it carries letters with Vietnamese (or French, Portuguese ...) accents."""
    is_unaccented_vietnamese: bool
    """Whether it is Vietnamese with no accents, or too few to trust."""
    codes: tuple[str, ...]
    """Document codes as written."""
    phrases: tuple[str, ...]
    """Texts in quotation marks."""
    terms: tuple[QueryTerm, ...]
    words: tuple[str, ...] = ()
    """Its words in order, normalised."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to search for: only punctuation, emoji or blanks."""
        return not self.terms


@dataclass(frozen=True, slots=True)
class _Weights:
    """How much each namespace counts for one question; 0 leaves it out."""

    stem: float
    exact: float
    folded: float
    plain: float
    foreign: float
    """`en` weight of a word that could be a Vietnamese syllable as well."""
    number: float = 1


# A name or number must weigh against a syllable that counts as exact, folded and in two pairs:
# from 1 and 1 this gains 0.021 nDCG@10 on ViQuAD, 0.006 on XQuAD-vi; unaccented 0.007 and 0.002.
_ACCENTED_VIETNAMESE = _Weights(2, 1, FOLDED_BOOST, _SECOND_CHOICE, _SECOND_CHOICE, 1.5)
_UNACCENTED_VIETNAMESE = _Weights(1.5, 0, 1, _SECOND_CHOICE, _SECOND_CHOICE, 1.25)
_ENGLISH = _Weights(1, _SECOND_CHOICE, _SECOND_CHOICE, _SECOND_CHOICE, 1)
_UNDETERMINED = _Weights(1, 1, 1, 1, 1)
_OTHER = _Weights(_SECOND_CHOICE, _SECOND_CHOICE, _SECOND_CHOICE, 1, _SECOND_CHOICE)

_FUNCTION_WORDS = {
    "en": ENGLISH,
    "vi": QUESTION_VIETNAMESE | {fold(word) for word in QUESTION_VIETNAMESE},
    **{language: known | {fold(word) for word in known} for language, known in OTHER.items()},
}


def analyse(query: str) -> QueryAnalysis:
    """Take a question apart; cost does not grow with its length beyond MAX_CHARACTERS."""
    text = unicodedata.normalize("NFC", query[:MAX_CHARACTERS])
    text = _SPACES.sub(" ", text).strip()
    looked_up = [look_up(word) for word in words(normalise(text))[:MAX_WORDS]]
    language = detect_language(text)
    is_unaccented = language == "vi" and _accented_share(looked_up) < ACCENTED_SHARE
    codes = find_codes(text)[:MAX_CODES]
    asked_codes = find_codes(text, is_query=True)
    forms = find_forms(text, language, codes=asked_codes, is_query=True)
    terms = [
        *_word_terms(looked_up, language, is_unaccented=is_unaccented),
        *_acronym_terms(text),
        *_code_terms(asked_codes),
        *_form_terms(forms, language),
    ]
    return QueryAnalysis(
        text=text,
        language=language,
        has_diacritics=has_diacritics(normalise(text)),
        is_unaccented_vietnamese=is_unaccented,
        codes=tuple(code.text for code in codes),
        phrases=_phrases(text),
        terms=_merged(terms, forms, Counter(word.text for word in looked_up)),
        words=tuple(word.text for word in looked_up),
    )


def function_words(language: str) -> frozenset[str]:
    """Words of a language that say nothing about the subject, with and without accents."""
    return _FUNCTION_WORDS.get(language, frozenset[str]())


def _accented_share(looked_up: list[Word]) -> float:
    syllables = [word.is_accented for word in looked_up if word.is_syllable]
    return sum(syllables) / len(syllables) if syllables else 0.0


def _weights(language: str, *, is_unaccented: bool) -> _Weights:
    if language == "vi":
        return _UNACCENTED_VIETNAMESE if is_unaccented else _ACCENTED_VIETNAMESE
    return {"en": _ENGLISH, UNDETERMINED: _UNDETERMINED}.get(language, _OTHER)


def _word_terms(
    looked_up: list[Word], language: str, *, is_unaccented: bool
) -> Iterator[QueryTerm]:
    weights = _weights(language, is_unaccented=is_unaccented)
    skipped = function_words(language)
    for word in looked_up:
        if word.characters:
            for text, value in unspaced_pairs(word):
                yield QueryTerm(term_id(value), text, "other", 1)
        else:
            share = FUNCTION_WORD_BOOST if word.text in skipped else 1.0
            yield from _single_terms(word, language, weights, share)
    for first, second in pairwise(looked_up):
        if _may_pair(first, second, language):
            are_functions = {first.text, second.text} <= skipped
            share = PAIR_BOOST * (FUNCTION_WORD_BOOST if are_functions else 1.0)
            yield from _pair_terms(first, second, weights, share)


def _single_terms(
    word: Word, language: str, weights: _Weights, share: float
) -> Iterator[QueryTerm]:
    if not word.is_latin:
        yield QueryTerm(term_id(word.plain), word.text, "other", 1, share)
        return
    # A function word of one language is noise in the passages of the others.
    is_function = share < 1.0 or (language != "en" and word.text in ENGLISH)
    is_home = language in {"en", UNDETERMINED} or not is_function
    if word.is_number:
        yield QueryTerm(term_id(word.stem), word.text, "en", 1, weights.number * share)
        return
    stem_weight = weights.foreign if word.is_syllable else weights.stem
    if is_home:
        yield QueryTerm(term_id(word.stem), word.text, "en", 1, stem_weight * share)
    if word.is_syllable and not (language == "en" and is_function):
        exact = term_id(word.exact)
        is_exact = weights.exact > 0 and (word.is_accented or language == "vi")
        if is_exact:
            yield QueryTerm(exact, word.text, "vi", 1, weights.exact * share)
        if weights.folded:
            known = (exact,) if is_exact else ()
            boost = weights.folded * share
            folded = term_id(word.folded)
            yield QueryTerm(folded, word.text, "folded", 1, boost, fallback_for=known)
    is_foreign = not is_function and not (language == "vi" and word.is_syllable)
    if is_foreign or language not in {"en", "vi"}:
        yield QueryTerm(term_id(word.plain), word.text, "other", 1, weights.plain * share)


def _may_pair(first: Word, second: Word, language: str) -> bool:
    if first.characters or second.characters:
        return False
    # Outside a Vietnamese question a pair is worth looking for as a name: Nguyen Van.
    return language == "vi" or (
        first.is_syllable
        and second.is_syllable
        and first.text not in ENGLISH
        and second.text not in ENGLISH
    )


def _pair_terms(first: Word, second: Word, weights: _Weights, share: float) -> Iterator[QueryTerm]:
    text = f"{first.text} {second.text}"
    exact = term_id(pair(first.exact, second.exact))
    if weights.exact:
        yield QueryTerm(exact, text, "vi", 1, weights.exact * share)
    if weights.folded:
        folded = term_id(pair(first.folded, second.folded))
        known = (exact,) if weights.exact else ()
        boost = weights.folded * share
        yield QueryTerm(folded, text, "folded", 1, boost, fallback_for=known)


def _acronym_terms(text: str) -> Iterator[QueryTerm]:
    """Acronyms, which passages may name in words only; none in a text that is all in capitals."""
    written = _WRITTEN.findall(text)
    found = dict.fromkeys(word for word in written[:MAX_WORDS] if is_acronym(word))
    if len(found) < len(written) or len(written) == 1:
        for word in found:
            yield QueryTerm(acronym_term(fold(normalise(word))), word, "acronym", 1, ACRONYM_BOOST)


def _code_terms(found: Sequence[Code]) -> Iterator[QueryTerm]:
    namespace: Namespace = "code"
    for code in found[:MAX_CODES]:
        yield QueryTerm(term_id(hash64(namespace, code.key)), code.text, namespace, 1, CODE_BOOST)


def _phrases(text: str) -> tuple[str, ...]:
    found = ("".join(match.groups(default="")).strip() for match in _PHRASE.finditer(text))
    return tuple(dict.fromkeys(phrase for phrase in found if words(phrase)))[:MAX_PHRASES]


def _form_terms(forms: Sequence[Form], language: str) -> Iterator[QueryTerm]:
    for form in forms[:MAX_FORMS]:
        boost = FORM_BOOST[form.kind]
        # A name that is apart has no other words: C++ that is in no passage is not found as C.
        is_optional = form.kind != "apart"
        for term in form.asked:
            yield QueryTerm(term, form.text, "form", 1, boost, is_optional=is_optional)
        for part in form.parts:
            for term in word_terms(part, language) | word_terms(part, "en"):
                yield QueryTerm(
                    term, part, "form", 1, PART_BOOST, covered_by=form.asked[:1], is_optional=True
                )


def _merged(
    terms: list[QueryTerm], forms: Sequence[Form], counts: Mapping[str, int]
) -> tuple[QueryTerm, ...]:
    """The terms, each once, with what stands in forms marked so.

    Args:
        terms: With repetitions.
        forms: Of the question.
        counts: How often each word stands in it.
    """
    merged: dict[int, QueryTerm] = {}
    for term in terms:
        known = merged.get(term.id)
        merged[term.id] = replace(known, count=known.count + 1) if known else term
    covering: dict[str, tuple[int, ...]] = {}
    for form in forms[:MAX_FORMS]:
        # A word that stands elsewhere too says something of its own.
        inside = Counter(form.words)
        for word, count in inside.items():
            if count >= counts.get(word, 0):
                covering[word] = (*covering.get(word, ()), *form.asked)
    wholes = {form.text for form in forms if form.parts}
    keys = {term.text: term.id for term in merged.values() if term.namespace == "code"}
    return tuple(_marked(term, covering, wholes, keys) for term in merged.values())


def _marked(
    term: QueryTerm,
    covering: Mapping[str, tuple[int, ...]],
    wholes: set[str],
    keys: Mapping[str, int],
) -> QueryTerm:
    if term.namespace == "form":
        # The code itself says as much.
        return replace(term, covered_by=(keys[term.text],)) if term.text in keys else term
    if term.namespace == "code":
        # `on 5` and `december 2026` are read as codes in a question; here they belong to a date.
        inside = [covering.get(word, ()) for word in words(normalise(term.text))]
        by_days = next((by for by in inside if by), ())
        if by_days and all(
            by or word in ENGLISH
            for by, word in zip(inside, words(normalise(term.text)), strict=True)
        ):
            return replace(term, covered_by=by_days, is_optional=True)
        # RTX4090 may be written RTX 4090, where its parts say it.
        is_mixed = normalise(term.text) in wholes
        return replace(term, is_optional=True) if is_mixed else term
    if term.text in wholes:
        return replace(term, is_optional=True)
    found = [covering.get(word, ()) for word in term.text.split()]
    return replace(term, covered_by=found[0]) if all(found) else term
