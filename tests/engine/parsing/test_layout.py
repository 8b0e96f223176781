from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.marks import ROW, TURN
from citewell.engine.parsing.readers.furniture import without_furniture
from citewell.engine.parsing.readers.layout import (
    NumberedLevels,
    join_split_sentences,
    page_blocks,
)
from citewell.engine.parsing.readers.pdf import complete_page
from citewell.engine.parsing.readers.pdf_shifts import Shift
from citewell.engine.parsing.readers.pdf_whole_lines import with_whole_lines

FULL = "This line of running text is about as long as the page is wide,"


def paragraph(text: str, page: int = 1) -> Block:
    return Block(BlockKind.PARAGRAPH, text, page)


def texts(blocks) -> list[str]:
    return [block.text for block in blocks]


class TestWholeLines:
    SHIFT = Shift("The margin is 8.5".replace(" ", ""), "1", "\r", True, " ", is_followed=True)

    def joined(self, bare: str, *parts: str, shifts: tuple[Shift, ...] = ()) -> list[str]:
        blocks = [Block(BlockKind.HEADING, part, 1) for part in parts]
        return [block.text for block in with_whole_lines(blocks, bare, shifts)]

    def test_parts_of_a_line_are_one(self):
        bare = "It lies at 290\u2013310 MEUR\r\nNext"
        assert self.joined(bare, "It lies at 290", "", "310 MEUR", "Next") == [
            "It lies at 290\u2013310 MEUR", "Next",
        ]  # fmt: skip
        bare = "The margin is 8.51\r\nper cent.\r\nOther"
        parts = ("The margin is 8.5", "1", "per cent.", "Other")
        assert self.joined(bare, *parts, shifts=(self.SHIFT,)) == [
            "The margin is 8.51 per cent.", "Other",
        ]  # fmt: skip

    def test_columns_and_cells_stay_apart(self):
        for bare, *parts in (
            ("Holm Ltd Invoice 417", "Holm Ltd", "Invoice 417"),
            ("Seats 1205", "Seats 120", "5"),
            ("Pumps and lamps\r\nand lamps", "Pumps", "and lamps"),
        ):
            assert self.joined(bare, *parts) == parts


class TestPageBlocks:
    def test_full_lines_are_joined_and_hyphens_mended(self):
        page = [paragraph(f"{FULL}\n{FULL[:-6]} infor-\nmation ends here.")]
        (block,) = page_blocks(page)
        assert block.text == f"{FULL} {FULL[:-6]} information ends here."

    def test_title_above_text_becomes_a_heading(self):
        first, second = page_blocks([paragraph(f"Opening hours\n{FULL}\nand so on.")])
        assert (first.kind, first.text) == (BlockKind.HEADING, "Opening hours")
        assert second.text == f"{FULL} and so on."

    def test_rows_of_figures_stay_lines(self):
        rows = f"Revenue 3,208 2,364 3,615 {'x' * 30} 1 2\nCosts 1,649 1,447 {'x' * 34} 1 2"
        (block,) = page_blocks([paragraph(rows)])
        assert block.text == rows

    def test_text_after_the_last_item_is_no_item(self):
        page = [paragraph(FULL), Block(BlockKind.LIST_ITEM, "The key\nIf it is lost, say so.", 1)]
        _, item, after = page_blocks(page)
        assert (item.kind, item.text) == (BlockKind.LIST_ITEM, "The key")
        assert (after.kind, after.text) == (BlockKind.PARAGRAPH, "If it is lost, say so.")

    def test_sentence_set_like_a_heading_is_none(self):
        (block,) = page_blocks([Block(BlockKind.HEADING, "only for those who ask.", 1, 3)])
        assert block.kind is BlockKind.PARAGRAPH

    def test_legal_units_begin_blocks(self):
        text = f"{FULL}\nĐiều 5. Nghỉ phép\n{FULL}"
        assert texts(page_blocks([paragraph(text)]))[1].startswith("Điều 5.")


class TestCompleteness:
    BARE = "\n".join(f"Row {n} of the page\x02s text" for n in range(20))

    def test_page_that_lost_words_is_taken_bare(self):
        (block,) = complete_page([paragraph("Row 1 of the page")], self.BARE, 7)
        assert (block.text.count("Row"), block.page) == (20, 7)

    def test_page_said_twice_is_taken_bare(self):
        whole = complete_page([], self.BARE, 1)
        assert len(complete_page([*whole, *whole], self.BARE, 1)) == 1

    def test_page_whose_words_are_read_backwards_is_taken_bare(self):
        backwards = [paragraph(line[::-1]) for line in self.BARE.split("\n")]
        (block,) = complete_page(backwards, self.BARE, 1)
        assert block.text.startswith("Row")

    def test_cells_that_the_bare_text_joins_are_not_lost(self):
        table = Block(BlockKind.TABLE, "Pump | 110 | 7\nHose | 8 | 300", 1)
        assert complete_page([table], "Pump 1107\nHose8 300", 1) == [table]

    def test_complete_page_stays_as_analysed(self):
        blocks = [paragraph(text) for text in complete_page([], self.BARE, 1)[0].text.split("\n")]
        assert complete_page(blocks, self.BARE, 1) == blocks

    def test_item_without_a_bullet_on_the_page_is_none(self):
        bare = "It was written by Minh\nChau. Six people read it.\n• A real item of a list"
        items = ["Chau. Six people read it.", "A real item of a list"]
        blocks = [paragraph("It was written by Minh")]
        blocks += [Block(BlockKind.LIST_ITEM, text, 1) for text in items]
        kinds = [block.kind for block in complete_page(blocks, bare, 1)]
        assert kinds == [BlockKind.PARAGRAPH, BlockKind.PARAGRAPH, BlockKind.LIST_ITEM]


