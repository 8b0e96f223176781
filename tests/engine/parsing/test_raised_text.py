# ruff: noqa: RUF001 - signs of mathematics are meant
"""Raised and lowered text in every format that knows it: no number takes in a mark or exponent."""

from pathlib import Path

from document_files import W, slide_shape, write_docx, write_epub, write_odf, write_pptx

from citewell.engine.answering.quoting import fold_quote
from citewell.engine.parsing.base import Block
from citewell.engine.parsing.marks import lowered, raised, resolve_shifts
from citewell.engine.text.normalisation import normalise, words

Runs = list[tuple[str, str]]
"""Texts with "sup", "sub" or "" each."""

CASES: list[tuple[Runs, str]] = [
    ([("30", ""), ("1", "sup"), (" euros", "")], "30¹ euros"),
    ([("30", ""), ("1", "sup"), ("2", "sup"), (" euros", "")], "30¹² euros"),
    ([("30", ""), ("1,2", "sup"), (" euros", "")], "30¹,² euros"),
    ([("10", ""), ("-", "sup"), ("3", "sup"), (" mol", "")], "10⁻³ mol"),
    ([("H", ""), ("2", "sub"), ("O of 25 m", ""), ("2", "sup"), (".", "")], "H₂O of 25 m²."),
    ([("on the 1", ""), ("st", "sup"), (" of May", "")], "on the 1st of May"),
    ([("2", ""), ("n", "sup"), (" and V", ""), ("max", "sub"), (".", "")], "2^n and V_max."),
    ([("10", ""), ("1.5", "sup"), (" litres", "")], "10^(1.5) litres"),
    ([("Acme", ""), ("TM", "sup"), (" costs 5", ""), ("*", "sup")], "AcmeTM costs 5*"),
    ([("1", "sup"), (" Plus tax.", "")], "¹ Plus tax."),
    ([("A line of small type above the rest", "sup")], "A line of small type above the rest"),
]


def word(runs: Runs) -> str:
    names = {"sup": "superscript", "sub": "subscript"}
    return "".join(
        f'<w:r><w:rPr><w:vertAlign w:val="{names[look]}"/></w:rPr>'
        f'<w:t xml:space="preserve">{text}</w:t></w:r>'
        if look
        else f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'
        for text, look in runs
    )


def markup(runs: Runs) -> str:
    return "".join(f"<{look}>{text}</{look}>" if look else text for text, look in runs)


def office(runs: Runs) -> str:
    return "".join(
        f'<text:span text:style-name="{look}">{text}</text:span>' if look else text
        for text, look in runs
    )


def slide(runs: Runs) -> str:
    heights = {"sup": "30000", "sub": "-25000", "": "0"}
    parts = "".join(
        f'<a:r><a:rPr baseline="{heights[look]}"/><a:t>{text}</a:t></a:r>' for text, look in runs
    )
    return slide_shape("x").replace("<a:r><a:t>x</a:t></a:r>", parts)


ODF_STYLES = (
    '<office:automatic-styles xmlns:style="urn:oasis:names:tc:opendocument:xmlns:'
    'style:1.0"><style:style style:name="sup"><style:text-properties style:text-position='
    '"super 58%"/></style:style><style:style style:name="sub"><style:text-properties '
    'style:text-position="-33% 58%"/></style:style></office:automatic-styles>'
)


def write_files(folder: Path) -> list[Path]:
    """One file per format, each case a paragraph of it."""
    paragraphs = [f"<p>{markup(runs)}</p>" for runs, _ in CASES]
    html = folder / "a.html"
    html.write_text("<!doctype html><body>" + "".join(paragraphs), "utf-8")
    styled = folder / "styled.html"
    text = "".join(paragraphs).replace("<sup>", "<span class=up>").replace("</sup>", "</span>")
    styled.write_text(
        "<!doctype html><style>/* x */ .up{vertical-align: super}</style><body>" + text, "utf-8"
    )
    jats = folder / "a.xml"
    jats.write_text('<?xml version="1.0"?><sec>' + "".join(paragraphs) + "</sec>", "utf-8")
    markdown = folder / "a.md"
    # An asterisk would be emphasis.
    lines = [markup(runs).replace("*", r"\*") for runs, _ in CASES]
    markdown.write_text("\n\n".join(lines), "utf-8")
    odt = write_odf(
        folder / "a.odt",
        "text",
        "".join(f"<text:p>{office(runs)}</text:p>" for runs, _ in CASES),
        before=ODF_STYLES,
    )
    return [
        html,
        styled,
        jats,
        markdown,
        odt,
        write_docx(folder / "a.docx", "".join(f"<w:p>{word(runs)}</w:p>" for runs, _ in CASES)),
        write_pptx(folder / "a.pptx", [slide(runs) for runs, _ in CASES]),
        write_epub(folder / "a.epub", {"one": "".join(paragraphs)}),
    ]


