"""The hard facts of a sentence: numbers with units, dates, codes, names, opposites, negations.

A source that lacks one of them does not support the sentence, however alike the words are. Facts
of two languages are written alike (`3 days` and `ba ngày` are the same), so they can be compared
where words cannot.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from functools import cache

from citewell.engine.text import vocabulary
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.numerals import Quantity, read_likely_quantities, read_quantities
from citewell.engine.text.stopwords import STOPWORDS
from citewell.engine.text.vocabulary import CONTRASTS

Date = tuple[int | None, int, int | None]
"""Year, month, day."""

_MONTH = "|".join(sorted(vocabulary.MONTHS, key=len, reverse=True))
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_DAYS = rf"(?:(?P<d0>\d{{1,2}})(?:st|nd|rd|th)?\s*(?:-|–|to|and|đến|den)\s*)?{_DAY}"  # noqa: RUF001
_YEAR = r"(?P<y>(?:19|20)\d\d)"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\d/-])(?<!\d\.){_YEAR}[-/.](?P<m>\d{{1,2}})[-/.]{_DAY}(?![\d/])",
        rf"(?<![\d/-])(?<!\d\.)(?P<d>\d{{1,2}})[/.-](?P<m>\d{{1,2}})[/.-]{_YEAR}(?![\d/])",
        rf"\b{_DAYS}(?:\s+of)?\s+(?P<n>{_MONTH})\b\.?,?(?:\s+{_YEAR})?",
        rf"\b(?P<n>{_MONTH})\.?\s+{_DAYS}\b(?:,?\s+{_YEAR})?(?!\d)",
        rf"\b(?P<n>{_MONTH})\.?,?\s+{_YEAR}",
        rf"(?:ngày|ngay)\s+(?P<d>\d{{1,2}})\s+(?:tháng|thang)\s+(?P<m>\d{{1,2}})"
        rf"(?:,?\s+(?:năm|nam)\s+{_YEAR})?",
        rf"(?:tháng|thang)\s+(?P<m>\d{{1,2}})(?:(?:\s+(?:năm|nam)\s+|/){_YEAR})?(?!\d)",
        rf"\b(?P<n>{_MONTH.replace('may|', '')})\b(?!\s+(?:be|not)\b)",
        r"\b(?:in|of|by|until|since|from|during|end of|last|next|each|every)\s+(?P<n>may)\b"
        r"(?!\s+(?:be|not)\b)",
    )
)
_CODE = re.compile(
    r"https?://[^\s<>\"']+[\w/]|(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w/.-])(?=[\w/._-]*\d)(?=[\w/._-]*[^\W\d_])\w+(?:[/._-]\w+)*"
)
_MEASURE = re.compile(
    r"(?:\d{1,2}(?:st|nd|rd|th)|\d{1,2}h(?:\d\d)?|\d[\d.,]*(?:%|am|pm|[a-zđ]{1,2}²?|vn[dđ]|usd))"
)
_LABELLED = re.compile(
    r"\b(?:party|plan|type|grade|level|class|zone|annex|appendix|group|bên|loại|gói|nhóm|hạng|"
    r"phụ lục|bảng)\s+([a-zđ]|[ivx]{1,5})\b(?![-.\w])"
)
_WORD = re.compile(r"[^\W\d_][\w'’&-]*")  # noqa: RUF001
_CAPITALISED_NOUNS = frozenset({"de", "lb"})
"""Languages in which a capital does not tell a name."""
_CLAUSE_END = re.compile(r"[.,;:!?()\n|]")
_SCOPE = 7
"""Words a negation reaches: as many as `must not be shared with anyone outside` needs."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts a stretch of text states beyond its words; all in normalised form."""

    quantities: tuple[Quantity, ...]
    likely: tuple[Quantity, ...]
    """Words that may be numbers, as `ba`, and those in codes: enough for a source to have one, too
    little to ask for one."""
    dates: tuple[frozenset[Date], ...]
    """Each the readings of one date: `3/4/2024` has two."""
    codes: frozenset[str]
    names: frozenset[str]
    contrasts: dict[int, frozenset[int]]
    """Number of the contrast -> the values said."""
    negated: frozenset[str]
    """Words under a negation."""
    is_negated: bool
    text: str
    """The normalised text the facts were read from."""

    def has(self, wanted: Quantity) -> bool:
        """Whether one of the numbers can be the one that is wanted."""
        return any(wanted.matches(found) for found in (*self.quantities, *self.likely))


