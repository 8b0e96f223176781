"""CSV and its kin, row by row."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise
from pathlib import PurePosixPath
from typing import NamedTuple

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.encoding import read_lines
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.tables import row_text, table_blocks
from citewell.engine.parsing.readers.text import choose_file_encoding

# Delimiters that are tried; of equal scores the first one wins.
_DELIMITERS = ",;\t|"
# Lines by which the delimiter is chosen; headers and first rows may be irregular.
_SAMPLE_LINES = 50
# An unclosed quote would otherwise swallow the rest of the file as one field.
_LONGEST_FIELD = 1_000_000

_LEAST_SHARE = 0.3
"""Share of the lines with the usual number of delimiters below which a file has one column: texts
have a comma here and there."""

_HEADER_SHARE = 0.6
"""Share of a table's usual number of filled cells that its header has at least. Rows above with
fewer are its title, its date, its author; a header with more empty names than that is taken for
one of them."""

_NUMBER = re.compile(r"[-+(]?[^\w\s]{0,2} ?\d[\d.,:/' -]{0,30} ?[^\w\s]{0,2}")
"""A number, date or time with at most a sign of a currency or percent."""

_YEAR = re.compile(r"(?:19|20)\d\d")
_COUNT = re.compile(r"[0-9]{1,9}")

_DECIMAL = re.compile(r"\d,\d")
_SINGLE_QUOTED = re.compile(r"(?:^|[,;\t|])'[^']*'(?=[,;\t|]|$)")
_ESCAPED = re.compile(r'\\"(?![,;\t|\n]|$)')
_DOUBLE_QUOTED = re.compile(r'(?:^|[,;\t|])"')


class Dialect(NamedTuple):
    """The way a file separates and quotes its fields."""

    delimiter: str
    quote: str = '"'
    escape: str | None = None


def read(source: ReaderInput) -> Reading:
    """Begin to read a delimited file; lines above its header are paragraphs."""
    return Reading(DocumentInfo(source.mime_type), _blocks(source))


def _blocks(source: ReaderInput) -> Iterator[Block]:
    notes, table = without_notes(_counted(source))
    for note in notes:
        yield Block(BlockKind.PARAGRAPH, row_text([cell for cell in note if cell.strip()]))
    yield from table_blocks(table)


def _counted(source: ReaderInput) -> Iterator[list[str]]:
    for row in rows(source):
        source.findings.source.add("".join(row))
        yield row


def without_notes(
    lines: Iterator[list[str]],
) -> tuple[list[list[str]], Iterator[list[str]]]:
    """Divide rows into those above the header, and the header with all below it."""
    first = list(islice(lines, _SAMPLE_LINES))
    filled = [_filled(row) for row in first]
    several = [count for count in filled if count > 1]
    # The largest of the most frequent: of two rows of two and two of five, five are the table.
    usual = max(several, key=lambda count: (several.count(count), count), default=1)
    least = max(_HEADER_SHARE * usual, 2)
    start = next(
        (at for at, count in enumerate(filled) if count >= least or _is_of_index(first[at])), 0
    )
    if start and _is_header(first[start - 1], first[start:], filled[start - 1]):
        start -= 1
    notes = [row for row in first[:start] if any(row)]
    return notes, chain(first[start:], lines)


def _is_header(row: Sequence[str], below: Sequence[Sequence[str]], filled: int) -> bool:
    """Whether a row with fewer names than the table has columns is its header all the same.

    So it is where what follows is no header: a row of data, by a number in a column of numbers. A
    table of words alone has no such sign. There a single word that ends in a delimiter (`Key,`) is
    taken for the name of the first column, and words or a sentence for the table's title, as
    spreadsheets write it. A title of one word is wrongly taken for a name.
    """
    if len(row) < 2 or not filled or any(_NUMBER.fullmatch(cell.strip()) for cell in row):
        return False
    following = below[0]
    if filled == 1 and _is_header_below_title(following, below[1:]):
        return False
    for column, cell in enumerate(following):
        same = [each[column].strip() for each in below[1:] if column < len(each)]
        numbers = sum(1 for each in same if _NUMBER.fullmatch(each))
        if _NUMBER.fullmatch(cell.strip()) and 2 * numbers >= len(same):
            return True
    is_of_words = not any(_NUMBER.fullmatch(cell.strip()) for each in below for cell in each)
    return is_of_words and filled == 1 and len(row) == 2 and len(row[0].split()) == 1


def _is_header_below_title(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row is a header by itself: a name before years or sizes, or names above small ones.

    A lone number may be a year of the data: there the next rows must have another kind of number.
    Names are told from words of the data where they alone begin with capitals.
    """
    first, rest = row[0].strip(), [cell.strip() for cell in row[1:] if cell.strip()]
    if not first or not rest or _NUMBER.fullmatch(first):
        return False
    if all(_COUNT.fullmatch(cell) for cell in rest):
        if all(_YEAR.fullmatch(cell) for cell in rest):
            next_: Sequence[str] = below[0][1:] if below else ()
            return len(rest) > 1 or not any(_YEAR.fullmatch(cell.strip()) for cell in next_)
        steps = {int(b) - int(a) for a, b in pairwise(rest)}
        return len(rest) > 2 and len(steps) == 1 and steps != {0}
    if any(_NUMBER.fullmatch(cell) for cell in rest):
        return False
    words = [cell.strip() for each in below for cell in each if cell.strip()]
    return (
        all(cell[0].isupper() for cell in (first, *rest))
        and bool(words)
        and all(word[0].islower() for word in words)
    )


