# ruff: noqa: RUF001 - letters of other scripts are meant
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewell.engine.parsing.cleaning import clean_line, clean_text, join_lines, scrub

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=200)


class TestScrub:
    @given(ANYTHING)
    def test_result_can_be_stored_and_shown(self, text):
        cleaned = scrub(text)
        cleaned.encode("utf-8")
        assert unicodedata.is_normalized("NFC", cleaned)
        controls = {c for c in cleaned if unicodedata.category(c) in ("Cc", "Cs")}
        assert controls <= {"\n", "\t"}
        assert not set(cleaned) & set("\u202a\u202e\u2066\u2069\u200b\ufeff\u00ad")

    @given(ANYTHING)
    def test_second_pass_changes_nothing(self, text):
        assert scrub(scrub(text)) == scrub(text)

    def test_marks_are_composed_and_ligatures_opened(self):
        assert scrub("Vie\u0323\u0302t ﬁnds co\u00adop\u00a0x") == "Việt finds coop x"

    def test_joiners_stay_where_they_mean_something(self):
        assert scrub("می\u200cخواهم 👩\u200d🔧 a\u200cb") == "می\u200cخواهم 👩\u200d🔧 ab"


class TestCleanText:
    def test_spaces_lines_and_leaders_are_collapsed(self):
        text = " a \t b \r\n\r\n\r\n\nIntro . . . . . . . . 12 "
        assert clean_text(text) == "a b\n\nIntro … 12"

    def test_line_has_no_line_end(self):
        assert clean_line(" a\u2028b\x00\r\n c ") == "a b c"

    @given(ANYTHING)
    def test_cleaning_is_stable(self, text):
        assert clean_text(clean_text(text)) == clean_text(text)


class TestJoinLines:
    @pytest.mark.parametrize(
        ("lines", "joined"),
        [
            (["infor-", "mation"], "information"),
            (["well-", "known"], "well-known"),
            (["state-of-the-", "art"], "state-of-the-art"),
            (["2010-", "2020"], "2010- 2020"),
            (["a", "", "b"], "a b"),
            (["日本", "語"], "日本語"),
            (["nghỉ", "phép"], "nghỉ phép"),
        ],
    )
    def test_lines_join_as_they_were_written(self, lines, joined):
        assert join_lines(lines) == joined
