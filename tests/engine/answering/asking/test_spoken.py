"""Vietnamese question words as people say them."""

import pytest

from citewell.engine.answering.asking.answer_kinds import Aggregate, Kind
from citewell.engine.answering.asking.evidence import offers
from citewell.engine.answering.asking.kinds import read_question
from tests.engine.answering.passages import answer, passage

STABLE = passage(
    "Buổi cưỡi ngựa kéo dài 2 giờ. Vé cưỡi ngựa 180.000 đồng. Trại đóng cửa chiều thứ Ba. "
    "Kết quả khám ngựa có sau 4 ngày. Mua hai yên mới, hạn ngày 05/08/2026.",
    title="Trại ngựa Suối Vàng",
    heading=("Hỏi đáp",),
    language="vi",
)


class TestKinds:
    @pytest.mark.parametrize(
        ("question", "kind"),
        [
            ("vé cưỡi ngựa hết nhiêu", Kind.AMOUNT),
            ("họp hôm nào vậy", Kind.TIME),
            ("chừng nào có kết quả", Kind.TIME),
            ("bữa nào nộp tiền", Kind.TIME),
            ("bữa ăn nào miễn phí", Kind.OTHER),
            ("mấy bữa thì có kết quả", Kind.COUNT),
            ("loại thường mất bao nhiêu ngày", Kind.COUNT),
            ("trong mấy món này món nào đắt hơn", Kind.OTHER),
            ("sếp nào ký", Kind.PERSON),
            ("mang chó vô được hông", Kind.YES_NO),
            ("đổi vé được không ạ shop", Kind.YES_NO),
            ("còn chỗ không anh", Kind.YES_NO),
        ],
    )
    def test_words_of_speech_ask_as_the_written_ones(self, question: str, kind: Kind):
        assert read_question(question, "vi").kind is kind

    def test_days_hours_and_people_are_counted_by_their_written_words(self):
        for question, counted in (
            ("đợi mấy bữa", "ngay"),
            ("học mấy tiếng một buổi", "gio"),
            ("phòng ở được mấy đứa", "nguoi"),
            ("thi mấy tiếng Anh", "tieng"),
        ):
            assert read_question(question, "vi").counted[0] == counted, question

    def test_bound_that_a_rule_sets_is_no_most_of_several(self):
        for question, aggregate in (
            ("mỗi tháng được tăng ca nhiều nhất mấy tiếng", None),
            ("nhóm ít nhất bao nhiêu người", None),
            ("phòng nào nhiều ghế nhất", Aggregate.MAXIMUM),
            ("con ngựa nào cao nhất", Aggregate.MAXIMUM),
        ):
            assert read_question(question, "vi").aggregate is aggregate, question


class TestAnswers:
    def test_spoken_questions_are_answered(self):
        for question, told in (
            ("vé cưỡi ngựa nhiêu tiền", "180.000"),
            ("mấy bữa có kết quả khám ngựa", "4 ngày"),
            ("trại đóng cửa hôm nào", "thứ Ba"),
        ):
            assert told in answer(question, STABLE, language="vi").text, question

    def test_date_of_a_purchase_is_no_price(self):
        assert answer("yên mới mua giá bao nhiêu?", STABLE, language="vi").is_abstained

    def test_heading_that_asks_denies_nothing(self):
        guests = passage(
            "Cha mẹ được ở lại nhà khách tối đa ba đêm.",
            title="Trại ngựa",
            heading=("Người nhà có được ở lại không?",),
            language="vi",
        )
        made = answer("bố mẹ có được ngủ lại không", guests, language="vi")
        assert "ba đêm" in made.text
        assert not made.text.startswith("Không")

    def test_words_of_speech_are_no_topic(self):
        for question in (
            "rốt cuộc vé cưỡi ngựa bao nhiêu tiền",
            "muốn cưỡi ngựa thì vé bao nhiêu tiền",
            "chiều thứ ba trại khóa cửa hả",
        ):
            assert not answer(question, STABLE, language="vi").is_abstained, question


class TestEvents:
    def test_words_behind_which_no_event_stands_tell_no_time(self):
        asked = read_question("khi nào được nhận yên mới?", "vi")
        for text, is_told in (
            ("Người mới được nhận như sau:", False),
            ("Yên treo trong kho phía trước.", False),
            ("Nhận sau khi ký giấy.", True),
            ("Nhận trong tuần đầu.", True),
        ):
            assert (offers(asked, text) > 0) is is_told, text
