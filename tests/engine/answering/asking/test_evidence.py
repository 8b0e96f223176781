"""Whether a text holds what a question asks for, by its unit."""

import pytest

from citewell.engine.answering.asking.evidence import offers
from citewell.engine.answering.asking.focus import focus_of
from citewell.engine.answering.asking.implied import implied_by, names_another_currency
from citewell.engine.answering.asking.kinds import read_question


class TestOffers:
    @pytest.mark.parametrize(
        ("question", "language", "right", "other"),
        [
            ("How heavy is the pump?", "en", "It weighs 4.8 kg.", "It costs 48 euros."),
            ("How hot is the water?", "en", "It leaves at 93 °C.", "It takes 93 s."),
            ("How often are filters cleaned?", "en", "Clean them every week.", "Clean 2 filters."),
            ("How long is the cable?", "en", "The cable measures 1.2 m.", "There are 2 cables."),
            ("Đèo cao bao nhiêu?", "vi", "Đèo cao 1.200 m.", "Đèo có 12 trạm."),
            ("Bao lâu một lần thay lõi?", "vi", "Thay định kỳ 6 tháng.", "Thay 6 lõi."),
            ("Which firm runs it?", "en", "It is run by Vesper Ltd.", "Anyone may call a company."),
            ("Có bao nhiêu đoàn viên?", "vi", "Có 84 đoàn viên.", "Chi 9.000 đồng khi đoàn viên."),
            ("Who leads it?", "en", "Led by Ada Moe.", "Open; Saturday: closed; Sunday: closed"),
        ],
    )
    def test_right_unit_is_worth_more_than_any_number(
        self, question: str, language: str, right: str, other: str
    ):
        asked = read_question(question, language)
        assert offers(asked, right) == 1.0
        assert offers(asked, other) < 0.5

    def test_codes_and_posts_are_no_names(self):
        maker = read_question("Who makes the buoy?", "en")
        assert offers(maker, "Article: BUOY-M; Price GBP: 1325") == 0.0
        assert offers(maker, "Article: BUOY-M; Maker: Vesper; Price GBP: 1325") == 1.0
        called = read_question("Văn thư của công ty tên là gì?", "vi")
        assert offers(called, "Con dấu do Văn thư giữ, trừ khi Tổng Giám đốc đồng ý.") == 0.0
        assert offers(called, "Con dấu do chị Lê Mai, Văn thư, giữ.") == 1.0
        teacher = read_question("Lớp tiếng Anh do ai dạy?", "vi")
        assert offers(teacher, "Lớp tiếng Anh học chiều thứ Tư và thứ Năm.") == 0.0

    def test_person_is_asked_for_by_the_post_or_by_a_contraction(self):
        called = read_question("Giám đốc Thư viện tên là gì?", "vi")
        decree = "(Ban hành theo Quyết định số 47/QĐ-TV của Giám đốc Thư viện)"
        assert offers(called, decree) == 0.0
        assert offers(called, "Giám đốc Thư viện: Lê Thị Mai.") == 1.0
        helper = read_question("What's the name of the volunteer?", "en")
        assert offers(helper, "A volunteer helps on Friday mornings.") == 0.0
        stand_in = read_question("Who replaces me during maternity leave?", "en")
        assert offers(stand_in, "Maternity leave in Bristol is up to 52 weeks.") == 0.0
        teacher = read_question("Ai dạy khóa học?", "vi")
        assert offers(teacher, "d) Không hoàn thành khóa học trong 30 ngày.") == 0.0

    def test_things_that_are_counted_and_measured_are_no_price(self):
        jacket = read_question("How much does the jacket cost?", "en")
        assert offers(jacket, "Everyone receives two shirts and one jacket.") < 0.3
        assert offers(jacket, "Jacket: 45") > 0.5
        stand = read_question("Thuê gian hàng hết bao nhiêu tiền?", "vi")
        assert offers(stand, "Từ 20 đến 24/11: thuê gian 36 m2, 4 nhân viên tham gia.") < 0.3
        assert offers(stand, "Thuê gian hàng: 36.000") > 0.5

    def test_hours_in_words_and_events_tell_a_time(self):
        clock = read_question("At what time does it open?", "en")
        assert offers(clock, "It opens at nine on weekdays.") == 1.0
        assert offers(clock, "It opens after lunch.") == 0.0
        assert offers(read_question("Mở cửa lúc mấy giờ?", "vi"), "Mở cửa lúc tám giờ.") == 1.0
        when = read_question("When is sick pay due?", "en")
        assert offers(when, "It is due after probation.") == 0.5
        assert offers(when, "It is due in full.") == 0.0

    def test_doer_of_what_is_asked_is_a_person_by_whatever_post(self) -> None:
        for question, text, expected in (
            (
                "Ai duyệt đơn làm thêm giờ?",
                "Đơn làm thêm giờ do quản đốc xưởng duyệt hàng ngày.",
                1,
            ),
            ("Ai duyệt đơn làm thêm giờ?", "Đơn làm thêm giờ do lỗi máy không tính.", 0),
            ("Ai sửa máy in?", "Máy in do thợ bên ngoài đến sửa.", 1),
            ("Ai sửa máy in?", "Máy in hỏng do giấy ẩm phải sửa trước 5 giờ.", 0),
            ("Ai sửa máy in?", "Do mưa lớn hôm qua máy in dừng.", 0),
            ("Ai khóa cửa?", "Cửa do thủ kho khóa.", 1),
            ("Who cleans the kitchen?", "The kitchen is cleaned by seven.", 0),
            ("Who cleans the kitchen?", "The kitchen is cleaned by rota.", 0),
            ("Who cleans the kitchen?", "The kitchen is cleaned by its tenants.", 1),
            ("Who cleans the kitchen?", "The kitchen is cleaned by contract cleaners.", 1),
            ("Who approves invoices?", "Invoices are approved by return.", 0),
            ("Who orders the paper?", "Paper is ordered by box or pallet.", 0),
            ("Who approves overtime?", "Overtime is approved by computer.", 0),
            ("Who approves overtime?", "Overtime is approved by the warden.", 1),
            ("Who approves overtime?", "Overtime is approved by noon.", 0),
            ("Who approves overtime?", "Overtime is paid by cheque.", 0),
            ("To whom is damage reported?", "Damage is reported to the warden at once.", 1),
            ("Who reports damage?", "Damage is reported to the warden at once.", 0),
        ):
            found = offers(read_question(question, "vi" if "Ai" in question else "en"), text)
            assert (found > 0) == bool(expected), (text, found)

    def test_post_is_told_by_its_accents(self):
        asked = read_question("Ai giữ con dấu?", "vi")
        assert offers(asked, "con dấu do văn thư giữ") > 0.5
        assert offers(asked, "con dau do van thu giu") > 0.5
        assert offers(asked, "bạn bè giữ con dấu hộ") == 0.0