def read_facts(text: str, *, language: str = "en", folded: bool = False) -> Facts:
    """Read the facts of a sentence or two.

    Args:
        text: As written.
        language: ISO 639-1 code; tells whether capitals tell names.
        folded: Read without diacritics, to compare with text that was typed without them.
    """
    plain = normalise(text)
    if folded:
        plain = fold(plain)
    contrasts, negated, is_negated = _polarity(plain, folded)
    rest, dates = _take_dates(plain)
    codes: set[str] = set(_LABELLED.findall(rest))
    rest = _CODE.sub(lambda match: _take_code(match, codes), rest)
    return Facts(
        quantities=tuple(read_quantities(rest, folded=folded)),
        likely=(
            *read_likely_quantities(rest, folded=folded),
            *(q for code in codes for q in read_quantities(re.sub(r"\D", " ", code))),
        ),
        dates=tuple(dates),
        codes=frozenset(codes),
        names=_names(text, language, folded),
        contrasts=contrasts,
        negated=negated,
        is_negated=is_negated,
        text=plain,
    )


def missing_facts(claim: Facts, source: Facts, context: Facts) -> bool:
    """Whether the claim states a number, date or code that neither source nor its headings have."""
    return (
        any(
            not any(_holds(claim, wanted, facts) for facts in (source, context))
            for wanted in claim.quantities
        )
        or any(not _has_date(date, source, context) for date in claim.dates)
        or any(not _has_code(code, source.text, context.text) for code in claim.codes)
    )


_LESS = re.compile(
    r"\b(?:(?:fell|falls?|fallen|drop(?:s|ped)?|decreas\w*|declin\w*|reduc\w*|loss(?:es)?|deficit|"
    r"down|shrank)\s+(?:by|of)|"
    r"(?:giảm|giam|lỗ|thâm hụt)(?!\s+(?:xuống|xuong|còn|con|tới|toi|đến|den|về|ve)\b))\b"
)
_REACH = 40
"""Characters behind such a word in which its number begins."""


def _holds(claim: Facts, wanted: Quantity, source: Facts) -> bool:
    """Whether a source has a number: also `-5 %` where the claim says that something fell by it."""
    if source.has(wanted):
        return True
    turned = Quantity(frozenset(-value for value in wanted.values), wanted.unit)
    return source.has(turned) and any(
        wanted in list(read_quantities(claim.text[less.end() : less.end() + _REACH]))[:1]
        for less in _LESS.finditer(claim.text)
    )


def contradicts(
    claim: Facts, source: Facts, context: Facts, shared: Set[str], key: Callable[[str], str]
) -> bool:
    """Whether claim and source differ in a negation or in a word that excludes the other's.

    Args:
        claim: The sentence.
        source: The span it may rest on.
        context: Title and headings above the span.
        shared: Keys of the words that both have.
        key: The key of a normalised word.
    """
    for group, said in claim.contrasts.items():
        found = source.contrasts.get(group, frozenset())
        if not found and not CONTRASTS[group].is_required:
            continue
        if not said <= found | context.contrasts.get(group, frozenset()):
            return True
    if claim.is_negated and not source.is_negated:
        return True
    denied = {key(word) for word in claim.negated} & shared
    source_denied = {key(word) for word in source.negated} & shared
    return 2 * len(denied - source_denied) > len(denied) or (
        2 * len(source_denied - denied) > len(source_denied)
    )


