import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewell.engine.answering.drafting import Draft, SentenceStream
from citewell.engine.answering.marks import MarkFilter, without_marks


def filtered(text: str, piece: int = 10_000) -> tuple[str, list[tuple[int, ...]]]:
    marks = MarkFilter()
    found = []
    for start in range(0, len(text), piece):
        found += marks.feed(text[start : start + piece])
    found += marks.finish()
    return "".join(one.text for one in found), [one.numbers for one in found if one.numbers]


class TestMarkFilter:
    @pytest.mark.parametrize("piece", [1, 2, 5, 1000])
    @pytest.mark.parametrize(
        ("text", "plain", "numbers"),
        [
            ("Leave is paid [1].", "Leave is paid.", [(1,)]),
            ("Leave is paid. [1][2] Next.", "Leave is paid. Next.", [(1,), (2,)]),
            ("Leave is paid [1, 2].", "Leave is paid.", [(1, 2)]),
            ("Leave is paid [1-3].", "Leave is paid.", [(1, 2, 3)]),
            ("Leave is paid【2】.", "Leave is paid.", [(2,)]),
            ("Leave is paid【2†source】.", "Leave is paid.", [(2,)]),
            ("Leave is paid (1).", "Leave is paid.", [(1,)]),
            ("Leave is paid. (2)", "Leave is paid.", [(2,)]),
            ("Leave is paid [^1].", "Leave is paid.", [(1,)]),
            ("Leave is paid [Passage 3].", "Leave is paid.", [(3,)]),
            ("Nghỉ có lương [đoạn 3].", "Nghỉ có lương.", [(3,)]),
            ("Leave is paid [1] and [2] taxed.", "Leave is paid and taxed.", [(1,), (2,)]),
        ],
    )
    def test_style_of_mark_is_taken_out(
        self, text: str, plain: str, numbers: list[tuple[int, ...]], piece: int
    ) -> None:
        assert filtered(text, piece) == (plain, numbers)

    @pytest.mark.parametrize("piece", [1, 3, 1000])
    @pytest.mark.parametrize(
        "text",
        [
            "Three (3) copies are sent.",
            "See [the list] and [2024] and (a).",
            "(1) First comes this.",
            "An open [1",
            "f(x) = [a, b]",
            "[draft] [",
        ],
    )
    def test_what_is_no_mark_stays(self, text: str, piece: int) -> None:
        assert filtered(text, piece) == (text, [])

    @given(st.text(alphabet="ab1,- .()[]【】\n", max_size=60), st.integers(1, 7))
    def test_pieces_make_no_difference(self, text: str, piece: int) -> None:
        assert filtered(text, piece) == filtered(text)


def drafts(text: str, piece: int = 10_000) -> list[Draft]:
    stream = SentenceStream("en")
    found: list[Draft] = []
    for start in range(0, len(text), piece):
        found += stream.feed(text[start : start + piece])
    return [*found, *stream.finish()]


class TestSentenceStream:
    @pytest.mark.parametrize("piece", [1, 4, 9, 1000])
    def test_marks_go_to_their_sentence(self, piece: int) -> None:
        text = "Leave is 24 days [1]. Meals cost 8 euros. [2][3] Ask Dr. Lee about it [4]."
        found = drafts(text, piece)
        assert [(draft.text, draft.claimed) for draft in found] == [
            ("Leave is 24 days.", (1,)),
            ("Meals cost 8 euros.", (2, 3)),
            ("Ask Dr. Lee about it.", (4,)),
        ]

    @pytest.mark.parametrize("piece", [1, 6, 1000])
    def test_list_items_are_sentences_and_keep_their_lines(self, piece: int) -> None:
        found = drafts("- 24 days of leave [1]\n- 8 euros for a meal [2]\n", piece)
        assert [draft.claimed for draft in found] == [(1,), (2,)]
        assert [draft.lead + draft.text for draft in found] == [
            "- 24 days of leave",
            "\n- 8 euros for a meal",
        ]

    def test_bare_word_is_read_with_the_next_sentence(self) -> None:
        found = drafts("Yes. Employees may work at home [1].")
        assert [draft.text for draft in found] == ["Yes. Employees may work at home."]

    def test_bare_word_alone_is_a_sentence(self) -> None:
        found = drafts("Yes. [1]")
        assert [(draft.text, draft.claimed) for draft in found] == [("Yes.", (1,))]

    def test_mark_between_sentences_without_space_parts_them(self) -> None:
        found = drafts("Leave is 24 days.[1]Meals cost 8 euros.[2]")
        assert [draft.claimed for draft in found] == [(1,), (2,)]

    @given(st.text(alphabet="abC1. \n![]-", max_size=120), st.integers(1, 9))
    def test_pieces_make_no_difference(self, text: str, piece: int) -> None:
        assert drafts(text, piece) == drafts(text)


class TestWithoutMarks:
    def test_footnote_numbers_of_a_document_are_no_marks(self) -> None:
        text = "Cited twice.[1][2-4] See 【5】, [x] and [1234] (6)."
        assert without_marks(text) == "Cited twice.(1)(2-4) See (5), [x] and [1234] (6)."
