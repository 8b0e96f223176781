"""Writes PDFs and slides whose quotes stand on known pages, and workbooks with known cells.

Every quote has words of its own, so that it is found wherever a reader puts it. The layouts are
those in which pages go wrong: columns, turned pages, footnotes, running headers, sentences over two
pages.
"""

import csv
import datetime
import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import document_files as files
import sheet_files as sheets

NOUNS = (
    "pump",
    "valve",
    "crane",
    "ferry",
    "quarry",
    "basalt",
    "anchor",
    "harbour",
    "winch",
    "mole",
)
VERBS = ("lifts", "closes", "carries", "moves", "holds", "leaves", "reaches", "crosses")
FILLER = "The yard keeps a record of its work and of all that was paid for it in the year."

WIDTH, HEIGHT = 595, 842


@dataclass(frozen=True)
class Paged:
    """A file, and the pages of each of its quotes."""

    name: str
    write: Callable[[Path], Path]
    quotes: dict[str, set[int]]


@dataclass
class _Quotes:
    draw: random.Random
    made: dict[str, set[int]] = field(default_factory=dict[str, set[int]])

    def on(self, *pages: int) -> str:
        number = self.draw.randrange(100, 999)
        while True:
            a, b = (self.draw.choice(NOUNS) for _ in range(2))
            verb, day = self.draw.choice(VERBS), len(self.made)
            quote = f"The {a} {verb} the {b} of berth {number} on day {day}."
            if quote not in self.made:
                self.made[quote] = set(pages)
                return quote


Line = tuple[float, float, float, str]
"""Left, bottom, size and text."""


def write_lines(
    path: Path, pages: Sequence[Sequence[Line]], turn: int = 0, rotate: int | None = None
) -> Path:
    """Write pages of placed lines in Helvetica; turned pages say so, and their text is turned.

    Args:
        path: The file.
        pages: Lines of each page.
        turn: Degrees by which the text is turned.
        rotate: What the pages say of it; None: the same.
    """
    objects: dict[int, bytes] = {}
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[2] = f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode()
    objects[3] = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    box = f"0 0 {HEIGHT} {WIDTH}" if turn in (90, 270) else f"0 0 {WIDTH} {HEIGHT}"
    for n, lines in enumerate(pages):
        shown = b""
        for left, bottom, size, text in lines:
            # As a page is printed that was laid out upright and is turned for the screen.
            matrix = {
                0: (1, 0, 0, 1, left, bottom),
                90: (0, 1, -1, 0, HEIGHT - bottom, left),
                180: (-1, 0, 0, -1, WIDTH - left, HEIGHT - bottom),
                270: (0, -1, 1, 0, bottom, WIDTH - left),
            }[turn]
            place = " ".join(f"{each:g}" for each in matrix)
            shown += f"BT /F1 {size:g} Tf {place} Tm ({text}) Tj ET\n".encode("latin-1")
        said = turn if rotate is None else rotate
        objects[4 + 2 * n] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Rotate {said} /Contents"
            f" {5 + 2 * n} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        ).encode()
        objects[5 + 2 * n] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown)
    return files.write_objects(path, objects)


def _column(texts: Sequence[str], left: float, top: float, width: int) -> list[Line]:
    """Lines of paragraphs broken to a width in characters, below each other."""
    found: list[Line] = []
    for text in texts:
        line = ""
        for word in text.split():
            if len(line) + len(word) > width:
                found.append((left, top, 10, line.strip()))
                top, line = top - 14, ""
            line += f"{word} "
        found.append((left, top, 10, line.strip()))
        top -= 28
    return found


def _plain(draw: random.Random, turn: int = 0) -> Paged:
    quotes, pages = _Quotes(draw), list[list[Line]]()
    for page in range(1, 5):
        texts = [FILLER, quotes.on(page), FILLER, quotes.on(page)]
        header: list[Line] = [(60, 800, 9, "Yard report"), (280, 30, 9, f"Page {page}")]
        pages.append([header[0], *_column(texts, 60, 760, 80), header[1]])
    return Paged(f"turned {turn}", lambda path: write_lines(path, pages, turn), quotes.made)


def _two_columns(draw: random.Random) -> Paged:
    quotes, pages = _Quotes(draw), list[list[Line]]()
    for page in range(1, 5):
        left = _column([FILLER, quotes.on(page), FILLER] * 2, 50, 780, 45)
        right = _column([FILLER, FILLER, quotes.on(page)] * 2, 310, 780, 45)
        pages.append(left + right)
    return Paged("two columns", lambda path: write_lines(path, pages), quotes.made)


