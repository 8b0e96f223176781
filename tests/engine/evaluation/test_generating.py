from citewell.engine.evaluation.generating import ProposedCase, SourceText, generate

HANDBOOK = """# Leave

The request window is a period of four weeks in November.

The first 40 carts are delivered on 30 April 2026 by the supplier.

Contents

A list of pages.

Questions

Is there a dress code?

Helmets are worn in the mill at all times.

Item | Price (EUR)
Hand cart | 340
Rope | 12.50

The following papers are needed:
- passport or identity card
- proof of address
- bank details

Lost keys

Tell the porter at once when a key is lost."""

NOTICE = """Sổ tay

Hạn nộp đơn là ngày 31 tháng 5 hằng năm tại phòng hành chính.

Nhân viên được nhận quà tết từ ngày 20 tháng 01 năm 2026 tại hội trường lớn.

Khi bị mất chìa khóa

Bạn báo ngay cho bảo vệ tòa nhà và ghi vào sổ trực ban."""


def by_kind(title: str, text: str) -> dict[str, list[ProposedCase]]:
    found: dict[str, list[ProposedCase]] = {}
    for case in generate(SourceText(title, text), 50):
        found.setdefault(case.kind, []).append(case)
    return found


class TestEnglish:
    def test_each_kind_is_asked_for(self) -> None:
        found = by_kind("Mill Handbook", HANDBOOK)
        [definition], [date], [faq], [listed] = (
            found[kind] for kind in ("definition", "date", "faq", "list")
        )
        assert definition.question == "What is the request window?"
        assert definition.gold == ("a period of four weeks in November",)
        assert date.question == "When are the first 40 carts delivered?"
        assert date.gold == ("30 April 2026",)
        assert faq.question == "Is there a dress code?"
        assert faq.reference == "Helmets are worn in the mill at all times."
        assert listed.all == ("passport or identity card", "proof of address", "bank details")
        assert [(case.question, case.gold) for case in found["table"]] == [
            ("What is the Price (EUR) of Hand cart in Mill Handbook?", ("340",)),
            ("What is the Price (EUR) of Rope in Mill Handbook?", ("12.50",)),
        ]
        headings = [case.question for case in found["heading"]]
        assert "What does Mill Handbook say about “Lost keys”?" in headings
        assert not any("Contents" in question for question in headings)

    def test_answers_stand_in_the_stretch_that_is_named(self) -> None:
        for case in generate(SourceText("Mill Handbook", HANDBOOK), 50):
            stretch = HANDBOOK[case.start : case.end]
            assert all(word in stretch for word in (*case.gold, *case.all)), case

    def test_kinds_take_turns(self) -> None:
        kinds = [case.kind for case in generate(SourceText("Mill Handbook", HANDBOOK), 5)]
        assert len(set(kinds)) == 5

    def test_text_that_says_nothing_gives_no_question(self) -> None:
        assert generate(SourceText("Nothing", "It is what it is. This is so.\n\n42"), 5) == []


class TestVietnamese:
    def test_questions_are_vietnamese(self) -> None:
        found = by_kind("Sổ tay", NOTICE)
        assert [case.question for case in found["definition"]] == ["Hạn nộp đơn là gì?"]
        [date] = [case for case in found["date"] if "quà" in case.question]
        assert date.question == "Nhân viên được nhận quà tết khi nào?"
        assert date.gold == ("20 tháng 01 năm 2026",)
        assert [case.question for case in found["heading"]] == [
            "Sổ tay quy định gì về “Khi bị mất chìa khóa”?"
        ]
