"""Whether a quote says of some, or on some days, what a sentence says of all."""

from collections.abc import Sequence

from citewell.engine.verification import lexicon
from citewell.engine.verification.ending import AMOUNTS, DETERMINERS, FREE, Pattern, has_value
from citewell.engine.verification.lexicon import words
from citewell.engine.verification.tokens import Token, TokenKind

_AND = frozenset({"and", "và", "or", "hoặc", "còn"})
_WHOLE = words("service total full standard usual")
"""Before an amount that is spoken of: `the service fee` is the fee."""

_VERBS = words("pay cost costs fine fines tax rent discount")
"""Amounts that are verbs as often, where something stands before them."""

_NOW = words(
    "today now currently here there then yesterday tomorrow tonight already normally generally "
    "typically recently officially finally similarly consequently"
)
"""Before a subject these say when or where it is so."""

_PLURALS = words("staff personnel people men women children police crew clergy")
_LIMITS = {
    "en": words("for on per during every each"),
    "vi": words("cho dành của thuộc vào mỗi đối"),
}
"""Behind an amount they begin what it is the amount of."""

_FREE_LIMITS = words("to in with until before after under over from at within")
"""The same behind `free` alone: an amount `in May` is one."""

_PERIODS = words(
    "winter summer spring autumn weekends weekdays holidays mornings evenings afternoons mondays "
    "tuesdays wednesdays thursdays fridays saturdays sundays"
)
"""Times that come again, so that what is so then is not always."""

_WHENEVER = words("when whenever once")
_NEAR = 3
"""Words of a sentence at its end among which its amount is: `12 days of leave`."""


def mixes_values(quote: Sequence[Token], path: Sequence[int]) -> bool:
    """Whether the last step of a match goes from one value to what belongs to another one.

    Of `closes at 16:30 on Mondays and at 15:15 on Fridays` nothing says that it closes at 16:30 on
    Fridays. The first of the two may be left out with all that belongs to it.

    Args:
        quote: The tokens of one sentence.
        path: Places of the words found so far, in order.
    """
    used = set(path)
    last = path[-1]
    # Looked for in the last step only: those before it were looked at when they were made.
    for rival in range(path[-2] + 1, last):
        for place in path[:-1]:
            if _are_alike(quote[place], quote[rival]) and _are_joined(quote[place + 1 : rival]):
                return True
    # `on Fridays at 15:15 and on Mondays at 16:30`: what the first belongs to was found.
    for rival in range(path[0] + 1, last):
        if rival in used or not _are_alike(quote[last], quote[rival]):
            continue
        joint = next((n for n in range(rival + 1, last) if quote[n].word in _AND), last)
        is_placed = any(
            quote[place].kind is TokenKind.RELATION for place in path if place < rival - 1
        )
        skipped = [n for n in range(joint + 1, last) if n not in used and quote[n].is_content]
        if is_placed and any(quote[n].kind is TokenKind.RELATION for n in skipped):
            return True
    return False


def _are_alike(one: Token, other: Token) -> bool:
    """Whether two tokens are values of one kind: times of day, dates, amounts."""
    is_value = one.kind in (TokenKind.NUMBER, TokenKind.DATE)
    return is_value and one.kind is other.kind and one.key == other.key


def _are_joined(between: Sequence[Token]) -> bool:
    return any(token.word in _AND for token in between)


def is_narrowed(
    quote: Sequence[Token],
    at: int,
    tokens: Sequence[Token],
    language: str,
    *,
    is_differing: bool = False,
) -> bool:
    """Whether a word before an English subject says which of its kind an amount is of.

    `Overtime pay` is not pay, and what `senior staff` get not all staff do.

    Args:
        quote: The tokens of one sentence.
        at: Place of the first word of the subject.
        tokens: Those of the sentence looked for, the subject first.
        language: ISO 639-1 code.
        is_differing: Whether the quote is to say something else. Whoever writes `the fee is 30
            euros` on a quote about `the entry fee` means that one: another amount is a mistake.
    """
    if language != "en" or not at or not _describes(quote[at - 1]):
        return False
    if is_differing and at > 1 and quote[at - 2].word in DETERMINERS:
        return False
    for number, token in enumerate(tokens):
        place = at + number
        if place >= len(quote) or quote[place].key != token.key:
            return False
        word = quote[place].word
        if word in AMOUNTS["en"] and (number == 0 or word not in _VERBS):
            return not (tokens[0].is_definite and quote[at - 1].word in _WHOLE)
        following = quote[place + 1] if place + 1 < len(quote) else None
        # `the clerk pays 5 euros`
        is_verb = number > 0 and (
            following is None or following.kind in (TokenKind.NUMBER, TokenKind.RELATION)
        )
        if _is_plural(quote[place]) and not is_verb and has_value(tokens[number + 1 :]):
            return True
    return False


