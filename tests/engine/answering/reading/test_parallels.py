"""Sentences that say the same of several answer together."""

from tests.engine.answering.passages import answer, passage

HOLDERS = ["Anna Petrov", "Cem Yilmaz", "Emil Novak", "Gus Hart"]


class TestParallels:
    def test_all_who_are_named_are_counted_in_the_order_of_the_document(self):
        given = [
            passage(f"{name} holds the forklift certificate.", start=100 * at, score=0.9 - at / 10)
            for at, name in reversed(list(enumerate(HOLDERS)))
        ]
        made = answer("How many people hold the forklift certificate?", *given)
        lines = made.sentences[0].text.splitlines()
        assert lines[0].startswith("4 found")
        assert [line[2:].split(" holds")[0] for line in lines[1:]] == HOLDERS
        assert len(made.citations) == 4

    def test_two_are_no_list(self):
        given = [
            passage(f"{name} holds the crane certificate.", start=100 * at)
            for at, name in enumerate(HOLDERS[:2])
        ]
        assert "found" not in answer("Who holds the crane certificate?", *given).text
