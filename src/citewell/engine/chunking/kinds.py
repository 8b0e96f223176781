# ruff: noqa: RUF001 - the marks of other scripts are meant
"""Kinds of documents, as far as they decide how a text is cut."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from citewell.engine.chunking.legal_units import (
    BY_ARTICLE,
    BY_SECTION,
    VIETNAMESE,
    LegalGrammar,
)
from citewell.engine.parsing.base import Block, BlockKind

KIND_CHARS = 40_000
"""Characters of a document that are read to tell its kind; a law's first articles are in them."""

_LEAST_ARTICLES = 3
"""Articles in a row that make a legal text: no other text counts lines so three times."""

_LEAST_OF_DECISION = 2
"""Of a Vietnamese text that says what it is in a line of its own: short decisions have two."""

_ORDERLY_SHARE = 0.8
"""Share of the article lines that follow their predecessor: quoted articles jump about."""

_VI_ARTICLE = re.compile(r"^[ \t*#]{0,8}[Đđ](?:iều|IỀU)\s{1,4}(\d{1,4})[a-zđ]?[ \t]{0,4}[.:]", re.M)
# Kinds of legal documents (Law 64/2025/QH15 and Decree 30/2020/NĐ-CP), and what opens a contract's
# articles, each in a line of its own.
_VI_TITLE = re.compile(
    r"^[ \t*#]{0,8}(?:(?:BỘ )?LUẬT|PHÁP LỆNH|NGHỊ (?:ĐỊNH|QUYẾT)|THÔNG TƯ(?: LIÊN TỊCH)?|"
    r"QUYẾT ĐỊNH|QUY (?:CHẾ|ĐỊNH)|NỘI QUY|ĐIỀU LỆ|HỢP ĐỒNG)\b|^[ \t]{0,8}Căn cứ ",
    re.M,
)
_EN_NUMBER = r"(\d{1,4}(?:\.\d{1,3})?|[IVXLC]{1,7})"
_EN_REST = r"[ \t]{0,4}(?:[.:–—-]|$|[ \t][A-Z“\"(])"
_EN_ARTICLE = re.compile(rf"^[ \t*#]{{0,8}}A(?:rticle|RTICLE)\s{{1,4}}{_EN_NUMBER}{_EN_REST}", re.M)
_EN_SECTION = re.compile(
    rf"^[ \t*#]{{0,8}}(?:S(?:ection|ECTION|ec\.|EC\.)\s{{1,4}}|§\s{{0,4}}){_EN_NUMBER}{_EN_REST}",
    re.M,
)
# Numbered sections occur in manuals and papers too; the words of drafting do not. "must" is no
# sign, technical texts are full of it. What uses "shall" in every section, as old standards do, is
# cut as a legal text, which suits it.
_EN_DRAFTING = re.compile(
    r"\b(?:shall|hereby|herein|thereof|pursuant to|"
    r"this (?:Act|Agreement|Regulation|Directive|Contract|Code|Constitution|Convention|Treaty|"
    r"Ordinance|Statute|Chapter|Article|Section))\b"
)
_FIRST = ((1, 0), (1, 1))
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


_Number = tuple[int, int]
"""Number of an article: `7` as (7, 0), `4.12` as (4, 12)."""


def legal_grammar(blocks: Iterable[Block]) -> LegalGrammar | None:
    """The grammar of a legal text, None for any other: it has to be certain.

    Args:
        blocks: The beginning of the document.
    """
    told = (BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)
    text = "\n".join(block.text for block in blocks if block.kind in told)[:KIND_CHARS]
    least = _LEAST_OF_DECISION if _VI_TITLE.search(text) else _LEAST_ARTICLES
    if _is_counted(_numbers(_VI_ARTICLE, text), least):
        return VIETNAMESE
    return _english_grammar(text)


def _english_grammar(text: str) -> LegalGrammar | None:
    articles, sections = _numbers(_EN_ARTICLE, text), _numbers(_EN_SECTION, text)
    # Sections within articles are more than these, sections above articles fewer.
    is_by_section = len(sections) > len(articles)
    numbers = sections if is_by_section else articles
    drafted = len(_EN_DRAFTING.findall(text))
    if drafted < len(numbers) or not _is_counted(numbers, _LEAST_ARTICLES):
        return None
    return BY_SECTION if is_by_section else BY_ARTICLE


def _is_counted(numbers: Sequence[_Number], least: int) -> bool:
    """Whether articles follow each other; a part, or the text after its contents, begins anew."""
    steps = sum(_follows(one, other) for one, other in pairwise(numbers))
    begun = sum(number in _FIRST for number in numbers)
    return steps >= least - 1 and steps + max(begun, 1) >= _ORDERLY_SHARE * len(numbers)


def _follows(one: _Number, other: _Number) -> bool:
    (major, minor), (next_major, next_minor) = one, other
    if minor and next_minor:
        is_next_group = next_major == major + 1 and next_minor == 1
        return is_next_group or (next_major == major and next_minor == minor + 1)
    return not minor and not next_minor and next_major == major + 1


def _numbers(pattern: re.Pattern[str], text: str) -> list[_Number]:
    return [_number(match[1]) for match in pattern.finditer(text)]


def _number(written: str) -> _Number:
    major, _, minor = written.partition(".")
    if not major.isdecimal():
        values = [_ROMAN[letter] for letter in major]
        return sum(
            -value if value < following else value
            for value, following in zip(values, [*values[1:], 0], strict=True)
        ), 0
    return int(major), int(minor or 0)
