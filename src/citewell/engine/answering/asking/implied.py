"""Words of a question that its answer says in another way: `what time` by `8:30`, pounds by `£`.

An answer of the kind that is asked for does not repeat the kind, so its word is not missing.
"""

import re

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.answering.asking.measures import asks_often, dimension_of
from citewell.engine.answering.asking.quantities import asks_money
from citewell.engine.text.normalisation import fold, normalise


def _split(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Without accents. Words that also tell what is asked about (`fee`, `salary`) are left out: a near
# miss has money, too.
_KINDS: dict[Kind, frozenset[str]] = {
    Kind.PERSON: _split("name names person people nguoi ten"),
    Kind.TIME: _split(
        "time times date day year month hour clock deadline gio ngay nam thang luc thoi gian han "
        "chot"
    ),
    Kind.DURATION: _split("long last lasts lasting take takes time lau keo dai thoi gian"),
    Kind.COUNT: _split("number numbers so luong"),
    Kind.PLACE: _split("place find located location stand noi cho"),
    Kind.CONTACT: _split(
        "extension number phone telephone fax mail email address hotline web website internet so "
        "dien thoai noi bo thu tu dia chi duong day nong"
    ),
    Kind.AMOUNT: _split("amount rate high large muc"),
    Kind.PROCEDURE: _split("step steps stage stages buoc giai doan trinh tu"),
}
_OFTEN = _split("often frequently times lan")
PRICED = _split("cost costs much pay pays charge charged price ton het mat tien gia")
"""Words that ask for a price, beside what it is the price of; an amount of money says them."""

_WORD = re.compile(r"[^\W_]+")
_ITEM = re.compile(r"^ {0,8}(?:\d{1,2}|[a-zđ])[.)] ", re.MULTILINE)
_CURRENCIES: tuple[tuple[frozenset[str], re.Pattern[str]], ...] = (
    (_split("pound pounds sterling gbp"), re.compile(r"£|\bGBP\b")),
    (_split("euro euros eur"), re.compile(r"€|\bEUR\b")),
    (_split("dollar dollars usd"), re.compile(r"\$|\bUSD\b")),
    (_split("vnd"), re.compile(r"₫|\bVN[DĐ]\b|\d ?đ(?:ồng)?\b")),
)
_SIGNS: tuple[tuple[frozenset[str], re.Pattern[str]], ...] = (
    *_CURRENCIES,
    (_split("percent per cent percentage share phan tram ty le"), re.compile(r"\d ?%")),
    (_split("degree degrees celsius do"), re.compile(r"°")),
    (_split("metres meters metre meter met"), re.compile(r"\d ?m\b")),
    (_split("square sq m2 metres meters met vuong"), re.compile(r"\d ?m[²2]|\(m[²2]\)")),
    (_split("kilograms kilos kilogram kilo can ky"), re.compile(r"\d ?kg\b")),
)


def implied_by(asked: Asked, text: str, offered: float) -> frozenset[str]:
    """Get the folded words of the question that a text says by a sign or by what it is.

    Args:
        asked: The question.
        text: Of the answer, with its column names.
        offered: How far it offers what is asked for (`evidence.offers`).
    """
    found: set[str] = set()
    # Steps one under the other need not be called so.
    if offered == 1.0 or (asked.kind is Kind.PROCEDURE and len(_ITEM.findall(text)) > 1):
        found |= _KINDS.get(asked.kind, frozenset())
        if asks_often(asked.text):
            found |= _OFTEN
        if asks_money(asked):
            found |= PRICED
        elif asked.kind is Kind.AMOUNT and (dimension := dimension_of(asked.text)):
            found.update(
                word for said in dimension.asked.findall(asked.text) for word in said.split()
            )
    for words, sign in _SIGNS:
        if not asked.words.isdisjoint(words) and sign.search(text):
            found |= words
    return asked.words & found


def names_another_currency(asked: Asked, text: str) -> bool:
    """Whether a question names a currency, and a text has amounts only in others."""
    wanted = [sign for words, sign in _CURRENCIES if not asked.words.isdisjoint(words)]
    if not wanted or any(sign.search(text) for sign in wanted):
        return False
    words = frozenset(_WORD.findall(fold(normalise(text))))
    named = [listed for listed, _ in _CURRENCIES if not asked.words.isdisjoint(listed)]
    if any(not words.isdisjoint(listed) for listed in named):
        return False
    return any(sign.search(text) for _, sign in _CURRENCIES)
