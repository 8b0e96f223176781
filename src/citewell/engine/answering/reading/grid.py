"""Tables as the passages hold them: header, rows and the columns a question points at."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.evidence import offers
from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.answering.asking.quantities import asks_money, is_free
from citewell.engine.answering.asking.synonyms import said_otherwise
from citewell.engine.answering.candidates import Candidate, cells_of
from citewell.engine.answering.scoring import ReadPassage
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.numerals import Quantity, number_values, read_quantities
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.vietnamese import has_diacritics

_SYNONYMS: tuple[tuple[str, str], ...] = (
    (
        r"\b(?:cost|costs|price|pay|paid|charge|how much|gia|bao nhieu tien|muc|tien)\b",
        r"\b(?:price|cost|amount|fee|rate|charge|budget|gia|muc tien|so tien|muc|don gia|tien)\b",
    ),
    (
        r"\b(?:expensive|cheap(?:er|est)?|dearest|pricey|priciest|costliest|(?:dat|re|mac) "
        r"(?:tien )?(?:nhat|hon|nhut))\b",
        r"\b(?:price|cost|fee|(?<!interest )(?<!exchange )(?<!tax )rate|charge|fare|rent|gia|"
        r"muc tien|so tien|don gia|tien|phi)\b",
    ),
    (
        r"\b(?:deep(?:er|est)?|sau (?:nhat|hon|bao nhieu))\b",
        r"\b(?:depth|deep|do sau)\b",
    ),
    (
        r"\b(?:long(?:er|est)|lau (?:nhat|hon)|dai (?:nhat|hon))\b",
        r"\b(?:length|duration|life|term|period|chieu dai|thoi (?:gian|han))\b",
    ),
    (r"\b(?:tall|taller|tallest|cao nhat|cao bao nhieu)\b", r"\b(?:height|chieu cao)\b"),
    (
        r"\b(?:loud(?:er|est)?|quiet(?:er|est)?|nois(?:y|iest)|on (?:nhat|hon))\b",
        r"\b(?:noise|sound|loudness|do on|tieng on)\b",
    ),
    (
        r"\b(?:far(?:ther|thest)?|furthest|nearest|closest|xa (?:nhat|hon|bao nhieu)|gan nhat)\b",
        r"\b(?:distance|km|khoang cach|quang duong)\b",
    ),
    (
        r"\b(?:wide(?:r|st)?|narrow(?:er|est)?|rong (?:nhat|bao nhieu))\b",
        r"\b(?:width|chieu rong|be rong)\b",
    ),
    (
        r"\b(?:big(?:ger|gest)?|larger|largest|small(?:er|est)?|(?:rong|lon|to|nho) nhat)\b",
        r"\b(?:size|area|floor area|capacity|seats|dien tich|kich thuoc|suc chua)\b",
    ),
    (
        r"\b(?:heavy|heavier|heaviest|lightest|weighs?|nang (?:nhat|bao nhieu))\b",
        r"\b(?:weight|mass|trong luong|khoi luong|can nang)\b",
    ),
    (
        r"\b(?:earns?|earned|best paid|paid)\b",
        r"\b(?:pay|hourly pay|salary|wages?|luong|muc luong)\b",
    ),
    (r"\b(?:pounds?|sterling|gbp)\b|£", r"\bgbp\b|£|pounds?"),
    (r"\b(?:dong|vnd)\b|₫", r"\bvnd\b|₫|\bdong\b"),
    (r"\b(?:dollars?|usd)\b|\$", r"\busd\b|\$|dollars?"),
    (r"\b(?:euros?|eur)\b|€", r"\beur\b|€|euros?"),
    (
        r"\bwho(?:m|se)?\b|\bai\b",
        r"\b(?:who|name|owner|contact|person|responsible|custodian|keeper|manager|head|lead(?:er)?|"
        r"in charge|ai|nguoi|ho (?:va )?ten|to truong|truong|phu trach|quan ly|bac si|giam doc)\b",
    ),
    (
        r"\b(?:which|what) (?:\w+ )?(?:company|firm|brand|make)\b|"
        r"\b(?:made|makes|built|produced) by\b|\bwho (?:made|makes|built|produces)\b|"
        r"\b(?:hang|cong ty) nao\b",
        r"\b(?:manufacturer|maker|brand|make|supplier|vendor|company|firm|hang|nha san xuat|"
        r"nha cung cap|cong ty|don vi)\b",
    ),
    (r"\bwhen\b|\bkhi nao\b|\bngay nao\b", r"\b(?:date|when|by|deadline|due|ready|ngay|han)\b"),
    (
        r"\bwhere\b|\bo dau\b",
        r"\b(?:where|place|location|storage|room|site|address|noi|dia (?:diem|chi)|vi tri|phong|"
        r"kho|quay)\b",
    ),
    (
        r"\bhow long\b|\bbao lau\b",
        r"\b(?:time|period|duration|days|weeks|months|years|life|term|thoi gian|thoi han)\b",
    ),
    (
        r"\bhow often\b|\bbao lau mot lan\b|\bever?y\b",
        r"\b(?:every|interval|frequency|chu ky|ky)\b",
    ),
    (
        r"\bwhat (?:should|must|do|to)\b|\blam gi\b",
        r"\b(?:action|remedy|what to do|measure|viec|xu ly|cach)\b",
    ),
    (r"\bmean(?:s|ing)?\b|\bnghia\b", r"\b(?:meaning|description|y nghia|mo ta)\b"),
)
"""Words of a question and what the header of the column they ask for is called; folded text."""

_UNIT = re.compile(r"\(([^()]{1,24})\)\s*$|\b(GBP|USD|EUR|VND|VNĐ|JPY|AUD|CAD|CHF)\s*$")
_CURRENCY_COLUMN = re.compile(r"\b(?:GBP|USD|EUR|VND|VNĐ|JPY|AUD|CAD|CHF)\b|[$€£¥₫]")
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₫": "VND", "VNĐ": "VND"}
_COUNTED = 0.5
"""Weight of a column that is called as what is counted: of `How many samples passed` the column
`Passed` is asked for, `Samples` only where no other is named."""

_UNSAID = 0.2
"""How much less a column is worth of whose name a question has no word, as others are called what
it asks for too: more than the number of its cell can be worth."""

_YEARLY = frozenset(("year", "yearly", "annual", "annually", "nam", "hang"))
_UNITS = frozenset(
    ("gbp", "usd", "eur", "vnd", "chf", "jpy", "kg", "g", "t", "cm", "mm", "m", "km", "met", "tan")
)
_TIME_UNITS = frozenset(("second", "minute", "hour", "day", "week", "month", "year"))
_RATING = re.compile(r"\b(?:đánh giá|danh gia)\b")
_ACCENTED = {
    "gia": "giá", "tien": "tiền", "luong": "lương", "muc": "mức", "phi": "phí", "ky": "kỳ",
    "han": "hạn", "kho": "kho", "ai": "ai", "noi": "nơi", "dong": "đồng", "truong": "trưởng",
    "ngay": "ngày", "mac": "mắc", "dat": "đắt", "re": "rẻ", "nang": "nặng", "cao": "cao",
    "can": "cân",
}  # fmt: skip
"""Vietnamese words of `_SYNONYMS` that fold as others do, with their accents."""

_MOST_NAME = 60
"""Characters of a cell that may stand beside a code as the name of its row."""

_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"(?<![\w.,])-?[$€£¥₫]?\s?\d[\d.,]*\s?%?")
_WORD = re.compile(r"[^\W_]+")
_PLAIN_NUMBER = re.compile(r"(?<![\w.,])\d[\d.,]*")
_TEXT = re.compile(r"[^\W\d_]{2,}")
_UNIT_WORDS = 4
"""Most words of a unit behind a number: `12 euros per person`, `5 đồng một ngày`."""

_BESIDE = frozenset(
    ("gbp", "usd", "eur", "vnd", "chf", "jpy", "aud", "cad", "rs", "kr", "about", "approx", "ca",
     "circa", "khoang")
)  # fmt: skip
"""Words before a number that leave it what it is, folded."""

_BOUNDS = frozenset(
    ("or", "and", "over", "under", "older", "younger", "up", "above", "below", "more", "less",
     "off", "if", "free", "tro", "len", "xuong", "tuoi", "mien")
)  # fmt: skip
"""Words behind a number that make it a bound, an age or a rebate, folded."""

# `P2`, `C3`, `B-118`: a letter, then digits; `20 m` is a measure.
_CODE = re.compile(r"[^\W\d_]{1,3}[-./ ]?\d[\w.-]*")


@dataclass(slots=True)
class TableRows:
    """One table: the names of its columns and its rows in order."""

    header: list[str]
    rows: list[tuple[ReadPassage, int]] = field(default_factory=list[tuple[ReadPassage, int]])
    is_from_start: bool = True
    """Whether its first row is known to be the first of the table in the document."""

    def candidate(self, row: int) -> Candidate:
        """Get a row as a sentence."""
        reading, at = self.rows[row]
        return reading.candidates[at]

    def cells(self, row: int) -> list[str]:
        """Get the cells of a row, as many as there are columns."""
        cells = self.candidate(row).cells[: len(self.header)]
        return cells + [""] * (len(self.header) - len(cells))

    def terms(self, row: int) -> frozenset[int]:
        """Get the question's terms in the cells of a row."""
        reading, at = self.rows[row]
        return reading.in_cells(at)


