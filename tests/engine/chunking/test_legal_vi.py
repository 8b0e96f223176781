from collections.abc import Sequence

import pytest

from citewell.engine.chunking.base import BLOCK_SEPARATOR, Chunk, ChunkSizes
from citewell.engine.chunking.registry import create_chunker
from citewell.engine.parsing.base import Block, BlockKind


def count(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


SIZES = ChunkSizes(target=40, maximum=60, reserved=10)


def words(n: int) -> str:
    return " ".join(["Người", *["lao"] * (n - 2), "động."])


def cut(*texts: str, strategy: str = "legal_vi") -> list[Chunk]:
    blocks = [Block(BlockKind.PARAGRAPH, text) for text in texts]
    chunker = create_chunker(strategy, count, SIZES)
    chunks = [chunk for block in blocks for chunk in chunker.feed(block)]
    chunks.extend(chunker.finish())
    extracted = BLOCK_SEPARATOR.join(texts)
    assert all(chunk.text == extracted[chunk.start : chunk.end] for chunk in chunks)
    return chunks


LAW = (
    "Chương I",
    "QUY ĐỊNH CHUNG",
    "Điều 1. Phạm vi",
    "1. Luật này.",
    "2. Nghị định.",
    "Điều 2. Đối tượng",
    "Mọi người.",
    "Chương II",
    "THỜI GIỜ",
    "Mục 1 THỜI GIỜ LÀM VIỆC",
    "Điều 3. Ngày nghỉ",
    "Nghỉ.",
)


class TestArticles:
    def test_each_article_is_a_chunk_however_short_with_its_path(self) -> None:
        chunks = cut(*LAW)
        assert [chunk.heading for chunk in chunks] == [
            ("Chương I QUY ĐỊNH CHUNG", "Điều 1. Phạm vi"),
            ("Chương I QUY ĐỊNH CHUNG", "Điều 2. Đối tượng"),
            ("Chương II THỜI GIỜ", "Mục 1 THỜI GIỜ LÀM VIỆC", "Điều 3. Ngày nghỉ"),
        ]
        assert chunks[0].text.endswith("1. Luật này.\n\n2. Nghị định.")
        assert chunks[2].text.startswith("Chương II")

    def test_units_in_one_paragraph_are_told_apart(self) -> None:
        chunks = cut("\n".join(LAW))
        assert [chunk.heading[-1] for chunk in chunks] == [
            "Điều 1. Phạm vi", "Điều 2. Đối tượng", "Điều 3. Ngày nghỉ",
        ]  # fmt: skip

    def test_provision_in_the_line_of_its_article_stays_in_it(self) -> None:
        chunks = cut("Điều 1. Luật này có hiệu lực.", "Điều 2. Nghị định hết hiệu lực.")
        assert [chunk.text[:7] for chunk in chunks] == ["Điều 1.", "Điều 2."]


class TestLongArticles:
    @pytest.mark.parametrize("separator", ["\n\n", "\n"])
    def test_clauses_that_fit_stay_whole_and_share_chunks(self, separator: str) -> None:
        clauses = [f"{n}. {words(14)}" for n in range(1, 6)]
        chunks = cut(*separator.join(["Điều 9. Quyền", *clauses]).split("\n\n"))
        assert [chunk.text.split()[0] for chunk in chunks] == ["Điều", "3.", "5."]
        assert {chunk.heading for chunk in chunks} == {("Điều 9. Quyền",)}

    def test_clause_that_does_not_fit_with_the_one_before_is_not_torn(self) -> None:
        points = [f"{mark}) {words(8)}" for mark in ("a", "b", "đ")]
        chunks = cut("Điều 9. Quyền", f"1. {words(20)}", "2. Gồm các điểm sau đây.", *points)
        assert [chunk.text.split()[0] for chunk in chunks] == ["Điều", "2."]
        assert chunks[1].text.endswith(points[-1])

    def test_long_clause_is_cut_between_its_points(self) -> None:
        points = [f"{mark}) {words(15)}" for mark in ("a", "b", "c", "d")]
        chunks = cut("Điều 9. Quyền", f"1. {words(10)}", f"2. {words(6)}", *points, "3. Hết.")
        assert [chunk.text.split()[0] for chunk in chunks] == ["Điều", "2.", "c)"]


class TestOtherTexts:
    def test_text_without_articles_is_cut_as_structure_does(self) -> None:
        texts = ("Mục lục", "1. Mở đầu.", f"2. {words(30)}\na) {words(30)}", words(90), "Hết.")
        assert cut(*texts) == cut(*texts, strategy="structure")
