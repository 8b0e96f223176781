"""Two things side by side."""

from tests.engine.answering.passages import answer, passage


class TestComparison:
    def test_each_side_gets_its_sentence(self):
        made = answer(
            "What is the difference between annual leave in Bristol and in Leeds?",
            passage("Annual leave in Bristol is 25 days.", name="a"),
            passage("Annual leave in Leeds is 14 days.", name="b"),
        )
        assert [one.text[-8:] for one in made.sentences] == ["25 days.", "14 days."]

    def test_sentence_that_holds_both_is_enough(self):
        text = "Annual leave is 25 days in Bristol and 14 days in Leeds. Leave is paid."
        made = answer("Compare annual leave in Bristol and Leeds", passage(text))
        assert len(made.sentences) == 1
        assert "25" in made.text
        assert "14" in made.text

    def test_rows_are_compared_by_the_column_asked_for(self):
        text = "Article | Price GBP | Weeks\nR310-4 | 2480 | 3\nR310-6 | 4290 | 5"
        made = answer("Compare the price of the R310-4 and the R310-6", passage(text))
        assert [one.text for one in made.sentences] == [
            "R310-4, Price: 2480 GBP",
            "R310-6, Price: 4290 GBP",
        ]

    def test_sentence_about_one_side_that_names_the_other_does_not_stand_for_both(self):
        text = (
            "Plan Basic (120 euros) holds blood tests.\n\n"
            "Plan Advanced (280 euros) holds all of plan Basic and an ultrasound."
        )
        made = answer("Compare the price of plan Basic and plan Advanced", passage(text))
        assert [text in made.text for text in ("120", "280")] == [True, True]


class TestTheOneWithMore:
    PLANS = passage(
        "Plan | Price GBP | Price VND | Users\nRiver Basic | 96 | 3,080,000 | 3\n"
        "River Pro | 180 | 5,770,000 | 9\nRiver Max | 240 | 7,700,000 | 20"
    )
    PHU_CAP = passage(
        "Khoản | Đối tượng | Mức tiền | Kỳ chi trả\n"
        "Phụ cấp điện thoại | Kỹ sư hiện trường | 350.000 | Tháng\n"
        "Phụ cấp điện thoại | Nhân viên kinh doanh | 500.000 | Tháng\n"
        "Phụ cấp ăn trưa | Nhân viên | 40.000 | Ngày",
        language="vi",
    )

    def test_row_that_wins_stands_first_beside_the_other(self) -> None:
        for question, first, second in (
            ("Which is cheaper, River Basic or River Pro?", "Basic", "Pro"),
            ("Which is cheaper, River Pro or River Basic?", "Basic", "Pro"),
            ("Which is more expensive: River Basic or River Pro?", "Pro", "Basic"),
            ("Which plan has more users, River Basic or River Pro?", "Pro", "Basic"),
        ):
            told = [one.text for one in answer(question, self.PLANS).sentences]
            assert [first in told[0], second in told[1]] == [True, True], (question, told)

    def test_a_vietnamese_question_is_read_alike(self) -> None:
        for question in (
            "Phụ cấp điện thoại của kỹ sư hiện trường và nhân viên kinh doanh, bên nào cao hơn?",
            "Bên nào có phụ cấp điện thoại cao hơn, kỹ sư hiện trường hay nhân viên kinh doanh?",
        ):
            told = [one.text for one in answer(question, self.PHU_CAP, language="vi").sentences]
            assert ["500.000" in told[0], "350.000" in told[1]] == [True, True], (question, told)