def grids_of(stream: Sequence[tuple[ReadPassage, int]]) -> Iterator[TableRows]:
    """Yield the tables of a stream of sentences."""
    grid: TableRows | None = None
    written = ""
    for reading, at in stream:
        candidate = reading.candidates[at]
        if not candidate.is_row:
            if grid is not None:
                yield grid
            grid, written = None, ""
            continue
        if grid is None or candidate.header != written:
            if grid is not None:
                yield grid
            written = candidate.header
            is_cut = reading.passage.context == written
            grid = TableRows(cells_of(written), is_from_start=not is_cut)
        grid.rows.append((reading, at))
    if grid is not None:
        yield grid


def named_columns(asked: Asked, grid: TableRows, label: str = "") -> dict[int, float]:
    """Get the columns whose name the question says or asks for by a synonym, with weights.

    Args:
        asked: The question.
        grid: The table.
        label: Of the row that is asked about; its words name no column: of `the day pass` no
            `Days` are asked.
    """
    first = grid.rows[0][0]
    said_of_row = first.find(label)
    found: dict[int, float] = {}
    text = _read(asked.written) if asked.written else asked.text
    for column, name in enumerate(grid.header):
        otherwise = said_otherwise(asked.written or asked.text, first.passage.language, name)
        held = first.find(name) | first.finder.called(otherwise)
        weight = first.finder.share(held - said_of_row)
        plain = _read(name)
        weight += 0.15 * sum(
            re.search(said, text) is not None and re.search(called, plain) is not None
            for said, called in _SYNONYMS
        )
        if weight > 0:
            found[column] = weight
    return found


