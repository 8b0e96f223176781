import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from citewell.engine.answering.base import (
    Answer,
    AnswerSentence,
    Confidence,
    ConfidenceLevel,
    Degradation,
    Passage,
    Question,
)
from citewell.engine.answering.generated import (
    AnswerDone,
    AnswerEvent,
    CitationEvent,
    StepEvent,
    TokenEvent,
    generate_answer,
    stream_answer,
)
from citewell.engine.answering.prompting import NO_ANSWER
from citewell.engine.errors import EngineError, ProviderConfigurationError, ProviderError
from citewell.engine.llm.base import TokenUsage
from citewell.engine.llm.testing import FakeLanguageModel, ScriptedReply

TEXTS = [
    "Full-time employees are entitled to 24 working days of annual leave. Unused days lapse in "
    "March.",
    "The canteen is open from 11:30 to 14:00. Guests pay 8 euros for a meal.",
]
PASSAGES = [
    Passage(
        chunk_id=f"c{number}",
        document_id=f"d{number}",
        title="Handbook",
        version=1,
        page=None,
        heading=(),
        start=100 * number,
        end=100 * number + len(text),
        text=text,
        score=0.8,
        language="en",
    )
    for number, text in enumerate(TEXTS, start=1)
]
QUESTION = Question("How much annual leave is there?", "en", ())
RETRIEVAL = Confidence(ConfidenceLevel.HIGH, 0.9)
EXTRACTIVE = Answer(
    text="Full-time employees are entitled to 24 working days of annual leave. [1]",
    sentences=(AnswerSentence("Full-time employees are entitled to 24 working days.", (1,)),),
    citations=(),
    confidence=RETRIEVAL,
    is_abstained=False,
    model="extractive",
    degraded=(Degradation("rerank", "slow"),),
)


def extractive() -> Answer:
    return EXTRACTIVE


async def run(
    *replies: ScriptedReply | str,
    passages: Sequence[Passage] = PASSAGES,
    question: Question = QUESTION,
    piece: int = 4,
) -> tuple[list[AnswerEvent], AnswerDone]:
    model = FakeLanguageModel(replies, piece=piece)
    stream = stream_answer(model, question, passages, confidence=RETRIEVAL, fallback=extractive)
    async with aclosing(stream):
        events = [event async for event in stream]
    *others, done = events
    assert isinstance(done, AnswerDone)
    assert model.open_streams == 0
    return others, done


def shown(events: list[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TokenEvent))


GOOD = (
    "Full-time employees have 24 working days of annual leave [1]. A guest pays 8 euros for a "
    "meal. [2]"
)


class TestStream:
    @pytest.mark.parametrize("piece", [1, 3, 7, 40, 500])
    async def test_reply_in_any_pieces_tokens_are_the_answer(self, piece: int) -> None:
        events, done = await run(GOOD, piece=piece)
        assert done.answer.text == (
            "Full-time employees have 24 working days of annual leave. [1] A guest pays 8 euros "
            "for a meal. [2]"
        )
        assert shown(events) == done.answer.text
        assert not done.is_replacement
        assert done.usage.output_tokens > 0

    async def test_citation_comes_before_its_mark_and_before_the_reply_ends(self) -> None:
        events, _ = await run(GOOD)
        assert events[0] == StepEvent("generate")
        first = next(i for i, event in enumerate(events) if isinstance(event, CitationEvent))
        assert events[first + 1] == TokenEvent(" [1]")
        assert "for a meal" in shown(events[first:])

    async def test_citations_are_exact_quotes_with_absolute_offsets(self) -> None:
        _, done = await run(GOOD)
        assert [citation.number for citation in done.answer.citations] == [1, 2]
        for citation in done.answer.citations:
            start, end = (at - citation.passage.start for at in (citation.start, citation.end))
            assert citation.quote == citation.passage.text[start:end]
            assert citation.quote

    async def test_all_supported_confidence_is_the_retrievals(self) -> None:
        _, done = await run(GOOD)
        assert done.answer.confidence == Confidence(ConfidenceLevel.HIGH, 0.9)
        assert done.answer.model == "fake:scripted"

    async def test_half_supported_is_marked_and_lowers_confidence(self) -> None:
        _, done = await run(
            "Full-time employees have 24 working days of annual leave [1]. Dogs are welcome in "
            "every office [2]."
        )
        assert [sentence.is_supported for sentence in done.answer.sentences] == [True, False]
        assert done.answer.text.endswith("Dogs are welcome in every office.")
        assert done.answer.confidence == Confidence(ConfidenceLevel.LOW, 0.45)
        assert not done.is_replacement

    async def test_prompt_holds_passages_and_question(self) -> None:
        model = FakeLanguageModel([GOOD])
        await generate_answer(model, QUESTION, PASSAGES, confidence=RETRIEVAL, fallback=extractive)
        (request,) = model.calls
        system, user = request.system, request.messages[0].text
        assert NO_ANSWER in system
        assert all(text in user for text in (*TEXTS, QUESTION.text))

    async def test_reader_leaves_model_is_released(self) -> None:
        model = FakeLanguageModel([GOOD])
        stream = stream_answer(model, QUESTION, PASSAGES, confidence=RETRIEVAL, fallback=extractive)
        async with aclosing(stream):
            async for event in stream:
                if isinstance(event, TokenEvent):
                    break
            assert model.open_streams == 1
        assert model.open_streams == 0

    async def test_task_cancelled_stays_cancelled(self) -> None:
        model = FakeLanguageModel([ScriptedReply(GOOD, delay=1)])
        answering = asyncio.ensure_future(
            generate_answer(model, QUESTION, PASSAGES, confidence=RETRIEVAL, fallback=extractive)
        )
        await asyncio.sleep(0.05)
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        assert model.open_streams == 0


