import pytest

from citewell.engine.lexical.codes import code_key, find_codes
from tests.timing import processor_seconds


def keys(text: str, *, is_query: bool = False) -> list[str]:
    return [code.key for code in find_codes(text, is_query=is_query)]


class TestFindCodes:
    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ("theo Nghị định 123/2020/NĐ-CP của", "123-2020-nd-cp"),
            ("see HR-POL-007.", "hr-pol-007"),
            ("đạt TCVN 5574:2018 về", "tcvn-5574-2018"),
            ("(ISO/IEC 27001:2022)", "iso-iec-27001-2022"),
            ("the X200 model", "x-200"),
            ("ERR_CONN_42", "err-conn-42"),
            ("on 12/05/2020", "12-05-2020"),
        ],
    )
    def test_code_in_a_sentence_is_found(self, text: str, key: str) -> None:
        assert key in keys(text)

    @pytest.mark.parametrize(
        "text", ["in year 2020", "1,000,000", "3.5% at 10:30", "e-mail and/or fax", "1990s 21st"]
    )
    def test_plain_words_and_numbers_are_no_codes(self, text: str) -> None:
        assert keys(text) == []

    def test_lower_case_name_is_a_code_in_a_question_only(self) -> None:
        assert keys("what does iso 27001 ask") == []
        assert keys("what does iso 27001 ask", is_query=True) == ["iso-27001"]

    def test_hostile_chain_takes_no_time(self) -> None:
        for chain in ("AB-" * 20_000 + "1", "a1" * 30_000):
            assert processor_seconds(lambda chain=chain: find_codes(chain)) < 0.5


class TestCodeKey:
    def test_spellings_meet(self) -> None:
        assert len({code_key(code) for code in ("ISO-27001", "iso 27001", "ISO27001")}) == 1
        assert code_key("123/2020/NĐ-CP") == code_key("123/2020/nd-cp")

    def test_different_dates_stay_apart(self) -> None:
        assert code_key("1/12/2020") != code_key("11/2/2020")


class TestPrefixes:
    def test_leading_parts_with_a_number_are_given(self) -> None:
        (code,) = find_codes("123/2020/NĐ-CP")
        assert code.prefixes() == ["123-2020", "123-2020-nd"]

    def test_leading_parts_without_a_number_are_not(self) -> None:
        (code,) = find_codes("HR-POL-007")
        assert code.prefixes() == []
