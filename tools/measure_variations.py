"""Reads generated files of many formats and counts wrong numbers and wrong pages.

    .venv/bin/python tools/measure_variations.py [--seed 14] [--count 300]

Formats x kinds: raised text, cells, pages, hidden text, filled forms, parts of mails. Each file is
made from a seed with numbers of its own; a number counts as wrong if the text does not show it as
the file does, or shows one that is hidden, a page if the text stands on another.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import document_files as files  # noqa: E402 - found by the path above
import old_office_files as old  # noqa: E402
import sheet_files  # noqa: E402

from citewell.engine.parsing.base import Block, ParseError  # noqa: E402
from citewell.engine.parsing.limits import ParseLimits  # noqa: E402
from citewell.engine.parsing.reading import read_document  # noqa: E402

UP = dict(zip("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True))
WORDS = ("pump", "valve", "crane", "welder", "harbour", "quarry", "basalt", "inspector", "ferry")

Found = tuple[set[str], set[str], dict[str, int]]
"""Texts that must be shown, texts that must not, and pages by text."""
Case = Callable[[random.Random, Path], tuple[Path, Found]]


def _money(draw: random.Random) -> str:
    return f"{draw.randrange(2, 99)},{draw.randrange(100, 999)}"


def _raised(kind: str) -> Case:
    def make(draw: random.Random, folder: Path) -> tuple[Path, Found]:
        price, mark = _money(draw), str(draw.randrange(1, 30))
        word = draw.choice(WORDS)
        shown = f"{price}{''.join(UP[c] for c in mark)} euros for the {word}"
        start, end = f"They pay {price}", f" euros for the {word}."
        path = folder / f"a.{kind}"
        match kind:
            case "docx":
                run = "<w:r><w:t xml:space='preserve'>{}</w:t></w:r>"
                sup = '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>{}</w:t></w:r>'
                body = f"<w:p>{run.format(start)}{sup.format(mark)}{run.format(end)}</w:p>"
                files.write_docx(path, body)
            case "odt":
                style = "urn:oasis:names:tc:opendocument:xmlns:style:1.0"
                before = (
                    f'<office:automatic-styles xmlns:s="{style}"><s:style s:name="u">'
                    '<s:text-properties s:text-position="super 58%"/></s:style>'
                    "</office:automatic-styles>"
                )
                body = f'<text:p>{start}<text:span text:style-name="u">{mark}</text:span>{end}'
                files.write_odf(path, "text", f"{body}</text:p>", before)
            case "rtf":
                path.write_text(f"{{\\rtf1 {start}{{\\super {mark}}}{end}\\par}}")
            case "html":
                path.write_text(f"<html><body><p>{start}<sup>{mark}</sup>{end}</p></body></html>")
            case "epub":
                way = draw.choice(("vertical-align: super", "position: relative; top: -0.3em"))
                style = f"<style>.up {{{way}}}</style>"
                text = f'{style}<p>{start}<span class="up">{mark}</span>{end}</p>'
                files.write_epub(path, {"one": text})
            case "pptx":
                runs = f'<a:r><a:t>{start}</a:t></a:r><a:r><a:rPr baseline="30000"/><a:t>{mark}'
                runs += f"</a:t></a:r><a:r><a:t>{end}</a:t></a:r>"
                shape = files.slide_shape("x").replace("<a:r><a:t>x</a:t></a:r>", runs)
                files.write_pptx(path, [shape])
            case "doc":
                runs = [old.Run(start), old.Run(mark, old.SUPERSCRIPT), old.Run(end)]
                old.write_styled_doc(path, [(runs, b"", 0, "\r")])
            case "ppt":
                old.write_shown_ppt(path, [old.Shown("Prices", [(start, 0), (mark, 30), (end, 0)])])
            case _:
                path.write_text(f"# Prices\n\n{start}<sup>{mark}</sup>{end}\n")
        return path, ({shown}, {f"{price}{mark}"}, {})

    return make


def _cells(kind: str) -> Case:
    def make(draw: random.Random, folder: Path) -> tuple[Path, Found]:
        share, price = draw.randrange(1, 999), draw.randrange(100_000, 9_999_999)
        code, hour = draw.randrange(1, 999), draw.randrange(24)
        day = draw.randrange(40_000, 47_000)
        hidden = draw.randrange(1_000_000, 9_999_999)
        date = _date(day)
        rows = [
            ["Name", "Share", "Price", "Code", "Opens", "Due", "Cost"],
            [
                draw.choice(WORDS),
                sheet_files.Cell(share / 1000, "0.0%", f"{share / 10:.1f}%"),
                sheet_files.Cell(price / 100, '"€"#,##0.00', f"€{price / 100:,.2f}"),
                sheet_files.Cell(code, "00000", f"{code:05}"),
                sheet_files.Cell(hour / 24, "hh:mm", f"{hour:02}:00"),
                sheet_files.Cell(day, "dd/mm/yyyy", date),
                sheet_files.Cell(hidden),
            ],
        ]
        sheet = sheet_files.Sheet(rows, hidden_columns=frozenset({7}))
        path = sheet_files.WRITERS[kind](folder / f"a.{kind}", {"S": sheet})
        line = f"{share / 10:.1f}% | €{price / 100:,.2f} | {code:05} | {hour:02}:00 | {date}"
        return path, ({line}, {str(hidden)}, {})

    return make


def _date(day: int) -> str:
    from datetime import date, timedelta  # noqa: PLC0415

    return f"{date(1899, 12, 30) + timedelta(days=day):%d/%m/%Y}"


def _pages(kind: str) -> Case:
    def make(draw: random.Random, folder: Path) -> tuple[Path, Found]:
        count = draw.randrange(2, 7)
        said = {f"The {draw.choice(WORDS)} of place {n} costs {_money(draw)} euros.": n
                for n in range(1, count + 1)}  # fmt: skip
        path = folder / f"a.{kind}"
        filler = "Everybody reads this line, which says nothing of any price at all to them."
        if kind == "pdf":
            pages = [["Report", filler, text, filler, f"Page {n}"] for text, n in said.items()]
            files.write_pdf(path, pages)
        elif kind == "ppt":
            shown = [old.Shown(f"Slide {n}", [(text, 0)]) for text, n in said.items()]
            old.write_shown_ppt(path, shown)
        else:
            slides = [
                files.slide_shape(f"Slide {n}", "title") + files.slide_shape(text)
                for text, n in said.items()
            ]
            files.write_pptx(path, slides)
        return path, (set(said), set(), said)

    return make


def _hidden(kind: str) -> Case:
    def make(draw: random.Random, folder: Path) -> tuple[Path, Found]:
        shown, secret = _money(draw), str(draw.randrange(100_000, 999_999))
        path = folder / f"a.{kind}"
        match kind:
            case "docx":
                run = f"<w:r><w:rPr><w:vanish/></w:rPr><w:t>{secret}</w:t></w:r>"
                files.write_docx(path, f"<w:p><w:r><w:t>It costs {shown}</w:t></w:r>{run}</w:p>")
            case "doc":
                runs = [old.Run(f"It costs {shown}"), old.Run(secret, old.HIDDEN)]
                old.write_styled_doc(path, [(runs, b"", 0, "\r")])
            case "ppt":
                slides = [old.Shown("A", [(f"It costs {shown}", 0)], hidden_shape=secret)]
                slides.append(old.Shown("B", [(secret, 0)], is_hidden=True))
                old.write_shown_ppt(path, slides)
            case "rtf":
                path.write_text(f"{{\\rtf1 It costs {shown}{{\\v  {secret}}}.\\par}}")
            case "html":
                way = draw.choice(("style='display:none'", "hidden", "style='font-size:0'"))
                path.write_text(
                    f"<html><body><p>It costs {shown}.</p><p {way}>{secret}</p></body></html>"
                )
            case _:
                rows = [["Name", "Price"], [draw.choice(WORDS), shown]]
                sheets = {
                    "S": sheet_files.Sheet(rows),
                    "H": sheet_files.Sheet([[secret, "b"]], is_hidden=True),
                }
                sheet_files.WRITERS[kind](path, sheets)
        return path, ({shown}, {secret}, {})

    return make


def _items(kind: str) -> Case:
    """Items with automatic numbers, which no text holds."""

    def make(draw: random.Random, folder: Path) -> tuple[Path, Found]:
        count = draw.randrange(2, 9)
        said = [f"The {draw.choice(WORDS)} costs {_money(draw)}." for _ in range(count)]
        path = folder / f"a.{kind}"
        match kind:
            case "doc":
                parts = [([old.Run(text)], old.in_list(1), 0, "\r") for text in said]
                old.write_styled_doc(path, parts)
                return path, ({f"{n}) {text}" for n, text in enumerate(said, 1)}, set(), {})
            case "docx":
                files.write_docx(path, "".join(map(files.numbered, said)))
                return path, ({f"Article {n}. {text}" for n, text in enumerate(said, 1)}, set(), {})
            case _:
                start = draw.randrange(1, 20)
                style = (
                    '<office:automatic-styles xmlns:style="s"><text:list-style style:name="L">'
                    '<text:list-level-style-number text:level="1" style:num-format="1"'
                    f' style:num-suffix="." text:start-value="{start}"/></text:list-style>'
                    "</office:automatic-styles>"
                )
                inner = "".join(
                    f"<text:list-item><text:p>{t}</text:p></text:list-item>" for t in said
                )
                body = f'<text:list text:style-name="L">{inner}</text:list>'
                files.write_odf(path, "text", body, style)
                return path, ({f"{n}. {text}" for n, text in enumerate(said, start)}, set(), {})

    return make


def _form(draw: random.Random, folder: Path) -> tuple[Path, Found]:
    price = _money(draw)
    field = (
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (Amount claimed) "
        f"/V ({price} EUR) /Rect [50 600 300 620] >>"
    )
    content = "BT /F1 12 Tf 50 700 Td (Travel claim of the inspector) Tj ET"
    path = files.write_pdf_content(
        folder / "a.pdf", content, [field], "/AcroForm << /Fields [FIELDS] >>"
    )
    return path, ({f"{price} EUR"}, set(), {f"{price} EUR": 1})


def _mail(draw: random.Random, folder: Path) -> tuple[Path, Found]:
    prices = [_money(draw) for _ in range(draw.randrange(1, 5))]
    message = EmailMessage()
    message["Subject"], message["From"] = "Prices", "a@example.org"
    message.set_content(f"The first is {prices[0]}.")
    for price in prices[1:]:
        text = f"This one is {price}."
        if draw.random() < 0.5:
            inner = EmailMessage()
            inner["Subject"] = "Forwarded"
            inner.set_content(text)
            message.add_attachment(inner)
        else:
            message.add_attachment(text, filename="n.txt")
    name = f"{draw.choice(WORDS)}-{draw.randrange(100)}.pdf"
    message.add_attachment(b"%PDF", "application", "pdf", filename=name)
    path = folder / "a.eml"
    path.write_bytes(message.as_bytes())
    return path, ({*prices, name}, set(), {})


RAISED = ("docx", "doc", "odt", "rtf", "html", "epub", "md", "pptx", "ppt")
HIDDEN = ("docx", "doc", "rtf", "html", "ppt", "xls", "xlsb", "ods")

CASES: dict[str, Case] = {
    **{f"raised {kind}": _raised(kind) for kind in RAISED},
    **{f"cells {kind}": _cells(kind) for kind in sheet_files.WRITERS},
    **{f"pages {kind}": _pages(kind) for kind in ("pdf", "pptx", "ppt")},
    **{f"hidden {kind}": _hidden(kind) for kind in HIDDEN},
    **{f"items {kind}": _items(kind) for kind in ("docx", "doc", "odt")},
    "form pdf": _form,
    "parts eml": _mail,
}


def faults(blocks: list[Block], found: Found) -> tuple[int, int]:
    """Numbers and pages of a read file that are wrong."""
    shown, hidden, pages = found
    text = "\n".join(block.text for block in blocks)
    numbers = sum(part not in text for part in shown) + sum(part in text for part in hidden)
    where = {part: {b.page for b in blocks if part in b.text} for part in pages}
    return numbers, sum(where[part] != {page} for part, page in pages.items())


def main() -> None:
    """Print a line for each format and kind, and one of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--count", type=int, default=300)
    asked = parser.parse_args()
    draw = random.Random(asked.seed)
    numbers, pages, read = Counter[str](), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for place in range(asked.count):
            name = list(CASES)[place % len(CASES)]
            path, found = CASES[name](draw, Path(folder))
            try:
                blocks = list(read_document(path, path.name, ParseLimits())[1])
            except ParseError as error:
                print(f"{name}: {error.message}")
                blocks = []
            wrong = faults(blocks, found)
            if any(wrong):
                print(f"{name}: expected {found}, read {[b.text for b in blocks]}")
            read[name] += 1
            numbers[name] += wrong[0]
            pages[name] += wrong[1]
    for name in CASES:
        print(f"{name:14} files {read[name]:3}  numbers {numbers[name]}  pages {pages[name]}")
    print(f"files {read.total()}, wrong numbers {numbers.total()}, wrong pages {pages.total()}")


if __name__ == "__main__":
    main()
