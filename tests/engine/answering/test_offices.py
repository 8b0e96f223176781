"""The holder of a post is not answered by somebody who holds another."""

from citewell.engine.answering.base import ConfidenceLevel
from tests.engine.answering.passages import answer, passage

MINUTES = passage(
    "Present: Ann Hale, chair of the parish council; Bob Orr, clerk of the farm office. "
    "The treasurer of the club is Ida Moss.",
    title="Minutes",
    heading=("Present",),
)
SHIPS = passage(
    "The Lady Anne, built by Carl Voss in 1987, has no lift.", title="Guide", heading=("Ships",)
)
CLINIC = passage(
    "Đại biểu mời: ông Đỗ Kiên, Chủ tịch Ủy ban xã; bà Trần Cúc, cán bộ Trạm Y tế. "
    "Thủ quỹ của hội là bà Lê Mai.",
    title="Biên bản",
    heading=("Thành phần",),
    language="vi",
)


class TestPosts:
    def test_post_that_nothing_names_is_refused(self) -> None:
        assert answer("Who is the captain of the Lady Anne?", SHIPS).is_abstained
        assert answer("Ai là bác sĩ của hội?", CLINIC, language="vi").is_abstained

    def test_post_that_is_named_or_said_otherwise_is_answered(self) -> None:
        assert "Ida Moss" in answer("Who is the treasurer of the club?", MINUTES).text
        assert "Lê Mai" in answer("Ai là thủ quỹ của hội?", CLINIC, language="vi").text
        for question, text in (
            (
                "Who is the manager of the crew of the Anne?",
                "Ada Holm manages the crew of the Anne.",
            ),
            (
                "Who is the leader of the crew of the Anne?",
                "The crew of the Anne is led by Ada Holm.",
            ),
        ):
            crew = passage(text, title="Guide", heading=("Crew",))
            assert "Ada Holm" in answer(question, crew).text

    def test_noun_before_the_preposition_is_the_post(self) -> None:
        made = answer("Who is the new treasurer of the club?", MINUTES)
        assert "Ida Moss" in made.text

    def test_verb_behind_nguoi_is_no_post(self) -> None:
        text = "Hợp đồng mua chè do ông Đỗ Kiên ký."
        deal = passage(text, title="Biên bản", heading=("Hợp đồng",), language="vi")
        for question in ("Người ký hợp đồng mua chè là ai?", "Ai là người ký hợp đồng mua chè?"):
            assert "Đỗ Kiên" in answer(question, deal, language="vi").text, question

    def test_post_that_does_something_unnamed_tells_nobody(self) -> None:
        question = "Who is the chair of the audit committee?"
        for text, is_told in (
            (
                "The Chief Executive's claims are approved by the chair of the audit committee.",
                False,
            ),
            ("The Chief Executive's claims are approved by the chair, Ann Hale.", True),
            ("The Chief Executive writes to the chair of the audit committee, Ann Hale.", True),
            ("Ann Hale is the chair of the audit committee.", True),
            ("The chair of the audit committee is Ann Hale.", True),
        ):
            claims = passage(text, title="Policy", heading=("Audit committee",))
            made = answer(question, claims)
            assert made.is_abstained is not is_told, (text, made.text)

    def test_who_to_turn_to_is_no_post(self) -> None:
        text = "Lost keys: write to Ada Holm, front desk."
        keys = passage(text, title="Guide", heading=("Lost keys",))
        assert "Ada Holm" in answer("Who is the contact for lost keys?", keys).text


class TestLists:
    def test_post_of_one_and_place_of_another_are_never_trusted(self) -> None:
        for made in (
            answer("Who is the chair of the farm office?", MINUTES),
            answer("Ai đứng đầu Trạm Y tế?", CLINIC, language="vi"),
        ):
            assert made.confidence.level in (ConfidenceLevel.LOW, ConfidenceLevel.NONE), made.text

    def test_subject_of_the_first_part_is_that_of_the_others(self) -> None:
        text = "Phòng y tế ở tầng trệt mở cửa từ 7 giờ 30; y tá là chị Đoàn Mỹ Dung."
        ward = passage(text, title="Sổ tay", heading=("Phòng y tế",), language="vi")
        made = answer("Ai là y tá của phòng y tế?", ward, language="vi")
        assert "Mỹ Dung" in made.text
        assert made.confidence.level not in (ConfidenceLevel.LOW, ConfidenceLevel.NONE)

    def test_both_of_one_are(self) -> None:
        made = answer("Who is the chair of the parish council?", MINUTES)
        assert "Ann Hale" in made.text
        assert made.confidence.level not in (ConfidenceLevel.LOW, ConfidenceLevel.NONE)


class TestParts:
    def test_number_of_one_part_and_year_of_another_are_never_sure(self) -> None:
        text = (
            "The village was flooded in 2015 and again in 2020; in the second flood 43 houses "
            "were damaged."
        )
        flood = passage(text, title="Report", heading=("Floods",))
        made = answer("How many houses of the village were damaged in the flood of 2015?", flood)
        assert made.confidence.level is not ConfidenceLevel.HIGH
        made = answer("How many houses were damaged in the second flood?", flood)
        assert made.confidence.level is ConfidenceLevel.HIGH

    def test_date_of_something_else_is_no_beginning(self) -> None:
        text = "A similar project on Cold Moor is planned; a decision is expected in May 2025."
        moor = passage(text, title="Report", heading=("Cold Moor",))
        made = answer("When does the project on Cold Moor begin?", moor)
        assert made.confidence.level in (ConfidenceLevel.LOW, ConfidenceLevel.NONE)


class TestItems:
    def test_list_of_which_one_item_has_the_word_is_no_list_of_it(self) -> None:
        text = (
            '- 1.1 "Goods" means instruments and spares.\n- 1.2 "Site" means a site of the buyer.\n'
            '- 1.3 "Working day" means a day that is no holiday.'
        )
        terms = passage(text, title="Contract", heading=("Definitions",))
        assert answer("List all holidays", terms).is_abstained

    def test_list_under_its_name_is_given(self) -> None:
        text = "- New Year's Day\n- Easter Monday\n- Christmas Day"
        days = passage(text, title="Handbook", heading=("Holidays",))
        assert "Easter Monday" in answer("List all holidays", days).text
