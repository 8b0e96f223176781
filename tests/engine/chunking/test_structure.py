import itertools
import time
import tracemalloc
from collections.abc import Sequence

import pytest

from citewell.engine.chunking.base import BLOCK_SEPARATOR, Chunk, ChunkSizes
from citewell.engine.chunking.structure import StructureChunker
from citewell.engine.parsing.base import Block, BlockKind


def count(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


SIZES = ChunkSizes(target=40, maximum=60, reserved=10)


def heading(text: str, level: int = 1) -> Block:
    return Block(BlockKind.HEADING, text, level=level)


def paragraph(text: str, page: int | None = None) -> Block:
    return Block(BlockKind.PARAGRAPH, text, page=page)


def words(n: int, word: str = "word") -> str:
    """One sentence of n words."""
    return " ".join(["The", *[word] * (n - 2), "ends."])


def cut(*blocks: Block, sizes: ChunkSizes = SIZES) -> list[Chunk]:
    chunker = StructureChunker(count, sizes)
    chunks = [chunk for block in blocks for chunk in chunker.feed(block)]
    chunks.extend(chunker.finish())
    extracted = BLOCK_SEPARATOR.join(block.text for block in blocks)
    assert all(chunk.text == extracted[chunk.start : chunk.end] for chunk in chunks)
    return chunks


class TestSections:
    def test_sections_that_are_big_enough_are_kept_apart(self):
        chunks = cut(heading("One"), paragraph(words(15)), heading("Two"), paragraph(words(15)))
        assert [chunk.heading for chunk in chunks] == [("One",), ("Two",)]
        assert chunks[1].text.startswith("Two\n\nThe")

    def test_tiny_section_joins_its_sibling_under_their_shared_heading(self):
        chunks = cut(
            heading("Guide"),
            heading("Phone", 2),
            paragraph("Call 115."),
            heading("Mail", 2),
            paragraph("Write to us at the desk."),
        )
        assert [chunk.heading for chunk in chunks] == [("Guide",)]
        assert chunks[0].token_count == 11

    def test_heading_is_never_left_behind_at_the_end_of_a_chunk(self):
        chunks = cut(
            heading("One"), paragraph(words(30)), paragraph(words(8)), heading("Two"),
            paragraph(words(39)),
        )  # fmt: skip
        assert [chunk.text.split("\n")[0] for chunk in chunks] == ["One", "Two"]

    def test_deeper_heading_extends_and_higher_heading_closes_the_path(self):
        body = paragraph(words(20))
        chunks = cut(
            heading("A"), body, heading("B", 2), body, heading("C", 4), body, heading("D", 2), body
        )
        assert [chunk.heading for chunk in chunks] == [
            ("A",),
            ("A", "B"),
            ("A", "B", "C"),
            ("A", "D"),
        ]

    def test_headings_without_text_are_not_lost(self):
        chunks = cut(heading("A"), heading("B", 2))
        assert [chunk.text for chunk in chunks] == ["A\n\nB"]
        assert chunks[0].heading == ("A", "B")


class TestParagraphs:
    def test_paragraphs_of_a_section_are_packed_to_the_target(self):
        chunks = cut(*[paragraph(words(10)) for _ in range(8)])
        assert [chunk.token_count for chunk in chunks] == [40, 40]

    def test_long_paragraph_is_cut_between_sentences_evenly(self):
        chunks = cut(paragraph(" ".join(words(10) for _ in range(9))))
        assert [chunk.token_count for chunk in chunks] == [30, 30, 30]
        assert all(chunk.text.endswith("ends.") for chunk in chunks)

    def test_sentence_beyond_the_limit_is_cut_between_words(self):
        chunks = cut(paragraph(words(180)))
        assert all(chunk.token_count <= SIZES.limit for chunk in chunks)
        assert sum(chunk.token_count for chunk in chunks) == 180

    def test_page_is_where_the_chunk_begins(self):
        chunks = cut(paragraph(words(30), 1), paragraph(words(8), 2), paragraph(words(30), 3))
        assert [chunk.page for chunk in chunks] == [1, 3]

    def test_overlap_repeats_whole_sentences_of_the_same_section(self):
        sizes = ChunkSizes(target=40, maximum=60, reserved=10, overlap=12)
        text = " ".join(words(10, f"w{n}") for n in range(9))
        chunks = cut(paragraph(text), sizes=sizes)
        for before, after in itertools.pairwise(chunks):
            assert after.start < before.end
            assert after.text.startswith(before.text[after.start - before.start :])
            assert text[after.start - 6 : after.start] == "ends. "

    def test_overlap_never_crosses_a_heading(self):
        sizes = ChunkSizes(target=40, maximum=60, reserved=10, overlap=12)
        chunks = cut(paragraph(words(30)), heading("Next"), paragraph(words(30)), sizes=sizes)
        assert chunks[1].text.startswith("Next")

    def test_overlap_never_crosses_to_the_next_provision(self):
        sizes = ChunkSizes(target=60, maximum=110, reserved=10, overlap=20)
        first, second = "Điều 1. Nghỉ. Hết.", "Điều 2. " + words(94)
        assert [c.text for c in cut(paragraph(first), paragraph(second), sizes=sizes)] == [
            first,
            second,
        ]


class TestTablesAndLists:
    def test_long_table_is_cut_between_rows_and_keeps_its_header_as_context(self):
        rows = [f"plan {n} | {n} 000 VND | per month" for n in range(20)]
        table = Block(BlockKind.TABLE, "\n".join(["Name | Price | Term", *rows]))
        chunks = cut(table)
        assert len(chunks) > 1
        assert chunks[0].context == ""
        assert {chunk.context for chunk in chunks[1:]} == {"Name | Price | Term"}
        assert [line for chunk in chunks for line in chunk.text.split("\n")] == [
            "Name | Price | Term",
            *rows,
        ]

    def test_list_stays_with_its_lead_in(self):
        items = [Block(BlockKind.LIST_ITEM, f"item {n} of it") for n in range(3)]
        chunks = cut(paragraph(words(36)), paragraph("You need the following:"), *items)
        assert chunks[1].text.startswith("You need the following:\n\nitem 0")

    def test_list_cut_in_two_carries_the_lead_in_as_context(self):
        items = [Block(BlockKind.LIST_ITEM, words(12)) for _ in range(5)]
        chunks = cut(paragraph("First. You need the following:"), *items)
        assert [chunk.context for chunk in chunks] == ["", "You need the following:"]

    def test_code_is_cut_between_lines_with_its_indentation(self):
        lines = ["def f():", *[f"    call({n}) and go on with it" for n in range(20)]]
        chunks = cut(Block(BlockKind.CODE, "\n".join(lines)))
        assert [line for chunk in chunks for line in chunk.text.split("\n")] == lines
        assert len(chunks) > 2


class TestVietnameseLaw:
    def test_units_in_plain_paragraphs_make_the_path(self):
        chunks = cut(
            heading("Quy chế"),
            paragraph("Chương I"),
            paragraph("QUY ĐỊNH CHUNG"),
            paragraph("Điều 1. Phạm vi điều chỉnh"),
            paragraph(words(20)),
            paragraph("Chương II. Nghỉ phép"),
            paragraph("Điều 12. Ngày nghỉ"),
            paragraph("1. " + words(20)),
        )
        assert [chunk.heading for chunk in chunks] == [
            ("Quy chế", "Chương I QUY ĐỊNH CHUNG", "Điều 1. Phạm vi điều chỉnh"),
            ("Quy chế", "Chương II. Nghỉ phép", "Điều 12. Ngày nghỉ"),
        ]

    def test_provision_in_the_line_of_its_article_is_text_of_that_article(self):
        body = "Điều 2. Hiệu lực. " + words(20)
        chunks = cut(paragraph("Điều 1. Phạm vi"), paragraph(words(20)), paragraph(body))
        assert chunks[1].text == body
        assert chunks[1].heading[0].startswith("Điều 2. Hiệu lực.")

    @pytest.mark.parametrize(
        "text",
        [
            "Điều 12 của Quy chế này áp dụng cho mọi nhân viên",
            "Điều 12 Luật Lao động áp dụng cho mọi nhân viên",
            "Mục 1 quy định về thời gian",
            "Mục tiêu của công ty",
            "Phần mềm kế toán",
        ],
    )
    def test_sentence_that_mentions_a_unit_is_no_heading(self, text: str):
        assert cut(paragraph(text))[0].heading == ()

    def test_headings_from_the_parser_keep_their_places(self):
        chunks = cut(
            heading("Luật", 1),
            heading("Chương I", 2),
            heading("Lưu ý", 3),
            paragraph("Điều 4. Định nghĩa"),
            paragraph(words(20)),
        )
        assert chunks[0].heading == ("Luật", "Chương I", "Lưu ý", "Điều 4. Định nghĩa")


class TestHostileInput:
    @pytest.mark.volume
    def test_paragraph_without_a_space_streams_in_bounded_memory_and_linear_time(self):
        text = "x" * 2_000_000
        chunker = StructureChunker(count, ChunkSizes())
        tracemalloc.start()
        started = time.thread_time()
        covered = sum(len(chunk.text) for chunk in chunker.feed(paragraph(text)))
        covered += sum(len(chunk.text) for chunk in chunker.finish())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert covered == len(text)
        assert peak < 3_000_000
        assert time.thread_time() - started < 10

    @pytest.mark.parametrize("space", [" ", "\n"])
    def test_a_million_spaces_end_a_chunk_and_are_not_held(self, space: str):
        text = "Before." + space * 1_000_000 + "After."
        chunks = cut(paragraph(text), sizes=ChunkSizes())
        assert [chunk.text for chunk in chunks] == ["Before.", "After."]

    def test_space_at_the_end_of_a_block_counts_in_the_offsets(self):
        for length in (60, 100):
            chunks = cut(
                paragraph("Before." + " " * length), paragraph("After."), sizes=ChunkSizes()
            )
            assert chunks[-1].text.endswith("After.")

    def test_empty_document_has_no_chunks(self):
        assert cut() == []
        assert cut(paragraph(""), paragraph(" \n ")) == []

    def test_many_empty_blocks_count_in_the_offsets(self):
        chunks = cut(*[paragraph("")] * 100, paragraph("Here."))
        assert chunks[0].start == 200


class TestSheets:
    def test_sheets_share_no_chunk_however_short_they_are(self) -> None:
        def sheet(name: str, number: int, starts_sheet: bool) -> list[Block]:
            name_of = Block(BlockKind.HEADING, name, number, level=1, starts_sheet=starts_sheet)
            return [name_of, paragraph("Two words.", number)]

        apart = cut(*sheet("Notes", 1, True), *sheet("Prices", 2, True))
        assert [(each.heading, each.page, each.page_breaks) for each in apart] == [
            (("Notes",), 1, ()), (("Prices",), 2, ()),
        ]  # fmt: skip
        # Pages of slides or of print, which have no such names, do.
        [together] = cut(*sheet("Notes", 1, False), *sheet("Prices", 2, False))
        assert together.page_breaks
