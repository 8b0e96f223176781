import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from citewell.engine.text.normalisation import (
    fold,
    is_unspaced,
    normalise,
    unmarked_pattern,
    words,
)


class TestNormalise:
    def test_ligature_and_full_width_become_plain_letters(self) -> None:
        assert normalise("eﬃcient \uff29\uff33\uff2f") == "efficient iso"

    def test_invisible_characters_are_dropped(self) -> None:
        assert normalise("lap\u00adtop\u200b \u202eVPN\ufeff") == "laptop vpn"

    def test_decomposed_and_composed_text_are_equal(self) -> None:
        text = "Nghị định về Đất đai"
        assert normalise(unicodedata.normalize("NFD", text)) == normalise(text)

    @given(st.text())
    def test_any_text_is_a_fixed_point_after_one_pass_of_words(self, text: str) -> None:
        found = words(normalise(text))
        assert all(found)
        assert "".join(found) == "".join(words(" ".join(found)))


class TestWords:
    def test_punctuation_and_underscore_separate(self) -> None:
        assert words("a_b, c-d/e.f") == ["a", "b", "c", "d", "e", "f"]

    def test_marks_of_indic_and_arabic_stay_inside_a_word(self) -> None:
        assert words("हिन्दी में") == ["हिन्दी", "में"]
        assert words("كِتَاب جديد") == ["كِتَاب", "جديد"]

    def test_unspaced_run_is_cut_off_from_latin(self) -> None:
        found = words("vpn接続の手順2024年")
        assert found == ["vpn", "接続の手順", "2024", "年"]
        assert [is_unspaced(word) for word in found] == [False, True, False, True]


class TestFold:
    def test_accents_and_strokes_go(self) -> None:
        assert (
            fold("nghị định đất đai, café, straße łódź") == "nghi dinh dat dai, cafe, straße lodz"
        )

    def test_vowel_signs_and_hangul_stay(self) -> None:
        assert fold("हिन्दी 한국어") == "हिन्दी 한국어"


class TestUnmarkedPattern:
    def test_letters_stand_for_those_with_marks_in_both_cases(self) -> None:
        pattern = unmarked_pattern("so tay (d)")
        assert pattern is not None
        for text in ("so tay (d)", "Sổ tay (Đ)", "SỞ TẤY (đ)", "Sô\u0309 tay (d)"):
            assert re.fullmatch(pattern, text), text
        assert not re.fullmatch(pattern, "so taz (d)")

    def test_text_with_marks_stands_for_itself_alone(self) -> None:
        assert unmarked_pattern("sổ") is None
