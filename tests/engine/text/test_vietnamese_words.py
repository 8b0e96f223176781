"""The lexicon of Vietnamese words of several syllables."""

import re
import unicodedata
from importlib.resources import files

from citewell.engine.text.vietnamese_words import words_in


def found(text: str, *, is_folded: bool = False) -> list[str]:
    syllables = text.split()
    return [
        " ".join(syllables[place.start : place.stop])
        for place in words_in(syllables, is_folded=is_folded)
    ]


class TestWordsIn:
    def test_longest_word_at_each_place_counts(self) -> None:
        assert found("phòng tài chính thu mấy tấn chè") == ["tài chính"]
        assert "ủy ban nhân dân" in found("ủy ban nhân dân xã")

    def test_place_of_the_tone_mark_does_not_matter(self) -> None:
        assert found("thoả thuận") == found("thỏa thuận".replace("thỏa", "thoả"))
        assert found("thỏa thuận") == ["thỏa thuận"]

    def test_words_without_marks_are_known_by_their_letters(self) -> None:
        assert found("tai chinh", is_folded=True) == ["tai chinh"]
        assert found("tai chinh") == []


class TestLexicon:
    def test_it_is_written_as_its_head_says(self) -> None:
        text = files("citewell.engine.text").joinpath("vietnamese_words.txt").read_text("utf-8")
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        listed = [word.strip() for line in lines for word in line.split(",") if word.strip()]
        assert len(listed) > 3_000
        assert len(set(listed)) == len(listed)
        assert unicodedata.is_normalized("NFC", text)
        assert max(map(len, text.splitlines())) <= 100
        assert [
            one for one in listed if not re.fullmatch(r"[^\W\d_]+(?: [^\W\d_]+){1,3}", one)
        ] == []
