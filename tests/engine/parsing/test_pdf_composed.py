"""Glyphs of a PDF page that belong to others: raised by any program, accents, degrees."""

from pathlib import Path

from document_files import write_objects, write_pdf_content

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.pdf_accents import Composed, with_composed


def joined(blocks: list[Block]) -> str:
    return " ".join(block.text for block in blocks)


TAIL = "The pool opens at seven and closes at nine in the evening on all days."


def write_with_signs(path: Path, content: str) -> Path:
    """Write a page whose font has TeX's circle at 129, then dots, acute, dotless i, a hyphen."""
    stream = content.encode("latin-1")
    differences = "[129 /degree /dieresis /acute /dotlessi /hyphen]"
    # TeX's circle has no name that fonts know; U+2010 is the hyphen of typesetters.
    meaning = (
        b"begincmap 1 begincodespacerange <00> <FF> endcodespacerange"
        b" 2 beginbfchar <81> <25E6> <85> <2010> endbfchar endcmap"
    )
    return write_objects(
        path,
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            3: (
                "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding"
                f" /BaseEncoding /WinAnsiEncoding /Differences {differences} >> /ToUnicode 6 0 R >>"
            ).encode(),
            4: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>",
            5: b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
            6: b"<< /Length %d >>\nstream\n%s\nendstream" % (len(meaning), meaning),
        },
    )


class TestReadingRaisedFiguresOfPrograms:
    def test_sizes_are_those_on_the_page(self, read, tmp_path):
        """Browsers set text in pixels, three quarters of a point, and raise by a third."""
        content = (
            "q .75 0 0 .75 0 0 cm BT /F1 16 Tf 60 1000 Td (The berth costs 25) Tj"
            " /F1 14.22 Tf 7.1 Ts (3) Tj /F1 16 Tf 0 Ts ( crowns and 84 m) Tj /F1 14.22 Tf 7.1 Ts"
            f" (2) Tj 0 Ts /F1 16 Tf ( in all.) Tj 0 -26 Td ({TAIL}) Tj ET Q"
        )
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert "costs 25³ crowns and 84 m² in all." in joined(blocks)

    def test_figures_of_the_same_size_are_raised_at_their_word_only(self, read, tmp_path):
        content = (
            "BT /F1 12 Tf 50 780 Td (The fee is 30) Tj 4 Ts (1) Tj 0 Ts ( euros a night.) Tj"
            f" 0 -20 Td ({TAIL}) Tj ET BT /F1 12 Tf 50 700 Td (Step 1) Tj 20 4 Td (2) Tj ET"
        )
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert "The fee is 30¹ euros a night." in joined(blocks)
        assert "¹²" not in joined(blocks)

    def test_marks_close_to_each_other_and_to_the_next_word_are_all_told(self, read, tmp_path):
        low = "/F1 7 Tf -3 Ts ({}) Tj /F1 12 Tf 0 Ts"
        content = (
            f"BT /F1 12 Tf 50 780 Td (Of H) Tj {low.format(2)} (SO) Tj {low.format(4)} (, a rate of"
            " 30) Tj /F1 7 Tf 4 Ts (7) Tj ET BT /F1 12 Tf 175 780 Td (euros a day is due.) Tj"
            f" 0 -20 Td ({TAIL}) Tj ET"
        )
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert "Of H₂SO₄, a rate of 30⁷ euros a day" in joined(blocks)


class TestReadingGlyphsInTwoParts:
    def test_accents_over_letters_are_part_of_them(self, read, tmp_path):
        # Kerning sets the letter below the accent, as TeX does.
        content = (
            "BT /F1 12 Tf 50 780 Td [(M) (\x82) 440 (uller is na) (\x82) 305 (\x84ve in"
            f" C) (\x83) 440 (ordoba; the \x83rest\x83 is quoted.)] TJ 0 -20 Td ({TAIL}) Tj ET"
        )
        _, blocks = read(write_with_signs(tmp_path / "a.pdf", content))
        assert "Müller is naïve in Córdoba; the \u00b4rest\u00b4 is quoted." in joined(blocks)

    def test_a_raised_circle_at_a_figure_is_a_degree(self, read, tmp_path):
        content = (
            "BT /F1 12 Tf 50 780 Td (The hall is kept at 5) Tj /F1 8 Tf 4 Ts (\x81) Tj"
            " /F1 12 Tf 0 Ts (C in winter and at 19) Tj /F1 8 Tf 4 Ts (\x81) Tj /F1 12 Tf 0 Ts"
            f" ( in summer.) Tj 0 -20 Td ({TAIL}) Tj 0 -40 Td (\x81 Bring 5 lamps) Tj"
            " 0 -20 Td (\x81 Bring a rope) Tj ET"
        )
        _, blocks = read(write_with_signs(tmp_path / "a.pdf", content))
        assert "kept at 5°C in winter and at 19° in summer." in joined(blocks)
        assert "lamps°" not in joined(blocks)


class TestPlacingGlyphsInTwoParts:
    def test_signs_change_no_code_and_begin_blocks_behind_what_they_follow_only(self):
        sign = Composed("livesinEspa", "~n", "ñ", "a", is_apart=False)
        texts = ["~nadia/bin holds all", "~nadia is her name", "He lives in Espa~na"]
        kinds = [BlockKind.CODE, BlockKind.PARAGRAPH, BlockKind.PARAGRAPH]
        blocks = [Block(kind, text) for kind, text in zip(kinds, texts, strict=True)]
        found = [block.text for block in with_composed(blocks, [sign])]
        assert found == [*texts[:2], "He lives in España"]
        first = Composed("", "¨U", "Ü", "be", is_apart=False)
        second = Composed("andsoon.", "¨O", "Ö", "l", is_apart=False)
        blocks = [Block(BlockKind.PARAGRAPH, text) for text in ("¨Uber and so on.", "¨Ol")]
        found = [block.text for block in with_composed(blocks, [first, second])]
        assert found == ["Über and so on.", "Öl"]


class TestReadingDividedWords:
    def test_hyphens_of_typesetters_join_their_word(self, read, tmp_path):
        content = (
            "BT /F1 12 Tf 50 780 Td (The head\x85) Tj 0 -14 Td (quarters moved to Ham-) Tj 0 -14 Td"
            " (burg and the Nord-) Tj 0 -14 Td (Ost line ends there.) Tj ET"
        )
        _, blocks = read(write_with_signs(tmp_path / "a.pdf", content))
        assert "The headquarters moved to Hamburg and the Nord-Ost line ends" in joined(blocks)

    def test_words_of_spaced_letters_are_parted_by_their_wider_gaps(self, read, tmp_path):
        content = (
            "q .75 0 0 .75 0 0 cm BT /F1 16 Tf 3 Tc 60 1000 Td (Widely) Tj 8 0 Td"
            f" 61 0 Td (set words) Tj 0 Tc 0 -30 Td ({TAIL}) Tj ET Q"
        )
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert "Widely set words" in joined(blocks)