def synonyms_of(asked: Asked, grid: TableRows) -> frozenset[str]:
    """Get the words of a question that name a column by another word."""
    header = _read(" | ".join(grid.header))
    return frozenset(
        word
        for said, called in _SYNONYMS
        if re.search(called, header)
        for match in re.finditer(said, asked.text)
        for word in match.group().split()
    )


def called_wholly(asked: Asked, header: str) -> bool:
    """Whether a column is called as a question asks for it and nothing else: `Weight kg`."""
    plain = " ".join(word for word in _WORD.findall(_read(header)) if word not in _UNITS)
    return any(
        re.search(said, asked.text) is not None and re.fullmatch(called, plain) is not None
        for said, called in _SYNONYMS
    )


def _read(text: str) -> str:
    """A text folded, without words that are another one only by their accents.

    `Đánh giá` and `Quốc gia` name no price; what is written without accents is taken as it is.
    """
    written = _RATING.sub(" ", normalise(text))
    if not has_diacritics(written):
        return fold(written)
    return fold(_WORD.sub(_without_others, written))


def _without_others(match: re.Match[str]) -> str:
    word = match.group()
    accented = _ACCENTED.get(fold(word))
    return word if accented is None or word in accented.split() else "~"


def wanted_column(asked: Asked, grid: TableRows, row: int) -> int | None:
    """The column in which the answer to a question about one row stands; None if unclear."""
    cells = grid.cells(row)
    named = named_columns(asked, grid, cells[label_column(grid)])
    if asks_for_label(asked, grid):
        return None
    needs_number = asked.kind in (Kind.COUNT, Kind.AMOUNT, Kind.DURATION) or asked.aggregate
    scores: dict[int, float] = {}
    for column, (name, cell) in enumerate(zip(grid.header, cells, strict=True)):
        if column == label_column(grid) or not cell or _is_said(asked, grid, column, cell):
            continue
        if needs_number and not _DIGIT.search(cell) and not _is_price(asked, name, cell):
            continue
        value = named.get(column, 0.0)
        if value:
            value -= _UNSAID * _unsaid(asked, grid, name)
        if _is_counted(asked, name):
            value *= _COUNTED
        text = f"{name}: {cell}"
        if asked.kind is not Kind.OTHER:
            value += 0.1 * (offers(asked, text) - 0.5)
        scores[column] = value
    if not scores:
        return None
    ordered = sorted(scores, key=lambda column: -scores[column])
    if len(ordered) == 1 and (len(cells) == 2 or needs_number):
        return ordered[0]
    first = ordered[0]
    is_clear = len(ordered) == 1 or scores[first] > scores[ordered[1]] + 0.01
    return first if is_clear and scores[first] > 0.02 else None


