"""The kind of a question, in both languages."""

import pytest

from citewell.engine.answering.asking.answer_kinds import Aggregate, Kind
from citewell.engine.answering.asking.kinds import read_question


class TestKind:
    @pytest.mark.parametrize(
        ("question", "kind"),
        [
            ("Who is the safety officer?", Kind.PERSON),
            ("When are salaries paid?", Kind.TIME),
            ("Where is the assembly point?", Kind.PLACE),
            ("How many days do I get when I move?", Kind.COUNT),
            ("What do inventors get when a patent is filed?", Kind.OTHER),
            ("By when must claims be sent?", Kind.TIME),
            ("Which script is for people who use it?", Kind.OTHER),
            ("In 2019 who led it?", Kind.PERSON),
            ("What does the R310 cost?", Kind.AMOUNT),
            ("How long is probation?", Kind.DURATION),
            ("List the compulsory courses", Kind.LIST),
            ("Which permits do I need?", Kind.LIST),
            ("What status do I need?", Kind.OTHER),
            ("Which glass must visitors wear?", Kind.OTHER),
            ("Which address must I use?", Kind.OTHER),
            ("In which glass is it served?", Kind.OTHER),
            ("How do I fit the battery?", Kind.PROCEDURE),
            ("Compare leave in Bristol and Leeds", Kind.COMPARISON),
            ("What is a reset day?", Kind.DEFINITION),
            ("Is alcohol repaid?", Kind.YES_NO),
            ("Which law governs the contract?", Kind.OTHER),
            ("Which insurer covers travellers?", Kind.PERSON),
            ("What is the e-mail address of the travel desk?", Kind.CONTACT),
        ],
    )
    def test_english(self, question: str, kind: Kind):
        assert read_question(question, "en").kind is kind

    @pytest.mark.parametrize(
        ("question", "kind"),
        [
            ("Ai ký hợp đồng?", Kind.PERSON),
            ("Lương được trả vào ngày nào?", Kind.TIME),
            ("Phòng y tế ở đâu?", Kind.PLACE),
            ("Công ty mua bảo hiểm của hãng nào?", Kind.PERSON),
            ("Số nội bộ của phòng y tế là gì?", Kind.CONTACT),
            ("Mỗi năm được nghỉ bao nhiêu ngày phép?", Kind.COUNT),
            ("Phụ cấp ăn trưa là bao nhiêu?", Kind.AMOUNT),
            ("Thời gian thử việc là bao lâu?", Kind.DURATION),
            ("Hồ sơ gồm những gì?", Kind.LIST),
            ("Xin nghỉ phép như thế nào?", Kind.PROCEDURE),
            ("Hà Nội và Huế khác nhau thế nào?", Kind.COMPARISON),
            ("Cổng Estuary là gì?", Kind.DEFINITION),
            ("Nhà ăn có món chay không?", Kind.YES_NO),
            ("Đi xe máy cá nhân thì sao", Kind.OTHER),
        ],
    )
    def test_vietnamese(self, question: str, kind: Kind):
        assert read_question(question, "vi").kind is kind

    def test_unaccented_vietnamese_is_read_alike(self):
        assert read_question("phong y te o dau", "vi").kind is Kind.PLACE


class TestDetails:
    def test_counted_words_follow_how_many(self):
        assert read_question("How many paid days are there?", "en").counted == ("paid", "days")
        assert read_question("Có mấy người trong tổ?", "vi").counted == ("nguoi",)

    def test_aggregate(self):
        asked = read_question("What is the cheapest instrument?", "en")
        assert asked.aggregate is Aggregate.MINIMUM

    def test_sides_of_a_comparison(self):
        asked = read_question("Compare hotels in London and Paris", "en")
        assert asked.sides == ("hotels in london", "paris")


class TestCounted:
    def test_month_of_may_is_no_vietnamese_question_word(self):
        asked = read_question("Which option was chosen in May 2026?", "en")
        assert asked.counted == ()
        assert read_question("Có mấy người trong hội đồng?", "vi").counted[0] == "nguoi"