class TestSplitSentences:
    def test_rest_of_sentence_moves_back_over_the_page(self):
        before = paragraph("The sonde is", 1)
        after = paragraph("calibrated daily. It lasts.", 2)
        joined = list(join_split_sentences(iter([before, after])))
        assert [(block.text, block.page) for block in joined] == [
            (f"The sonde is {TURN}calibrated daily.", 1),
            ("It lasts.", 2),
        ]

    def test_finished_sentences_stay_apart(self):
        blocks = [paragraph("It ends."), paragraph("lower case begins")]
        assert list(join_split_sentences(iter(blocks))) == blocks

    def test_headings_and_labels_stay_apart_from_what_is_before(self):
        for before, after, page in (
            ("Bên B giao hàng", "2 Điều kiện thanh toán", 2),
            ("nach Ablauf der Frist", "3 Änderungen", 2),
            ("Signature of", "Applicant", 1),
        ):
            blocks = [paragraph(before, 1), paragraph(after, page)]
            assert list(join_split_sentences(iter(blocks))) == blocks
        for before, after in (("it weighs", "2 đồng"), ("a letter from", "Anna Berg")):
            blocks = [paragraph(before, 1), paragraph(after, 2)]
            assert len(list(join_split_sentences(iter(blocks)))) == 1


class TestNumberedLevels:
    def test_number_decides_below_its_parent(self):
        levels = NumberedLevels()
        found = [
            levels.adjust(Block(BlockKind.HEADING, text, 1, 2)).level
            for text in ("1. Scope", "1.1 Terms", "1.1.1 Words", "2. Duties", "Annex")
        ]
        assert found == [2, 3, 4, 2, 2]


class TestFurniture:
    def strip(self, pages: list[list[str]]) -> list[list[str]]:
        numbered = {n: [paragraph(t, n) for t in page] for n, page in enumerate(pages, 1)}
        return [texts(page) for page in without_furniture(numbered)]

    def test_running_header_stays_once_and_numbers_go(self):
        pages = [["Handbook", f"Body {word}.", f"{n}"] for n, word in enumerate("abcd", 1)]
        assert self.strip(pages) == [["Handbook", "Body a."], ["Body b."], ["Body c."], ["Body d."]]

    def test_header_that_counts_pages_goes_everywhere(self):
        pages = [[f"Handbook page {n + 7} of 40", f"Body {word}."] for n, word in enumerate("abcd")]
        assert self.strip(pages) == [["Body a."], ["Body b."], ["Body c."], ["Body d."]]

    def test_numbered_headings_at_the_top_of_pages_stay(self):
        pages = [
            ["Chapter 1", "a."],
            ["b."],
            ["Chapter 2", "c."],
            ["d."],
            ["e."],
            ["Chapter 3", "f."],
        ]
        assert self.strip(pages) == pages

    def test_page_of_one_repeated_line_stays(self):
        assert self.strip([["Same."], ["Same."]])[0] == ["Same."]

    def test_lone_page_is_left_alone(self):
        assert self.strip([["1", "Text", "2"]]) == [["1", "Text", "2"]]


class TestLabels:
    def test_lines_of_a_label_and_its_value_stay_apart(self):
        lines = ["Name: Ann Petrov", "Street: Quay 14 b", "Purpose: overwintering of a wooden yawl",
                 "Telephone: +49 30 5512"]  # fmt: skip
        assert texts(page_blocks([paragraph("\n".join(lines))])) == ["\n".join(lines)]
        prose = "The gate is kept by one person\nat night: nobody else has a key\nof any kind."
        assert texts(page_blocks([paragraph(prose)])) == [prose.replace("\n", " ")]

    def test_marks_of_labels_hide_no_bullet_and_no_heading_and_leave_no_trace(self):
        (item,) = page_blocks([paragraph(f"{ROW}• Name: Ann")])
        assert (item.kind, item.text) == (BlockKind.LIST_ITEM, "Name: Ann")
        _, heading = page_blocks([paragraph(f"{FULL}\n{FULL}."), paragraph(f"{ROW}2.1 Fees: all")])
        assert (heading.kind, heading.text) == (BlockKind.HEADING, "2.1 Fees: all")
        page = [paragraph(FULL), Block(BlockKind.LIST_ITEM, f"Name: Ann and\n{ROW}Ben: Bo", 1)]
        assert all(ROW not in text for text in texts(page_blocks(page)))
