"""Plain text: paragraphs between empty lines."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from citewell.engine.parsing.base import (
    Block,
    BlockKind,
    DocumentInfo,
    ParseError,
    ParseFailure,
    WarningCode,
)
from citewell.engine.parsing.cleaning import join_lines
from citewell.engine.parsing.encoding import SAMPLE, EncodingGuess, guess_encoding, read_lines
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.formats import SETTINGS_EXTENSIONS
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.tables import table_blocks
from citewell.engine.parsing.readers.text_tables import aligned_rows

BULLET = re.compile(
    r"\s{0,12}(?:[-*•◦▪‣·–]|"  # noqa: RUF001
    r"\(?(?:\d{1,3}|[a-zđ])[.)]|(?:Step|Bước) \d{1,2}[.:])\s+\S"
)
"""The begin of a list item: a bullet, `1.`, `a)`, `(1)` or `Step 1.`."""

_GLYPH = re.compile(r"\A\s*[-*•◦▪‣·–]\s+")  # noqa: RUF001
"""A bullet at the beginning, which is removed; the number of an item, and the dash of a range
within it, are kept."""

_BULLETS = " \t-*•◦▪‣·–"  # noqa: RUF001
"""Characters of `_GLYPH`, which are taken off."""

# Four or more of one mark: the underline of a heading, or a rule, which is no text.
_RULE = re.compile(r"\s*([=\-_*~#])\1{3,}\s*")

_MOST_HEADING = 100
_LEAST_LETTERS = 4
_ENDS_TEXT = (".", "!", "?", ";", ":", ",")
"""A paragraph of one line that is all in capitals, with so many letters, no mark at its end and no
more characters than these, is a heading: plain text has no other way to say so. It takes a cry
(`CLOSED ON MONDAYS`) for one, too."""

_WRAP_WIDTH = 45
"""Length from which a line that is followed by another was probably broken to fit a page; verses
and addresses are shorter."""

_PARAGRAPH_CHARS = 65_536
"""A paragraph without end is passed on in pieces of this size."""


def read(source: ReaderInput) -> Reading:
    """Begin to read a text file."""
    return Reading(DocumentInfo(source.mime_type), _blocks(source))


def choose_file_encoding(source: ReaderInput, *, is_markup: bool = False) -> str:
    """Choose the encoding of a text file from its beginning, and note doubts.

    Raises:
        ParseError: In no encoding it is a text of a language.
    """
    with source.path.open("rb") as file:
        guess = guess_encoding(file.read(SAMPLE), is_markup=is_markup)
    note_doubt(source.findings, guess)
    return guess.name


def note_doubt(findings: Findings, guess: EncodingGuess) -> None:
    """Warn of an encoding that is uncertain.

    Raises:
        ParseError: In no encoding it is a text of a language.
    """
    match guess.doubt:
        case "unknown":
            raise ParseError(
                ParseFailure.CORRUPT,
                "The file is in an encoding that is not known. Save it as UTF-8 and upload it"
                " again.",
            )
        case "unsure":
            findings.warn(
                WarningCode.ENCODING_UNSURE,
                "The file does not say its encoding, and its text fits more than one: letters with"
                " marks may be wrong. Save it as UTF-8 to be sure.",
            )
        case "mistakes":
            findings.warn(
                WarningCode.ENCODING_MISTAKES,
                "The file is in UTF-8, but some of its bytes are not: single letters may be wrong.",
            )
        case _:
            pass


def _blocks(source: ReaderInput) -> Iterator[Block]:
    paragraph: list[str] = []
    held = 0
    is_settings = PurePosixPath(source.filename).suffix.lower() in SETTINGS_EXTENSIONS
    part = _by_line if is_settings else paragraph_blocks
    for line in read_lines(source.path, choose_file_encoding(source)):
        if line.strip():
            source.findings.source.add(line.lstrip(_BULLETS))
            paragraph.append(line)
            held += len(line)
            if held < _PARAGRAPH_CHARS:
                continue
        yield from part(paragraph)
        paragraph, held = [], 0
    yield from part(paragraph)


def _by_line(lines: list[str]) -> Iterator[Block]:
    """Yield the lines as they stand: a setting goes on in none of them."""
    if lines:
        yield Block(BlockKind.PARAGRAPH, "\n".join(lines))


def paragraph_blocks(lines: list[str]) -> Iterator[Block]:
    """Yield the blocks between two empty lines: list items, an underlined heading, or text."""
    # 120: a longer line above a rule is a paragraph that the rule merely follows.
    if len(lines) == 2 and _RULE.fullmatch(lines[1]) and len(lines[0]) < 120:
        yield Block(BlockKind.HEADING, lines[0], level=1 if "=" in lines[1] else 2)
        return
    kept = [line for line in lines if not _RULE.fullmatch(line)]
    if len(kept) == 1 and _is_shouted(kept[0]):
        yield Block(BlockKind.HEADING, kept[0], level=2)
        return
    if (rows := aligned_rows(lines)) is not None:
        yield from table_blocks(rows)
        return
    part: list[str] = []
    is_item = False
    for line in kept:
        if BULLET.match(line):
            yield from _paragraph(part, is_item=is_item)
            part, is_item = [], True
        part.append(line)
    yield from _paragraph(part, is_item=is_item)


def _is_shouted(line: str) -> bool:
    """Whether a line that stands alone is a heading in capitals: `4. PLACE IN THE ROOM`."""
    text = line.strip()
    letters = sum(map(str.isalpha, text))
    is_words = letters >= max(_LEAST_LETTERS, len(text) / 2)  # a number of a file is none
    return (
        is_words
        and text.isupper()
        and len(text) <= _MOST_HEADING
        and not text.endswith(_ENDS_TEXT)
        and " | " not in text
    )


def _paragraph(lines: list[str], *, is_item: bool) -> Iterator[Block]:
    if not lines:
        return
    kind = BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH
    if is_item:
        yield Block(kind, join_lines([_GLYPH.sub("", lines[0]), *lines[1:]]))
    elif _is_wrapped(lines):
        yield Block(kind, join_lines(lines))
    else:
        yield Block(kind, "\n".join(lines))


def _is_wrapped(lines: list[str]) -> bool:
    """Whether the line ends come from the width of a page rather than from the author."""
    return len(lines) > 1 and all(
        len(line.strip()) >= _WRAP_WIDTH and "\t" not in line for line in lines[:-1]
    )
