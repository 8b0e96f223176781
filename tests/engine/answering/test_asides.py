"""Comments and hidden text are told with their label and are not the document's word."""

from tests.engine.answering.passages import answer, passage


class TestAsides:
    def test_sentence_of_a_comment_or_hidden_text_carries_the_label(self):
        for text, told in (
            (
                "Comment by Ida: I doubt that. The fine is 70 euros.",
                "Comment by Ida: The fine is 70 euros.",
            ),
            ("[hidden: I doubt that. The fine is 70 euros.]", "[hidden: The fine is 70 euros.]"),
            (
                "Keys are new. [hidden: No. The fine is 70 euros. Ask [Ida].] Doors are old.",
                "[hidden: The fine is 70 euros.]",
            ),
            (
                "Comment: I doubt that.\n\nThe fine is 70 euros.",
                "The fine is 70 euros.",
            ),
        ):
            found = answer("How much is the fine?", passage(text))
            assert found.sentences[0].text == told

    def test_document_goes_before_remarks_and_these_decide_nothing(self):
        found = answer(
            "How much is the fine?",
            passage("Comment by Ida: The fine is 70 euros.\n\nThe fine is 50 euros."),
        )
        assert found.sentences[0].text == "The fine is 50 euros."
        for text in (
            "Comment by Ida: Why? Cats are allowed in the barn.",
            "[hidden: Why? Cats are allowed in the barn.]",
        ):
            found = answer("Are cats allowed in the barn?", passage(text))
            assert not found.text.startswith("Yes"), text
