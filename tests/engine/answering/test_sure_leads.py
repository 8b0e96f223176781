"""A yes or no only where it is sure: reasons, conditions, synonyms, kin that rules list."""

from citewell.engine.answering.asking.everyday import is_of_other_kin
from citewell.engine.answering.asking.synonyms import synonyms_in
from citewell.engine.answering.base import ConfidenceLevel
from tests.engine.answering.passages import answer, passage


def _table(text: str, title: str, language: str = "en"):
    return passage(text, title=title, heading=(title,), language=language)


class TestReasons:
    def test_denied_reason_behind_do_gives_no_lead(self):
        for question, text in (
            (
                "Thợ may có được nghỉ trưa ở xưởng không?",
                "Thợ may được nghỉ trưa ở xưởng do nhà ăn không đủ ghế.",
            ),
            ("Khách có được vào kho không?", "Khách được vào kho do cổng bên chưa sửa xong."),
        ):
            found = answer(question, passage(text, language="vi"), language="vi")
            assert found.sentences[0].text == text

    def test_denial_behind_an_agent_and_before_a_reason_leads(self):
        for question, text in (
            (
                "Máy ảnh có được mang về nhà không?",
                "Máy ảnh do thủ kho giữ và không được mang về nhà.",
            ),
            (
                "Thợ may có được nghỉ trưa ở xưởng không?",
                "Thợ may không được nghỉ trưa ở xưởng do bụi vải.",
            ),
            ("Khách có được vào kho không?", "Theo lệnh đó khách không được vào kho."),
        ):
            found = answer(question, passage(text, language="vi"), language="vi")
            assert found.text.startswith("Không: "), text

    def test_denial_with_a_condition_gives_no_lead(self):
        for question, text in (
            ("Is swimming allowed in the lake?", "Swimming is forbidden only near the weir."),
            (
                "Is swimming allowed in the lake?",
                "Swimming is forbidden in the lake unless guarded.",
            ),
            ("Is swimming allowed in the lake?", "Swimming is forbidden in the lake, if it rains."),
        ):
            assert answer(question, passage(text)).sentences[0].text == text
        text = "Chỉ cấm bơi ở hồ sau."
        found = answer("Có được bơi ở hồ không?", passage(text, language="vi"), language="vi")
        assert found.sentences[0].text == text
        found = answer("Is swimming allowed in the lake?", passage("Swimming is forbidden here."))
        assert found.text.startswith("No: ")


class TestSynonyms:
    def test_pairs_of_two_meanings_are_not_listed(self):
        for asked, told in (
            ("surgery", "operation"),
            ("wifi", "wireless"),
            ("old", "age"),
            ("maximum", "limit"),
            ("course", "class"),
            ("children", "juniors"),
            ("chosen", "approved"),
            ("repairs", "maintenance"),
            ("pets", "dogs"),
        ):
            found = [one for many in synonyms_in(asked, "en") for one in many.told]
            assert told not in found, asked
        found = list(synonyms_in("thưởng tết", "vi"))
        assert not found

    def test_synonym_alone_tells_nothing_of_another_subject(self):
        for question, text in (
            ("How tall is the lighthouse?", "The height of the crane is 40 metres."),
            ("Who repairs the organ?", "The fence was mended by Ms Ferro."),
        ):
            assert answer(question, passage(text)).is_abstained, question

    def test_synonym_of_the_heaviest_word_is_given_as_low(self):
        text = "Smoking is permitted only in the shelter behind the timber store."
        found = answer("Where can I have a cigarette at work?", _table(text, "Rules"))
        assert found.text.startswith(text)
        assert found.confidence.level is ConfidenceLevel.LOW

    def test_synonym_of_the_only_word_is_never_trusted(self):
        found = answer("What is the landlady's name?", passage("The landlord is Ms Ferro."))
        assert found.confidence.level in (ConfidenceLevel.LOW, ConfidenceLevel.NONE)

    def test_synonym_earns_no_lead(self):
        for question, text in (
            ("Are pets allowed?", "Dogs are allowed in the yard."),
            ("Is a dog allowed in the yard?", "Pets are allowed in the yard."),
            ("Is my car insured?", "Vehicles are insured."),
        ):
            found = answer(question, passage(text))
            assert not found.text.startswith(("Yes", "No")), question


class TestKin:
    LEAVE = "Workers get four days off on the death of a spouse, parent or child."

    def test_kin_that_a_rule_does_not_list_gets_nothing(self):
        rule = _table(self.LEAVE, "Leave")
        for who in ("brother", "aunt", "friend"):
            question = f"How many days off do I get when my {who} dies?"
            assert answer(question, rule).is_abstained, who
        for who in ("wife", "mother", "son"):
            question = f"How many days off do I get when my {who} dies?"
            assert "four days" in answer(question, rule).text, who

    def test_other_half_of_a_pair_is_another_person(self):
        for question, text, language, other in (
            ("leave when my father dies", "Two days on the death of a mother.", "en", True),
            ("leave when my dad dies", "Two days on the death of a father.", "en", False),
            ("does my friend pay", "Free for members and guests.", "en", True),
            ("does my husband pay", "Guests pay 4 euros.", "en", False),
            ("anh trai tôi mất", "Khi vợ, chồng, cha hoặc mẹ chết.", "vi", True),
            ("vợ tôi mất", "Khi vợ, chồng, cha hoặc mẹ chết.", "vi", False),
            ("con tôi có học được không", "Trẻ đi cùng bố hoặc mẹ.", "vi", False),
        ):
            assert is_of_other_kin(question, text, language) is other, question
