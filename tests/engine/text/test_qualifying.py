"""Words that deny, limit or warn, by language."""

from citewell.engine.text.qualifying import NEGATORS, QUALIFIERS, denials, without_ending


class TestFound:
    def test_words_of_the_other_language_are_not_found(self):
        assert QUALIFIERS.found("trả nợ ở no 5", "vi") == []
        assert QUALIFIERS.found("the cấm office in cam ranh", "en") == []

    def test_text_of_an_unknown_language_is_searched_for_both(self):
        assert NEGATORS.found("no entry, cấm vào", "und") == ["no", "cấm"]

    def test_marks_decide_where_a_text_has_any(self):
        for text in (
            "bể chứa",
            "sữa chua",
            "những ai",
            "lưu trữ ở trụ sở",
            "trước cổng",
            "tranh vẽ",
        ):
            assert QUALIFIERS.found(text, "vi") == [], text
        for text in ("chưa mở", "chua mo", "nhưng", "trừ lễ", "trước lễ", "riêng khách", "tránh"):
            assert QUALIFIERS.found(text, "vi"), text


class TestDenials:
    def test_bounds_and_words_that_only_fold_to_negators_deny_nothing(self):
        for text, language, count in (
            ("not later than noon", "en", 0),
            ("it isn't never open", "en", 2),
            ("không quá hai giờ", "vi", 0),
            ("cam kết sửa chữa", "vi", 0),
            ("cam ket sua chua", "vi", 0),
            ("chưa mở cửa", "vi", 1),
        ):
            assert denials(text, language) == count, text


class TestWithoutEnding:
    def test_ending_of_a_question_is_taken_off(self):
        for question in ("Có mở cửa không?", "Co mo cua khong", "Đã mở cửa chưa ạ?"):
            assert denials(without_ending(question, "vi"), "vi") == 0, question
        assert denials(without_ending("Không mở cửa à?", "vi"), "vi") == 1
