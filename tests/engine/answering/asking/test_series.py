"""Lists within one sentence."""

from citewell.engine.answering.asking.series import is_series
from tests.engine.answering.passages import answer, passage


class TestIsSeries:
    def test_three_things_with_a_word_before_the_last_are_a_list(self) -> None:
        for text in (
            "The clubs are chess, rowing and film.",
            "The kit includes a hood, two masks, and gloves.",
            "Công ty có các câu lạc bộ: bóng đá, cờ vua và đọc sách.",
            "Hồ sơ gồm đơn, bản sao căn cước, ảnh và phiếu khám.",
            "Not allowed: food, plants, gas.",
        ):
            assert is_series(text), text

    def test_clauses_and_pairs_are_none(self) -> None:
        for text in (
            "The clubs are open, and visitors may join.",
            "After lunch the hall is closed.",
            "Nhà ăn mở cửa lúc 7 giờ và đóng cửa lúc 14 giờ.",
        ):
            assert not is_series(text), text


class TestAnswer:
    def test_sentence_that_lists_is_preferred_to_one_that_only_names_them(self) -> None:
        clubs = passage(
            "Each of our clubs gets 300 euros. The clubs are chess, rowing and film. A new club "
            "needs eight members."
        )
        made = answer("Which clubs are there?", clubs)
        assert made.sentences[0].text == "The clubs are chess, rowing and film."

    def test_vietnamese_list_behind_a_colon_is_found(self) -> None:
        clubs = passage(
            "Mỗi câu lạc bộ được hỗ trợ 6 triệu đồng. Công ty có các câu lạc bộ: bóng đá, cờ vua "
            "và đọc sách.",
            language="vi",
        )
        made = answer("Công ty có những câu lạc bộ nào?", clubs, language="vi")
        assert "cờ vua" in made.sentences[0].text