class TestReadingRaisedText:
    def test_every_format_sets_it_apart(self, read, tmp_path):
        expected = [text for _, text in CASES]
        for path in write_files(tmp_path):
            _, blocks = read(path)
            assert [block.text for block in blocks] == expected, path.suffix

    def test_word_styles_raise_and_position_does(self, read, tmp_path):
        styles = (
            f'<w:styles {W}><w:style w:type="character" w:styleId="Base"><w:rPr><w:vertAlign'
            ' w:val="superscript"/></w:rPr></w:style><w:style w:type="character" w:styleId="Ref">'
            '<w:basedOn w:val="Base"/></w:style></w:styles>'
        )
        looks = ['<w:rStyle w:val="Ref"/>', '<w:position w:val="8"/>']
        runs = "".join(
            f"<w:p><w:r><w:t>30</w:t></w:r><w:r><w:rPr>{look}</w:rPr><w:t>1</w:t></w:r></w:p>"
            for look in [*looks, '<w:rStyle w:val="Ref"/><w:vertAlign w:val="baseline"/>']
        )
        _, blocks = read(write_docx(tmp_path / "a.docx", runs, styles=styles))
        assert [block.text for block in blocks] == ["30¹", "30¹", "301"]

    def test_cells_and_titles_keep_it_apart(self, read, tmp_path):
        html = tmp_path / "a.html"
        cells = "<tr><th>Fee<th>Year<tr><td>30<sup>1</sup><td>2026"
        html.write_text(f"<!doctype html><h1>Fees<sup>2</sup></h1><table>{cells}</table>", "utf-8")
        info, blocks = read(html)
        assert info.title == "Fees²"
        assert blocks[-1].text == "Fee | Year\n30¹ | 2026"


class TestComparingRaisedText:
    def test_terms_and_quotes_do_not_join_the_number(self):
        found = words(normalise("30¹ euros, 5 × 10⁶, 25 m² of H₂O"))
        assert found == ["30", "1", "euros", "5", "10", "6", "25", "m2", "of", "h2o"]
        assert fold_quote("30¹ euros") != fold_quote("301 euros")
        assert fold_quote("10¹² and H₂O, m²") == fold_quote("10¹² and H2O, m2")

    def test_marks_never_stay(self):
        for text in (raised("x"), "a" + raised(lowered("2")), raised(""), "\ufdd2", "a\ufdd0b"):
            assert not set(resolve_shifts(text)) & set("\ufdd0\ufdd1\ufdd2"), repr(text)


class TestReadingWordRuns:
    def test_nothing_of_notes_and_symbols_is_cut(self, read, tmp_path):
        notes = (
            f'<w:footnotes {W}><w:footnote w:id="2"><w:p><w:r><w:t>Force maj</w:t></w:r><w:r><w:t>'
            "eure.</w:t></w:r></w:p><w:p><w:r><w:t>Second.</w:t></w:r></w:p></w:footnote>"
            "</w:footnotes>"
        )
        body = (
            '<w:p><w:pPr><w:framePr w:dropCap="drop"/></w:pPr><w:r><w:t>O</w:t></w:r></w:p>'
            '<w:p><w:r><w:t>nce 5</w:t></w:r><w:r><w:sym w:font="Symbol" w:char="F0B1"/></w:r>'
            '<w:r><w:t>1 </w:t><w:sym w:font="Wingdings" w:char="F0E0"/><w:footnoteReference'
            ' w:id="2"/></w:r></w:p>'
        )
        _, blocks = read(write_docx(tmp_path / "a.docx", body, footnotes=notes))
        assert [block.text for block in blocks] == ["Once 5±1 →", "Force majeure. Second."]


def texts(blocks: list[Block]) -> str:
    return " / ".join(block.text for block in blocks)


