"""Yes and no only where the clause that holds what is asked decides it."""

from collections.abc import Iterable

from citewell.engine.answering.grades import grade_extract
from citewell.engine.verification.grading import Grade
from tests.engine.answering.passages import answer, passage

_LEADS = ("Yes:", "No:", "Có:", "Không:")


def _expect(lead: str, language: str, cases: Iterable[tuple[str, str]]) -> None:
    """Assert that each text is told behind the lead, or behind none where it is empty."""
    for question, text in cases:
        made = answer(question, passage(text, language=language), language=language)
        said = next((one for one in _LEADS if made.text.startswith(one)), "")
        assert said == lead, made.text
        assert text.rstrip(".") in made.text


class TestDeniedBehind:
    def test_denial_of_something_else_is_no_no(self):
        _expect("", "en", (
            ("Are refunds paid in cash?",
             "Refunds are paid in cash, and refunds in cash need no receipt."),
            ("Is the pool open on Sundays?",
             "The pool is open on Sundays, but there is no lifeguard at the pool on Sundays."),
            ("Are visitors allowed in the lab?",
             "Visitors are allowed in the lab, but visitors may not eat in the lab."),
            ("Is parking free for staff?",
             "Parking is free for staff, and staff need no permit for parking."),
            ("Is the hall heated on Mondays?",
             "The hall is heated on weekdays, and need not be heated on Mondays."),
        ))  # fmt: skip
        _expect("", "vi", (
            ("Ngân hàng có cho vay online không?",
             "Ngân hàng cho vay online, cho vay online không cần thế chấp."),
            ("Phòng có điều hoà không?", "Phòng có điều hoà nhưng không có tủ lạnh."),
        ))  # fmt: skip

    def test_denial_of_what_is_asked_is_a_no(self):
        _expect("No:", "en", (
            ("Are vehicles charged overnight?", "Vehicles are charged in row C, not overnight."),
            ("May children swim alone?", "Children may swim in the lake, but not alone."),
            ("Is the pool open on Sundays?", "The pool is open daily, but not on Sundays."),
            ("Does the club own a boat?",
             "However, in this case, the club does not own a boat with sails."),
        ))  # fmt: skip
        _expect("Không:", "vi", (
            ("Xe có được sạc qua đêm không?", "Xe được sạc ở hàng C, không sạc qua đêm."),
            ("Phòng có tủ lạnh không?", "Phòng có điều hoà nhưng không có tủ lạnh."),
        ))  # fmt: skip


class TestDeniedInMainClause:
    def test_denial_of_something_else_is_no_no(self):
        _expect("", "en", (
            ("Are visitors allowed in the lab?", "Visitors may not eat in the lab."),
            ("Is the pool heated?", "There is no lifeguard at the heated pool."),
            ("Is the pool heated?", "No lifeguard watches the heated pool."),
        ))  # fmt: skip
        _expect("", "vi", (
            ("Khách có được vào phòng máy không?", "Khách không được hút thuốc trong phòng máy."),
        ))  # fmt: skip

    def test_denial_of_what_is_asked_is_a_no(self):
        _expect("No:", "en", (
            ("Are visitors allowed in the lab?", "Visitors may not enter the lab."),
            ("Are visitors allowed in the lab?", "Visitors are not allowed in the lab."),
            ("Is the pool heated?", "The pool is no longer heated."),
            ("Do I need a visa?", "You do not need a visa."),
        ))  # fmt: skip


class TestMarks:
    def test_word_that_only_folds_to_a_negator_or_limit_affirms(self):
        _expect("Có:", "vi", (
            ("Công ty có giao hàng miễn phí không?", "Công ty cam kết giao hàng miễn phí."),
            ("Bể này có chứa nước không?", "Bể này chứa nước."),
            ("Khách có được trả nợ sớm không?", "Khách được trả nợ sớm."),
            ("Cửa hàng có bán cam không?", "Cửa hàng bán cam."),
            ("Giám đốc có bãi xe không?", "Giám đốc có bãi xe trước cổng trụ sở."),
            ("Xưởng có thợ hàn không?", "Xưởng có những thợ hàn và bể chứa riêng."),
        ))  # fmt: skip

    def test_negator_denies_with_and_without_marks(self):
        _expect("Không:", "vi", (
            ("Nhà ăn có mở cửa chủ nhật không?", "Nhà ăn chưa mở cửa chủ nhật."),
            ("Nha an co mo cua chu nhat khong?", "Nha an khong mo cua chu nhat."),
            ("Bình có chứa axit không?", "Bình không chứa axit."),
        ))  # fmt: skip

    def test_machine_is_no_question_for_a_number(self):
        _expect("Có:", "vi", (
            ("Phòng họp có máy chiếu không?", "Phòng họp có máy chiếu."),
            ("Phong hop co may chieu khong?", "Phong hop co may chieu."),
        ))  # fmt: skip


class TestNotNow:
    def test_doubt_plan_or_past_is_no_yes(self):
        _expect("", "en", (
            ("Is the pool heated?", "It is unclear whether the pool is heated."),
            ("Is the pool heated?", "The pool is expected to be heated from 2031."),
            ("Are refunds possible?", "Refunds are rarely possible."),
            ("Are pets allowed?", "Pets used to be allowed."),
            ("Are pets allowed?", "Pets were allowed in 2019."),
        ))  # fmt: skip
        _expect("", "vi", (
            ("Hồ bơi có mở cửa không?", "Hồ bơi hiếm khi mở cửa."),
            ("Hồ bơi có mở cửa không?", "Hồ bơi từng mở cửa."),
            ("Hồ bơi có mở cửa không?", "Hồ bơi dự kiến mở cửa."),
        ))  # fmt: skip

    def test_past_and_purpose_that_are_asked_for_affirm(self):
        _expect("Yes:", "en", (
            ("Were pets allowed?", "Pets were allowed."),
            ("Is the tower used to store salt?", "The tower is used to store salt."),
        ))  # fmt: skip


class TestGrades:
    def test_yes_with_a_limit_that_the_question_names_is_close(self):
        for question, text in (
            ("Is it free before noon?", "It is free before noon."),
            ("Can I cancel within 14 days?", "You can cancel within 14 days."),
            ("Is approval needed?", "Approval is needed."),
        ):
            made = grade_extract(answer(question, passage(text)), language="en", question=question)
            assert made.text.startswith("Yes:")
            assessment = made.sentences[0].assessment
            assert assessment is not None
            assert assessment.grade is Grade.CLOSE, question
