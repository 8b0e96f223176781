"""Questions as people type them: superlatives, totals, duties of a contract, no prices."""

from citewell.engine.answering.asking.answer_kinds import Aggregate, Kind
from citewell.engine.answering.asking.evidence import offers
from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.answering.reading.smalltalk import fixed_reply
from tests.engine.answering.passages import answer, passage

BOATS = passage(
    "Code | Boat | Seats | Price EUR per hour\n"
    "K-01 | Kayak 'Otter' | 1 | 9\n"
    "K-02 | Canoe 'Heron' | 3 | 14\n"
    "K-03 | Rowing boat 'Coot' | 4 | 17",
    title="Boats for hire",
    heading=("Boats for hire",),
)
PACHT = passage(
    "5. Price The plot costs 310 euros a year. It is paid in March. Interest is charged from May."
    "\n\n6. The gardener undertakes:\n\nto mow the edges once a week;\n\n"
    "to close the gate at night;\n\nto keep no more than six hens.\n\n"
    "7. Notice Either side may end it. It is given in writing. It reaches the other by October.",
    title="Allotment agreement",
)
KLINIK = passage(
    "Check | Room | Duration\nHearing test | C2 | 25 minutes\nEye test | C4 | 15 minutes",
    title="Checks",
    heading=("Checks",),
)


class TestTables:
    def test_superlative_of_price_picks_the_price_and_names_the_row_behind_its_code(self):
        text = answer("What is the most expensive boat?", BOATS).sentences[0].text
        assert text.startswith("K-03, Rowing boat 'Coot': 17"), text
        assert "Kayak" in answer("which is the cheapest boat", BOATS).sentences[0].text

    def test_all_together_is_a_sum(self):
        asked = read_question("how many seats do the boats have together", "en")
        assert asked.aggregate is Aggregate.SUM
        assert "8" in answer(asked.text, BOATS).sentences[0].text

    def test_minutes_and_rooms_are_no_price(self):
        asked = read_question("How much does an eye test cost?", "en")
        assert offers(asked, "Check: Eye test; Room: C4; Duration: 15 minutes") < 0.5
        assert offers(asked, "Check: Eye test; Price: 15") > 0.5
        assert answer("How much does the eye test cost?", KLINIK).is_abstained

    def test_price_in_two_currencies_is_told_without_the_rest_of_the_row(self):
        shop = passage(
            "Article | Lamp | Watts | Price EUR | Price CHF\nL-7 | Garden lamp | 12 | 39 | 41\n"
            "L-8 | Desk lamp | 7 | 28 | 29",
            title="Lamps",
            heading=("Lamps",),
        )
        found = answer("How much is the garden lamp?", shop)
        assert found.sentences[0].text == "L-7, Garden lamp: 39 EUR, 41 CHF"


class TestLists:
    def test_duties_under_a_numbered_lead_in_come_whole_without_the_other_sections(self):
        text = answer("what are the gardener's duties", PACHT).sentences[0].text
        for item in ("mow the edges", "close the gate", "six hens"):
            assert item in text, text
        assert "310 euros" not in text
        assert "October" not in text

    def test_what_to_bring_asks_for_a_list(self):
        for text, language in (
            ("what should I bring on my first day", "en"),
            ("đi khám cần mang giấy tờ gì?", "vi"),
        ):
            assert read_question(text, language).kind is Kind.LIST, text


class TestYesAndNo:
    def test_drinks_without_alcohol_deny_nothing(self):
        party = passage("At the summer party there are always drinks without alcohol.")
        found = answer("may I drink at the summer party", party)
        assert not found.text.startswith("No")
        toll = passage("Bicycles may cross without a ticket.")
        assert not answer("Do I need a ticket to cross with a bicycle?", toll).text.startswith(
            "Yes"
        )

    def test_vietnamese_agent_does_not_end_the_clause_that_denies(self):
        rule = passage(
            "Chìa khóa do bảo vệ giữ và không được mang về nhà, trừ khi trưởng ca cho phép.",
            language="vi",
        )
        assert not answer(
            "chìa khóa có được mang về nhà không?", rule, language="vi"
        ).text.startswith("Có")


class TestGreetings:
    def test_greeting_with_a_question_about_citewell_gets_the_fixed_reply(self):
        for text in ("Hello, what can you do?", "chào bạn, bạn làm được gì?"):
            assert fixed_reply(text) is not None, text
        assert fixed_reply("hello, when does the canteen open?") is None


class TestDenyingHeadings:
    def test_item_under_a_heading_that_denies_is_a_no(self) -> None:
        items = "- Airport lounges, seat upgrades and minibar purchases.\n- Clothing and luggage."
        under = passage(items, title="Expenses", heading=("10. Not repaid",))
        made = answer("Will the minibar be repaid?", under)
        assert made.text.startswith("No"), made.text
        under = passage(items, title="Expenses", heading=("10. Repaid",))
        assert not answer("Will the minibar be repaid?", under).text.startswith("No")
