import json

import pytest

from citewell.engine.answering.drafting import Draft
from citewell.engine.answering.quoting import WrittenQuote
from citewell.engine.answering.replies import ReplyReader

ONE, TWO = WrittenQuote("24 working days", 1), WrittenQuote("8 euros [3]", 2)

TAGGED = (
    'Sure:\n\n<quote passage="1">24 working days</quote>\n<Quote n=2>8 euros [3]</quote>\n'
    "<say>It is 24 days [1].</say>\n<say>Guests pay.</say>"
)
JSON = json.dumps(
    {
        "sentences": [
            {
                "quotes": [
                    {"passage": 1, "text": "24 working days"},
                    {"passage": 2, "text": "8 euros [3]"},
                ],
                "text": "It is 24 days [1].",
            },
            {"quotes": [], "text": "Guests pay."},
        ]
    }
)


def read(reply: str, piece: int = 5, *, is_cut: bool = False) -> list[Draft]:
    reader = ReplyReader("en")
    drafts: list[Draft] = []
    for start in range(0, len(reply), piece):
        drafts += reader.feed(reply[start : start + piece])
    return [*drafts, *reader.finish(is_cut=is_cut)]


class TestReplyReader:
    @pytest.mark.parametrize("piece", [1, 3, 17, 1000])
    @pytest.mark.parametrize("form", [TAGGED, JSON, f"```json\n{JSON}\n```", f"  [{JSON[15:-2]}]"])
    def test_both_forms_in_any_pieces(self, form: str, piece: int) -> None:
        *_, first, second = read(form, piece)
        assert (first.text, first.quotes, first.claimed) == ("It is 24 days.", (ONE, TWO), (1,))
        assert (second.text, second.quotes, second.lead) == ("Guests pay.", (), " ")

    @pytest.mark.parametrize("form", [TAGGED, JSON])
    def test_sentence_is_there_as_soon_as_it_ends(self, form: str) -> None:
        reader = ReplyReader("en")
        before = form.index("Guests")
        drafts = [draft for letter in form[:before] for draft in reader.feed(letter)]
        assert drafts[-1].text == "It is 24 days."

    @pytest.mark.parametrize("form", [TAGGED, JSON])
    def test_half_a_sentence_of_a_reply_that_was_cut_is_dropped(self, form: str) -> None:
        drafts = read(form[: form.index("Guests") + 8], is_cut=True)
        assert drafts[-1].text == "It is 24 days."

    def test_text_outside_of_tags_is_prose(self) -> None:
        assert read(TAGGED)[0] == Draft("", "Sure:")
        (draft,) = read("It is {24} days < a month, see [1].")
        assert (draft.text, draft.claimed, draft.quotes) == (
            "It is {24} days < a month, see.",
            (1,),
            None,
        )

    def test_items_stand_on_lines_of_their_own(self) -> None:
        drafts = read("<say>Bring:</say><say>1. a pen</say><say>2. ink</say><say>Good luck.</say>")
        assert [draft.lead for draft in drafts] == [" ", "\n", "\n", "\n"]

    def test_several_sentences_in_one_are_parted(self) -> None:
        drafts = read("<quote passage=1>24 working days</quote><say>It is 24. None lapse.</say>")
        assert [(draft.text, draft.quotes) for draft in drafts] == [
            ("It is 24.", (WrittenQuote("24 working days", 1),)),
            ("None lapse.", (WrittenQuote("24 working days", 1),)),
        ]

    @pytest.mark.parametrize(
        "element", ['{"text": 5}', '{"quotes": "x", "text": "a"}', "{" * 50, '{"quotes": [{}]}']
    )
    def test_element_of_another_shape_is_left_out(self, element: str) -> None:
        assert read(f'{{"sentences": [{element}') == []

    def test_empty_list_is_known_from_a_broken_one(self) -> None:
        for reply, is_empty in (
            ('{"sentences": []}', True),
            ('{"sentences": [', False),
            ("", False),
        ):
            reader = ReplyReader("en")
            assert list(reader.feed(reply)) == []
            assert list(reader.finish(is_cut=False)) == []
            assert reader.is_empty_list is is_empty
