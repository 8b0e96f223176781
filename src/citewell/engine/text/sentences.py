# ruff: noqa: RUF001 - the marks of other scripts are meant
"""Splits text into sentences, as spans that can be quoted as they stand.

Rules, not a model: an abbreviation list per language, the case of what follows, and the layout
(blank lines, table rows and list items always end a sentence). Every pattern is anchored or
possessive, so the time is linear in the text whatever is in it.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

MAX_SENTENCE_CHARS = 600
"""Length from which a sentence is cut at a clause, so that a quote stays readable."""

_WRAP_CHARS = 32
"""Length from which a line, if it is near its block's longest, may be wrapped rather than ended."""


class Span(NamedTuple):
    """Half-open range of character offsets."""

    start: int
    end: int


# A run of final marks with its closing quotes, brackets and footnote numbers. The look-behind lets
# a run be tried from its first mark only, which keeps hostile runs linear.
_TERMINATOR = re.compile(
    r"(?<![.!?…؟۔])[.!?…؟۔]++[\"'”’»)\]]*+(?:\[\w{1,4}\])*+(?=\s)|[。！？｡।॥]++[”’」』）)\"]*+"
)
# A bullet, or a number, letter or small roman numeral with its mark. A line that begins with a
# sentence like "I. Newton ..." is taken for an item too; it then merely ends the line before.
_LIST_ITEM = re.compile(
    r"(?:[-*•‣◦▪–—+·]\s|\(?(?:\d{1,3}|[a-zđA-ZĐ]|[ivx]{1,5})[.)]\s|(?:Step|Bước) \d{1,2}[.:]\s)"
)
# Dots between a name and its value, as the parsers write any number of them: `Width … 95 cm`. They
# end no sentence, and a line that has them is one.
_LEADERS = (" … ", " ... ")
# The whole text before a dot is a number or the name of a unit ("Điều 5", "Section 2.1"): the dot
# belongs to the numbering. Repetitions are bounded, so a hostile line stays linear.
_NUMBERING = re.compile(
    r"(?:(?:điều|chương|mục|phần|khoản|bước|bảng|hình|phụ lục|article|section|chapter|part|step|"
    r"table|figure|appendix|annex|question|câu)\s+)?"
    r"(?:\d{1,4}[a-zđ]?(?:\.\d{1,4}){0,6}|[ivxlc]{1,7}|[a-zđ](?:\.\d{1,4}){0,6})",
    re.IGNORECASE,
)
# "e.g", "U.S.A", "Ph.D": one to five short parts joined by dots, matched on the word before the
# final dot. "v.v" and times of day are excepted where it is used.
_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.){1,5}[^\W\d_]{1,4}")
# Marks between the end of one sentence and the first letter of the next; skipped to see its case.
_OPENERS = "\"'“‘«([{¿¡-–—•*"
# Characters read before and after a dot to judge it: longer than any abbreviation listed below.
_LOOK_BACK = 40
# Where an over-long sentence may be cut. Western marks need a space after them, which keeps "1,000"
# and "12:30" whole; those of Chinese and Japanese do not.
_CLAUSE = re.compile(r"[;:,–—、，；：](?=\s)|[、，；：]")


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Followed by a name or a number: the dot never ends the sentence.
_TITLES = _words(
    "mr mrs ms mx dr prof rev hon st mt gen col capt lt sgt sen rep gov pres messrs mme mlle "
    "sr sra vs cf e.g i.e eg ie viz approx ca esp incl resp bzw evtl ggf z.b d.h"
)
_TITLES_VI = _words(
    "tp tx tt q p đ h x gs pgs ts ths th.s bs bs.ck ks cn cvc pgs.ts gs.ts ts.bs ls tm kt tl "
    "nxb vd tr đt stt"
)
_SYLLABLES = _words("ca hon gen")
"""Of these such as are words in Vietnamese: `150.000 đồng một ca.` (a shift) ends a sentence."""

