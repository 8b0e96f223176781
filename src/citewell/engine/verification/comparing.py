"""Whether two tokens say the same, or exclude one another in the same place of a sentence."""

from citewell.engine.verification import lexicon
from citewell.engine.verification.tokens import CLOCK_KEY, Token, TokenKind


def excludes(said: Token, found: Token, language: str) -> bool:
    """Whether in the same place of the same sentence the two cannot both be true."""
    if said.kind is TokenKind.DATE and found.kind is TokenKind.DATE:
        # Only dates of the same precision exclude each other: `in 2021` and `on 3 May 2020` are no
        # pair.
        return not _same_date(said, found) and all(
            (wanted is None) == (known is None)
            for wanted, known in zip(said.date, found.date, strict=True)
        )
    if said.kind is TokenKind.NUMBER and found.kind is TokenKind.NUMBER:
        # The train at 5:30 may be that at 17:30.
        if said.key == found.key == CLOCK_KEY:
            hours = {value % 12 for value in said.values}
            return hours.isdisjoint(value % 12 for value in found.values)
        # An ordinal excludes no amount.
        return said.key == found.key and said.values.isdisjoint(found.values)
    return frozenset((said.key, found.key)) in lexicon.opposites(language)


def same(said: Token, found: Token) -> bool:
    """Whether a token of the quote says what one of the sentence says."""
    if said.kind is TokenKind.DATE:
        return found.kind in (TokenKind.DATE, TokenKind.NUMBER) and _same_date(said, found)
    if said.kind is TokenKind.NUMBER:
        return (
            found.kind in (TokenKind.NUMBER, TokenKind.DATE)
            and (said.key == found.key or TokenKind.DATE in (said.kind, found.kind))
            and not said.values.isdisjoint(found.values)
        )
    return said.key == found.key and found.is_content


def _same_date(said: Token, found: Token) -> bool:
    # A bare year may stand in the quote as a plain number.
    if found.kind is TokenKind.NUMBER:
        return not said.values.isdisjoint(found.values)
    # The sentence may say less of a date than its quote (`in May 2021`), never more.
    return all(
        wanted is None or wanted == known
        for wanted, known in zip(said.date, found.date, strict=True)
    )
