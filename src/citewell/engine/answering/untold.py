"""Statements with the words of a question that do not tell what its form asks for.

`Revenue was 11.8 million (2024: 10.2 million) and profit 1.1 million` has every word of `What was
the profit in 2024?`, and the profit of another year.
"""

import re

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.names import (
    asks_firm,
    asks_names,
    tells_name,
    tells_names,
)
from citewell.engine.answering.asking.quantities import asks_money, free_at, money_words
from citewell.engine.answering.reading.articles import reference_of
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.signals import content_of, near_terms, own_terms
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.sentences import is_table_row
from citewell.engine.text.stemming import stem_english

_BESIDE = re.compile(
    r"\((?:in |for |as of |nam |thang \d{1,2}[/.])?(?P<year>(?:19|20)\d\d)\b"
    r"[^()\d]*+\d[^()]*+\)"
)
"""A figure of another year in brackets behind the one it is compared with."""
_YEARS = re.compile(r"\b(?:19|20)\d\d\b")
_CLAUSE = re.compile(r"[;:.] |, |\b(?:and|but|while|va|nhung|con)\b")

_SIZE = re.compile(
    r"(?<![\w.,/-])(?P<number>\d[\d.,]*) ?(?P<unit>mm|cm|dm|m|km|m2|m3|ml|cl|l|lit|litres?|g|kg|kw|"
    r"kwh|kva|w|v|mah|gb|tb|inch(?:es)?|px|tan|met)\b(?! ?(?:/|per\b|moi\b))"
)
_BOUNDS = re.compile(
    r"\b(?:up to|to|from|over|under|above|below|more|less|at (?:least|most)|between|max|min|"
    r"maximum|minimum|every|per|den|tu|tren|duoi|toi da|toi thieu|moi|tro|khong qua|it nhat|"
    r"nho hon|lon hon)\b|[<>\u2264\u2265]|\d ?[\u2013\u2014-] ?\d"
)
"""A size beside one of these may hold for other sizes, too."""

_DIGIT = re.compile(r"\d")
_IN_WORDS = re.compile(
    r"\b(?:half|thirds?|quarter of|double|twice|triple|nua|gap (?:doi|ba|hai))\b|"
    r"\b(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|hundred|"
    r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty|"
    r"thousand|mot|hai|ba|bon|nam|bay|tam|chin|muoi|tram)"
    r"(?:\W+\w+){0,2}?\W+(?:pay|rents?|salary|salaries|wages?|months?|weeks?|days?|euros?|pounds?|"
    r"dollars?|prices?|fees?|rates?|per ?cent|million|luong|thang|tien|gia|dong|nghin|trieu|ty|"
    r"phan)\b"
)
"""An amount without a digit: `one month of rent`, `nửa giá`; seven bands are none."""

_ASKS_PROVIDED = re.compile(
    r"\bco (?:quy dinh|noi|de cap|nhac|ghi|nghiem cam|cam|cho phep)\b|"
    r"\b(?:say|says|mention|mentions|cover|covers|forbid|forbids|allow|allows|deal|deals|provide|"
    r"provides|state|states|regulate|regulates|prohibit|prohibits|require|requires)\b"
)
_MOST_LACKED = 0.5
"""Share of what a question asks an article about that it may lack, by weight: it says much in words
of its own, but hardly in none of theirs."""


def is_of_another_year(material: Material, statement: Statement) -> bool:
    """Whether the year of a question stands in brackets beside a figure that is not asked for."""
    years = set(_YEARS.findall(material.asked.text))
    if not years or material.asked.kind is Kind.COMPARISON:
        return False
    plain = fold(normalise(statement.text))
    passages = (quote.passage for quote in statement.quotes)
    near = "\n".join("\n".join((one.title, *one.heading, one.text)) for one in passages)
    near = fold(normalise(near))
    if years & set(_YEARS.findall(_BESIDE.sub(" ", f"{plain}\n{near}"))):
        return False  # said of all there is
    found = [match for match in _BESIDE.finditer(plain) if match["year"] in years]
    if not found:
        return any(match["year"] in years for match in _BESIDE.finditer(near))
    asked = {
        fold(material.question.terms[at].text.lower())
        for at in content_of(material) & own_terms(material, statement)
    } - years
    before = (_CLAUSE.split(plain[: match.start()])[-1] for match in found)
    return bool(asked) and not any(
        re.search(rf"\b{re.escape(word)}", clause) for clause in before for word in asked
    )


def is_of_another_size(material: Material, statement: Statement) -> bool:
    """Whether a thing of one size is asked about, and a row is of it in others: cables of 10 m."""
    if not is_table_row(statement.quotes[0].text):
        return False
    asked = {(match["number"], match["unit"]) for match in _SIZE.finditer(material.asked.text)}
    if not asked or _BOUNDS.search(
        _SIZE.sub(lambda found: found.group() + " ", material.asked.text)
    ):
        return False
    for quote in statement.quotes:
        plain = fold(normalise(quote.text))
        if not is_table_row(quote.text):
            continue
        told = {(match["number"], match["unit"]) for match in _SIZE.finditer(plain)}
        same = {size for size in told if size[1] in {unit for _, unit in asked}}
        if not same or same & asked or _BOUNDS.search(plain):
            return False
    return True


def lacks_amount(material: Material, statement: Statement) -> bool:
    """Whether a price or a pay is asked for, and no cited text has a number or says it is free."""
    if not asks_money(material.asked) or statement.operands is not None:
        return False
    text = "\n".join((statement.text, *(quote.text for quote in statement.quotes)))
    plain = fold(normalise(text))
    return not (_DIGIT.search(plain) or _IN_WORDS.search(plain) or free_at(plain) is not None)


def is_of_no_money(material: Material, statement: Statement) -> bool:
    """Whether such a text does not even say `salary`: `Posts are placed in seven bands`."""
    plain = fold(normalise(statement.text))
    return lacks_amount(material, statement) and not money_words(material.asked).intersection(
        stem_english(word) for word in words(plain)
    )


def lacks_names(material: Material, statement: Statement) -> bool:
    """Whether people or a firm are asked for by name, and a statement names none."""
    asked = material.asked
    return (asks_names(asked) and not tells_names(asked, statement.text)) or (
        asks_firm(asked) and not tells_name(asked, statement.text)
    )


def lacks_provision(material: Material, statement: Statement) -> bool:
    """Whether it is asked if an article rules something, and it has hardly a word of that."""
    asked = material.asked
    reference = reference_of(material.question.text)
    if reference is None or asked.kind is not Kind.YES_NO or not _ASKS_PROVIDED.search(asked.text):
        return False
    named = {*reference.name.split(), reference.number, "quy", "dinh"}
    terms = material.question.terms
    about = {
        at
        for at in content_of(material)
        if not named.issuperset(fold(terms[at].text.lower()).split())
        and not _ASKS_PROVIDED.search(fold(terms[at].text.lower()))
    }
    total = sum(terms[at].weight for at in about)
    lacking = sum(terms[at].weight for at in about - near_terms(material, statement))
    return total > 0 and lacking > _MOST_LACKED * total
