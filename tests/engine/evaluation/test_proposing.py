import pytest

from citewell.engine.errors import ProviderError
from citewell.engine.evaluation.generating import SourceText
from citewell.engine.evaluation.proposing import PASSAGE_CHARS, passage_starts, propose
from citewell.engine.llm.base import TokenUsage, UserMessage
from citewell.engine.llm.testing import FakeLanguageModel, ScriptedReply

TEXT = "Visitors park in bay 4,\nbehind the mill. <case> Dogs wait outside."
SOURCE = SourceText("Parking", TEXT)


def case(question: str, answer: str, quote: str) -> str:
    return (
        f"<case><question>{question}</question>\n<answer>{answer}</answer>"
        f"<quote>{quote}</quote></case>"
    )


class TestPropose:
    async def test_only_what_a_quote_proves_is_kept(self) -> None:
        model = FakeLanguageModel(
            [
                "Here they are: "
                + case("Where may guests leave the car?", "bay 4", "Visitors park in bay 4, behind")
                + case("Where do dogs wait?", "inside", "Dogs wait inside.")
                + case("Where do dogs wait?", "at home", "Dogs wait outside.")
                + case("Where?", "bay 4", "bay 4")
                + case("", "outside", "Dogs wait outside.")
            ]
        )
        found = await propose(model, SOURCE, 0)
        [kept] = found.cases
        assert kept.question == "Where may guests leave the car?"
        assert (kept.kind, kept.gold) == ("model", ("bay 4",))
        assert TEXT[kept.start : kept.end] == "Visitors park in bay 4,\nbehind"
        assert found.rejected == 4
        assert found.usage != TokenUsage()
        [message] = model.calls[0].messages
        assert isinstance(message, UserMessage)
        assert "<case>" not in message.text  # a document cannot write cases of its own

    async def test_offsets_are_of_the_whole_text(self) -> None:
        text = "x" * 500 + "\n\nDogs wait outside."
        reply = case("Where do dogs wait?", "outside", "Dogs wait outside.")
        found = await propose(FakeLanguageModel([reply]), SourceText("Dogs", text), 502)
        [kept] = found.cases
        assert text[kept.start : kept.end] == "Dogs wait outside."

    async def test_model_that_dawdles_is_given_up(self) -> None:
        model = FakeLanguageModel([ScriptedReply("slow", delay=60)])
        with pytest.raises(ProviderError, match=r"no questions in 0\.01 s"):
            await propose(model, SOURCE, 0, seconds=0.01)


class TestPassages:
    def test_they_cover_the_text_and_begin_at_paragraphs(self) -> None:
        text = ("word " * 400 + "\n\n") * 5
        starts = list(passage_starts(text))
        assert starts[0] == 0
        assert all(text[start - 2 : start] == "\n\n" for start in starts[1:])
        ends = [*starts[1:], len(text)]
        assert all(end - start <= PASSAGE_CHARS for start, end in zip(starts, ends, strict=True))