def _is_of_index(row: Sequence[str]) -> bool:
    """Whether a row names all columns but the first, as programs write numbered rows."""
    return len(row) > 1 and not row[0].strip() and all(cell.strip() for cell in row[1:])


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def rows(source: ReaderInput) -> Iterator[list[str]]:
    """Yield the rows of a delimited file, lines above its header included."""
    lines = read_lines(source.path, choose_file_encoding(source), longest=_LONGEST_FIELD)
    sample = list(islice(lines, _SAMPLE_LINES))
    named = _named_delimiter(sample[0]) if sample else None
    if named:
        del sample[0]
    elif PurePosixPath(source.filename).suffix.lower() in (".tsv", ".tab"):
        named = "\t"
    yield from _rows(chain(sample, lines), choose_dialect(sample, named))


def _named_delimiter(line: str) -> str | None:
    """The delimiter that a first line names, as Excel writes it: `sep=;`, maybe quoted."""
    text = line.strip(" \"'\r\n")
    if text.lower() == "sep=":  # a tab, which was stripped or stands behind the quote
        return "\t" if "\t" in line else None
    return text[4] if text.lower().startswith("sep=") and len(text) == 5 else None


def choose_dialect(lines: list[str], delimiter: str | None = None) -> Dialect:
    """Choose delimiter and quotes from the first lines."""
    text = "\n".join(lines)
    # Apostrophes stand in texts too: single quotes are the quotes only where no double ones are.
    singles = sum(len(_SINGLE_QUOTED.findall(line)) for line in lines)
    is_single = singles >= max(2, len(lines) // 2) and not any(
        _DOUBLE_QUOTED.search(line) for line in lines
    )
    # MySQL and others write \" for a quote within quotes, where RFC 4180 doubles it.
    # A folder at a field's end ("C:\\new\\") escapes nothing.
    escape = "\\" if _ESCAPED.search(text) and '""' not in text else None
    dialect = Dialect(delimiter or ",", "'" if is_single else '"', escape)
    return dialect._replace(delimiter=delimiter or choose_delimiter(lines, dialect))


def choose_delimiter(lines: list[str], dialect: Dialect | None = None) -> str:
    """Choose the delimiter that most lines have, and have equally often.

    A comma between two digits is a decimal one where another delimiter fits most lines as well.
    """
    dialect = dialect or Dialect(",")
    filled = [line for line in lines if line.strip()][:_SAMPLE_LINES]
    scores: dict[str, tuple[float, int]] = {}
    for delimiter in _DELIMITERS:
        counts = [len(row) - 1 for row in _rows(filled, dialect._replace(delimiter=delimiter))]
        usual = Counter(count for count in counts if count).most_common(1)
        scores[delimiter] = (usual[0][1] / len(counts), usual[0][0]) if usual else (0.0, 0)
    commas = sum(line.count(",") for line in filled)
    decimals = sum(len(_DECIMAL.findall(line)) for line in filled)
    others = max(scores[each][0] for each in _DELIMITERS if each != ",")
    # Half: texts in other columns have commas of their own; 0.5 of the lines, as notes have none.
    if others >= max(0.5, scores[","][0]) and 2 * decimals >= commas:
        del scores[","]
    best = max(scores, key=lambda delimiter: scores[delimiter])
    # A tab: no line of a single column has one.
    return best if scores[best][0] >= _LEAST_SHARE else "\t"


def _rows(lines: Iterable[str], dialect: Dialect) -> Iterator[list[str]]:
    csv.field_size_limit(2 * _LONGEST_FIELD)
    # The lines have lost their ends; the reader joins what quotes hold together.
    rows = csv.reader(
        (line + "\n" for line in lines),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape,
    )
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error:
            continue  # a NUL or an endless field: that row is lost, the next ones are not