# Followed by a number: `No. 5`, but not `I said no. Then`.
_REFERENCES = _words(
    "no nos nr art arts sec sect fig figs eq eqs vol vols pp p ch chap para paras pt par cl reg "
    "regs tab v ver n° số"
)
# May end a sentence: only when what follows reads like a beginning.
_ABBREVIATIONS = _words(
    "inc ltd co corp llc bros jr dept univ assn est ext tel jan feb mar apr jun jul aug sep "
    "sept oct nov dec ave blvd rd ft al tcvn cty"
)
_STARTERS = _words(
    "the a an this that these those it its he she they we you i in on at for from by to with as "
    "and but or if when while after before since during however there their his her our your my "
    "what which who where why how all each every no not some many most both one two also another "
    "although because such then thus therefore "
    "các những một này đó đây khi nếu theo trong tại từ với và nhưng tuy ông bà họ người việc "
    "do vì sau trước để ngoài đến năm ngày"
)
# No sentence and no heading ends with one of these, so a line that does goes on in the next. `in`,
# `on` and `up` are left out, as they end `Sign in` and `Carry on`.
_HANGING = _words(
    "the a an and or of from to with by at for between into than via per và hoặc của với giữa từ "
    "cho tại bởi là"
)
# Languages that write an ordinal as a number and a dot: `am 3. Mai`.
_ORDINAL_LANGUAGES = _words("de da nb nn no fi cs sk hu hr sl et")


def split_sentences(text: str, language: str = "en") -> list[Span]:
    """Find the sentences of a text, in order.

    The spans do not overlap, hold all that is not white space, and neither begin nor end with
    white space. Table rows (`a | b`), list items and what blank lines divide are sentences of
    their own; a sentence beyond `MAX_SENTENCE_CHARS` is cut at its clauses.

    Args:
        text: Any text; blocks divided by blank lines.
        language: ISO 639-1 code that picks abbreviations.

    Returns:
        Offsets into `text`, empty when it holds nothing but white space.
    """
    spans: list[Span] = []
    for unit in _units(text):
        for sentence in _sentences_of(text, unit, language):
            spans.extend(cut_long(text, sentence))
    return spans


def is_table_row(line: str) -> bool:
    """Whether a line is a row of a table as the parsers write it."""
    return " | " in line or line.startswith("| ")


def cut_long(text: str, span: Span, limit: int = MAX_SENTENCE_CHARS) -> Iterator[Span]:
    """Cut a span into pieces of at most `limit` characters: at clauses, else words, else anywhere.

    White space at the cuts belongs to no piece.
    """
    start, end = span
    while end - start > limit:
        cut = _clause_cut(text, start, start + limit)
        yield _trim(text, start, cut)
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield _trim(text, start, end)


def _clause_cut(text: str, start: int, stop: int) -> int:
    """Where to cut within start..stop: the last clause of the second half, else the last space."""
    middle = (start + stop) // 2
    last = -1
    for match in _CLAUSE.finditer(text, middle, stop):
        last = match.end()
    if last > start:
        return last
    for at in range(stop, middle, -1):
        if text[at].isspace():
            return at
    # No white space to cut at: keep an accent with its letter.
    # Bounded: a hostile run of marks is cut anywhere.
    for at in range(stop, max(middle, stop - 8), -1):
        if not unicodedata.combining(text[at]):
            return at
    return stop


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def _lines(text: str) -> Iterator[Span]:
    """The lines, trimmed; a blank one is an empty span."""
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        if end < 0:
            end = len(text)
        yield _trim(text, start, end)
        start = end + 1


def _units(text: str) -> Iterator[Span]:
    """Stretches that no sentence crosses: blocks, table rows, list items, single lines."""
    block: list[Span] = []
    for line in _lines(text):
        if line.start < line.end:
            block.append(line)
        elif block:
            yield from _join_wrapped(text, block)
            block = []
    if block:
        yield from _join_wrapped(text, block)


def _join_wrapped(text: str, lines: list[Span]) -> Iterator[Span]:
    """Join the lines of one block that are a wrapped paragraph; the others stand alone."""
    widest = max(line.end - line.start for line in lines)
    # A line far shorter than its block's widest was ended by its author: a heading, an address,
    # verse. A paragraph set ragged that has such a line in its middle is cut there.
    full = max(_WRAP_CHARS, widest * 0.6)
    start, previous = lines[0].start, lines[0]
    for line in lines[1:]:
        if _ends_at_line(text, previous, line, full):
            yield Span(start, previous.end)
            start = line.start
        previous = line
    yield Span(start, previous.end)


