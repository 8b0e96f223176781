"""Raised glyphs, form fields, annotations and false tables of PDFs."""

import unicodedata
from pathlib import Path

from document_files import write_pdf, write_pdf_content

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.pdf_tables import line_key, without_false_table
from citewell.engine.parsing.reading import _tidy

TAIL = "0 -20 Td (The pool opens at seven and closes at nine in the evening on all days.) Tj ET"


def texts(blocks: list[Block]) -> list[str]:
    return [block.text for block in blocks]


class TestReadingRaisedGlyphs:
    def test_smaller_glyphs_off_the_line_join_no_number(self, read, tmp_path):
        begin = "BT /F1 12 Tf 50 780 Td "
        cases = {
            # By the text's rise, and by a place of its own.
            f"{begin}(A room costs $320) Tj /F1 7 Tf 4 Ts (1) Tj /F1 12 Tf 0 Ts ( a week.) Tj "
            + TAIL: "A room costs $320¹ a week.",
            f"{begin}(It holds 10) Tj /F1 7 Tf 4 Ts (-12) Tj /F1 12 Tf 0 Ts ( mol of H) Tj "
            f"/F1 7 Tf -3 Ts (2) Tj /F1 12 Tf 0 Ts (O in all.) Tj {TAIL}": (
                "It holds 10⁻¹² mol of H₂O in all."
            ),
            f"{begin}(The fee is 30) Tj ET BT /F1 7 Tf 122 784 Td (12) Tj ET "
            f"BT /F1 12 Tf 134 780 Td (euros.) Tj {TAIL}": "The fee is 30 ¹² euros.",
            # The same size, or the same line: part of the number.
            f"{begin}(The fee is 30) Tj /F1 9 Tf (1) Tj /F1 12 Tf ( euros a night.) Tj {TAIL}": (
                "The fee is 301 euros a night."
            ),
        }
        for number, (content, expected) in enumerate(cases.items()):
            _, blocks = read(write_pdf_content(tmp_path / f"{number}.pdf", content))
            assert " ".join(texts(blocks)).startswith(expected), texts(blocks)


def widget(name: str, more: str) -> str:
    return (
        f"<< /Type /Annot /Subtype /Widget /Rect [50 700 300 720] /F 4 /P 4 0 R /T ({name})"
        f" /DA (/F1 12 Tf 0 g) {more} >>"
    )


FORM = "/AcroForm << /Fields [FIELDS] /DR << /Font << /F1 3 0 R >> >> /DA (/F1 12 Tf 0 g) >>"