class TestFallback:
    @pytest.mark.parametrize(
        "error",
        [
            ProviderError("fake is out of order.", retryable=True),
            ProviderConfigurationError("fake does not accept the key."),
        ],
    )
    async def test_model_fails_at_once_answer_is_extractive_and_says_why(
        self, error: EngineError
    ) -> None:
        events, done = await run(ScriptedReply(error=error))
        assert done.answer.text == EXTRACTIVE.text
        assert done.answer.model == "extractive"
        assert done.answer.degraded == (
            Degradation("rerank", "slow"),
            Degradation("llm", str(error)),
        )
        assert StepEvent("fallback") in events
        assert not done.is_replacement

    async def test_model_fails_halfway_final_text_replaces_what_was_shown(self) -> None:
        reply = ScriptedReply(GOOD[:80], error=ProviderError("fake broke off its reply."))
        events, done = await run(reply)
        assert shown(events).startswith("Full-time employees")
        assert done.is_replacement
        assert done.answer.text == EXTRACTIVE.text

    @pytest.mark.parametrize("reply", ["", "   \n", "[1]"])
    async def test_reply_without_a_word_is_a_failure(self, reply: str) -> None:
        _, done = await run(reply)
        assert done.answer.text == EXTRACTIVE.text
        assert "wrote nothing" in done.answer.degraded[-1].why

    async def test_cut_at_the_token_limit_unfinished_sentence_is_dropped(self) -> None:
        reply = ScriptedReply(f"{GOOD} Unused days lapse only if the", is_truncated=True)
        _, done = await run(reply)
        assert done.answer.text.endswith("for a meal. [2]")
        assert done.answer.degraded[0].what == "llm"

    async def test_cut_within_the_first_sentence_falls_back(self) -> None:
        _, done = await run(ScriptedReply("Full-time employees have", is_truncated=True))
        assert done.answer.text == EXTRACTIVE.text

    async def test_no_passages_no_call(self) -> None:
        events, done = await run(GOOD, passages=[])
        assert events == []
        assert done == AnswerDone(EXTRACTIVE, TokenUsage(), is_replacement=False)


class TestAbstention:
    @pytest.mark.parametrize("piece", [1, 5, 100])
    @pytest.mark.parametrize(
        "reply", [NO_ANSWER, f"{NO_ANSWER}.", f"**{NO_ANSWER}**", f"\n{NO_ANSWER} [1]"]
    )
    async def test_model_says_no_answer_nothing_of_it_is_shown(
        self, reply: str, piece: int
    ) -> None:
        events, done = await run(reply, piece=piece)
        assert shown(events) == ""
        assert done.answer.is_abstained
        assert done.answer.confidence.level is ConfidenceLevel.NONE
        assert NO_ANSWER not in done.answer.text
        assert done.answer.text

    async def test_nothing_supported_abstains_and_replaces(self) -> None:
        events, done = await run("Dogs are welcome in every office [1].")
        assert shown(events)
        assert done.answer.is_abstained
        assert done.is_replacement

    async def test_abstention_is_in_the_questions_language(self) -> None:
        question = Question("Có được mang chó không?", "vi", ())
        _, done = await run(NO_ANSWER, question=question)
        assert "không" in done.answer.text

    async def test_word_that_begins_alike_is_shown(self) -> None:
        _, done = await run("NO. Full-time employees have 24 working days of annual leave [1].")
        assert done.answer.text.startswith("NO. Full-time")

    async def test_said_after_an_answer_it_is_left_out(self) -> None:
        _, done = await run(f"{GOOD}\n\n{NO_ANSWER}")
        assert not done.answer.is_abstained
        assert NO_ANSWER not in done.answer.text