def price_columns(asked: Asked, grid: TableRows, row: int) -> list[int]:
    """Get the columns that tell one price in several currencies, where a price is asked for."""
    if not asks_money(asked):
        return []
    found = [
        column
        for column, cell in enumerate(grid.cells(row))
        if _CURRENCY_COLUMN.search(grid.header[column]) and number_in(cell) is not None
    ]
    return found if len(found) > 1 and is_one_price(grid, found) else []


def figure_columns(asked: Asked, grid: TableRows, rows: Sequence[int]) -> list[int]:
    """Get the column of numbers by which rows are compared: the one that is named, or the only one.

    Several where they tell one price in several currencies, none where it is unclear.
    """
    numeric = [
        column
        for column in range(len(grid.header))
        if column != label_column(grid)
        and all(number_in(grid.cells(row)[column]) is not None for row in rows)
    ]
    named = named_columns(asked, grid)
    weights = {column: named.get(column, 0.0) for column in numeric}
    most = max(weights.values(), default=0.0)
    best = [column for column in numeric if weights[column] > most - 0.01]
    return best if best and is_one_price(grid, best) else []


def is_one_price(grid: TableRows, columns: Sequence[int]) -> bool:
    """Whether columns are one, or one price in several currencies.

    `Adult EUR | Child EUR` are two prices.
    """
    names = {_plain_name(_CURRENCY_COLUMN.sub(" ", grid.header[column])) for column in columns}
    currencies = {_currency_of(grid.header[column]) for column in columns}
    return len(columns) == 1 or (len(names) == 1 and len(currencies) == len(columns))


def _plain_name(header: str) -> str:
    return " ".join(_WORD.findall(fold(normalise(header))))


def _currency_of(header: str) -> str:
    written = "".join(_CURRENCY_COLUMN.findall(header))
    return _SIGNS.get(written, written)


def _is_price(asked: Asked, name: str, cell: str) -> bool:
    """Whether a cell says that something costs nothing, where a price is asked for."""
    return asks_money(asked) and is_free(fold(normalise(f"{name}: {cell}")))


def _is_said(asked: Asked, grid: TableRows, column: int, cell: str) -> bool:
    """Whether a question names a column with this cell: `revision 3` is what it is about."""
    words = set(_WORD.findall(fold(normalise(cell))))
    name = {stem_english(word) for word in _WORD.findall(fold(normalise(grid.header[column])))}
    said = {stem_english(word) for word in asked.words}
    return bool(words) and words <= asked.words and bool(name) and name <= said


def _unsaid(asked: Asked, grid: TableRows, name: str) -> float:
    """The share of a column's words that a question has in no way: `Public` of `Public holidays`.

    `A year` says `annual`.
    """
    words = [word for word in _TEXT.findall(fold(normalise(name))) if word not in _UNITS]
    find = grid.rows[0][0].find
    unsaid = [
        word
        for word in words
        if not find(word)
        and stem_english(word) not in {stem_english(one) for one in asked.words}
        and not (word in _YEARLY and _YEARLY & asked.words)
        and not any(re.search(said, asked.text) and re.search(to, word) for said, to in _SYNONYMS)
    ]
    return len(unsaid) / len(words) if words else 0.0


def _is_counted(asked: Asked, name: str) -> bool:
    words = {stem_english(word) for word in _TEXT.findall(fold(normalise(name)))}
    return bool(words) and words <= {stem_english(word) for word in asked.counted[:1]}


def asks_for_label(asked: Asked, grid: TableRows) -> bool:
    """Whether a question asks which row it is: `which option`, `khoản nào`."""
    name = fold(normalise(grid.header[label_column(grid)]))
    words = [re.escape(stem_english(word)) for word in re.findall(r"[^\W_]+", name)]
    if not words:
        return False
    called = "|".join(words)
    return (
        re.search(rf"\b(?:which|what) (?:{called})|\b(?:{called})(?: \w+)? nao\b", asked.text)
        is not None
    )


def label_column(grid: TableRows) -> int:
    """The column that names the rows: the first whose cells are words or codes, not numbers."""
    for column in range(len(grid.header)):
        cells = [grid.cells(row)[column] for row in range(min(len(grid.rows), 8))]
        if sum(_is_name(cell) for cell in cells) * 2 > len(cells):
            return column
    return 0