def _has_date(wanted: frozenset[Date], source: Facts, context: Facts) -> bool:
    years = {value for q in (*source.quantities, *context.quantities) for value in q.values}
    years |= {y for date in (*source.dates, *context.dates) for y, _, _ in date if y}
    return any(
        month == found_month
        and (day is None or day == found_day)
        and (year is None or year == found_year or (found_year is None and year in years))
        for year, month, day in wanted
        for date in (*source.dates, *context.dates)
        for found_year, found_month, found_day in date
    )


def _has_code(code: str, *texts: str) -> bool:
    parts = re.findall(r"\w+", code)
    pattern = r"(?<!\w)" + r"[\W_]*".join(map(re.escape, parts)) + r"(?!\w)"
    return any(re.search(pattern, text) for text in texts)


def _take_dates(text: str) -> tuple[str, list[frozenset[Date]]]:
    """The dates, and the text without them."""
    dates: list[frozenset[Date]] = []
    for pattern in _DATES:
        spans: list[tuple[int, int]] = []
        for match in pattern.finditer(text):
            if readings := _readings(match):
                dates.extend(readings)
                spans.append(match.span())
        for start, end in spans:
            text = text[:start] + " " * (end - start) + text[end:]
    return text, dates


def _readings(match: re.Match[str]) -> list[frozenset[Date]]:
    """The readings of each date in the match; none when it is not a date after all."""
    parts = match.groupdict()
    year = int(parts["y"]) if parts.get("y") else None
    day = int(parts["d"]) if parts.get("d") else None
    if name := parts.get("n"):
        months = {(vocabulary.MONTHS[name], day)}
    else:
        month = int(parts["m"])
        months = {(month, day)}
        is_numeric = (
            match.string[match.end("m")] in "/.-" if match.end("m") < match.end() else False
        )
        if day is not None and is_numeric and match.start("d") < match.start("m"):
            months.add((day, month))
    dates = {(year, m, d) for m, d in months if 1 <= m <= 12 and (d is None or 1 <= d <= 31)}
    if not dates:
        return []
    found: list[frozenset[Date]] = [frozenset(dates)]
    if first := parts.get("d0"):
        found.append(frozenset((year, m, int(first)) for _, m, _ in dates))
    return found


def _take_code(match: re.Match[str], codes: set[str]) -> str:
    code = match.group()
    if _MEASURE.fullmatch(code):
        return code
    codes.add(code)
    return " "


def _names(text: str, language: str, folded: bool) -> frozenset[str]:
    """Capitalised words that do not merely begin a sentence, normalised."""
    if language in _CAPITALISED_NOUNS:
        return frozenset()
    stopwords = STOPWORDS["en"] | STOPWORDS["vi"]
    names: set[str] = set()
    tokens = list(_WORD.finditer(unicodedata.normalize("NFC", text)))
    for number, token in enumerate(tokens):
        word = token.group()
        plain = normalise(word).removesuffix("'s").removesuffix("’s")  # noqa: RUF001
        if not word[0].isupper() or plain in stopwords | _no_names():
            continue
        is_acronym = len(word) > 1 and word.isupper()
        before = text[: token.start()].rstrip("\"'“‘(*-–• ")  # noqa: RUF001
        begins = not before or before[-1] in ".!?:\n|"
        follower = tokens[number + 1].group() if number + 1 < len(tokens) else "x"
        if (
            is_acronym
            or not begins
            or (follower[0].isupper() and plain not in vocabulary.NAME_OPENERS)
        ):
            names.add(fold(plain) if folded else plain)
    return frozenset(names)


@cache
def _no_names() -> frozenset[str]:
    """Capitalised words that other checks read: months, weekdays, numbers."""
    weekdays = {
        word
        for contrast in CONTRASTS
        if contrast.is_required
        for v in contrast.values
        for word in v
    }
    return frozenset(
        {*vocabulary.MONTHS, *weekdays, *vocabulary.ENGLISH_NUMBERS, "thứ", "tháng", "chủ", "nhật"}
    )


