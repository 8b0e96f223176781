"""CSV and its kin, row by row."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import PurePosixPath

from citewell.engine.parsing.base import Block, DocumentInfo
from citewell.engine.parsing.encoding import read_lines
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.tables import table_blocks
from citewell.engine.parsing.readers.text import choose_file_encoding

# Delimiters that are tried; of equal scores the first one wins.
_DELIMITERS = ",;\t|"
# Lines by which the delimiter is chosen; headers and first rows may be irregular.
_SAMPLE_LINES = 50
# An unclosed quote would otherwise swallow the rest of the file as one field.
_LONGEST_FIELD = 1_000_000


def read(source: ReaderInput) -> Reading:
    """Begin to read a delimited file; its first row is taken for the header."""
    return Reading(DocumentInfo(source.mime_type), _blocks(source))


def _blocks(source: ReaderInput) -> Iterator[Block]:
    lines = read_lines(source.path, choose_file_encoding(source), longest=_LONGEST_FIELD)
    sample = list(islice(lines, _SAMPLE_LINES))
    if sample and sample[0].lower().startswith("sep=") and len(sample[0]) == 5:
        delimiter = sample.pop(0)[4]  # Excel's own way to name it
    else:
        is_tabbed = PurePosixPath(source.filename).suffix.lower() in (".tsv", ".tab")
        delimiter = "\t" if is_tabbed else choose_delimiter(sample)
    yield from table_blocks(_rows(chain(sample, lines), delimiter))


def choose_delimiter(lines: list[str]) -> str:
    """Choose the delimiter that most lines have, and have equally often."""
    filled = [line for line in lines if line.strip()][:_SAMPLE_LINES]

    def score(delimiter: str) -> tuple[float, int]:
        counts = [len(row) - 1 for row in _rows(filled, delimiter)]
        if not counts or not any(counts):
            return (0.0, 0)
        usual = max(set(counts) - {0}, key=counts.count)
        return (counts.count(usual) / len(counts), usual)

    return max(_DELIMITERS, key=score)


def _rows(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(2 * _LONGEST_FIELD)
    # The lines have lost their ends; the reader joins what quotes hold together.
    rows = csv.reader((line + "\n" for line in lines), delimiter=delimiter)
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error:
            continue  # a NUL or an endless field: that row is lost, the next ones are not