def _is_name(cell: str) -> bool:
    return _TEXT.search(cell) is not None or _CODE.fullmatch(cell.strip()) is not None


def label_of(grid: TableRows, row: int, *, told: int | None = None) -> str:
    """Name of a row: its label, with cells whose words of the question no other row has.

    Args:
        grid: The table.
        row: Number of the row.
        told: The column that is told, which names nothing.
    """
    cells = grid.cells(row)
    reading = grid.rows[row][0]
    label = label_column(grid)
    known = reading.find(cells[label])
    for other in range(len(grid.rows)):
        if other != row:
            known |= grid.terms(other)
    named = [cells[label] or cells[0]]
    if _CODE.fullmatch(named[0]) and label + 1 < len(cells) and label + 1 != told:
        beside = cells[label + 1]
        if _TEXT.search(beside) and len(beside) <= _MOST_NAME:
            named.append(beside)  # `G-101` alone tells nobody what it is
    shared = [
        cell
        for column, cell in enumerate(cells)
        if column not in (label, told) and reading.find(cell) - known and _TEXT.search(cell)
    ]
    return ", ".join(dict.fromkeys([*named, *shared]))


def name_of(asked: Asked, grid: TableRows, row: int, *, told: int | None = None) -> str:
    """Name of a row as a question says it, `Revision 3`; else its label, see `label_of`."""
    said = [
        f"{grid.header[column]} {cell}"
        for column, cell in enumerate(grid.cells(row))
        if cell.isdigit() and _is_said(asked, grid, column, cell)
    ]
    return said[0] if said else label_of(grid, row, told=told)


def rows_named(question: str, grid: TableRows) -> list[int]:
    """Get the rows with a cell that the question names whole: `B-118` of `items in room B-118`.

    Of several columns with such cells a row must fit all, where one does. A label that is named
    picks its row alone, a word within a longer cell picks none.
    """
    said = f" {_stems(question)} "
    header = _stems(" ".join(grid.header)).split()
    numbers = {number.strip(".,") for number in _PLAIN_NUMBER.findall(question)}
    fitting: dict[int, set[int]] = {}
    for row in range(len(grid.rows)):
        for column, cell in enumerate(grid.cells(row)):
            if _TEXT.search(cell) is None and cell.strip().isdigit():
                continue
            words = _stems(cell)
            if words == "co":
                continue  # every `Phòng nào có` has the cell that says yes
            is_number = not any(char.isalpha() for char in words)
            is_said = cell.strip() in numbers if is_number else f" {words} " in said
            if words and is_said and not set(words.split()) <= set(header):
                fitting.setdefault(column, set()).add(row)
    if not fitting:
        return []
    every = set[int].intersection(*fitting.values())
    return sorted(every or min(fitting.values(), key=len))


def _stems(text: str) -> str:
    return " ".join(stem_english(word) for word in _WORD.findall(fold(normalise(text))))


def value_with_unit(header: str, cell: str) -> str:
    """A cell with the unit its column names: `Price GBP` and `4.90` give `4.90 GBP`."""
    unit = _UNIT.search(header)
    if unit is None or not _NUMBER.fullmatch(cell.strip()):
        return cell
    return f"{cell} {unit[1] or unit[2]}"


def name_without_unit(header: str) -> str:
    """The name of a column without its unit."""
    return _UNIT.sub("", header).strip()


def number_in(cell: str) -> float | None:
    """The number of a cell, None where it holds none or more than one, or words that bound it.

    Of two readings (`1.000` is one or a thousand) a cell has the larger: prices are written so. A
    unit or a currency may stand beside it; `free for over 65` is no 65.
    """
    found = list(_NUMBER.finditer(cell))
    if len(found) != 1:
        return None
    written = found[0].group()
    before = _WORD.findall(fold(normalise(cell[: found[0].start()])))
    after = _WORD.findall(fold(normalise(cell[found[0].end() :])))
    if len(after) > _UNIT_WORDS or not _BESIDE.issuperset(before) or not _BOUNDS.isdisjoint(after):
        return None
    value = max(number_values(written.strip("-$€£¥₫% .,")))
    return -value if written.startswith("-") else value


def time_in(cell: str) -> Quantity | None:
    """The time of a cell, None where it tells none or several: `Runs 11 hours on a full tank`."""
    times = [one for one in read_quantities(normalise(cell)) if one.unit in _TIME_UNITS]
    return times[0] if len(times) == 1 else None


def is_free_cell(cell: str) -> bool:
    """Whether a cell says that something costs nothing, for all or for some."""
    return is_free(fold(normalise(cell)))