def _ends_at_line(text: str, previous: Span, line: Span, full: float) -> bool:
    if _is_row(text, previous) or _is_row(text, line):
        return True
    if _has_leader(text, previous) or _has_leader(text, line):
        return True
    if _LIST_ITEM.match(text, line.start, line.end):
        return True
    # A line in lower case goes on with the one before, however short that is.
    if text[line.start].islower() or _hangs(text, previous):
        return False
    return previous.end - previous.start < full


def _hangs(text: str, line: Span) -> bool:
    """Whether a line ends within a phrase: `the bus between`, `Penrose and`."""
    begin = max(line.start, line.end - _LOOK_BACK)
    words = text[begin : line.end].split()
    return bool(words) and words[-1] in _HANGING


def _is_row(text: str, line: Span) -> bool:
    return text.find(" | ", line.start, line.end) >= 0 or text.startswith("| ", line.start)


def _has_leader(text: str, line: Span) -> bool:
    return any(text.find(leader, line.start, line.end) >= 0 for leader in _LEADERS)


def _sentences_of(text: str, unit: Span, language: str) -> Iterator[Span]:
    start = unit.start
    if not _is_row(text, unit):
        for match in _TERMINATOR.finditer(text, unit.start, unit.end):
            if _is_end(text, unit, start, match, language):
                yield _trim(text, start, match.end())
                start = match.end()
    last = _trim(text, start, unit.end)
    if last.start < last.end:
        yield last


def _is_end(text: str, unit: Span, start: int, match: re.Match[str], language: str) -> bool:
    """Whether the final marks at `match` end the sentence that began at `start`."""
    if text.startswith(_LEADERS, match.start() - 1):
        return False
    following = match.end()
    while following < unit.end and (text[following].isspace() or text[following] in _OPENERS):
        following += 1
    if following >= unit.end:
        return True
    # A sentence that begins in lower case (`iPhone`) stays with the one before.
    if text[following].islower():
        return False
    # A single dot alone can belong to an abbreviation.
    if match[0][0] != "." or match[0].startswith(".."):
        return True
    return not _is_abbreviation(text, start, match, following, language)


def _is_abbreviation(
    text: str, start: int, match: re.Match[str], following: int, language: str
) -> bool:
    """Whether the dot at `match` belongs to the word before it and the sentence goes on."""
    dot = match.start()
    begin = max(start, dot - 2 * _LOOK_BACK)
    while begin < dot and (text[begin].isspace() or text[begin] in _OPENERS):
        begin += 1
    if dot - start <= 2 * _LOOK_BACK and _NUMBERING.fullmatch(text, begin, dot):
        return True
    if match.end() - dot > 1:  # a bracket or quote closes after the dot
        return False
    before = text[max(begin, dot - _LOOK_BACK) : dot].split()
    word = before[-1].strip(_OPENERS).lower() if before else ""
    if word in _TITLES and not (language == "vi" and word in _SYLLABLES):
        return True
    if language == "vi" and word in _TITLES_VI:
        return True
    if word in _REFERENCES:
        return text[following].isdigit() or _is_roman(_word_at(text, following))
    if word.isdecimal() and language in _ORDINAL_LANGUAGES:
        # Days and centuries; with more digits it is a year, and a sentence may end in one.
        return len(word) <= 2
    is_initial = len(word) == 1 and text[dot - 1].isupper()
    if is_initial or word in _ABBREVIATIONS or _DOTTED.fullmatch(word):
        is_last = word in ("v.v", "a.m", "p.m")
        return not is_last and _word_at(text, following).lower() not in _STARTERS
    return False


def _word_at(text: str, at: int) -> str:
    end = at
    while end < len(text) and end - at < _LOOK_BACK and text[end].isalnum():
        end += 1
    return text[at:end]


def _is_roman(word: str) -> bool:
    return bool(word) and not word.strip("IVXLC")
