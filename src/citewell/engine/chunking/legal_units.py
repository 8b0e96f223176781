# ruff: noqa: RUF001 - the marks of other scripts are meant
"""The units of legal texts: how articles, clauses and points begin, and how they are cited."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal

Mark = Literal["number", "letter"]

MAX_HEADING_CHARS = 200
"""A longer paragraph is no heading, and a longer heading is shortened in the path."""


@dataclass(frozen=True, slots=True)
class LegalGrammar:
    """The units of one tradition of drafting. All patterns are anchored and bounded."""

    language: str
    """ISO 639-1 code, which also picks the abbreviations sentences are cut by."""
    ranks: dict[str, int]
    """Order of the units above clauses, outermost first; by lower-case name."""
    basic: frozenset[str]
    """Names of the unit that is cited by its number alone: Điều, Article, Section."""
    unit: re.Pattern[str]
    """A unit at the beginning of a line, in groups: its name, its number, a mark after it, and
    what follows. Running text mentions units as well ("Điều 5 quy định ..."), so what follows
    decides whether this is a heading."""
    needs_mark: bool
    """Whether a basic unit is one only with a mark after its number."""
    lines: re.Pattern[str]
    """Beginnings of lines at which a paragraph is cut into units."""
    number: re.Pattern[str]
    letter: re.Pattern[str]
    numbered: str
    """Label of a unit marked by a number, in the path."""
    lettered: str


# Articles, clauses and points of Decree 78/2025/NĐ-CP, article 8. "Điều 12." or "Điều 12a:"; the
# mark is required, since a mention in running text has none.
_VI_ARTICLE = r"[Đđ](?:iều|IỀU)\s{1,4}\d{1,4}[a-zđ]?[ \t]{0,4}[.:]"
# "1. " at the beginning of a line. A numbered list inside an article looks the same and is cut the
# same way, which does no harm: it is packed again up to the target.
_VI_CLAUSE = r"\d{1,3}[a-zđ]?\.\s"
# "a) " or "đ) "; two letters occur in long lists ("aa)").
_VI_POINT = r"[a-zđ]{1,2}\)\s"
_VI_PART = (
    r"(?:P(?:hần|HẦN)|C(?:hương|HƯƠNG)|M(?:ục|ỤC)|T(?:iểu mục|IỂU MỤC))\s{1,4}(?:[IVXLC]|\d|thứ)"
)

VIETNAMESE = LegalGrammar(
    language="vi",
    ranks={"phần": 0, "chương": 1, "mục": 2, "tiểu mục": 3, "điều": 4},
    basic=frozenset({"điều"}),
    unit=re.compile(
        r"(?P<unit>phần|chương|tiểu mục|mục|điều)\s{1,4}"
        r"(?P<number>[ivxlc]{1,7}|\d{1,4}[a-zđ]?|thứ \w{1,8})(?P<mark>[ \t]{0,4}[.:–-])?"
        r"(?P<rest>\s{0,4}[^\n]*)",
        re.IGNORECASE,
    ),
    needs_mark=True,
    lines=re.compile(
        rf"^[ \t]*(?:{_VI_PART}|{_VI_ARTICLE}|{_VI_CLAUSE}|{_VI_POINT})", re.MULTILINE
    ),
    number=re.compile(r"\s{0,8}(\d{1,3}[a-zđ]?)\.\s"),
    letter=re.compile(r"\s{0,8}([a-zđ]{1,2})\)\s"),
    numbered="Khoản {}",
    lettered="Điểm {}",
)

# "Article 7", "ARTICLE IV", "Section 12.1", "§ 3"; "Sec." in statutes of the United States.
_EN_BASIC = r"(?:A(?:rticle|RTICLE)|S(?:ection|ECTION|ec\.|EC\.)|§)\s{0,4}"
_EN_NUMBER = r"(?:\d{1,4}(?:\.\d{1,3})?[a-zA-Z]?|[IVXLC]{1,7})"
_EN_MARKS = r"\(?\d{1,3}[.)]\s|\([a-z]{1,2}\)\s|[a-z]\)\s"


def _english(ranks: dict[str, int], basic: str) -> LegalGrammar:
    return LegalGrammar(
        language="en",
        ranks=ranks,
        basic=frozenset(basic.split()),
        unit=re.compile(
            r"(?P<unit>part|title|chapter|article|section|sec\.|§)\s{0,4}"
            rf"(?P<number>{_EN_NUMBER})(?![\w(])(?P<mark>[ \t]{{0,4}}[.:–—-])?"
            r"(?P<rest>\s{0,4}[^\n]*)",
            re.IGNORECASE,
        ),
        needs_mark=False,
        lines=re.compile(
            rf"^[ \t]*(?:(?:P(?:art|ART)|T(?:itle|ITLE)|C(?:hapter|HAPTER))\s{{1,4}}{_EN_NUMBER}\b|"
            rf"{_EN_BASIC}{_EN_NUMBER}\b|{_EN_MARKS})",
            re.MULTILINE,
        ),
        number=re.compile(r"\s{0,8}\(?(\d{1,3})[.)]\s"),
        letter=re.compile(r"\s{0,8}\(?([a-z]{1,2})\)\s"),
        numbered="({})",
        lettered="({})",
    )


# A section may stand above articles (regulations of the European Union) or below them (contracts,
# bylaws): what is cited by its number alone is the lower of the two.
BY_ARTICLE = _english(
    {"part": 0, "title": 1, "chapter": 2, "section": 3, "sec.": 3, "§": 3, "article": 4}, "article"
)
BY_SECTION = _english(
    {"title": 0, "part": 1, "chapter": 2, "article": 3, "section": 4, "sec.": 4, "§": 4},
    "section sec. §",
)


@dataclass(slots=True)
class Clauses:
    """The clause and point that a text is in, while an article is read line by line.

    Vietnamese clauses have numbers and points letters. English drafting has both orders, `7(2)(a)`
    and `3(a)(2)`: the mark that comes first in an article is that of its clauses.
    """

    grammar: LegalGrammar
    _labels: dict[Mark, str] = field(default_factory=dict[Mark, str])
    _order: list[Mark] = field(default_factory=list[Mark])

    def __post_init__(self) -> None:
        self.leave()

    @property
    def labels(self) -> tuple[str, ...]:
        """`("Khoản 3", "Điểm a")`; empty outside clauses."""
        return tuple(self._labels[mark] for mark in self._order if mark in self._labels)

    def leave(self) -> None:
        """Begin another article, or none."""
        self._labels.clear()
        self._order = ["number", "letter"] if self.grammar.language == "vi" else []

    def take(self, line: str) -> bool:
        """Take the next line; returns whether it opens a clause, not only a point."""
        marks: tuple[tuple[Mark, re.Pattern[str], str], ...] = (
            ("number", self.grammar.number, self.grammar.numbered),
            ("letter", self.grammar.letter, self.grammar.lettered),
        )
        for mark, pattern, label in marks:
            match = pattern.match(line)
            if match is None:
                continue
            if mark not in self._order:
                self._order.append(mark)
            if self._order[0] == mark:
                self._labels.clear()
            self._labels[mark] = label.format(match[1])
            return self._order[0] == mark
        return False

    def restore(self, labels: Sequence[str]) -> None:
        """Go on where a passage begins: in the clause and point of its heading path."""
        for label in labels:
            name = label.rpartition(" ")[2].strip("()")
            mark: Mark = "number" if name[:1].isdecimal() else "letter"
            if mark not in self._order:
                self._order.append(mark)
            self._labels[mark] = label


# An article as it stands in a heading path, and what may follow it there.
_IN_PATH = re.compile(
    r"(?P<name>(?:điều|article|section|sec\.|§)\s{0,4}(?:\d{1,4}(?:\.\d{1,3})?[a-zđ]?|[ivxlc]{1,7}))"
    r"(?!\w)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"Khoản \d{1,3}[a-zđ]?|Điểm [a-zđ]{1,2}|\((?:\d{1,3}|[a-z]{1,2})\)")


@dataclass(frozen=True, slots=True)
class Provision:
    """A place in a legal text."""

    path: tuple[str, ...]
    """Headings above it, its clause and point included."""
    cited: str
    """As it is cited: `Điều 12, Khoản 3, Điểm a`, `Article 7(2)(a)`."""


def above_clauses(heading: tuple[str, ...]) -> tuple[str, ...]:
    """A heading path without clause and point, which are no names of sections."""
    end = len(heading)
    while end and _LABEL.fullmatch(heading[end - 1]):
        end -= 1
    return heading[:end]


def provision_at(heading: tuple[str, ...], text: str, start: int, end: int) -> Provision | None:
    """The provision of a legal text in which a quote stands; None outside articles.

    Args:
        heading: Heading path of the passage.
        text: The passage.
        start: Beginning of the quote in the passage.
        end: Its end; a quote of several clauses is cited by what they share.
    """
    sections = above_clauses(heading)
    match = _IN_PATH.match(sections[-1]) if sections else None
    if match is None:
        return None
    grammar = VIETNAMESE if match["name"][:1].lower() == "đ" else BY_ARTICLE
    clauses = Clauses(grammar)
    clauses.restore(heading[len(sections) :])
    first: tuple[str, ...] | None = None
    at = 0
    for line in text[:end].splitlines(keepends=True):
        if first is None and at > start:
            first = clauses.labels
        clauses.take(line)
        at += len(line)
    last = clauses.labels
    first = last if first is None else first
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    shared = tuple(label for label, _ in pairs)
    joiner = ", " if grammar is VIETNAMESE else ""
    return Provision((*sections, *shared), joiner.join((match["name"], *shared)))
