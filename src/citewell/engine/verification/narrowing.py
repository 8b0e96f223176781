"""Whether a quote says of some, or on some days, what a sentence says of all."""

from collections.abc import Sequence

from citewell.engine.verification.tokens import Token, TokenKind

_AND = frozenset({"and", "và", "or", "hoặc", "còn"})


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
