import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest
from document_files import (
    W,
    numbered,
    paragraph,
    slide_shape,
    word_table,
    write_docx,
    write_epub,
    write_odf,
    write_pdf,
    write_pptx,
    write_xlsx,
    write_zip,
)

from citewell.engine.parsing.base import Block, BlockKind, ParseError, ParseFailure

HEADING, PARAGRAPH = BlockKind.HEADING, BlockKind.PARAGRAPH
ITEM, TABLE, CODE = BlockKind.LIST_ITEM, BlockKind.TABLE, BlockKind.CODE


def kinds(blocks: list[Block]) -> list[tuple[BlockKind, str]]:
    return [(block.kind, block.text) for block in blocks]


@pytest.fixture
def write(tmp_path: Path):
    def write_text(name: str, text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write_text


class TestText:
    def test_wrapped_lines_are_joined_and_short_ones_kept(self, read, write):
        wrapped = (
            "The warehouse opens at seven in the morning and it\nis closed on public holidays."
        )
        _, blocks = read(write("a.txt", f"{wrapped}\n\nAnna Berg\nHarbour Road 5\n"))
        assert kinds(blocks) == [
            (PARAGRAPH, wrapped.replace("\n", " ")),
            (PARAGRAPH, "Anna Berg\nHarbour Road 5"),
        ]

    def test_items_and_underlined_headings_are_found(self, read, write):
        _, blocks = read(
            write("a.txt", "Rules\n=====\n\n- no smoking\n- wear a\n  helmet\n1. sign")
        )
        assert kinds(blocks) == [
            (HEADING, "Rules"),
            (ITEM, "no smoking"),
            (ITEM, "wear a helmet"),
            (ITEM, "1. sign"),
        ]

    def test_line_in_capitals_is_a_heading_and_a_step_an_item(self, read, write):
        text = "4. CARE AND USE\n\nStep 1. Wipe it.\nStep 2. Dry it.\n\nM-20\n\nCLOSED TODAY.\n"
        _, blocks = read(write("a.txt", text))
        assert kinds(blocks) == [
            (HEADING, "4. CARE AND USE"),
            (ITEM, "Step 1. Wipe it."),
            (ITEM, "Step 2. Dry it."),
            (PARAGRAPH, "M-20"),
            (PARAGRAPH, "CLOSED TODAY."),
        ]

    def test_endless_paragraph_is_divided_at_words(self, read, write):
        _, blocks = read(write("a.txt", "word " * 20_000))
        assert all(len(block.text) <= 32_768 for block in blocks)
        assert " ".join(block.text for block in blocks).split() == ["word"] * 20_000

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-16-le"])
    def test_wide_encodings_are_read(self, read, write, encoding):
        _, blocks = read(write("a.txt", "Plain words of a text file", encoding))
        assert blocks[0].text == "Plain words of a text file"


class TestMarkdown:
    def test_front_matter_becomes_metadata(self, read, write):
        info, blocks = read(write("a.md", '---\ntitle: "Leave"\nauthor: HR\nx: y\n---\nText.'))
        assert (info.title, info.metadata) == ("Leave", {"author": "HR"})
        assert kinds(blocks) == [(PARAGRAPH, "Text.")]

    def test_rule_at_the_top_is_no_front_matter(self, read, write):
        _, blocks = read(write("a.md", "---\n\nText.\n"))
        assert kinds(blocks) == [(PARAGRAPH, "Text.")]

    def test_structure_is_kept_and_marks_are_dropped(self, read, write):
        text = (
            '# Guide\n\nSee **the** [map](x.png "t") and `a*b*c`, snake_case \\*kept\\*.\n'
            "Second line.\n\nPlan\n----\n\n* one\n  more\n  1. nested\n- [x] done\n\n"
            "```py\n# no heading\n  x = 1\n```\n\n| A | B |\n|---|:-:|\n| 1 | a \\| b |\n\n"
            "> quoted\n\n<table><tr><th>K<th>V</tr><tr><td>k<td>v</tr></table>\n\n[ref]: http://x\n"
        )
        _, blocks = read(write("a.md", text))
        assert kinds(blocks) == [
            (HEADING, "Guide"),
            (PARAGRAPH, "See the map and a*b*c, snake_case *kept*. Second line."),
            (HEADING, "Plan"),
            (ITEM, "one more"),
            (ITEM, "1. nested"),
            (ITEM, "done"),
            (CODE, "# no heading\n  x = 1"),
            (TABLE, "A | B\n1 | a | b"),
            (PARAGRAPH, "quoted"),
            (TABLE, "K | V\nk | v"),
        ]
        assert [block.level for block in blocks if block.kind is HEADING] == [1, 2]


class TestHtml:
    def test_boilerplate_is_left_out(self, read, write):
        page = (
            "<!doctype html><head><title>Opening  hours</title><meta name=author content=Ann>"
            "<style>p{}</style></head><body><nav><a>Home</a></nav><script>'<p>no</p>'</script>"
            "<main><h1>Hours<a class=headerlink>¶</a></h1><p>Open at <b>seven</b>.<br>Daily.</p>"
            "<p hidden>secret<p>Second</main><footer>Imprint</footer>"
        )
        info, blocks = read(write("a.html", page))
        assert (info.title, info.metadata["author"]) == ("Opening hours", "Ann")
        assert kinds(blocks) == [
            (HEADING, "Hours"),
            (PARAGRAPH, "Open at seven.\nDaily."),
            (PARAGRAPH, "Second"),
        ]

    def test_page_of_nothing_but_navigation_is_read(self, read, write):
        _, blocks = read(write("a.html", "<html><nav><ul><li>Only text</li></ul></nav></html>"))
        assert kinds(blocks) == [(ITEM, "Only text")]

    def test_lists_code_and_spans(self, read, write):
        page = (
            "<html><ol start=3><li>third<ul><li>inner</ul><li>fourth</ol><pre>a\n  b</pre>"
            "<table><caption>Prices</caption><tr><th>Kind<th>Size<th>Price"
            "<tr><td rowspan=2>Sonde<td>S<td>1<tr><td>L<td>2</table>"
        )
        _, blocks = read(write("a.html", page))
        assert kinds(blocks) == [
            (ITEM, "3. third"),
            (ITEM, "inner"),
            (ITEM, "4. fourth"),
            (CODE, "a\n  b"),
            (PARAGRAPH, "Prices"),
            (TABLE, "Kind | Size | Price\nSonde | S | 1\nSonde | L | 2"),
        ]

    def test_table_that_sets_the_page_is_no_table(self, read, write):
        page = "<html><table><tr><td><h2>News</h2><p>First.</p></td><td><p>Second.</p></table>"
        _, blocks = read(write("a.html", page))
        assert kinds(blocks) == [(HEADING, "News"), (PARAGRAPH, "First."), (PARAGRAPH, "Second.")]

    def test_declared_encoding_is_believed(self, read, write):
        page = '<html><meta charset="koi8-r"><p>Привет, склад открыт</p>'
        _, blocks = read(write("a.html", page, "koi8-r"))
        assert blocks[0].text == "Привет, склад открыт"


class TestWord:
    def test_headings_lists_and_tables(self, read, tmp_path):
        body = (
            paragraph("Rules", "H1")
            + paragraph("Scope", "Mine")
            + numbered("Everyone")
            + numbered("guests", 1)
            + numbered("staff", 1)
            + numbered("Leave", 0, "H2")
            + word_table([["Kind", "Days"], ["Annual", "25"]])
            + paragraph("x = 1", "Pre")
            + paragraph("y = 2", "Pre")
        )
        info, blocks = read(write_docx(tmp_path / "a.docx", body))
        assert (info.title, info.metadata["author"]) == ("Rules", "Ann Author")
        assert info.page_count is None
        assert kinds(blocks) == [
            (HEADING, "Rules"),
            (HEADING, "Scope"),
            (ITEM, "Article 1. Everyone"),
            (ITEM, "1.a) guests"),
            (ITEM, "1.b) staff"),
            (HEADING, "Article 2. Leave"),
            (TABLE, "Kind | Days\nAnnual | 25"),
            (CODE, "x = 1\ny = 2"),
        ]
        assert [block.level for block in blocks if block.kind is HEADING] == [1, 2, 2]

    def test_pages_are_those_word_laid_out(self, read, tmp_path):
        turn = "<w:r><w:lastRenderedPageBreak/><w:t>{}</w:t></w:r>"
        body = (
            paragraph("one")
            + f"<w:p>{turn.format('two')}</w:p>"
            + f"<w:p><w:r><w:t>two, </w:t></w:r>{turn.format('three')}</w:p>"
            + paragraph("three")
        )
        info, blocks = read(write_docx(tmp_path / "a.docx", body))
        assert info.page_count == 3
        assert [(block.text, block.page) for block in blocks] == [
            ("one", 1),
            ("two", 2),
            ("two, three", 2),
            ("three", 3),
        ]

    def test_deleted_text_is_not_read_and_inserted_is(self, read, tmp_path):
        body = (
            "<w:p><w:r><w:t>Pay </w:t></w:r><w:del><w:r><w:delText>10</w:delText>"
            "<w:t>10</w:t></w:r></w:del><w:ins><w:r><w:t>20</w:t></w:r></w:ins></w:p>"
        )
        _, blocks = read(write_docx(tmp_path / "a.docx", body))
        assert kinds(blocks) == [(PARAGRAPH, "Pay 20")]

    def test_footnote_follows_its_paragraph(self, read, tmp_path):
        body = "<w:p><w:r><w:t>Text</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r></w:p>"
        notes = (
            f"<w:footnotes {W}><w:footnote w:type='separator' w:id='2'/>"
            "<w:footnote w:id='2'><w:p><w:r><w:t>The note</w:t></w:r></w:p></w:footnote>"
            "</w:footnotes>"
        )
        _, blocks = read(write_docx(tmp_path / "a.docx", body, footnotes=notes))
        assert kinds(blocks) == [(PARAGRAPH, "Text"), (PARAGRAPH, "The note")]

    def test_formula_stays_in_its_sentence(self, read, tmp_path):
        m = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
        formula = (
            f"<m:oMath {m}><m:r><m:t>E=m</m:t></m:r><m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e>"
            "<m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>"
        )
        body = f"<w:p><w:r><w:t>Since </w:t></w:r>{formula}<w:r><w:t> holds.</w:t></w:r></w:p>"
        _, blocks = read(write_docx(tmp_path / "a.docx", body))
        assert blocks[0].text == "Since E=mc^2 holds."


class TestSlides:
    def test_slides_are_pages_with_notes(self, read, tmp_path):
        first = slide_shape("Plan", "title") + slide_shape("12", "sldNum")
        second = slide_shape("Result", "title") + slide_shape("more", bullet=True)
        path = write_pptx(tmp_path / "a.pptx", [first, second], notes={1: "Say thanks"})
        info, blocks = read(path)
        assert (info.page_count, info.title) == (2, "Plan")
        assert [(b.kind, b.text, b.page) for b in blocks] == [
            (HEADING, "Plan", 1),
            (HEADING, "Result", 2),
            (ITEM, "more", 2),
            (PARAGRAPH, "Say thanks", 2),
        ]

    def test_opendocument_slides(self, read, tmp_path):
        page = (
            '<draw:page draw:name="a"><draw:frame presentation:class="title"><draw:text-box>'
            "<text:p>Plan</text:p></draw:text-box></draw:frame><draw:frame><draw:text-box><text:list>"
            "<text:list-item><text:p>one</text:p></text:list-item></text:list></draw:text-box>"
            "</draw:frame></draw:page>"
        )
        info, blocks = read(write_odf(tmp_path / "a.odp", "presentation", page * 2))
        assert info.page_count == 2
        assert [(b.kind, b.text, b.page) for b in blocks] == [
            (HEADING, "Plan", 1),
            (ITEM, "one", 1),
            (HEADING, "Plan", 2),
            (ITEM, "one", 2),
        ]


class TestOpenDocumentText:
    def test_styled_words_spaces_and_tables_are_kept(self, read, tmp_path):
        body = (
            '<text:h text:outline-level="2">Pay</text:h>'
            '<text:p>Two <text:span>bold</text:span><text:s text:c="2"/>words'
            "<text:soft-page-break/> and more</text:p><text:p>last</text:p><table:table>"
            '<table:table-row><table:table-cell table:number-columns-repeated="2">'
            "<text:p>x</text:p></table:table-cell></table:table-row></table:table>"
        )
        info, blocks = read(write_odf(tmp_path / "a.odt", "text", body))
        assert info.page_count == 2
        assert [(b.kind, b.text, b.page) for b in blocks] == [
            (HEADING, "Pay", 1),
            (PARAGRAPH, "Two bold words and more", 1),
            (PARAGRAPH, "last", 2),
            (TABLE, "x | x", 2),
        ]


class TestTables:
    def test_sheets_are_pages_and_notes_no_headers(self, read, tmp_path):
        sheets = {
            "Prices": [["Valid in 2026"], ["Part", "Price"], ["Sonde", 3], [], ["Tax", 0.2]],
            "Empty": [],
            "Cities": [["", "City"], ["", "Bristol"]],
        }
        info, blocks = read(write_xlsx(tmp_path / "a.xlsx", sheets))
        assert (info.page_count, info.metadata["sheets"]) == (3, "Prices, Empty, Cities")
        assert [(b.kind, b.text, b.page) for b in blocks] == [
            (HEADING, "Prices", 1),
            (PARAGRAPH, "Valid in 2026", 1),
            (TABLE, "Part | Price\nSonde | 3", 1),
            (TABLE, "Tax | 0.2", 1),
            (HEADING, "Cities", 3),
            (TABLE, "City\nBristol", 3),
        ]

    @pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
    def test_delimiter_is_found(self, read, write, mark):
        text = f'name{mark}note\nanna{mark}"a{mark}b"\nbob{mark}x\n'
        _, blocks = read(write("a.csv", text))
        inner = mark.replace("\t", " ")
        assert kinds(blocks) == [(TABLE, f"name | note\nanna | a{inner}b\nbob | x")]

    def test_long_table_repeats_its_header(self, read, write):
        rows = "".join(f"{n},value number {n}\n" for n in range(5_000))
        _, blocks = read(write("a.csv", "id,value\n" + rows))
        assert len(blocks) > 3
        assert all(block.text.startswith("id | value\n") for block in blocks)
        lines = [line for block in blocks for line in block.text.split("\n")[1:]]
        assert lines == [f"{n} | value number {n}" for n in range(5_000)]

    def test_json_records_become_a_table(self, read, write):
        text = (
            '{"title": "Staff", "people": [{"name": "A", "age": 0.10}, {"name": "B", "on": true}]}'
        )
        info, blocks = read(write("a.json", text))
        assert info.title == "Staff"
        assert kinds(blocks) == [
            (PARAGRAPH, "title: Staff"),
            (HEADING, "people"),
            (TABLE, "name | age | on\nA | 0.10\nB |  | true"),
        ]

    def test_json_lines_name_the_broken_one(self, read, write):
        with pytest.raises(ParseError, match="Line 2"):
            read(write("a.jsonl", '{"a": "x"}\n{"a"\n'))


class TestMail:
    def test_message_gives_subject_people_and_text(self, read, tmp_path):
        message = EmailMessage()
        message["Subject"] = "Nghỉ phép"
        message["From"] = "Ann <ann@example.com>"
        message["To"] = "bob@example.com"
        message.set_content("Hello Bob,\n\nplease sign.\n")
        message.add_alternative("<p>Hello <b>Bob</b></p>", subtype="html")
        message.add_attachment(b"x", maintype="application", subtype="pdf", filename="form.pdf")
        path = tmp_path / "a.eml"
        path.write_bytes(bytes(message))
        info, blocks = read(path)
        assert (info.title, info.attachments) == ("Nghỉ phép", ("form.pdf",))
        assert kinds(blocks) == [
            (HEADING, "Nghỉ phép"),
            (PARAGRAPH, "From: Ann <ann@example.com>\nTo: bob@example.com"),
            (PARAGRAPH, "Hello Bob,"),
            (PARAGRAPH, "please sign."),
            (PARAGRAPH, "Attachments: form.pdf"),
        ]

    def test_later_texts_forwarded_messages_and_attached_texts_are_read(self, read, tmp_path):
        inner = EmailMessage()
        inner["Subject"] = "Crane"
        inner["Date"] = "Mon, 12 Oct 2026 09:00:00 +0200"
        inner.set_content("It is postponed to 3 November 2026.")
        message = EmailMessage()
        message["Date"] = "Mon, 12 Oct 2026 09:00:00 +0200"
        message.set_content("First text.")
        message.add_attachment(b"x", maintype="application", subtype="pdf", filename="plan.pdf")
        message.attach(_text_part("The gate code is 4711."))
        message.add_attachment("S9 reads 71.3.", filename="log.txt")
        message.add_attachment(inner)
        path = tmp_path / "a.eml"
        path.write_bytes(bytes(message))
        _, blocks = read(path)
        assert [block.text for block in blocks] == [
            "First text.", "The gate code is 4711.", "log.txt", "S9 reads 71.3.", "Crane",
            "It is postponed to 3 November 2026.", "Attachments: plan.pdf",
        ]  # fmt: skip

    def test_stub_beside_html_is_not_the_content(self, read, tmp_path):
        message = EmailMessage()
        message.set_content("Your e-mail program cannot show HTML.")
        message.add_alternative("<p>The fair is on 5 May.</p>", subtype="html")
        path = tmp_path / "a.eml"
        path.write_bytes(bytes(message))
        _, blocks = read(path)
        assert kinds(blocks) == [(PARAGRAPH, "The fair is on 5 May.")]


_UNKNOWN = '<?xml version="1.0" encoding="UTF-2"?><document/>'


def _parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _text_part(text: str) -> EmailMessage:
    part = EmailMessage()
    part.set_content(text)
    return part


class TestOthers:
    def test_book_is_read_in_the_order_of_its_spine(self, read, tmp_path):
        chapters = {"two": "<h1>Two</h1><p>b</p>", "one": "<h1>One</h1><p>a</p>"}
        info, blocks = read(write_epub(tmp_path / "a.epub", chapters))
        assert info.title == "A Small Book"
        assert [block.text for block in blocks] == ["Two", "b", "One", "a"]

    def test_unknown_encoding_of_a_part_is_damage(self, read, tmp_path):
        path = write_docx(tmp_path / "a.docx", "x")
        path = write_zip(path, {**_parts_of(path), "word/document.xml": _UNKNOWN})
        with pytest.raises(ParseError) as caught:
            read(path)
        assert caught.value.code is ParseFailure.CORRUPT

    def test_articles_in_xml(self, read, write):
        text = (
            '<?xml version="1.0"?><article><front><volume>3</volume></front><body><sec><title>Aim'
            "</title><p>To <i>see</i> more.</p><table><tr><td>a</td><td>b</td></tr><tr><td>c</td>"
            "<td>d</td></tr></table></sec></body></article>"
        )
        _, blocks = read(write("a.xml", text))
        assert kinds(blocks) == [
            (PARAGRAPH, "volume: 3"),
            (HEADING, "Aim"),
            (PARAGRAPH, "To see more."),
            (TABLE, "a | b\nc | d"),
        ]

    def test_rich_text(self, read, write):
        _, blocks = read(write("a.rtf", r"{\rtf1\ansi Hello from rich text.\par}"))
        assert blocks[0].text == "Hello from rich text."

    def test_pdf_has_pages_and_joined_lines(self, read, tmp_path):
        pages = [
            ["The warehouse opens at seven in the morning and is closed", "on public holidays."],
            ["Second page."],
        ]
        info, blocks = read(write_pdf(tmp_path / "a.pdf", pages))
        assert info.page_count == 2
        assert [(block.text, block.page) for block in blocks] == [
            (" ".join(pages[0]), 1),
            ("Second page.", 2),
        ]