def leaves_out_kind(
    gap: Sequence[Token],
    said: Sequence[Token],
    tokens: Sequence[Token],
    number: int,
    language: str,
) -> bool:
    """Whether what is left out says of which of its English kind an amount is.

    `Fees for boarders` are not fees, nor does who raised `boarding fees` raise fees.

    Args:
        gap: The tokens of the quote that are left out.
        said: Those of the quote right before them that the sentence has as well, in order.
        tokens: Those of the sentence.
        number: Place in `tokens` of the one behind the gap.
        language: ISO 639-1 code.
    """
    if language != "en":
        return False
    behind = tokens[number]
    is_noun = behind.word in AMOUNTS["en"] - _VERBS and not behind.is_indefinite
    if is_noun and _describes(gap[-1]):
        return not (behind.is_definite and gap[-1].word in _WHOLE)
    # `opens on Sundays at 7`, where `on` may be taken for the sentence's own `at`
    is_period = any(token.word in _PERIODS for token in gap) and gap[-1].word not in _AND
    if is_period and has_value(tokens[number:]) and not _is_event(tokens):
        return True
    is_dated = len(gap) > 1 and gap[1].kind is TokenKind.DATE
    is_placed = gap[0].word == "of" or gap[0].kind is TokenKind.RELATION
    # Without a noun it is the sentence that says of what: `the price of` before `flour`.
    is_placed = is_placed and any(token.is_content for token in gap[1:])
    # `shuts at 18:20 on Sundays and` before `at 17:05` is one statement more.
    if is_dated or not is_placed or gap[-1].word in _AND:
        return False
    if said[-1].word in AMOUNTS["en"]:
        return True
    if not has_value(tokens[number:]):
        return False
    # `The warranty for batteries`, but `raised for its members 7 euros`.
    is_limit = gap[0].word == "for" and not _is_event(tokens)
    return is_limit or (len(said) == number and _is_plural(said[-1]))


def is_limited(
    pattern: Pattern, quote: Sequence[Token], path: Sequence[int], language: str
) -> bool:
    """Whether the quote says for whom or when an amount is so and the sentence does not.

    `Entry is free on Sundays` and `For members entry is free` do not say that entry is free.

    Args:
        pattern: The sentence in one of its orders.
        quote: The tokens of one sentence.
        path: Places of the words found, in order.
        language: ISO 639-1 code.
    """
    limits = _LIMITS.get(language, frozenset[str]())
    is_free = any(token.word in FREE for token in pattern.everything)
    is_amount = any(
        token.word in AMOUNTS.get(language, ()) and token.word not in _VERBS
        for token in pattern.everything
    )
    if (
        not is_free
        and not is_amount
        and not has_value((*pattern.tokens[-_NEAR:], *pattern.fronted))
    ):
        return False
    said = {token.word for token in pattern.fronted}
    behind = _behind(pattern, quote[path[-1] + 1 :])
    if behind and behind[0].word in ("a", "an") and has_value(pattern.tokens[-2:-1]):
        return True  # `12 euros a month`
    if is_free and pattern.tokens[-1].word in FREE | {"phí"}:
        limits |= _FREE_LIMITS
    before = quote[: path[0]]
    if not _is_event(pattern.everything) and (_is_period(behind, said) or _is_period(before, said)):
        return True
    return _begins_limit(behind, limits, said) or _begins_limit(before, limits, said)


def _is_event(tokens: Sequence[Token]) -> bool:
    """Whether an English sentence tells of what happened once, and so on some day: `rose`."""
    return any(
        lexicon.is_participle(token.word, "en") and token.word != token.key and not token.is_passive
        for token in tokens
        if token.kind is TokenKind.WORD
    )


def _is_period(tokens: Sequence[Token], said: set[str]) -> bool:
    """Whether the tokens begin with times that come again, `in winter`, or with a condition."""
    if not tokens or tokens[0].word in _WHENEVER:
        return bool(tokens)
    noun = next((token for token in tokens[1:] if token.is_content), None)
    is_placed = tokens[0].kind is TokenKind.RELATION
    return is_placed and noun is not None and noun.word in _PERIODS - said


def _behind(pattern: Pattern, tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens that follow a match, without its circumstance if that comes first."""
    wanted = list(pattern.fronted)
    for at, token in enumerate(tokens):
        if not wanted:
            return tokens[at:]
        if token.key == wanted[0].key:
            del wanted[0]
        elif token.is_content:
            return tokens
    return tokens if wanted else ()


def _begins_limit(tokens: Sequence[Token], limits: frozenset[str], said: set[str]) -> bool:
    """Whether the tokens begin with a preposition and something else than a date or a name."""
    if not tokens or tokens[0].word not in limits:
        return False
    noun = next((token for token in tokens[1:] if token.is_content), None)
    return noun is not None and noun.kind is not TokenKind.DATE and noun.word not in said


def _describes(before: Token) -> bool:
    """Whether a word right before an English noun describes it."""
    if before.kind is not TokenKind.WORD or before.word in _NOW:
        return False
    return before.word not in lexicon.OPENERS["en"] | lexicon.CLAUSE_WORDS["en"]


def _is_plural(token: Token) -> bool:
    word = token.word
    return word in _PLURALS or (word.endswith("s") and not word.endswith(("ss", "us", "is")))
