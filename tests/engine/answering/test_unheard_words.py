"""Questions with words that no document has: who asks, verbs of any subject, hours of closing."""

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.boundaries import tells_boundary
from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.answering.reading.compounds import unsaid_words
from tests.engine.answering.passages import answer, passage

CAMPSITE = passage(
    "Pitches are let from Saturday to Saturday. The reception is staffed from 08:30 to 19:45. "
    "Guests with tents pay a deposit of 60 euros, which is handed back on departure. "
    "Supper is served under the big tree at half past six. Dogs sleep in the vehicle.",
    title="Lakeside campsite",
    heading=("Rules of the campsite",),
)
NHA_SACH = passage(
    "Cửa hàng mở cửa từ 8 giờ 15 đến 21 giờ 30. Phiếu quà tặng có hạn sáu tháng. "
    "Khách được đổi sách trong 7 ngày.",
    title="Nhà sách Phương Nam",
    heading=("Thông tin cho khách",),
    language="vi",
)


class TestSaidOtherwise:
    def test_everyday_word_finds_what_the_document_calls_otherwise(self):
        found = answer("What time is dinner?", CAMPSITE)
        assert "half past six" in found.sentences[0].text

    def test_those_around_who_asks_are_not_missed(self):
        found = answer("How high is the deposit for my husband with a tent?", CAMPSITE)
        assert "60 euros" in found.text

    def test_other_subject_stays_unanswered(self):
        for question in ("How high is the deposit for a kayak?", "What time is the concert?"):
            assert answer(question, CAMPSITE).is_abstained, question


class TestHours:
    def test_end_of_a_span_of_hours_tells_when_it_closes(self):
        asked = read_question("When does the reception close?", "en")
        for text in ("Staffed from 08:30 to 19:45.", "Hours: 9 am to 5 pm", "7:00 - 21:30"):
            assert tells_boundary(asked, text, "") is not None, text
        for text in ("It closes the road.", "Rooms 12 to 14 are upstairs."):
            assert tells_boundary(asked, text, "") is None, text

    def test_vietnamese_question_for_the_closing_hour_is_answered(self):
        found = answer("mấy giờ cửa hàng đóng cửa?", NHA_SACH, language="vi")
        assert "21 giờ 30" in found.sentences[0].text


class TestKinds:
    def test_prices_and_numbers_asked_without_a_verb_are_read(self):
        for text, language, kind in (
            ("price of a double cabin", "en", Kind.AMOUNT),
            ("For how many guests is breakfast included?", "en", Kind.COUNT),
            ("for how many weeks may we stay", "en", Kind.DURATION),
            ("how late can we arrive", "en", Kind.TIME),
            ("số hotline của khách sạn?", "vi", Kind.CONTACT),
        ):
            assert read_question(text, language).kind is kind, text


class TestVietnameseVerbs:
    def test_verb_with_its_object_is_no_word_of_two_syllables(self):
        held = ["Khách được đổi sách trong 7 ngày."]
        assert not unsaid_words("bán sách cho ai?", held, frozenset())

    def test_word_of_which_a_syllable_is_told_is_still_torn(self):
        held = ["Nhân viên được phụ cấp nhà ăn."]
        assert [one.text for one in unsaid_words("phụ cấp thuê nhà trọ?", held, frozenset())]
        assert unsaid_words("bán giấy bút ở đâu?", ["Giấy được phát."], frozenset())[0].is_torn
