from collections.abc import Sequence

import pytest

from citewell.engine.chunking.base import BLOCK_SEPARATOR, Chunk, ChunkSizes
from citewell.engine.chunking.kinds import legal_grammar
from citewell.engine.chunking.legal_units import provision_at
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
        assert [chunk.heading[1:] for chunk in chunks] == [(), (), ("Khoản 5",)]

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


ACT = (
    "CHAPTER II RIGHTS",
    "Article 3\nScope",
    "This Regulation shall apply to members of the cooperative.",
    "Article 4 Right to leave",
    "1. A member shall give notice.",
    "2. The board shall pay:",
    f"(a) in writing {words(25)}",
    f"(b) at once {words(25)}",
    "Article 5 Costs",
    "Costs shall be borne by the cooperative.",
)
BYLAWS = (
    "ARTICLE I. OFFICES",
    "Section 1.1 Seat. The seat shall be in Dover.",
    "Section 1.2 Others. The company may keep others as the board shall decide.",
    "ARTICLE II. MEETINGS",
    "Section 2.1 Notice. Notice shall be given:",
    f"(a) by letter {words(30)}",
    f"(b) by wire {words(30)}",
)


class TestByKind:
    def test_law_is_cut_as_one_without_being_told(self) -> None:
        assert cut(*LAW, strategy="structure") == cut(*LAW)

    def test_clause_and_point_of_a_chunk_are_in_its_path(self) -> None:
        chunks = cut(*ACT, strategy="structure")
        assert [chunk.heading[1:] for chunk in chunks] == [
            ("Article 3 Scope",),
            ("Article 4 Right to leave", "(1)"),
            ("Article 4 Right to leave", "(2)", "(a)"),
            ("Article 4 Right to leave", "(2)", "(b)"),
            ("Article 5 Costs",),
        ]

    def test_sections_below_articles_are_the_unit(self) -> None:
        paths = [chunk.heading for chunk in cut(*BYLAWS, strategy="structure")]
        assert [path[1][:11] for path in paths] == [
            "Section 1.1", "Section 1.2", "Section 2.1", "Section 2.1",
        ]  # fmt: skip
        assert paths[-1][2:] == ("(b)",)

    @pytest.mark.parametrize(
        "texts",
        [
            ("Article 1: Setup", "Plug it in.", "Article 2: Use", "Go.", "Article 3: Care", "Dry."),
            ("Theo Điều 5. của luật", "Điều 12. như trên", "Điều 7. và", "Điều 9. cũng vậy"),
            ("Section 3 of this Act shall apply.", "Section 4 shall not.", "Section 5 shall too."),
            ("Điều 1. Chỉ một", "Điều 2. Hai là đủ khi có tên"),
        ],
    )
    def test_other_texts_are_not_taken_for_law(self, texts: tuple[str, ...]) -> None:
        assert legal_grammar(Block(BlockKind.PARAGRAPH, text) for text in texts) is None


class TestProvisions:
    TEXT = "Điều 12. Nghỉ\n\n1. Năm ngày.\n\n2. Sáu ngày khi:\n\na) ốm;\n\nb) cưới."

    @pytest.mark.parametrize(
        ("quote", "cited"),
        [
            ("Nghỉ", "Điều 12"),
            ("1. Năm", "Điều 12, Khoản 1"),
            ("cưới", "Điều 12, Khoản 2, Điểm b"),
            ("Sáu ngày khi:\n\na) ốm", "Điều 12, Khoản 2"),
            ("Năm ngày.\n\n2. Sáu", "Điều 12"),
        ],
    )
    def test_quote_is_cited_by_the_smallest_unit_around_it(self, quote: str, cited: str) -> None:
        start = self.TEXT.index(quote)
        found = provision_at(("Chương II", "Điều 12. Nghỉ"), self.TEXT, start, start + len(quote))
        assert found is not None
        assert found.cited == cited
        assert found.path[:2] == ("Chương II", "Điều 12. Nghỉ")

    def test_passage_from_the_middle_goes_on_in_its_clause(self) -> None:
        path = ("Article 7 Erasure", "(2)", "(a)")
        found = provision_at(path, "on paper;\n(b) by wire.", 0, 5)
        assert found is not None
        assert found.cited == "Article 7(2)(a)"
        found = provision_at(path, "on paper;\n(b) by wire.", 14, 18)
        assert found is not None
        assert found.path == ("Article 7 Erasure", "(2)", "(b)")

    def test_other_headings_have_none(self) -> None:
        assert provision_at(("Chapter 2", "Leave"), "1. Five days.", 3, 7) is None
