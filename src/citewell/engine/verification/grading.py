"""The grade of a written sentence: what was checked of it against its quotes, and what came out.

Rules read words, order, numbers and negation; they do not understand. So they say `close` only
where the sentence stands in a quote (see `matching`), name the words that no quote holds where it
does not, and say `contradicted` only where a quote holds the same sentence with another number,
date, polarity or role. Between the two lies `reworded`: true or not, it was not proven by rules.
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from citewell.engine.text.normalisation import normalise
from citewell.engine.text.sentences import split_sentences
from citewell.engine.verification import lexicon
from citewell.engine.verification.comparing import excludes, same
from citewell.engine.verification.ending import Pattern
from citewell.engine.verification.leads import affirms
from citewell.engine.verification.matching import stands_in
from citewell.engine.verification.tokens import Token, TokenKind, has_content, read_tokens
from citewell.engine.verification.turning import clauses, patterns, roles_exchanged, unfolded

_LEAD = re.compile(
    r"(?P<said>yes|no|correct|có|không|đúng|đúng vậy|vâng|dạ)\s*(?:[,:;]|\s[-–—])\s+",  # noqa: RUF001
    re.IGNORECASE,
)
"""An answer in a word before its statement; `No.` may be a number's."""

_COUNTABLE = (TokenKind.NUMBER, TokenKind.DATE)

MIN_SHARED = 0.34
"""Share of the content words that some quote must hold; below it a sentence is `unsupported`: the
quotes are about something else."""


class Grade(StrEnum):
    """How far the quotes of a sentence carry it."""

    QUOTED = "quoted"
    """Verbatim from a quote."""
    CLOSE = "close"
    """Nothing in it that its quotes lack: words, order, numbers, negation."""
    REWORDED = "reworded"
    """In words that no quote holds, or in another order; nothing was proven."""
    CONFIRMED = "confirmed"
    """Reworded, and a second reading by a model agreed."""
    CONTRADICTED = "contradicted"
    """A quote says otherwise."""
    UNSUPPORTED = "unsupported"
    """The quotes are about something else, or there are none."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The grade of one sentence."""

    grade: Grade
    unsupported_terms: tuple[str, ...] = ()
    """Words, numbers and dates of the sentence, as written, that no quote holds."""
    verified_by: Literal["rules", "model"] = "rules"
    """Origin of the grade: rules, or a model on a second reading."""


def grade_sentence(
    sentence: str, quotes: Sequence[str], *, language: str, question: str = ""
) -> Assessment:
    """Grade a sentence by rules.

    Args:
        sentence: As written, without citation marks.
        quotes: What it is cited from; a quote may have several sentences.
        language: ISO 639-1 code of sentence and quotes. In a language without word lists nothing
            but `quoted`, `reworded` and `unsupported` is said.
        question: As asked, where it is known; a limit that it names is none of a `Yes`.
    """
    # The statement comes after `Yes:`; whether it answers so is not read off a quote.
    lead = _LEAD.match(begun := sentence.lstrip())
    if lead and any(character.isalnum() for character in begun[lead.end() :]):
        told = grade_sentence(begun[lead.end() :], quotes, language=language)
        if told.grade not in (Grade.QUOTED, Grade.CLOSE):
            return told
        # After `No:` the statement may be what is denied; a limit or a harm is no plain yes.
        is_denied = lead["said"].casefold() in ("no", "không")
        is_proven = not is_denied and affirms(begun[lead.end() :], language, question)
        return replace(told, grade=Grade.CLOSE if is_proven else Grade.REWORDED)
    # First, as most extracted sentences are: reading them takes ten times as long.
    if _is_verbatim(sentence, quotes) and has_content(sentence, language):
        return Assessment(Grade.QUOTED)
    said = read_tokens(sentence, language)
    content = [token for token in said if token.is_content]
    found = [
        read_tokens(quote[span.start : span.end], language)
        for quote in quotes
        for span in split_sentences(quote, language)
    ]
    found += [told for quote in found for told in unfolded(quote, language)]
    missing = _missing(said, found)
    if not content or not found:
        return Assessment(Grade.UNSUPPORTED, missing)
    # Support first: of two quotes one may say 25 euros and another 30, and the sentence rests on
    # either.
    if language in lexicon.NEUTRAL:
        if _is_close(said, found, language):
            return Assessment(Grade.CLOSE)
        if _is_contradicted(said, found, language):
            return Assessment(Grade.CONTRADICTED, missing)
    shared = 1 - len(missing) / len(content)
    return Assessment(Grade.REWORDED if shared >= MIN_SHARED else Grade.UNSUPPORTED, missing)


