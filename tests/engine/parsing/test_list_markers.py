"""Numbers of lists stand before their items, and small type over characters is no part of them."""

from document_files import W, paragraph, write_docx, write_odf, write_pdf_content

from citewell.engine.parsing.base import Block, BlockKind


def items(blocks: list[Block]) -> list[str]:
    return [block.text for block in blocks if block.kind is BlockKind.LIST_ITEM]


def drawn(text: str, left: int, bottom: int, size: int = 11) -> str:
    return f"BT /F1 {size} Tf {left} {bottom} Td ({text}) Tj ET"


class TestReadingListsOfPdf:
    def test_numbers_that_are_drawn_behind_the_text_come_before_their_items(self, read, tmp_path):
        lines = ["Take the box from the hall", "Close the lid at once", "Call the mate on deck"]
        texts = [drawn(text, 80, 700 - 16 * at) for at, text in enumerate(lines)]
        marks = [drawn(f"{at}.", 62, 716 - 16 * at) for at in (1, 2, 3)]
        # A number of its own, far from any line, is none of these.
        content = " ".join([drawn("Packing", 60, 740, 18), *texts, *marks, drawn("7.", 300, 80)])
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert items(blocks)[:3] == [f"{at}. {text}" for at, text in enumerate(lines, 1)]
        assert [block.text for block in blocks].count("1.") == 0

    def test_numbers_close_to_their_items_are_told_from_them(self, read, tmp_path):
        lines = ["9. Unhook the line at the bow", "10.Lower the boat to the water"]
        content = " ".join(drawn(text, 60, 700 - 16 * at) for at, text in enumerate(lines))
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert items(blocks) == [lines[0], "10. Lower the boat to the water"]


class TestReadingSmallTypeOverCharacters:
    def test_readings_of_characters_are_left_out(self, read, tmp_path):
        path = tmp_path / "a.html"
        path.write_text(
            "<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字<p><ruby>東<rt>とう</ruby>京に行く"
        )
        _, blocks = read(path)
        assert [block.text for block in blocks] == ["漢字", "東京に行く"]
        ruby = (
            "<text:p><text:ruby><text:ruby-base>東</text:ruby-base><text:ruby-text>とう"
            "</text:ruby-text></text:ruby>京</text:p>"
        )
        _, blocks = read(write_odf(tmp_path / "a.odt", "text", ruby))
        assert [block.text for block in blocks] == ["東京"]


class TestReadingDeletedRows:
    def test_rows_that_a_change_has_taken_out_are_left_out(self, read, tmp_path):
        row = "<w:tr>{}<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc></w:tr>"
        body = "<w:tbl>{}{}</w:tbl>".format(
            row.format("", "Rope"), row.format("<w:trPr><w:del w:id='1'/></w:trPr>", "Gone")
        )
        _, blocks = read(write_docx(tmp_path / "a.docx", body))
        assert [block.text for block in blocks] == ["Rope"]


class TestReadingListsOfWord:
    def level(self, at: int, text: str, style: str = "decimal", more: str = "") -> str:
        return (
            f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{style}"/>{more}'
            f'<w:lvlText w:val="{text}"/></w:lvl>'
        )

    def test_labels_are_those_that_word_shows(self, read, tmp_path):
        kinds = {
            # Legal numbers, a level that goes on through its chapters, a link to a style's levels.
            0: self.level(0, "%1.", "upperRoman") + self.level(1, "%1.%2", more="<w:isLgl/>"),
            1: self.level(0, "Part %1") + self.level(1, "%2)", more='<w:lvlRestart w:val="0"/>'),
            2: '<w:numStyleLink w:val="Rules"/>',
            3: '<w:styleLink w:val="Rules"/>' + self.level(0, "Rule %1"),
            4: self.level(0, "%1."),
        }
        own = f'<w:lvlOverride w:ilvl="0">{self.level(0, "Own %1")}</w:lvlOverride>'
        numbering = "".join(
            f'<w:abstractNum w:abstractNumId="{n}">{kind}</w:abstractNum>'
            for n, kind in kinds.items()
        ) + "".join(
            f'<w:num w:numId="{n + 1}"><w:abstractNumId w:val="{n}"/>{own * (n == 4)}</w:num>'
            for n in kinds
        )

        def item(number: int, level: int = 0) -> str:
            settings = f'<w:ilvl w:val="{level}"/><w:numId w:val="{number}"/>'
            return paragraph("x", "", f"<w:numPr>{settings}</w:numPr>")

        body = "".join(
            item(*each)
            for each in ((1,), (1, 1), (2,), (2, 1), (2,), (2, 1), (3,), (3,), (5,), (5,))
        )
        path = write_docx(
            tmp_path / "a.docx", body, numbering=f"<w:numbering {W}>{numbering}</w:numbering>"
        )
        assert [label.removesuffix(" x") for label in items(read(path)[1])] == [
            "I.", "1.1", "Part 1", "1)", "Part 2", "2)", "Rule 1", "Rule 2", "Own 1", "Own 2",
        ]  # fmt: skip
