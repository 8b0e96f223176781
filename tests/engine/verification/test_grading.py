import pytest

from citewell.engine.verification.grading import Grade, grade_computed, grade_sentence
from citewell.engine.verification.tokens import read_tokens
from tests.timing import processor_seconds

LEASE = "The lessee pays the service charge to the lessor by the fifth day of each month."
WAREHOUSES = "The kiln is in hall A, the drying room in hall B."
TAKEOVER = "Ashgrove acquired Pellworth in 2018 for 3.2 million euros."


def grade(sentence: str, *quotes: str, language: str = "en") -> Grade:
    return grade_sentence(sentence, quotes, language=language).grade


class TestQuoted:
    def test_whole_sentence_of_a_quote_is_quoted(self) -> None:
        assert grade(LEASE, f"Duties. {LEASE} Nothing else.") is Grade.QUOTED

    def test_white_space_and_end_mark_do_not_matter(self) -> None:
        assert grade(LEASE[:-1].replace(" ", "  "), LEASE) is Grade.QUOTED

    def test_question_states_nothing(self) -> None:
        asked = "The kiln is in hall A?"
        assert grade("The kiln is in hall A.", asked) not in (Grade.QUOTED, Grade.CLOSE)
        assert grade(asked, "The kiln is in hall A.") is not Grade.QUOTED
        assert grade(asked, asked) is Grade.QUOTED

    def test_part_of_a_denial_is_not_quoted(self) -> None:
        denied = "It is false that the lessee pays the service charge."
        assert grade("The lessee pays the service charge.", denied) not in (
            Grade.QUOTED,
            Grade.CLOSE,
        )