@cache
def _phrases(folded: bool) -> tuple[re.Pattern[str], dict[str, tuple[int, int]]]:
    """All words of the contrasts in one pattern, longest first, and what each says."""
    said: dict[str, tuple[int, int]] = {}
    for group, contrast in enumerate(CONTRASTS):
        for value, words in enumerate(contrast.values):
            for word in words:
                said[fold(word) if folded else word] = (group, value)
    ordered = sorted(said, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, ordered))})(?!\w)"), said


@cache
def _number_bounds(folded: bool) -> re.Pattern[str]:
    sides = (
        "|".join(re.escape(fold(word) if folded else word) for word in words)
        for words in vocabulary.NUMBER_BOUNDS
    )
    upper, lower = sides
    return re.compile(rf"(?<!\w)(?:({upper})|({lower}))(?=\s+(?:[$€£]|eur |usd |gbp )?\d)")


@cache
def _negators(folded: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    def either(words: Iterable[str]) -> str:
        return "|".join(re.escape(fold(w) if folded else w) for w in words)

    plain = [word for word in vocabulary.NEGATORS if word != "n't"]
    if folded:
        plain.remove("chưa")  # `chứa`, to contain, is written the same
    return (
        re.compile(rf"(?<!\w)(?:{either(plain)})(?!\w)(?!\.?\s*\d)|(?<=n)['’]t(?!\w)"),  # noqa: RUF001
        re.compile(rf"(?<!\w)(?:{either(vocabulary.NOT_NEGATIONS)})(?!\w)"),
    )


def _polarity(text: str, folded: bool) -> tuple[dict[int, frozenset[int]], frozenset[str], bool]:
    """The sides of the contrasts, the words under a negation, and whether there is a negation."""
    pattern, said = _phrases(folded)
    negator, harmless = _negators(folded)
    blank = harmless.sub(lambda match: " " * len(match.group()), text)
    spoken = [(match, *said[match.group()]) for match in pattern.finditer(blank)]
    for match, _, _ in spoken:  # `không quá`, `not more than`: the negator is part of the phrase
        blank = blank[: match.start()] + "\x01" * len(match.group()) + blank[match.end() :]
    bounds = [
        (match, vocabulary.BOUND, int(match[2] is not None))
        for match in _number_bounds(folded).finditer(blank)
    ]
    spoken += bounds
    scopes = [_scope(blank, match) for match in negator.finditer(blank)]
    values: dict[int, set[int]] = {}
    for match, group, value in spoken:
        is_flipped = any(start <= match.start() < end for start, end in scopes)
        if is_flipped and len(CONTRASTS[group].values) == 2:
            value = 1 - value
        values.setdefault(group, set()).add(value)
    negated = {word for start, end in scopes for word in re.findall(r"\w+", blank[start:end])}
    if _denies(values):
        negated = {*negated, *re.findall(r"\w+", blank)}
    return (
        {group: frozenset(found) for group, found in values.items()},
        frozenset(negated),
        bool(scopes) or _denies(values),
    )


def _denies(values: dict[int, set[int]]) -> bool:
    """Whether a contrast says no by itself: prohibited, excluded, refused, unpaid."""
    return any(values.get(group, set()) == {1} for group in _DENYING)


_DENYING = tuple(
    number
    for number, contrast in enumerate(CONTRASTS)
    if {"prohibited", "excluded", "rejected", "unpaid"} & set(contrast.values[1])
)


def _scope(text: str, negator: re.Match[str]) -> tuple[int, int]:
    """From a negator to the end of its clause, `_SCOPE` words at most."""
    start = end = negator.end()
    reach = 2 if negator.group() in vocabulary.SHORT_NEGATORS else _SCOPE
    for number, word in enumerate(re.finditer(r"[\w\x01]+", text[start:])):
        if number == reach or word.group() in vocabulary.SCOPE_ENDS:
            break
        if _CLAUSE_END.search(text, end, start + word.start()):
            break
        end = start + word.end()
    return start, end
