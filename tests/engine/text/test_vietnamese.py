import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.vietnamese import (
    folded_key,
    has_diacritics,
    is_syllable,
    syllable_key,
)


class TestSyllableKey:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("hòa", "hoà"),
            ("thúy", "thuý"),
            ("khỏe", "khoẻ"),
            ("kỹ", "kĩ"),
            ("sỹ", "sĩ"),
            ("quý", "quí"),
            ("ly", "li"),
        ],
    )
    def test_two_spellings_of_a_syllable_are_equal(self, one: str, other: str) -> None:
        assert one != other
        assert syllable_key(one) == syllable_key(other)

    def test_tones_and_vowels_stay_apart(self) -> None:
        syllables = ["ma", "mà", "má", "mả", "mã", "mạ", "mâ", "mă", "mấ", "mắ", "da", "đa"]
        assert len({syllable_key(syllable) for syllable in syllables}) == len(syllables)

    def test_y_in_a_diphthong_is_not_i(self) -> None:
        assert syllable_key("thủy") != syllable_key("thủi")
        assert syllable_key("tay") != syllable_key("tai")

    @given(st.text(alphabet="abcdeghiklmnopqrstuvxyăâđêôơưàáảãạếềộợứỹ", min_size=1, max_size=7))
    def test_any_syllable_keeps_its_key_when_decomposed(self, word: str) -> None:
        composed = normalise(word)
        assert syllable_key(composed) == syllable_key(normalise(unicodedata.normalize("NFD", word)))
        assert folded_key(composed) == folded_key(fold(composed))


class TestIsSyllable:
    @pytest.mark.parametrize(
        "word",
        [
            "nghieng",
            "thuong",
            "nguyen",
            "khuya",
            "quyet",
            "giua",
            "yeu",
            "uong",
            "oan",
            "hoai",
            "ngoeo",
            "ai",
            "o",
            "kien",
        ],
    )
    def test_vietnamese_shape_is_recognised(self, word: str) -> None:
        assert is_syllable(word)

    @pytest.mark.parametrize(
        "word", ["vpn", "laptop", "wifi", "street", "was", "iso", "mr", "zoo", "nghieeng"]
    )
    def test_foreign_shape_is_refused(self, word: str) -> None:
        assert not is_syllable(word)


class TestHasDiacritics:
    def test_accented_text_is_seen(self) -> None:
        assert has_diacritics("đi")
        assert has_diacritics("nghỉ phép")

    def test_plain_text_is_not(self) -> None:
        assert not has_diacritics("nghi phep ñ ü")
