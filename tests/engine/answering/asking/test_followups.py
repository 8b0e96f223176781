"""Follow-ups that are made to stand alone, and questions that stand alone already."""

import json
from pathlib import Path

from citewell.engine.answering.asking.carrying import DialogueTurn, items_of
from citewell.engine.answering.asking.followups import stand_alone

SAMPLES = Path(__file__).parents[4] / "samples"

CARRIED = (
    ("How many days of leave do employees get in Bristol?", "And in Đà Nẵng?",
     "How many days of leave do employees get in Đà Nẵng?"),
    ("How long does probation last in Bristol?", "Can it be extended?",
     "Can probation be extended in Bristol?"),
    ("What does the R310-4 cost in pounds?", "and the R310-6",
     "What does the R310-6 cost in pounds?"),
    ("How long is annual leave in Bristol?", "What about sick leave?",
     "How long is sick leave in Bristol?"),
    ("How many days of leave do employees get?", "And part-time staff?",
     "How many days of leave do part-time staff get?"),
    ("How many paid days are there for the death of a parent?", "What about a grandparent?",
     "How many paid days are there for the death of a grandparent?"),
    ("What is the shelf life of the pH electrode?", "And what does it cost?",
     "What does the pH electrode cost?"),
    ("Is the canteen open in summer?", "And in winter?", "Is the canteen open in winter?"),
    ("Is the canteen open?", "And in winter?", "Is the canteen open in winter?"),
    ("Who approves a trip abroad?", "By when?", "By when approves a trip abroad?"),
    ("Mức tiền mừng khi kết hôn là bao nhiêu?", "Còn sinh con thì sao?",
     "Mức tiền mừng khi sinh con là bao nhiêu?"),
    ("Giờ làm việc mùa hè là mấy giờ?", "Còn mùa đông thì sao?",
     "Giờ làm việc mùa đông là mấy giờ?"),
    ("Nhân viên chính thức được nghỉ bao nhiêu ngày?", "Thế còn nhân viên bán thời gian?",
     "Nhân viên bán thời gian được nghỉ bao nhiêu ngày?"),
    ("Muc phu cap an trua la bao nhieu?", "con phu cap xang xe thi sao",
     "Muc phu cap xang xe la bao nhieu?"),
    ("Phụ cấp độc hại là bao nhiêu?", "Ai được hưởng nó?", "Ai được hưởng phụ cấp độc hại?"),
    # An article, a measure, a noun with its phrase, an object: the new thing stands once and whole.
    ("How long does the beginners' course last?", "What about the diving course?",
     "How long does the diving course last?"),
    ("What is the deposit for a locker key?", "What about a parasol?",
     "What is the deposit for a parasol?"),
    ("How much do members pay for hand tools returned late?", "And for power tools?",
     "How much do members pay for power tools returned late?"),
    ("To whom is damage to power tools reported?", "And damage to ladders?",
     "To whom is damage to ladders reported?"),
    ("Who leads surgery?", "And dentistry?", "Who leads dentistry?"),
    ("Who may use the spray booth?", "When is it cleaned?", "When is the spray booth cleaned?"),
    ("Is food for cats included?", "What about rabbits?", "Is food for rabbits included?"),
    ("How long may hand tools be borrowed?", "Is that longer than for power tools?",
     "How long may power tools be borrowed?"),
    ("How long may cats stay?", "Is it shorter for rabbits?", "How long may rabbits stay?"),
    ("How long may cats stay?", "How does that compare to rabbits?", "How long may rabbits stay?"),
    # Another measure of the same thing; what is said of the thing is no part of its name.
    ("How much is the deposit for a key?", "And the fee?", "How much is the fee for a key?"),
    ("Are deposits for keys refunded?", "What about fees?", "Are fees for keys refunded?"),
    ("Is the warranty on chairs transferable?", "What about tables?",
     "Is the warranty on tables transferable?"),
    ("Is the warranty on garden chairs transferable to others?", "What about tables?",
     "Is the warranty on tables transferable to others?"),
    ("Is the discount on shoes 10 percent?", "What about hats?",
     "Is the discount on hats 10 percent?"),
    # A bound, what is allowed and a time are no other things.
    ("What is the fee for members?", "Is it more than 5 pounds?", "Is the fee more than 5 pounds?"),
    ("What is the fee for members?", "Is that more than £5?", "Is the fee more than £5?"),
    ("How long is probation?", "Is that longer than two weeks?",
     "Is probation longer than two weeks?"),
    ("What is the fee for members?", "Is it higher than allowed?",
     "Is the fee higher than allowed?"),
    ("What is the fee for members?", "Is that more than last year?",
     "What is the fee for members last year?"),
    ("What is the fee for members?", "Is it more than for the used ones?",
     "What is the fee for the used ones?"),
    ("Phí gửi xe máy là bao nhiêu?", "Có nhiều hơn 5.000 không?",
     "Phí gửi xe máy có nhiều hơn 5.000 không?"),
    ("Thử việc kéo dài bao lâu?", "Có lâu hơn hai tuần không?",
     "Thử việc có lâu hơn hai tuần không?"),
    ("Phí gửi xe máy là bao nhiêu?", "Có cao hơn năm ngoái không?",
     "Phí gửi xe máy là bao nhiêu vào năm ngoái?"),
    ("Phí gửi xe máy là bao nhiêu?", "So với tháng trước thì sao?",
     "Phí gửi xe máy là bao nhiêu vào tháng trước?"),
    # Words with marks are not the question words that they look like without.
    ("Lương tháng được trả vào ngày nào?", "Còn làm thêm giờ thì sao?",
     "Lương làm thêm giờ được trả vào ngày nào?"),
    ("Ai duyệt đơn xin tạm ứng?", "Thế còn làm thêm giờ?", "Ai duyệt đơn xin làm thêm giờ?"),
    ("Vé xe máy là bao nhiêu?", "Còn ô tô?", "Vé ô tô là bao nhiêu?"),
    ("Vé ô tô là bao nhiêu?", "Còn xe máy thì sao?", "Vé xe máy là bao nhiêu?"),
    ("Tiền đặt cọc khi chuyển nhà là bao nhiêu?", "Còn sửa chữa nhà thì sao?",
     "Tiền đặt cọc khi sửa chữa nhà là bao nhiêu?"),
    ("Tiền phạt trả sách trễ là bao nhiêu?", "Còn làm hỏng sách?",
     "Tiền phạt làm hỏng sách là bao nhiêu?"),
    ("Máy in do ai bảo trì?", "Còn máy chiếu?", "Máy chiếu do ai bảo trì?"),
    ("Phòng đọc mở cửa mấy giờ?", "Còn phòng máy tính?", "Phòng máy tính mở cửa mấy giờ?"),
    ("Bãi xe mở cửa mấy giờ vào ngày thường?", "Còn cuối tuần?",
     "Bãi xe mở cửa mấy giờ vào cuối tuần?"),
    ("Người dưới 15 tuổi cần có gì?", "Còn từ 15 tuổi trở lên?",
     "Người từ 15 tuổi trở lên cần có gì?"),
    ("Muốn mượn phòng sinh hoạt chung phải đăng ký trước mấy ngày?", "Còn phòng họp nhỏ?",
     "Muốn mượn phòng họp nhỏ phải đăng ký trước mấy ngày?"),
    ("Vé tháng xe máy là bao nhiêu?", "So với vé tháng ô tô thì sao?",
     "Vé tháng ô tô là bao nhiêu?"),
    ("Phí in màu là bao nhiêu?", "Có cao hơn phí in đen trắng không?",
     "Phí in đen trắng là bao nhiêu?"),
)  # fmt: skip