class TestReadingHiddenText:
    def test_what_the_author_hid_is_left_out(self, read, tmp_path):
        style = (
            f'<w:styles {W}><w:style w:styleId="Draft"><w:rPr><w:vanish/></w:rPr></w:style>'
            "</w:styles>"
        )
        row = "<w:tr>{}<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc></w:tr>"
        body = (
            "<w:p><w:r><w:t>Seen</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r>"
            '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t> too</w:t></w:r></w:p>'
            '<w:p><w:pPr><w:pStyle w:val="Draft"/></w:pPr><w:r><w:t>secret</w:t></w:r></w:p>'
            + "<w:tbl>"
            + row.format("", "cell one")
            + row.format("<w:trPr><w:hidden/></w:trPr>", "secret")
            + "</w:tbl>"
        )
        _, blocks = read(write_docx(tmp_path / "a.docx", body, styles=style))
        assert texts(blocks) == "Seen too / cell one"

        shown, hidden = slide_shape("Seen"), slide_shape("secret")
        part = hidden.replace("<p:nvSpPr>", '<p:nvSpPr><p:cNvPr hidden="1"/>')
        path = write_pptx(tmp_path / "a.pptx", [shown + part, shown])
        _, blocks = read(path)
        assert [(block.text, block.page) for block in blocks] == [("Seen", 1), ("Seen", 2)]

        hidden_style = (
            '<office:automatic-styles xmlns:style="s:style" xmlns:fo="s:fo">'
            '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'
            "</office:automatic-styles>"
        )
        body = '<text:p>Seen<text:span text:style-name="H">secret</text:span></text:p>'
        body += '<text:section text:display="none"><text:p>secret</text:p></text:section>'
        path = write_odf(tmp_path / "a.odt", "text", body, before=hidden_style)
        _, blocks = read(path)
        assert texts(blocks) == "Seen"

    def test_hidden_elements_of_a_page_are_left_out(self, read, tmp_path):
        styles = (
            "display: none", "visibility:hidden", "font-size:0", "font-size: 0px", "opacity:0",
            "color:#fff;background-color:white", "color: rgb(255, 255, 255); background:#FFFFFF",
            "mso-hide:all",
        )  # fmt: skip
        parts = [f'<p>Seen<span style="{style}">secret</span></p>' for style in styles]
        parts += ["<p class='x draft'>secret</p>", "<div id=d>secret</div>", "<p hidden>secret"]
        parts += ['<p style="color:#fff;background:#000">White</p>']
        sheet = "<style>h1, .draft { display:none } #d{display :none} @media print{p{display:none}}"
        path = tmp_path / "a.html"
        path.write_text(f"<!doctype html>{sheet}</style><body>" + "".join(parts), "utf-8")
        _, blocks = read(path)
        assert texts(blocks) == " / ".join(["Seen"] * len(styles) + ["White"])


class TestReadingProductsInMarkdown:
    def test_asterisks_between_figures_are_no_emphasis(self, read, tmp_path):
        path = tmp_path / "a.md"
        path.write_text("It is 2*3*4 = 24 and 5*(6)*7, *very* un*believ*able, **30** euros.")
        _, blocks = read(path)
        assert texts(blocks) == "It is 2*3*4 = 24 and 5*(6)*7, very unbelievable, 30 euros."


class TestPageStyles:
    RULES = (
        ".notes .up {vertical-align: super}", "p > .up {vertical-align: super}",
        ".up.mark {vertical-align: super}", ".up {vertical-align: top; font-size: 8px}",
        ".up {font-variant-position: super}", ".up {transform: translateY(-4px)}",
    )  # fmt: skip
    LEVEL = (".up {vertical-align: top}", ".notes {vertical-align: super}", ".a.up {color: red}")

    def test_raised_by_parts_of_selectors_and_by_other_means(self, read, tmp_path):
        path = tmp_path / "a.html"
        for rules, shown in ((self.RULES, "30¹ euros"), (self.LEVEL, "301 euros")):
            for rule in rules:
                path.write_text(
                    f"<!doctype html><style>{rule}</style>"
                    "<p>It costs 30<span class='up mark'>1</span> euros.</p>"
                )
                assert read(path)[1][0].text == f"It costs {shown}.", rule

    def test_marks_of_notes_are_raised_whatever_their_style(self, read, tmp_path):
        path = tmp_path / "a.html"
        path.write_text("<!doctype html><p>30<a role=doc-noteref href='#n'>1</a> euros</p>")
        assert read(path)[1][0].text == "30¹ euros"

    def test_elements_of_which_nothing_is_left_are_hidden(self, read, tmp_path):
        hidden = (
            ".x{clip-path: inset(100%)}", ".x{transform:scale(0)}", ".x{color:rgba(0, 0, 0, 0)}",
            ".x{height:0; width:0; overflow:hidden}", ".x.y{display:none}",
        )  # fmt: skip
        seen = (
            ".x{max-height:0; overflow:hidden}", ".x{display:none} .x.y{display:block}",
            ".x{color:rgba(0, 0, 0, 0.9)}", ".x{color:rgb(0,0,0)}", ".z .x{display:none}",
        )  # fmt: skip
        path = tmp_path / "a.html"
        for rules, expected in ((hidden, ["Seen."]), (seen, ["Said.", "Seen."])):
            for rule in rules:
                path.write_text(
                    f"<!doctype html><style>{rule}</style><p class='x y'>Said.</p><p>Seen.</p>"
                )
                assert [block.text for block in read(path)[1]] == expected, rule

    def test_hidden_parts_without_an_end_hide_nothing_behind_them(self, read, tmp_path):
        path = tmp_path / "a.html"
        path.write_text(
            "<!doctype html><ul><li hidden>x<ul><li>y</ul><li>Two<li hidden>z</ul>"
            "<table><tr hidden><td>u<tr><td>Row<td hidden>v<td>End</table>"
            "<dl><dt>Term<dd hidden>w</dl><p>Last"
        )
        assert " ".join(block.text for block in read(path)[1]) == "Two Row | End Term Last"