def _footnotes(draw: random.Random) -> Paged:
    quotes, pages = _Quotes(draw), list[list[Line]]()
    for page in range(1, 5):
        body = _column([FILLER, quotes.on(page), FILLER], 60, 780, 80)
        note: list[Line] = [(60, 74, 7, "1"), (66, 70, 8, quotes.on(page))]
        pages.append([*body, *note])
    return Paged("footnotes", lambda path: write_lines(path, pages), quotes.made)


def _over_pages(draw: random.Random) -> Paged:
    """The last sentence of each page ends on the next; each page has a header and a number."""
    quotes, pages = _Quotes(draw), list[list[Line]]()
    rest = ""
    for page in range(1, 7):
        texts = [rest] if rest else []
        texts += [FILLER, quotes.on(page), FILLER]
        lines = _column(texts, 60, 760, 80)
        if page < 6:
            words = f"{quotes.on(page, page + 1)}".split()
            cut = draw.randrange(4, len(words) - 3)
            lines.append((60, 70, 10, " ".join(words[:cut])))
            rest = " ".join(words[cut:]) + " " + FILLER
        pages.append([(60, 800, 9, "Yard report"), *lines, (280, 30, 9, f"Page {page} of 6")])
    return Paged("over pages", lambda path: write_lines(path, pages), quotes.made)


def _slides(draw: random.Random) -> Paged:
    quotes, slides, notes = _Quotes(draw), list[str](), dict[int, str]()
    for page in range(1, 7):
        shapes = files.slide_shape(f"Part {page}", "title") + files.slide_shape(quotes.on(page))
        slides.append(shapes + files.slide_shape(FILLER, bullet=True))
        if page % 2:
            notes[page - 1] = quotes.on(page)
    return Paged("pptx", lambda path: files.write_pptx(path, slides, notes), quotes.made)


def _open_slides(draw: random.Random) -> Paged:
    quotes, body = _Quotes(draw), ""
    for page in range(1, 7):
        text = "".join(f"<text:p>{each}</text:p>" for each in (quotes.on(page), FILLER))
        body += f'<draw:page draw:name="p{page}"><draw:frame><draw:text-box>{text}'
        body += "</draw:text-box></draw:frame></draw:page>"
    return Paged("odp", lambda path: files.write_odf(path, "presentation", body), quotes.made)


def _hyphenated(draw: random.Random) -> Paged:
    """Narrow columns whose lines end within words."""
    quotes, pages = _Quotes(draw), list[list[Line]]()
    for page in range(1, 5):
        lines: list[Line] = []
        top = 780.0
        for text in (FILLER, quotes.on(page), FILLER, quotes.on(page)):
            rest = text
            while rest:
                line, rest = _cut(rest, 22)
                lines.append((60, top, 10, line))
                top -= 14
            top -= 14
        pages.append(lines)
    return Paged("hyphenated", lambda path: write_lines(path, pages), quotes.made)


def _cut(text: str, width: int) -> tuple[str, str]:
    """The line that fits and what is left; a word of letters is cut where two stay on each side."""
    if len(text) <= width:
        return text, ""
    before, word = text[:width].rfind(" "), text[text[:width].rfind(" ") + 1 :].split()[0]
    room = width - before - 2
    if word.isalpha() and 2 <= room <= len(word) - 2:
        return f"{text[: before + 1 + room]}-", text[before + 1 + room :]
    return text[:before], text[before + 1 :]


def _table(draw: random.Random) -> Paged:
    """A paragraph, a table of placed cells, and a paragraph."""
    quotes, pages = _Quotes(draw), list[list[Line]]()
    for page in range(1, 5):
        lines = _column([FILLER, quotes.on(page)], 60, 780, 80)
        for row in range(8):
            cells = ("Berth", "Depth", "Fee") if row == 0 else _cells(draw)
            lines += [(60 + 150 * n, 640 - 18 * row, 10, each) for n, each in enumerate(cells)]
        pages.append(lines + _column([quotes.on(page), FILLER], 60, 460, 80))
    return Paged("table", lambda path: write_lines(path, pages), quotes.made)


def _cells(draw: random.Random) -> tuple[str, str, str]:
    return (
        f"Berth {draw.randrange(100)}",
        f"{draw.randrange(30, 90) / 10} m",
        f"{draw.randrange(99)}.50",
    )


def printed(seed: int = 12) -> list[Paged]:
    """A PDF of every layout, for what is marked on its pages; 74 quotes."""
    draw = random.Random(seed)
    found = [_plain(draw, turn) for turn in (0, 90, 180, 270)]
    makers = (_two_columns, _footnotes, _over_pages, _hyphenated, _table)
    return found + [make(draw) for make in makers]


def paged(seed: int = 14, rounds: int = 3) -> list[Paged]:
    """Files of every layout; three rounds have some 200 quotes."""
    draw = random.Random(seed)
    found: list[Paged] = []
    for _ in range(rounds):
        found += [_plain(draw, turn) for turn in (0, 90, 180, 270)]
        found += [make(draw) for make in (_two_columns, _footnotes, _over_pages)]
        found += [make(draw) for make in (_slides, _open_slides)]
    return found