class TestClose:
    @pytest.mark.parametrize(
        ("sentence", "quote"),
        [
            ("Pellworth was acquired by Ashgrove in 2018.", TAKEOVER),
            ("In 2018 Ashgrove bought Pellworth.", TAKEOVER),
            ("Ashgrove took over Pellworth in 2018.", TAKEOVER),
            ("The lessor receives the service charge from the lessee.", LEASE),
            ("The drying room is in hall B.", WAREHOUSES),
            ("The trial took place after the survey.", "The survey took place before the trial."),
            ("Ruth is supervised by Ines.", "Ruth reports to Ines."),
            ("Hall B is smaller than hall A.", "Hall A is larger than hall B."),
            ("Ada Holm is the plant's manager.", "The plant's manager, Ada Holm, retires in May."),
            ("The kiln closed on 3 May 2021.", "The kiln closed on May 3rd, 2021 for repairs."),
            ("In hall B the limit is −5 degrees.", "The limit in hall B is -5 degrees."),  # noqa: RUF001
            ("In hall B the limit is 5-7 degrees.", "The limit in hall B is 5-7 degrees."),
            ("Ines is Ruth's manager.", "Ruth reports to Ines."),
            ("Ada Holm is the author of the guide.", "The guide was written by Ada Holm."),
            ("The trial preceded the survey.", "The trial took place before the survey."),
            ("The kiln closed in May.", "The kiln closed on May 3rd, 2021 for repairs."),
            ("Bo Ek built the kiln.", "The kiln was built by Ada Holm, Bo Ek and Cy Fox."),
            ("A person holds the key.", "A man holds the key."),
            ("Ada Holm was born on 4 June 1870.", "Ada Holm (4 June 1870 – 1931) was a potter."),  # noqa: RUF001
            ("Ada Holm died in 1931.", "Ada Holm (4 June 1870 – 2 May 1931) was a potter."),  # noqa: RUF001
            ("Yes: the kiln is in hall A.", WAREHOUSES),
            ("A person drives a red vehicle.", "A man drives a red truck."),
            ("There is an animal in the yard.", "There is a dog in the yard."),
            ("Ann Lee is the owner of the kiln.", "The kiln is owned by Ann Lee."),
            ("Ada Holm was born on 3 May 1990.", "Ada Holm (born 3 May 1990, Leeds) paints."),
            ("The man is sweeping.", "The man sings while sweeping the floor."),
            ("Pellworth was acquired in 2018.", TAKEOVER),
            ("Ann Lee lost the case.", "The firm sued Ann Lee, who lost the case."),
            ("The kiln was built in May.", "The kiln, which was built in May, is in hall A."),
            ("The clerks are waiting.", "A group of clerks is waiting."),
            ("Ann Lee is a clerk.", "Ann Lee is the only clerk."),
            ("Ada Holm was born in 1997.", "Ada Holm (born Ada Smith; 4 June 1997) is a potter."),
            ("Ada Holm died in 1931.", "Ada Holm ([ada]; 4 June 1870 – 2 May 1931) was a potter."),  # noqa: RUF001
            ("The station broadcasted the game.", "The station has broadcast the game."),
            ("The song was written by Bo Ek.", "The song, written and sung by Bo Ek, is short."),
        ],
    )
    def test_turned_sentence_is_close(self, sentence: str, quote: str) -> None:
        assert grade(sentence, quote) is Grade.CLOSE

    @pytest.mark.parametrize(
        ("sentence", "quote"),
        [
            (
                "Công ty Bình Minh được công ty Hải Vân mua lại năm 2018.",
                "Công ty Hải Vân mua lại công ty Bình Minh năm 2018.",
            ),
            ("Phí kho do bên thuê trả.", "Bên thuê trả phí kho, bên cho thuê trả thuế đất."),
            ("Kho B nhỏ hơn kho A.", "Kho A lớn hơn kho B."),
            ("Năm 2018 bên thuê sửa mái kho.", "Bên thuê sửa chữa mái kho năm 2018."),
            ("Năm 2018 bên thuê thông báo giá.", "Bên thuê báo giá năm 2018."),
        ],
    )
    def test_turned_vietnamese_sentence_is_close(self, sentence: str, quote: str) -> None:
        assert grade(sentence, quote, language="vi") is Grade.CLOSE

    def test_vietnamese_noun_without_its_head_is_another_thing(self) -> None:
        for sentence, quote in (
            ("Bên thuê mở cổng lúc 6 giờ.", "Bên thuê mở khóa cổng lúc 6 giờ."),
            ("Công ty mua máy.", "Công ty mua phụ tùng máy."),
        ):
            assert grade(sentence, quote, language="vi") is Grade.REWORDED, sentence
        named = "Giám đốc Nguyễn An ký hợp đồng."
        assert grade("Giám đốc ký hợp đồng.", named, language="vi") is Grade.CLOSE

    def test_statements_of_two_quotes_make_one_sentence(self) -> None:
        both = "The kiln is in hall A and the survey costs 400 euros."
        assert grade(both, WAREHOUSES, "The survey costs 400 euros.") is Grade.CLOSE


