"""A quote about some, or about some days, does not support a claim about all."""

from citewell.engine.verification.grading import Grade, grade_sentence


def accepted(pairs: tuple[tuple[str, str], ...], language: str = "en") -> list[str]:
    """The quotes of those pairs of sentence and quote whose sentence is accepted."""
    return [
        quote
        for sentence, quote in pairs
        if grade_sentence(sentence, [quote], language=language).grade in (Grade.QUOTED, Grade.CLOSE)
    ]


class TestTwoValues:
    def test_value_with_what_belongs_to_the_other_is_not_accepted(self):
        assert (
            accepted(
                (
                    (
                        "The kiosk shuts at 18:20 on Tuesdays.",
                        "The kiosk shuts at 18:20 from Friday to Sunday and at 17:05 on Tuesdays.",
                    ),
                    (
                        "Tours start at 10:40 on Sundays.",
                        "Tours start at 10:40 on Saturdays and at 11:25 on Sundays.",
                    ),
                    ("The pool opens at 4 in May.", "The pool opens at 4 in June and at 3 in May."),
                    (
                        "Kestrel opened a depot in 2014 in Turin.",
                        "Kestrel opened a depot in 2014 in Leeds and in 2016 in Turin.",
                    ),
                    (
                        "The kiosk shuts on Tuesdays at 18:20.",
                        "The kiosk shuts on Tuesdays at 17:05 and on Sundays at 18:20.",
                    ),
                )
            )
            == []
        )
        assert (
            accepted(
                (
                    (
                        "Quầy vé đóng lúc 18h20 vào thứ ba.",
                        "Quầy vé đóng lúc 18h20 vào chủ nhật và lúc 17h05 vào thứ ba.",
                    ),
                    (
                        "Quầy vé đóng vào thứ ba lúc 18h20.",
                        "Quầy vé đóng vào thứ ba lúc 17h05 và vào chủ nhật lúc 18h20.",
                    ),
                ),
                "vi",
            )
            == []
        )

    def test_each_value_with_its_own_is_accepted(self):
        quote = "The kiosk shuts at 18:20 on Sundays and at 17:05 on Tuesdays."
        pairs = (
            ("The kiosk shuts at 18:20 on Sundays.", quote),
            ("The kiosk shuts at 17:05 on Tuesdays.", quote),
        )
        assert accepted(pairs) == [quote, quote]


class TestAmountOfOneKind:
    def test_english_amount_of_one_kind_is_not_the_amount(self):
        pairs = (
            ("The fee is 22 pounds.", "The boarding fee is 22 pounds."),
            ("The fee is 22 pounds.", "Our guest fee is 22 pounds."),
            ("The price is 7 euros.", "The pensioner price is 7 euros."),
            ("The deposit is 60 euros.", "The key deposit is 60 euros."),
            ("The rate is 4 percent.", "The penalty rate is 4 percent."),
            ("Fees are 22 pounds.", "Nightly fees are 22 pounds."),
            ("The fee is 22 pounds.", "The assembly fee is 22 pounds."),
            ("Fee is 22 pounds.", "The service fee is 22 pounds."),
            ("Mortgage rates rose.", "Short-term mortgage rates rose."),
            ("The school raised fees by 4 percent.", "The school raised dance fees by 4 percent."),
            ("Fees are 700 pounds.", "Fees for lodgers are 700 pounds."),
            ("The price rose by 4 percent.", "The price of flour rose by 4 percent."),
        )
        assert accepted(pairs) == []

    def test_amount_that_is_spoken_of_is_accepted(self):
        pairs = (
            ("The fee is 22 pounds.", "The service fee is 22 pounds."),
            ("The price is 7 euros.", "The full price is 7 euros."),
            ("Fees rose by 4 percent.", "Yesterday fees rose by 4 percent."),
            ("The school raised the fee.", "The school raised the standard fee."),
            ("Dance fees rose.", "Dance fees rose by 4 percent."),
            ("In May the price of rye rose by 4%.", "The price of rye rose by 4% in May."),
        )
        assert accepted(pairs) == [quote for _, quote in pairs]

    def test_other_amount_of_the_one_spoken_of_contradicts(self):
        found = grade_sentence(
            "The fee is 30 pounds.", ["The boarding fee is 22 pounds."], language="en"
        )
        assert found.grade is Grade.CONTRADICTED

    def test_vietnamese_amount_of_one_kind_is_not_the_amount(self):
        pairs = (
            ("Giá vé là 45.000 đồng.", "Giá vé của học sinh là 45.000 đồng."),
            ("Giá vé là 45.000 đồng.", "Giá vé cho học sinh là 45.000 đồng."),
            ("Tiền gửi xe là 90.000 đồng.", "Tiền gửi xe tuần đầu là 90.000 đồng."),
            ("Phí giữ chỗ là 90.000 đồng.", "Phí giữ chỗ buổi tối là 90.000 đồng."),
        )
        assert accepted(pairs, "vi") == []

    def test_vietnamese_amount_of_this_time_is_accepted(self):
        pairs = (("Giá vé là 45.000 đồng.", "Giá vé năm nay là 45.000 đồng."),)
        assert accepted(pairs, "vi") == [quote for _, quote in pairs]