@dataclass(frozen=True)
class Workbook:
    """A workbook, and what people see of it."""

    kind: str
    book: dict[str, sheets.Sheet]
    rows: list[dict[str, str]]
    """Shown texts by the name of their column."""
    hidden: set[str]
    """Texts that nobody sees."""


def _cell(draw: random.Random, kind: str) -> sheets.Cell | str:
    number = draw.randrange(10_000, 99_999)
    day = draw.randrange(40_000, 47_000)
    date = datetime.date(1899, 12, 30) + datetime.timedelta(day)
    match kind:
        case "Share":
            return sheets.Cell(number / 1_000_00, "0.0%", f"{number / 1_000:.1f}%")
        case "Price":
            return sheets.Cell(number / 100, '"€"#,##0.00', f"€{number / 100:,.2f}")
        case "Opens":
            minutes = draw.randrange(1_440)
            return sheets.Cell(
                minutes / 1_440, "hh:mm", f"{minutes // 60:02d}:{minutes % 60:02d}"
            )  # fmt: skip
        case "Code":
            return sheets.Cell(number % 900, "00000", f"{number % 900:05d}")
        case "Paid":
            return sheets.Cell(day, "dd/mm/yy", f"{date:%d/%m/%y}")
        case "Due":
            return sheets.Cell(day, "yyyy\\-mm\\-dd", f"{date:%Y-%m-%d}")
        case "Change":
            return sheets.Cell(-number, "#,##0", f"-{number:,}")
        case "Count":
            return sheets.Cell(number, "General", str(number))
        case _:
            return f"{draw.choice(NOUNS)} {number:05d}"


def _shown(cell: sheets.Cell | str) -> str:
    return cell if isinstance(cell, str) else cell.shown


KINDS = ("Share", "Price", "Opens", "Code", "Paid", "Due", "Change", "Count", "Remark")


def workbook(draw: random.Random, kind: str) -> Workbook:
    """A table below a title, with a header of two rows, a hidden row, column and sheet."""
    names = draw.sample(KINDS, draw.randrange(4, 8))
    lines = [[f"item {n}", *(_cell(draw, name) for name in names)] for n in range(4)]
    header = ["Item", *names]
    if kind == "csv":
        rows = [dict(zip(header, map(_shown, line), strict=True)) for line in lines]
        return Workbook(kind, {"S": sheets.Sheet([header, *lines])}, rows, set())
    width, hidden_row, hidden_column = len(header), draw.randrange(4), draw.randrange(2, 4)
    # "2025" stands over the last two columns, as over the quarters of a year.
    above = ["Item", *names[:-2], "2025", ""]
    below = ["", *([""] * (len(names) - 2)), *names[-2:]]
    merged = [(1, 1, 1, width), (2, width - 1, 2, width)]
    merged += [(2, column, 3, column) for column in range(1, width - 1)]
    full = ["Item", *names[:-2], *(f"2025 {name}" for name in names[-2:])]
    rows, hidden = list[dict[str, str]](), {f"secret {draw.randrange(10_000, 99_999)}"}
    for place, line in enumerate(lines):
        texts = list(map(_shown, line))
        if place == hidden_row:
            hidden |= set(texts)
            continue
        hidden.add(texts[hidden_column - 1])
        rows.append(
            {n: t for at, (n, t) in enumerate(zip(full, texts, strict=True), 1)
             if at != hidden_column}
        )  # fmt: skip
    seen = {text for row in rows for text in row.values()}
    sheet = sheets.Sheet(
        [["Report of the yard"], above, below, *lines],
        hidden_rows=frozenset({4 + hidden_row}),
        hidden_columns=frozenset({hidden_column}),
        merged=merged,
    )
    secret = sheets.Sheet([[next(iter(sorted(hidden, key=len, reverse=True)))]], is_hidden=True)
    return Workbook(kind, {"Secret": secret, "Yard": sheet}, rows, hidden - seen)


def write_workbook(path: Path, made: Workbook, draw: random.Random) -> Path:
    """Write it; a CSV with one of the usual delimiters."""
    if made.kind != "csv":
        return sheets.WRITERS[made.kind](path, made.book)
    delimiter = draw.choice(",;\t|")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([_shown(cell) for cell in row] for row in made.book["S"].rows)
    return path


def main() -> None:
    """Write the PDFs of all layouts into a folder, and their quotes to standard output."""
    folder = Path(sys.argv[1])
    told: list[dict[str, str]] = []
    for made in printed():
        name = f"{made.name.replace(' ', '-')}.pdf"
        made.write(folder / name)
        told += [{"file": name, "quote": quote} for quote in made.quotes]
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