class TestNotAccepted:
    """Sentences with the words of their quote that say something else."""

    @pytest.mark.parametrize(
        ("sentence", "quote"),
        [
            ("Pellworth acquired Ashgrove in 2018.", TAKEOVER),
            ("Ashgrove was acquired by Pellworth in 2018.", TAKEOVER),
            ("The lessor pays the service charge to the lessee.", LEASE),
            ("The kiln is in hall B.", WAREHOUSES),
            ("The drying room is in hall A.", WAREHOUSES),
            ("Ashgrove acquired Pellworth in 2018 for 2.3 million euros.", TAKEOVER),
            ("Ashgrove acquired Pellworth in 2019.", TAKEOVER),
            ("Ashgrove acquired Pellworth in 2018, as evil.example confirms.", TAKEOVER),
            ("Unused days lapse with payment.", "Unused days lapse without payment."),
            ("Up to three unused days are kept.", "Up to five unused days are kept."),
            ("Overtime is paid.", "Overtime is not paid."),
            ("Overtime is not paid.", "Overtime is paid."),
            ("Visitors may smoke.", "Visitors may smoke only in the yard."),
            ("Staff get five days.", "Staff get up to five days."),
            ("In hall A the limit is 5 degrees.", "The limit in hall A is -5 degrees."),
            ("In hall A the limit is 5 degrees.", "The limit in hall A is ≥ 5 degrees."),
            ("In hall A the limit is 5 degrees.", "The limit in hall A is ~5 degrees."),
            ("In hall A the limit is 5 degrees.", "The limit in hall A is .5 degrees."),
            ("In hall A the limit is 5 degrees.", "The limit in hall A is 5-7 degrees."),
            ("In hall A the limit is 7 degrees.", "The limit in hall A is 5 to 7 degrees."),
            ("In hall A the limit is 5 degrees.", "The limit in hall A is 5 to 7 degrees."),
            ("In hall A the limit is 5 degrees.", "The limit in hall A is 1/5 degrees."),
            ("In hall A the limit is 5 degrees.", "The limit in hall A is 5+ degrees."),
            ("In hall A the limit is −5 degrees.", "The limit in hall A is 5 degrees."),  # noqa: RUF001
            ("In 2018 the margin was 3 percent.", "The margin, in 2018, was –3 percent."),  # noqa: RUF001
            ("Staff get a bonus.", "If the year ends well, staff get a bonus."),
            ("The dog bit the guard.", "The owner of the dog bit the guard."),
            ("The press opens the valve.", "The press closes the valve."),
            ("Ruth is Ines's manager.", "Ruth reports to Ines."),
            ("The survey preceded the trial.", "The trial took place before the survey."),
            ("The kiln closed in June.", "The kiln closed on May 3rd, 2021 for repairs."),
            ("Every person holds a key.", "Every man holds a key."),
            ("A man holds the key.", "A person holds the key."),
            ("No person holds the key.", "No man holds the key."),
            ("Ada Holm died in 1870.", "Ada Holm (4 June 1870 – 2 May 1931) was a potter."),  # noqa: RUF001
            ("Ada Holm died in 1931.", "Ada Holm (Leeds, 2 May 1931) was a potter."),
            ("Yes: the kiln is in hall B.", WAREHOUSES),
            ("All branches close at six.", "Some branches close at six."),
            ("The day shift packs.", "The day shift welds and the night shift packs."),
            ("John Reed died in 1994.", "John Reed (mayor 1986–1994) was a lawyer."),  # noqa: RUF001
            ("Ann Lee was born on 3 May 1990.", "Ann Lee (born Smith, married 3 May 1990) paints."),
            ("Animals are forbidden in the park.", "Dogs are forbidden in the park."),
            ("The vehicle costs 5000 euros.", "The truck costs 5000 euros."),
            ("The firm was bought by Cy Fox.", "The firm was bought by Acme, and Cy Fox resigned."),
            ("The firm was bought by Cy Fox.", "The firm was bought by Acme and Cy Fox resigned."),
            ("Ann Lee is the owner of the kiln.", "Ann Lee owned the kiln."),
            ("Ann Lee is the owner of the kiln.", "The kiln was owned by Ann Lee."),
            ("Ines is Ruth's manager.", "Ruth reported to Ines."),
            (
                "Ann Lee was the author of the report.",
                "Ann Lee wrote to the author of the report.",
            ),
            ("The man is working.", "The man sleeps while working machines hum."),
            ("No, the kiln is in hall A.", "The kiln is in hall A."),
            ("Ashgrove was acquired in 2018.", TAKEOVER),
            ("Pellworth was acquired in 2018.", "Ashgrove acquired the Pellworth shares in 2018."),
            ("Pellworth was acquired.", "Ashgrove helped acquire Pellworth."),
            ("Pellworth was acquired.", "Ashgrove is said to have acquired Pellworth."),
            ("Ann Lee is the director.", "Ann Lee and the director attended."),
            ("Bo Ek is the owner.", "Bo Ek met the owner."),
            ("The fee is 30 euros.", "The fee exceeds 30 euros."),
            ("The firm lost the case.", "The firm sued Ann Lee, who lost the case."),
            ("The brother of Ann Lee died.", "The brother of Ann Lee, who died, was a potter."),
            ("Bo Ek won the cup.", "Ann Lee and Bo Ek, who won the cup and the vase, left."),
            ("Cy Fox packs.", "Bo Ek and Cy Fox weld and pack, respectively."),
            ("The clerks are waiting.", "The manager of the clerks is waiting."),
            ("Ann Lee is a member.", "Ann Lee is only a member of the choir."),
            ("The loan costs 5 percent.", "The loan costs 5 percent above the base rate."),
            ("The director signs contracts.", "The deputy director signs contracts."),
            ("The director signs contracts.", "The former director signs contracts."),
        ],
    )
    def test_other_statement_is_not_accepted(self, sentence: str, quote: str) -> None:
        assert grade(sentence, quote) not in (Grade.QUOTED, Grade.CLOSE, Grade.CONFIRMED)

    @pytest.mark.parametrize(
        ("sentence", "quote"),
        [
            (
                "Công ty Bình Minh mua lại công ty Hải Vân năm 2018.",
                "Công ty Hải Vân mua lại công ty Bình Minh năm 2018.",
            ),
            ("Kho A ở tầng hai.", "Kho A ở tầng trệt, xưởng ở tầng hai."),
            ("Bên cho thuê trả phí kho.", "Bên thuê trả phí kho, bên cho thuê trả thuế đất."),
            ("Nhân viên được hút thuốc.", "Nhân viên không được hút thuốc."),
            ("Năm 2018 kho A đóng cửa.", "Kho A có thể đóng cửa năm 2018."),
            ("Năm 2018 nhân viên nghỉ 5 ngày.", "Nhân viên nghỉ tối đa 5 ngày năm 2018."),
            ("Kho A mở kho B.", "Kho A mở trong khi sửa kho B."),
            ("Học sinh đóng học phí.", "Phụ huynh học sinh đóng học phí."),
            ("Giám đốc ký hợp đồng.", "Thư ký giám đốc ký hợp đồng."),
            ("Giám đốc ký hợp đồng.", "Phó giám đốc ký hợp đồng."),
            ("Bà Lan ký hợp đồng.", "Trợ lý bà Lan ký hợp đồng."),
        ],
    )
    def test_other_vietnamese_statement_is_not_accepted(self, sentence: str, quote: str) -> None:
        assert grade(sentence, quote, language="vi") not in (Grade.QUOTED, Grade.CLOSE)


