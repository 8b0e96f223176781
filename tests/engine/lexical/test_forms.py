# ruff: noqa: RUF001 - typographic dashes and letters of other languages are meant
"""Forms: what is written differently and meant alike, or written alike and meant differently."""

from collections import Counter

from citewell.engine.lexical.base import CorpusStatistics
from citewell.engine.lexical.bm25 import passage_terms, query_weights
from citewell.engine.lexical.forms import find_forms
from citewell.engine.lexical.german import parts_of_compound
from citewell.engine.retrieval.analysis import analyse
from citewell.engine.text.language import detect_language


def ranked(question: str, *passages: str, analysis: int = 2, language: str = "") -> list[str]:
    """The passages with terms of the question, best first."""
    weights = [
        passage_terms(text, language or detect_language(text), analysis=analysis).weights
        for text in passages
    ]
    frequency = Counter(term for each in weights for term in each)
    wanted = query_weights(analyse(question).terms, CorpusStatistics(len(passages), frequency))
    scores = [sum(each.get(term, 0) * by for term, by in wanted.items()) for each in weights]
    found = sorted(zip(scores, passages, strict=True), key=lambda one: -one[0])
    return [text for score, text in found if score > 0]


class TestApart:
    def test_names_with_signs_are_other_names(self) -> None:
        texts = [
            f"The {name} client talks to port {port}."
            for port, name in enumerate(("C++", "C#", "C", "F#", ".NET", "net"), 7001)
        ]
        for text in texts:
            name = text.split()[1]
            assert ranked(f"Which port does the {name} client use?", *texts)[0] == text

    def test_sign_of_a_number_tells_it_apart(self) -> None:
        texts = ("Error -1067 is one of the service.", "Error 1067 is one of the whole disk.")
        assert ranked("error -1067", *texts)[0] == texts[0]
        assert ranked("error −1067", *texts)[0] == texts[0]
        assert ranked("error 1067", *texts)[0] == texts[1]

    def test_ranges_and_codes_have_no_sign(self) -> None:
        for text in ("10-20 pages", "10 -20", "B-4417", "2024-03-12", "pages 10–20", "a - 5"):
            assert not [each for each in find_forms(text, "en") if each.kind == "apart"], text

    def test_addresses_of_machines_keep_their_dots(self) -> None:
        other = {one for form in find_forms("192.168.110", "en") for one in form.stored}
        assert not {one for form in find_forms("192.168.1.10", "en") for one in form.stored} & other
        found = ranked("who has 024.3823.4567", "Call 02438234567.", "The printer is 10.24.38.23.")
        assert found == ["Call 02438234567."]
        assert ranked("62217788", "Call +65 6221 7788.") == ["Call +65 6221 7788."]

    def test_unaccented_terms_count_little_beside_exact_ones(self) -> None:
        exact, other = "Phí lưu kho là 5 đồng.", "Phi lưu kho là 5 đồng, phi, phi lưu."
        assert ranked("Phí lưu kho là bao nhiêu?", other, exact)[0] == exact
        # Where the library has no accents, they are all there is.
        assert ranked("Phí lưu kho là bao nhiêu?", "Phi luu kho la 5 dong.", language="vi")


class TestOneThing:
    def test_it_is_found_however_it_is_written(self) -> None:
        pairs = (
            ("The board meets on 2026-12-05.", "What happens on 5 December 2026?"),
            ("Họp ngày 5 tháng 12 năm 2026.", "họp 05/12/2026"),
            ("Die Sitzung ist am 5. Dezember 2026.", "5.12.2026"),
            ("Hotline: +84 24 3823 4567", "02438234567"),
            ("Hotline: 0243 823 4567", "(024) 3823-4567"),
            ("IBAN DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
            ("Policy HR-POL-007 applies.", "HRPOL007"),
            ("The workstation has an RTX4090.", "rtx 4090"),
            ("The workstation has an RTX 4090.", "RTX4090"),
            ("The iPhone 15 is lent out.", "iphone15"),
            ("A budget of 1,000,000 euros.", "1000000"),
            ("The function getUserById returns it.", "get user by id"),
            ("The function get_user_by_id returns it.", "getUserById"),
            ("Herr Müller ist der Leiter.", "Mueller"),
            ("Herr Mueller ist der Leiter.", "Müller"),
            ("Die Kündigungsfrist ist lang, und sie gilt für alle.", "Frist der Kündigung"),
        )
        # A word beside a code may say what it is; in scripts without spaces words touch dates.
        pairs += (
            ("Pay to DE89 3704 0044 0532 0130 00.", "IBAN DE89370400440532013000"),
            ("Part AB1234 is packed in tens.", "SKU AB 1234"),
            ("会議は2024-03-22に開かれる。", "2024年3月22日"),
            ("东京的电话03-1234-5678接通。", "0312345678"),
        )
        other = "Nothing of this is said in the other text about bread and wine."
        for passage, question in pairs:
            assert ranked(question, other, passage)[:1] == [passage], question

    def test_a_number_with_its_multiplier_finds_the_number_in_full(self) -> None:
        for question, passage, other in (
            (
                "trên 60 triệu",
                "Duyệt khoản trên 60.000.000 đồng.",
                "Duyệt khoản trên 600.000 đồng.",
            ),
            ("tren 5 ty", "Ký hợp đồng trên 5.000.000.000 đồng.", "Ký trên 15.000.000.000 đồng."),
            ("above 2.5 million", "Claims above 2,500,000 pounds.", "Claims above 250,000 pounds."),
        ):
            asked = {term.id for term in analyse(question).terms if term.namespace == "form"}
            held, others = (passage_terms(one, "vi").weights for one in (passage, other))
            assert asked & held.keys(), question
            assert not asked & others.keys(), question

    def test_first_version_has_no_forms(self) -> None:
        text = "The board meets on 2026-12-05, says C++."
        assert not ranked("5 December", text, "another text", analysis=1)
        assert ranked("5 December", text, "another text") == [text]

    def test_compounds_are_divided_at_known_joints(self) -> None:
        assert parts_of_compound("kündigungsfrist") == ("kündigung", "frist")
        assert parts_of_compound("urlaubsantrag") == ("urlaubs", "urlaub", "antrag")
        assert parts_of_compound("vertrag") == parts_of_compound("zusammen") == ()

    def test_cost_is_linear_in_hostile_text(self) -> None:
        for part in ("1 ", "A1", "a_", "C++", "-1", "AB 12 ", "1.000", "(1)", "aB", "+", "ü"):
            for text in (part * 20_000, part * 20_000 + "!"):
                assert len(find_forms(text, "de", is_query=True)) < 5_000