def grade_computed(
    sentence: str, operands: Sequence[str], quotes: Sequence[str], *, language: str
) -> Assessment:
    """Grade a sentence whose value was computed, not read: `reworded` at most.

    No quote says the value, so nothing proves it but the computation; it is named among the terms
    that no quote holds. Without one of its operands there is not even that.

    Args:
        sentence: As written, without citation marks.
        operands: What its value was computed from, as written; empty where quotes were counted.
        quotes: What it is cited from.
        language: ISO 639-1 code of the sentence.
    """
    text = "\n".join(quotes)
    found = [read_tokens(quote, language) for quote in quotes]
    numbers = [token for token in read_tokens(sentence, language) if token.kind in _COUNTABLE]
    is_held = bool(quotes) and all(operand in text for operand in operands)
    return Assessment(Grade.REWORDED if is_held else Grade.UNSUPPORTED, _missing(numbers, found))


def _is_verbatim(sentence: str, quotes: Sequence[str]) -> bool:
    """Whether the sentence is a whole sentence of a quote, white space and end marks apart."""
    wanted = _plain(sentence)
    if wanted == _plain(" ".join(quotes)):
        return True  # a list with its lead-in, say
    return any(
        wanted == _plain(quote) or any(wanted == _plain(part) for part in _sentences(quote))
        for quote in quotes
    )


def _sentences(quote: str) -> Iterator[str]:
    # Both languages are cut alike where it matters here: at full stops and line ends.
    for span in split_sentences(quote, "en"):
        yield quote[span.start : span.end]


_SPACE = re.compile(r"\s+")
_MARKS = " .!?…\"'“”"


def _plain(text: str) -> str:
    # Marks at the two ends only: within a sentence one may change what is said. A question mark
    # stays, because a question states nothing.
    whole = _SPACE.sub(" ", normalise(text))
    words = whole.strip(_MARKS)
    return f"{words}?" if "?" in whole[len(whole.rstrip(_MARKS)) :] else words


def _missing(said: Sequence[Token], quotes: Sequence[Sequence[Token]]) -> tuple[str, ...]:
    """Words, numbers and dates that no quote holds, each once, as written."""
    keys = {token.key for quote in quotes for token in quote}
    numbers = [token for quote in quotes for token in quote if token.kind in _COUNTABLE]
    lacking: list[str] = []
    for token in said:
        if token.kind in _COUNTABLE:
            is_held = any(same(token, number) for number in numbers)
        else:
            # Prepositions always count as held, so a sentence rich in them looks nearer to its
            # quotes than it is.
            is_held = not token.is_content or token.kind is TokenKind.RELATION or token.key in keys
        if not is_held and token.text not in lacking:
            lacking.append(token.text)
    return tuple(lacking)


def _is_close(said: list[Token], quotes: Sequence[Sequence[Token]], language: str) -> bool:
    if _stands_somewhere(said, quotes, language):
        return True
    # Each of the statements that a sentence joins may stand in a quote of its own.
    parts = clauses(said, language)
    return len(parts) > 1 and all(_stands_somewhere(part, quotes, language) for part in parts)


def _stands_somewhere(
    said: Sequence[Token], quotes: Sequence[Sequence[Token]], language: str
) -> bool:
    return any(
        stands_in(pattern, quote, language)
        for pattern in patterns(said, language)
        for quote in quotes
    )


def _is_contradicted(
    said: Sequence[Token], quotes: Sequence[Sequence[Token]], language: str
) -> bool:
    return any(
        _differs(pattern, quote, language) or _is_denied(pattern, quote, language)
        for pattern in patterns(said, language)
        for quote in quotes
    ) or any(
        stands_in(pattern, quote, language)
        for pattern in roles_exchanged(said, language)
        for quote in quotes
    )


def _differs(pattern: Pattern, quote: Sequence[Token], language: str) -> bool:
    """Whether the quote has the sentence with one number, date or opposite word exchanged."""
    # Only one word may be another; so where one is lacking it must be that, and two are too many.
    tokens = pattern.tokens
    keys = {found.key for found in quote if found.is_content}
    lacking = [number for number, token in enumerate(tokens) if not _is_held(token, keys, quote)]
    return len(lacking) < 2 and any(
        any(excludes(tokens[number], found, language) for found in quote)
        and stands_in(pattern, quote, language, differing=number)
        for number in lacking or range(len(tokens))
    )


def _is_held(token: Token, keys: AbstractSet[str], quote: Sequence[Token]) -> bool:
    """Whether some token of the quote, whose content has these keys, says the same."""
    if token.kind in _COUNTABLE:
        return any(same(token, found) for found in quote)
    return token.key in keys


def _is_denied(pattern: Pattern, quote: Sequence[Token], language: str) -> bool:
    """Whether the same is said with a negation on one side only."""
    # Exactly one negation, on one side: where there are two it is open what each of them denies.
    plain = _without_negation(pattern.tokens, language)
    if len(plain) == len(pattern.tokens) - 1:
        turned = Pattern(plain, fronted=pattern.fronted)
        if stands_in(turned, quote, language):
            return True
    bare = _without_negation(quote, language)
    return (
        len(bare) == len(quote) - 1
        and len(plain) == len(pattern.tokens)
        and stands_in(pattern, bare, language)
    )


def _without_negation(tokens: Sequence[Token], language: str) -> tuple[Token, ...]:
    negators = lexicon.DENIALS.get(language, frozenset[str]())
    return tuple(token for token in tokens if token.text.casefold() not in negators)