class TestContradicted:
    @pytest.mark.parametrize(
        ("sentence", "quote"),
        [
            ("The fee is 30 euros.", "The fee is 25 euros."),
            ("The limit is 5 degrees.", "The limit is -5 degrees."),
            ("The kiln closed on 3 May 2021.", "The kiln closed on 3 May 2022."),
            ("Overtime is not paid.", "Overtime is paid."),
            ("The press opens the valve.", "The press closes the valve."),
            ("Pellworth acquired Ashgrove.", "Ashgrove acquired Pellworth."),
        ],
    )
    def test_same_sentence_with_something_else_is_contradicted(
        self, sentence: str, quote: str
    ) -> None:
        assert grade(sentence, quote) is Grade.CONTRADICTED

    def test_what_another_quote_supports_is_not_contradicted(self) -> None:
        fees = ("The fee is 25 euros.", "The fee is 30 euros.")
        assert grade("The fee is 30 euros.", *fees) is Grade.QUOTED

    def test_end_of_a_range_is_no_contradiction(self) -> None:
        assert grade("The rate is 7 percent.", "The rate is 5 to 7 percent.") is Grade.REWORDED

    def test_exchanged_roles_of_a_mutual_verb_are_no_contradiction(self) -> None:
        assert grade("Ruth met Ines.", "Ines met Ruth.") is not Grade.CONTRADICTED


class TestLeads:
    @pytest.mark.parametrize(
        "said",
        [
            "Vinegar ruins the kettle.",
            "The tenant may sublet the shed once.",
            "Boats are rented until October.",
            "Alcohol is never repaid.",
        ],
    )
    def test_yes_before_a_limit_a_harm_or_a_denial_is_not_close(self, said: str) -> None:
        assert grade(f"Yes: {said}", said) is Grade.REWORDED

    def test_vietnamese_yes_before_a_limit_is_not_close(self) -> None:
        said = "Thuyền được neo ở bến B, không neo qua đêm."
        assert grade(f"Có: {said}", said, language="vi") is Grade.REWORDED


