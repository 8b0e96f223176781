# ruff: noqa: RUF001 - the marks of other scripts are meant

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citewell.engine.text.sentences import MAX_SENTENCE_CHARS, split_sentences
from tests.examples import examples
from tests.timing import processor_seconds


def split(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, language)]


class TestEnglish:
    @pytest.mark.parametrize(
        "sentences",
        [
            ["Mr. Hale met Dr. J. K. Osei at 3.14 p.m.", "He left."],
            ["See No. 5 of Art. 12 in the U.S. Army manual.", "I said no.", "Then we left."],
            ["Bring e.g. a passport, i.e. photo ID, etc.", "Copies are refused."],
            ["It is sold by Lamfen Ltd. Bristol and others.", "Ask them."],
            ["It grew in the U.S. and Canada.", "In the U.S.", "The law is older."],
            ["4.2. Scope of work.", "This applies to all."],
            ["Visit https://a.example/b.html or write to a@b.example.", "We reply in 2.5 days!"],
            ['He said "Go now."', "Then he left (by car.)", "“Why?” asked she.", "No one knew."],
            ["It was shown.[1]", "Later it was doubted.[2][13]", "It stands."],
            ["Wait... and see.", "What?!", "Yes."],
            ["The Yahoo! portal is closed.", "So is v. 2 of it."],
        ],
    )
    def test_marks_inside_a_sentence_do_not_end_it(self, sentences: list[str]):
        assert split(" ".join(sentences)) == sentences


class TestVietnamese:
    @pytest.mark.parametrize(
        "sentences",
        [
            [
                "Ông A là PGS.TS. Trần Bình ở TP. Hồ Chí Minh.",
                "Giá là 1.000.000 đồng, v.v.",
                "Hết.",
            ],
            ["Gặp ThS. Lê Văn B. tại P. 5, Q. 1.", "Sau đó về."],
            ["Điều 12. Phạm vi điều chỉnh.", "Quy chế này áp dụng từ ngày 01.02.2026."],
            ["Theo Thông tư số 5.", "Quy định mới có hiệu lực."],
            ["Mức trả là 150.000 đồng một ca.", "Ngày lễ trả gấp đôi."],
        ],
    )
    def test_marks_inside_a_sentence_do_not_end_it(self, sentences: list[str]):
        assert split(" ".join(sentences), "vi") == sentences


class TestOtherLanguages:
    def test_full_width_marks_need_no_space(self):
        assert split("今天天气好。明天呢？“好！”他说") == [
            "今天天气好。",
            "明天呢？",
            "“好！”",
            "他说",
        ]

    def test_german_ordinal_does_not_end_a_sentence(self):
        assert split("Am 3. Oktober ist frei. Am 4. nicht.", "de") == [
            "Am 3. Oktober ist frei.",
            "Am 4. nicht.",
        ]


class TestLayout:
    def test_blank_line_always_ends_a_sentence(self):
        assert split("Leave policy\n\nand what it means") == ["Leave policy", "and what it means"]

    def test_table_rows_are_one_unit_each(self):
        assert split("Name | Price\nA. Fox | 3. Then\nB | 4") == [
            "Name | Price",
            "A. Fox | 3. Then",
            "B | 4",
        ]

    def test_list_items_are_apart_and_wrapped_lines_are_joined(self):
        text = (
            "You need a photo of yourself and a signed\nform of Lamfen. Bring:\n"
            "- one pen\n- two sheets\n1. Sign.\na) Date it"
        )
        assert split(text) == [
            "You need a photo of yourself and a signed\nform of Lamfen.",
            "Bring:",
            "- one pen",
            "- two sheets",
            "1. Sign.",
            "a) Date it",
        ]

    def test_short_lines_stand_alone(self):
        assert split("Monday 9 to 5\nTuesday 9 to 6") == ["Monday 9 to 5", "Tuesday 9 to 6"]

    def test_line_that_ends_within_a_phrase_goes_on(self):
        text = "The tram between\nOldfield\nand\nWestmere\nruns at night.\nSign in\nName"
        found = [text[span.start : span.end] for span in split_sentences(text)]
        joined = "The tram between\nOldfield\nand\nWestmere\nruns at night."
        assert found == [joined, "Sign in", "Name"]

    def test_leaders_join_a_name_with_its_value(self):
        text = "Width … 95 cm\nLoad, closed … 120 kg, even\nLoad, open ... 80 kg, even"
        assert split(text) == text.split("\n")

    def test_steps_are_items(self):
        text = "Step 1. Lay the top down\nStep 2. Screw in the legs\nBước 3: Siết chặt"
        assert split(text)[0] == "Step 1. Lay the top down"
        assert len(split(text)) == 3

    def test_very_long_sentence_is_cut_at_a_clause(self):
        text = ", ".join(["the tenant pays what is due"] * 50) + "."
        parts = split(text)
        assert len(parts) == 3
        assert all(part.endswith((",", ".")) for part in parts)
        assert all(len(part) <= MAX_SENTENCE_CHARS for part in parts)


_pieces = st.lists(
    st.sampled_from(
        [".", " ", "\n", "A", "b", "1", "(", '"', "|", "?", "。", "e.g", "Dr", "\u0301", "U.S"]
    ),
    max_size=300,
).map("".join)


class TestAnyText:
    @given(text=st.text(max_size=300) | _pieces, language=st.sampled_from(["en", "vi", "de"]))
    @settings(max_examples=examples(300))
    def test_spans_are_trimmed_ordered_and_hold_all_that_is_visible(self, text, language):
        at = 0
        for start, end in split_sentences(text, language):
            assert at <= start < end <= len(text)
            assert not text[at:start].strip()
            assert not text[start].isspace()
            assert not text[end - 1].isspace()
            assert end - start <= MAX_SENTENCE_CHARS
            at = end
        assert not text[at:].strip()

    @pytest.mark.parametrize(
        "piece",
        [
            ".",
            ". ",
            ".)",
            "a",
            "\n",
            "A.\n",
            "(",
            " ",
            "1.",
            ".[1]",
            "。",
            ". (",
            "a, ",
            '! "',
            "A. ",
        ],
    )
    def test_hostile_runs_take_linear_time(self, piece: str):
        def seconds(length: int) -> float:
            text = piece * (length // len(piece)) + "X X"
            return processor_seconds(lambda: split_sentences(text))

        seconds(1_000)
        # Ten times the work; a quadratic cost would be a hundred times.
        assert seconds(200_000) < 60 * max(seconds(20_000), 0.002)
