"""Questions in everyday words: prices that are none, synonyms, sentences that point back."""

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.evidence import offers
from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.answering.asking.synonyms import said_otherwise, synonyms_in
from citewell.engine.answering.base import ConfidenceLevel
from tests.engine.answering.passages import answer, passage

_SURE = (ConfidenceLevel.MEDIUM, ConfidenceLevel.HIGH)

TARIFF = passage(
    "A day ticket costs 12 euros. A trial lesson is free. The sauna costs 9 euros.\n\n"
    "Extra | Price\nHair dryer | free for members\nBathrobe | 4 euros\nPool noodle | 2 euros",
    title="Tariff of the baths",
    heading=("Tariff",),
)
BIEU_PHI = passage(
    "Vé ngày có giá 60.000 đồng. Mượn áo phao được miễn phí. Thuê ô có giá 20.000 đồng.\n\n"
    "Dịch vụ | Giá\nGửi xe đạp | miễn phí\nGửi ô tô | 30.000 đồng",
    title="Biểu phí khu vui chơi",
    heading=("Biểu phí",),
    language="vi",
)


class TestFree:
    def test_free_item_is_not_answered_by_its_priced_neighbour(self):
        for question, told in (
            ("How much is a trial lesson?", "A trial lesson is free."),
            ("What does a hair dryer cost?", "Hair dryer: free for members"),
            ("How much do I pay for the hair dryer?", "Hair dryer: free for members"),
        ):
            found = answer(question, TARIFF)
            assert found.sentences[0].text == told, question
            assert found.confidence.level in _SURE, question

    def test_vietnamese_free_item_is_told_as_well(self):
        for question, told in (
            ("Mượn áo phao tốn bao nhiêu tiền?", "Mượn áo phao được miễn phí."),
            ("Gửi xe đạp hết bao nhiêu tiền?", "Gửi xe đạp: miễn phí"),
        ):
            found = answer(question, BIEU_PHI, language="vi")
            assert found.sentences[0].text == told, question

    def test_priced_item_keeps_its_price(self):
        assert answer("What does a bathrobe cost?", TARIFF).sentences[0].text == (
            "Bathrobe: 4 euros"
        )
        assert answer("How much is the sauna?", TARIFF).sentences[0].text == (
            "The sauna costs 9 euros."
        )

    def test_free_from_something_is_no_price(self):
        asked = read_question("How much does the milk cost?", "en")
        assert offers(asked, "The milk is free from lactose.") == 0.0
        assert offers(asked, "The milk is free of charge.") == 1.0


class TestNoAmounts:
    def test_rhythms_dates_and_weights_are_no_price(self):
        for language, question, text in (
            (
                "en",
                "How much is the salary of a porter?",
                "It is reviewed once a year in May 2024.",
            ),
            ("en", "What does the canoe cost?", "The canoe weighs 31 kg, built in 2019."),
            ("vi", "Lương thủ thư là bao nhiêu?", "Lương thủ thư được xét một lần mỗi năm."),
        ):
            assert offers(read_question(question, language), text) < 0.5, text

    def test_place_on_one_of_them_is_no_count(self):
        asked = read_question("How many pages does the guide have?", "en")
        assert offers(asked, "The rules of the guide fit on one page.") < 0.5
        assert offers(asked, "The guide has 40 pages.") == 1.0

    def test_amount_of_stuff_answers_how_much_of_it_there_is(self):
        asked = read_question("Được giữ bao nhiêu axeton?", "vi")
        assert offers(asked, "Axeton: tối đa 4 lít") > 0.5
        assert offers(asked, "Axeton: tủ số 4") < 0.5


class TestPricesWithoutCurrency:
    def test_price_before_a_word_that_is_no_thing_is_told(self):
        for question, text, told, language in (
            ("Phí gửi xe là bao nhiêu?", "Phí gửi xe là 5 ngàn một lượt.", "5 ngàn", "vi"),
            ("Phí làm thẻ bao nhiêu?", "Phí làm thẻ: 20 ngàn.", "20 ngàn", "vi"),
            ("Giá vé là bao nhiêu?", "Vé là 5 xu mỗi lượt.", "5 xu", "vi"),
            ("What does the course cost?", "The course costs 45 including lunch.", "45", "en"),
            ("What does a day ticket cost?", "Day ticket 12 incl. VAT.", "12", "en"),
            ("How much is the deposit?", "The deposit is 200 and is paid back.", "200", "en"),
            ("What is the fee for a lost key?", "A fee of 15 applies to a lost key.", "15", "en"),
        ):
            made = answer(question, passage(text, language=language), language=language)
            assert told in made.text, question

    def test_number_of_things_is_no_price(self):
        shirts = passage("Each player gets two polo shirts at the start.")
        assert answer("What do polo shirts cost?", shirts).is_abstained