class TestImplied:
    def test_sign_or_kind_of_an_answer_says_a_word(self):
        for question, text, words in (
            ("What does it cost in pounds?", "R310-4: £4,900", {"pounds"}),
            ("What does it cost in pounds?", "R310-4: 4,900 EUR", set[str]()),
            ("What percentage is paid?", "Half, or 50 %, is paid", {"percentage"}),
        ):
            assert implied_by(read_question(question, "en"), text, 0.5) == words
        asked = read_question("At what time does the canteen open?", "en")
        assert implied_by(asked, "The canteen opens at 7:30.", 1.0) == {"time"}
        assert implied_by(asked, "The canteen opens early.", 0.0) == set()

    def test_amount_in_another_currency_is_seen(self):
        for question, text, is_other in (
            ("What does it cost in euros?", "R310-4: 4,900 GBP", True),
            ("What does it cost in euros?", "R310-4: 4,900 GBP, €5,700", False),
            ("What does it cost in euros?", "R310-4: five euros", False),
            ("What does it cost?", "R310-4: 4,900 GBP", False),
            ("Giá bao nhiêu VND?", "R310-4: 4.900.000 đồng", False),
        ):
            assert names_another_currency(read_question(question, "en"), text) is is_other, text


class TestFocus:
    @pytest.mark.parametrize(
        ("question", "language", "focus"),
        [
            ("Which password manager does the firm use?", "en", {"password", "manager"}),
            ("What is the deposit for a bicycle?", "en", {"deposit"}),
            ("Who runs it?", "en", set[str]()),
            ("Công ty dùng phần mềm nào?", "vi", {"phan", "mem"}),
            ("Mật khẩu của mạng khách là gì?", "vi", {"mat", "khau"}),
        ],
    )
    def test_name_of_what_is_asked_for(self, question: str, language: str, focus: set[str]):
        assert focus_of(read_question(question, language), language) == focus


class TestInstructions:
    def test_accents_tell_a_question_word_from_a_subject(self):
        asked = read_question("Thẻ nhân viên làm lại thế nào?", "vi")
        assert "thế" in asked.instructions
        assert "thẻ" not in asked.instructions

    def test_short_spelling_asks_yes_or_no(self):
        assert read_question("có được nghỉ bù ko", "vi").kind == "yes_no"