ALONE = (
    "How long is probation?", "Is it allowed to smoke?", "How long does it take to get a laptop?",
    "If an employee loses a card, what does it cost?", "What is the second stage of discipline?",
    "Who leads IT and security?", "sick leave", "The second shift starts when?", "What time is it?",
    "Which form do employees use when they claim overtime?", "Is there a dress code?",
    "And who is the safety officer in Bristol?", "What happens in the first month?",
    "Does the policy that applies to contractors cover visitors?",
    "Thử việc kéo dài bao lâu?", "Còn bao nhiêu ngày phép thì được chuyển sang năm sau?",
    "Ai duyệt đơn nghỉ phép?", "Lớp tiếng Anh học vào thứ mấy?", "Nhà ăn mở cửa lúc mấy giờ?",
    "Nhân viên mới cần làm gì trong ngày đầu?", "Is annual leave longer than sick leave?",
    "Phụ cấp nhà ở có cao hơn phụ cấp xăng xe không?", "Còn mấy ngày phép thì được nghỉ bù?",
    "Who may use the lathe?", "Is there anything cheaper for students?",
)  # fmt: skip

LISTED = DialogueTurn(
    "What are the stages of discipline?",
    ("1. Verbal warning: kept for 6 months", "2. Written warning", "3. Dismissal"),
)


class TestStandAlone:
    def test_subject_is_carried_over(self) -> None:
        for before, question, expected in CARRIED:
            carried = stand_alone(question, [DialogueTurn(before)])
            assert carried is not None, question
            assert carried.text == expected
            assert not carried.uses_answer

    def test_question_that_stands_alone_is_left(self) -> None:
        turns = [DialogueTurn("How many days of annual leave do employees in Bristol get?")]
        for question in ALONE:
            assert stand_alone(question, turns) is None, question

    def test_no_shipped_question_is_taken_for_a_follow_up(self) -> None:
        turns = [DialogueTurn("When are salaries paid in Bristol?", ("On the 28th.", "Or before."))]
        taken: list[str] = []
        for name in ("tuned", "held"):
            for line in (SAMPLES / "questions" / f"{name}.jsonl").read_text().splitlines():
                question = json.loads(line)["q"]
                if stand_alone(question, turns) is not None:
                    taken.append(question)
        assert taken == []

    def test_nothing_is_carried_without_a_turn_before(self) -> None:
        assert stand_alone("And in winter?", []) is None

    def test_ordinal_takes_the_item_of_the_answer(self) -> None:
        for question, item in (
            ("How long is the second one kept?", "Written warning"),
            ("What about the last one?", "Dismissal"),
            ("Is number 1 kept on file?", "Verbal warning"),
        ):
            carried = stand_alone(question, [LISTED])
            assert carried is not None, question
            assert item in carried.text
            assert carried.uses_answer

    def test_person_is_named_by_the_answer(self) -> None:
        turn = DialogueTurn(
            "Who is the Chief Executive?", ("The Chief Executive is Helen Astbury.",)
        )
        carried = stand_alone("When did she found the company?", [turn])
        assert carried is not None
        assert carried.text == "When did Helen Astbury found the company?"
        assert carried.uses_answer


class TestItems:
    def test_lines_and_clauses_are_items(self) -> None:
        assert items_of(LISTED) == ["Verbal warning", "Written warning", "Dismissal"]
        turn = DialogueTurn("?", ("The courses are: safety, data protection and anti-bribery.",))
        assert items_of(turn) == ["safety", "data protection", "anti-bribery"]
        assert items_of(DialogueTurn("?", ("It is paid on the 28th.",))) == []
