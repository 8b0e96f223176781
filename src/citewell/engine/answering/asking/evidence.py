"""Whether a text holds the kind of thing that a question asks for."""

from collections.abc import Callable

from citewell.engine.answering.asking import contacts, dates, names, quantities
from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.kinds import Asked

_OFFERS: dict[Kind, Callable[[Asked, str, frozenset[str]], float]] = {
    Kind.PERSON: names.offers,
    Kind.PLACE: names.offers,
    Kind.CONTACT: contacts.offers,
    Kind.TIME: dates.offers,
    Kind.COUNT: quantities.offers,
    Kind.AMOUNT: quantities.offers,
    Kind.DURATION: quantities.offers,
}


def asks_for_a_type(asked: Asked) -> bool:
    """Whether a text without a certain kind of thing cannot be the answer."""
    return asked.kind in _OFFERS


def offers(asked: Asked, text: str) -> float:
    """How far a text offers what is asked for, 0 to 1; 0.5 where the question does not tell.

    Args:
        asked: The question.
        text: A sentence, or a table row with its column names.
    """
    strategy = _OFFERS.get(asked.kind)
    if strategy is None:
        return 0.5
    return strategy(asked, text, asked.words)