class TestCapitals:
    def test_notice_in_capitals_is_an_answer(self):
        notice = passage(
            "EMERGENCY DESK PHONE 4120 AT ALL HOURS\n\nThe building is cleaned in the morning."
        )
        assert "4120" in answer("What is the phone number of the desk?", notice).text


class TestSynonyms:
    def test_document_says_it_in_another_word(self):
        lift = passage(
            "The lift is repaired by the caretaker. The roof is inspected in May.",
            title="House rules",
            heading=("Building",),
        )
        found = answer("Who fixes the lift?", lift)
        assert found.sentences[0].text == "The lift is repaired by the caretaker."
        assert found.confidence.level in _SURE

    def test_vietnamese_phrase_is_told_in_another_one(self):
        rules = passage(
            "Người làm vỡ bát đĩa phải bồi thường 20.000 đồng. Bếp mở cửa lúc 6 giờ.",
            title="Nội quy nhà bếp",
            heading=("Nội quy",),
            language="vi",
        )
        found = answer("Làm bể bát đĩa phải đền bao nhiêu tiền?", rules, language="vi")
        assert "20.000" in found.text
        assert found.confidence.level in _SURE

    def test_words_are_found_with_and_without_marks(self):
        [*_, found] = synonyms_in("What is the dress code?", "en")
        assert found.asked == {"dress", "code"}
        marked = "Bị ốm thì phải làm gì?"
        assert said_otherwise(marked, "vi", "Nhân viên nghỉ ốm báo trước 8 giờ.") == {"bi", "om"}
        bare = "Nghi viec phai bao truoc may ngay?"
        assert "viec" in said_otherwise(bare, "vi", "Khi chấm dứt hợp đồng phải báo trước.") or (
            "viec" in said_otherwise(bare, "vi", "Khi cham dut hop dong phai bao truoc.")
        )

    def test_other_thing_stays_another_thing(self):
        found = answer("Who fixes the boiler?", passage("The lift is repaired by the caretaker."))
        assert found.confidence.level not in _SURE


class TestImplied:
    def test_date_is_a_deadline_and_a_rhythm_says_how_often(self):
        for language, question, text in (
            ("en", "What is the deadline for the form?", "The form is handed in by 4 June."),
            ("vi", "Hạn nộp đơn là ngày nào?", "Đơn được nộp trước ngày 4 tháng 6."),
            ("en", "How often is the tank cleaned?", "The tank is cleaned every month."),
            ("vi", "Bể được rửa bao lâu một lần?", "Bể được rửa hằng tháng."),
        ):
            found = answer(question, passage(text, language=language), language=language)
            assert found.confidence.level in _SURE, question

    def test_day_of_another_branch_is_not_trusted(self):
        sites = passage(
            "The depot in Orford lies by the river. The depot in Telby was opened in 2012.",
            title="Depots",
            heading=("Depots",),
        )
        assert answer("When was the Orford depot opened?", sites).confidence.level not in _SURE
        assert answer("When was the Telby depot opened?", sites).confidence.level in _SURE


class TestLayout:
    def test_list_ends_before_the_heading_and_the_table_behind_it(self):
        staff = passage(
            "The following clerks work in Orford:\n\nAda Moe, post\n\nBo Ek, stores\n\n"
            "Staff in Telby\n\nName | Post\nCy Fox | driver\nDee Orr | driver",
            title="Staff",
            heading=("Staff",),
        )
        found = answer("How many clerks work in Orford?", staff)
        assert found.text.startswith("2 ")
        assert "Telby" not in found.text

    def test_last_item_of_a_list_of_people_is_no_heading(self):
        people = passage(
            "Ola Berg, chair\n\nTim Roe, cook\n\nUna Falk, gardener\n\n"
            "Ola Berg opens the meetings and reads the minutes aloud.",
            title="Allotment club",
            heading=("People",),
        )
        found = answer("Who is the gardener?", people)
        assert [one.text for one in found.sentences] == ["Una Falk, gardener"]

    def test_duration_stands_in_the_sentence_that_points_back(self):
        course = passage(
            "The rope course is given on Fridays in the barn. It takes about ninety minutes.",
            title="Courses",
            heading=("Courses",),
        )
        found = answer("How long is the rope course?", course)
        assert "ninety minutes" in found.sentences[0].text

    def test_place_above_something_is_a_place(self):
        found = answer(
            "Where are the spare keys?", passage("The spare keys hang above the fuse box.")
        )
        assert not found.is_abstained