class TestSomePeople:
    def test_what_some_get_is_not_said_of_all(self):
        pairs = (
            ("Teachers get 12 days of leave.", "New teachers get 12 days of leave."),
            ("Visitors pay 18 euros.", "Adult visitors pay 18 euros."),
            ("The visitors pay 18 euros.", "The adult visitors pay 18 euros."),
            ("Ferry passengers pay 18 euros.", "Young ferry passengers pay 18 euros."),
            ("Clerks are entitled to 12 days.", "Part-time clerks are entitled to 12 days."),
            ("Visitors enter free.", "Disabled visitors enter free."),
            ("Visitors pay 18 euros.", "Visitors under 20 pay 18 euros."),
            ("Visitors pay 18 euros.", "Visitors with a pass pay 18 euros."),
        )
        assert accepted(pairs) == []
        pairs = (
            ("Học viên được miễn phí tài liệu.", "Học viên nghèo được miễn phí tài liệu."),
            ("Khách được vào vườn miễn phí.", "Khách cao tuổi được vào vườn miễn phí."),
            ("Khách trả 45.000 đồng.", "Khách dưới 12 tuổi trả 45.000 đồng."),
        )
        assert accepted(pairs, "vi") == []

    def test_what_all_get_is_accepted(self):
        pairs = (
            ("Visitors pay 18 euros.", "Today visitors pay 18 euros."),
            ("Visitors pay 18 euros.", "The visitors currently pay 18 euros."),
            ("The clerk gets 12 days.", "The senior clerk gets 12 days."),
        )
        assert accepted(pairs) == [quote for _, quote in pairs]
        pairs = (("Khách được miễn phí gửi đồ.", "Khách cũng được miễn phí gửi đồ."),)
        assert accepted(pairs, "vi") == [quote for _, quote in pairs]


class TestLimits:
    def test_amount_under_a_limit_is_not_the_amount(self):
        pairs = (
            ("Parking is free.", "Parking is free for season guests."),
            ("Parking is free.", "Parking is free on Tuesdays."),
            ("Parking is free.", "Parking is free with a stamp."),
            ("Parking is free.", "For season guests, parking is free."),
            ("Rooms cost 70 euros.", "Rooms cost 70 euros for students."),
            ("Rooms cost 70 euros.", "Rooms cost 70 euros a night."),
            ("Rooms cost 70 euros.", "Rooms cost 70 euros per guest."),
            ("The course costs 6 euros.", "The course costs 6 euros for the first week."),
            ("The kiosk shuts at 18:20.", "The kiosk shuts at 18:20 on Sundays."),
            ("The kiosk shuts at 18:20.", "The kiosk shuts at 18:20 in summer."),
            ("The kiosk shuts at 18:20.", "The kiosk shuts on Sundays at 18:20."),
            ("The kiosk shuts at 18:20.", "The kiosk shuts at 18:20 at weekends."),
            ("The kiosk shuts at 18:20.", "In summer, the kiosk shuts at 18:20."),
            ("Rooms cost 70 euros.", "Rooms cost 70 euros when they are full."),
            ("The permit lasts 2 years.", "The permit for boats lasts 2 years."),
        )
        assert accepted(pairs) == []
        pairs = (
            ("Gửi xe miễn phí.", "Gửi xe miễn phí cho khách trên 70 tuổi."),
            ("Phòng có giá 45.000 đồng.", "Phòng có giá 45.000 đồng cho học sinh."),
            ("Gửi xe miễn phí.", "Gửi xe miễn phí vào chủ nhật."),
        )
        assert accepted(pairs, "vi") == []

    def test_limit_that_the_sentence_has_is_accepted(self):
        pairs = (
            ("On Tuesdays parking is free.", "Parking is free on Tuesdays and Sundays."),
            ("On Tuesdays parking is free.", "On Tuesdays, parking is free."),
            ("In summer the kiosk shuts at 7.", "The kiosk shuts at 7 in summer."),
            ("The kiosk shuts at 7 in summer.", "In summer, the kiosk shuts at 7."),
            ("Rooms cost 70 euros for students.", "The rooms cost 70 euros for students."),
            ("Kestrel bought 6 ferries.", "Kestrel bought 6 ferries on 3 May 2011."),
            ("Kestrel bought 6 ferries.", "Kestrel bought 6 ferries from Nordholm."),
            ("Kestrel bought 6 ferries.", "Kestrel bought 6 ferries when they were cheap."),
            ("Sales rose by 4%.", "Sales rose by 4% in summer."),
        )
        assert accepted(pairs) == [quote for _, quote in pairs]
        pairs = (("Gửi xe miễn phí cho học sinh.", "Việc gửi xe miễn phí cho học sinh ở đây."),)
        assert accepted(pairs, "vi") == [quote for _, quote in pairs]