class TestComputed:
    ROWS = ("Berlin | 30", "Hamburg | 20")

    def test_value_whose_operands_stand_in_the_rows_is_reworded(self) -> None:
        told = grade_computed("Total of Staff: 50", ("30", "20"), self.ROWS, language="en")
        assert (told.grade, told.unsupported_terms) == (Grade.REWORDED, ("50",))

    def test_value_with_an_operand_that_no_row_holds_is_unsupported(self) -> None:
        told = grade_computed("Total of Staff: 75", ("30", "45"), self.ROWS, language="en")
        assert told.grade is Grade.UNSUPPORTED

    def test_without_rows_nothing_was_computed_from_them(self) -> None:
        assert grade_computed("50", (), (), language="en").grade is Grade.UNSUPPORTED


class TestReworded:
    def test_words_that_no_quote_holds_are_named(self) -> None:
        assessment = grade_sentence(
            "The lessee settles the service charge quarterly.", [LEASE], language="en"
        )
        assert assessment.grade is Grade.REWORDED
        assert assessment.unsupported_terms == ("settles", "quarterly")

    def test_number_that_no_quote_holds_is_named(self) -> None:
        assessment = grade_sentence("The lessee pays 40 euros.", [LEASE], language="en")
        assert "40" in assessment.unsupported_terms


class TestUnsupported:
    def test_other_subject_is_unsupported(self) -> None:
        assert grade("Whales sing at night near Iceland.", LEASE) is Grade.UNSUPPORTED

    def test_without_quotes_is_unsupported(self) -> None:
        assert grade("The fee is 30 euros.") is Grade.UNSUPPORTED

    def test_sentence_without_content_is_unsupported(self) -> None:
        assert grade("It is.", LEASE) is Grade.UNSUPPORTED


class TestOtherLanguages:
    def test_verbatim_sentence_is_quoted(self) -> None:
        text = "Die Gebühr beträgt 30 Euro."
        assert grade(text, text, language="de") is Grade.QUOTED

    def test_changed_sentence_is_never_close(self) -> None:
        assert grade(
            "Die Gebühr beträgt nun 30 Euro.", "Die Gebühr beträgt 30 Euro.", language="de"
        ) in (Grade.REWORDED, Grade.UNSUPPORTED)


class TestHostileText:
    @pytest.mark.parametrize(
        "text", ["( " * 4000, "1." * 4000, "a, " * 4000, "tháng 1 " * 2000, "n't" * 3000]
    )
    def test_tokens_are_read_in_linear_time(self, text: str) -> None:
        def seconds(source: str) -> float:
            return processor_seconds(lambda: read_tokens(source, "vi"))

        half = seconds(text[: len(text) // 2]) + 0.02
        # Twice the text may cost about twice the time; four times would be quadratic.
        assert seconds(text) < 3.5 * half


class TestAmountsOfOneKind:
    def test_amount_of_one_kind_is_not_that_of_all(self):
        for sentence, quote in (
            ("Lương tăng 4%.", "Lương làm thêm tăng 4%."),
            ("Lương tăng 4%.", "Lương tăng ca tăng 4%."),
            ("Giá tăng.", "Giá vé tăng."),
            ("Phụ cấp là 90.000 đồng.", "Phụ cấp gửi xe là 90.000 đồng."),
            ("Học viên được vắng 3 buổi.", "Học viên buổi tối được vắng 3 buổi."),
        ):
            assert grade_sentence(sentence, [quote], language="vi").grade is Grade.REWORDED, quote
        found = grade_sentence(
            "Rent rises by 4 percent.", ["Garage rent rises by 4 percent."], language="en"
        )
        assert found.grade is Grade.REWORDED

    def test_words_that_go_with_the_verb_may_be_left_out(self):
        for sentence, quote in (
            ("Lương tăng 4%.", "Lương đã chính thức tăng 4%."),
            ("Học viên được vắng 3 buổi.", "Học viên cũng đã được vắng 3 buổi."),
        ):
            assert grade_sentence(sentence, [quote], language="vi").grade is Grade.CLOSE, quote