class TestSlips:
    def test_slip_in_a_question_word_does_not_hide_the_kind(self):
        for question, kind, language in (
            ("Hw many layers does it have?", Kind.COUNT, "en"),
            ("wich date is the exam", Kind.TIME, "en"),
            ("Tiền cọc bao nhiu?", Kind.AMOUNT, "vi"),
            ("Mở cửa lúc mấy h, nghỉ thứ mấy?", Kind.TIME, "vi"),
        ):
            found = read_question(question, language)
            assert found.kind is kind, question
        assert "hw" in read_question("Hw many layers?", "en").instructions

    def test_name_is_no_slip(self):
        for question, language in (
            ("What did Wen decide?", "en"), ("Who built Wat Arun?", "en"), ("Who is Wich?", "en"),
            ("Phòng K ở đâu?", "vi"), ("Ban J gồm ai?", "vi"),
        ):  # fmt: skip
            found = read_question(question, language)
            assert found.kind is not Kind.TIME, question
            assert found.instructions.isdisjoint({"wen", "wat", "wich", "k", "j"}), question
        assert read_question("Thang máy hỏng thì báo ntn?", "vi").kind is not Kind.TIME

    def test_word_that_only_looks_like_a_question_word_asks_nothing(self):
        assert read_question("Bên nào lo sửa thang máy?", "vi").kind is not Kind.TIME
        assert read_question("Nam bao nhiêu tuổi thì được vào?", "vi").kind is Kind.COUNT
        assert read_question("Tháng mấy thi?", "vi").kind is Kind.TIME
        assert read_question("thang may thi", "vi").kind is Kind.TIME
        assert read_question("Có mấy máy in?", "vi").kind is Kind.COUNT

    def test_number_of_things_is_a_count_whatever_stands_before_it(self):
        found = read_question("What is the default number of retries?", "en")
        assert found.kind is Kind.COUNT
        assert found.counted == ("retries",)
        van = passage("The registration number of the van is AB12 CDE.")
        assert "AB12" in answer("What is the registration number of the van?", van).text


class TestColumns:
    TABLE = (
        "| Device | Bought | Keeper |\n| --- | --- | --- |\n"
        "| Scanner | 3 March 2020 | Ida Holm |\n| Plotter | 9 May 2021 | Bo Ek |"
    )

    def test_property_without_a_column_is_not_told(self):
        for question in (
            "Which supplier sold the scanner?",
            "What colour is the scanner?",
            "What is the aim of the scanner?",
            "What is the version of the scanner?",
        ):
            assert answer(question, passage(self.TABLE)).is_abstained, question

    def test_property_with_one_is(self):
        found = answer("Who is the keeper of the scanner?", passage(self.TABLE))
        assert "Ida Holm" in found.text


class TestRows:
    """A table of devices, where `sử dụng` in the header is no word of the cells."""

    TABLE = (
        "| Mã | Tên thiết bị | Phòng sử dụng | Tình trạng |\n| --- | --- | --- | --- |\n"
        "| TB-1 | Máy chủ Dell | Phòng máy chủ | Đang dùng |\n"
        "| TB-2 | Máy in Canon | Phòng Hành chính | Hỏng, chờ thanh lý |\n"
        "| TB-5 | Bộ lưu điện | Phòng máy chủ | Đang dùng |\n"
        "| TB-9 | Tủ mạng | Phòng máy chủ | Đang dùng |"
    )

    def test_header_does_not_say_yes_for_a_row(self):
        table = passage(self.TABLE, language="vi")
        found = answer("Máy in Canon còn dùng được không?", table, language="vi")
        assert "Hỏng" in found.text
        assert not found.text.startswith(("Có", "Không"))

    def test_rows_are_counted_and_not_told_one_by_one(self):
        table = passage(self.TABLE, language="vi")
        for question in (
            "Phòng máy chủ có mấy thiết bị?",
            "Có bao nhiêu thiết bị ở phòng máy chủ?",
        ):
            found = answer(question, table, language="vi")
            assert found.text.startswith("3 "), found.text