class TestReadingFormsAndAnnotations:
    def test_filled_fields_are_read_with_their_names(self, read, tmp_path):
        fields = [
            widget("amount", "/FT /Tx /V (1,284.60 EUR)"),
            widget("town", "/TU (Destination) /FT /Ch /Ff 131072 /Opt [(Oslo)] /V (Bergen)"),
            widget("empty", "/FT /Tx"),
            widget("ok", "/FT /Btn /V /Yes /AS /Yes /AP << /N << /Yes 5 0 R /Off 5 0 R >> >>"),
            widget("no", "/FT /Btn /V /Off /AS /Off /AP << /N << /Yes 5 0 R /Off 5 0 R >> >>"),
        ]  # fmt: skip
        content = "BT /F1 12 Tf 50 780 Td (Travel claim) Tj ET"
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content, fields, FORM))
        assert texts(blocks) == [
            "Travel claim", "amount: 1,284.60 EUR", "Destination: Bergen", "ok: yes"
        ]  # fmt: skip
        assert {block.page for block in blocks} == {1}

    def test_fields_are_named_by_the_words_at_them_and_show_what_is_chosen(self, read, tmp_path):
        def at(left, low, name, more):
            box = f"/Rect [{left} {low} {left + 80} {low + 18}]"
            return widget(name, more).replace("/Rect [50 700 300 720]", box)

        fields = [
            at(150, 696, "f1", "/FT /Tx /V (Ada Holm)"),
            at(350, 696, "f2", "/FT /Tx /V (4711)"),
            at(150, 666, "f3", "/FT /Ch /Ff 131072 /Opt [[(T3) (Night train)] [(T7) (Coach)]]"
               " /V (T7)"),
            at(50, 620, "f4", "/FT /Tx /V (Ferry was late)"),
            at(400, 500, "f5", "/FT /Tx /V (alone)"),
        ]  # fmt: skip
        words = {"Name:": (50, 700), "Badge no.": (270, 700), "By:": (50, 670), "Why": (50, 642)}
        content = " ".join(
            f"BT /F1 12 Tf {left} {low} Td ({word}) Tj ET" for word, (left, low) in words.items()
        )
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content, fields, FORM))
        assert texts(blocks)[-5:] == [
            "Name: Ada Holm", "Badge no: 4711", "By: Coach", "Why: Ferry was late", "f5: alone",
        ]  # fmt: skip

    def test_page_of_nothing_but_annotations_is_read(self, read, tmp_path):
        kinds = ("FreeText", "Text", "Highlight")
        notes = [
            f"<< /Type /Annot /Subtype /{kind} /Rect [50 700 300 720] /F {flag}"
            f" /Contents (valve {kind} {flag}) >>"
            for kind in kinds
            for flag in (4, 2)
        ]
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", "", notes))
        # The flag 2 hides an annotation.
        assert texts(blocks) == [f"valve {kind} 4" for kind in kinds]


class TestTellingTablesFromText:
    def test_aligned_sentences_are_no_table(self, read, tmp_path):
        lines = ["Kitchen Roof Yard: key 2-0.", "Store Kitchen Roof: key 2-1.", "Garage Hall: 2-2."]
        _, blocks = read(write_pdf(tmp_path / "a.pdf", [lines]))
        assert " ".join(texts(blocks)) == " ".join(lines)

    def test_signs_of_a_false_table_keep_their_spaces(self):
        line = "It was \u22125 °C in the chợ"
        key = line_key(unicodedata.normalize("NFD", line))
        block = Block(BlockKind.TABLE, "It was-5 °C | in the chợ", 1)
        found = without_false_table(block, {key: line}, {key: frozenset()})
        assert (found.kind, found.text) == (BlockKind.PARAGRAPH, line)

    def test_columns_stay_a_table(self, read, tmp_path):
        rows = [("Item", "Price", "Stock"), ("Pump", "110", "7"), ("Valve", "45", "12"),
                ("Hose", "8", "300")]  # fmt: skip
        content = " ".join(
            f"BT /F1 12 Tf {60 + 150 * column} {760 - 20 * row} Td ({cell}) Tj ET"
            for row, cells in enumerate(rows)
            for column, cell in enumerate(cells)
        )
        _, blocks = read(write_pdf_content(Path(tmp_path / "a.pdf"), content))
        assert [(b.kind, b.text) for b in blocks] == [
            (BlockKind.TABLE, "\n".join(" | ".join(row) for row in rows))
        ]


class TestKeepingSigns:
    def test_sign_of_its_own_joins_its_sentence(self):
        parts = [
            ("paragraph", "in the range of 290"), ("list_item", "-"),
            ("paragraph", "310 million. It changed by"), ("list_item", "\u2212"),
            ("paragraph", "23 percent."), ("list_item", "-"), ("paragraph", "New paragraph"),
            ("paragraph", "a tolerance of"), ("paragraph", "±"), ("paragraph", "2 mm"),
        ]  # fmt: skip
        blocks = [Block(BlockKind(kind), text, 1) for kind, text in parts]
        assert texts(list(_tidy(iter(blocks)))) == [
            "in the range of 290-310 million. It changed by \u221223 percent.",
            "New paragraph",
            "a tolerance of ±2 mm",
        ]
