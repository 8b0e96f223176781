import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import date

import pytest

from citewell.engine.answering.base import (
    Answer,
    AnswerSentence,
    Citation,
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
    Writing,
    events_of,
    stream_answer,
)
from citewell.engine.answering.prompting import NO_ANSWER
from citewell.engine.errors import EngineError, ProviderConfigurationError, ProviderError
from citewell.engine.llm.base import TokenUsage, UserMessage
from citewell.engine.llm.testing import FakeLanguageModel, ScriptedReply
from citewell.engine.verification.asking import ModelVerifier
from citewell.engine.verification.grading import Grade

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
RETRIEVAL = Confidence(ConfidenceLevel.HIGH, 0.95)


def _retrieval() -> Confidence:
    return RETRIEVAL


EXTRACTIVE = Answer(
    text="Full-time employees are entitled to 24 working days of annual leave. [1]",
    sentences=(AnswerSentence("Full-time employees are entitled to 24 working days.", (1,)),),
    citations=(),
    confidence=RETRIEVAL,
    is_abstained=False,
    model="extractive",
    degraded=(Degradation("rerank", "slow"),),
)


WRITING = Writing(date(2026, 11, 28))


def extractive() -> Answer:
    return EXTRACTIVE


def written(
    model: FakeLanguageModel, question: Question = QUESTION, passages: Sequence[Passage] = PASSAGES
) -> AsyncGenerator[AnswerEvent, None]:
    return stream_answer(
        model,
        question,
        passages,
        writing=WRITING,
        confidence=_retrieval,
        fallback=extractive,
    )


async def run(
    *replies: ScriptedReply | str,
    passages: Sequence[Passage] = PASSAGES,
    question: Question = QUESTION,
    piece: int = 4,
    is_json: bool = False,
) -> tuple[list[AnswerEvent], AnswerDone]:
    model = FakeLanguageModel(replies, piece=piece, has_json_format=is_json)
    stream = written(model, question, passages)
    async with aclosing(stream):
        events = [event async for event in stream]
    *others, done = events
    assert isinstance(done, AnswerDone)
    assert model.open_streams == 0
    assert shown(others) == done.answer.text
    return others, done


def grade_of(sentence: AnswerSentence) -> Grade:
    assert sentence.assessment is not None
    return sentence.assessment.grade


def shown(events: list[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TokenEvent))


GOOD = (
    "Full-time employees are entitled to 24 working days [1]. A guest pays 8 euros for a meal. [2]"
)
LEAVE = "Full-time employees are entitled to 24 working days of annual leave."
QUOTED = f"""<quote passage="1">{LEAVE}</quote>
<say>{LEAVE}</say>
<quote passage="2">Guests pay 8 euros</quote>
<say>Guests pay 9 euros for a meal.</say>
<quote passage="2">Dogs are welcome in every office.</quote>
<say>Dogs are welcome.</say>"""
IN_JSON = json.dumps(
    {
        "sentences": [
            {"quotes": [{"passage": 1, "text": LEAVE}], "text": LEAVE},
            {
                "quotes": [{"passage": 2, "text": "Guests pay 8 euros"}],
                "text": "Guests pay 9 euros for a meal.",
            },
            {
                "quotes": [{"passage": 2, "text": "Dogs are welcome in every office."}],
                "text": "Dogs are welcome.",
            },
        ]
    }
)


class TestStream:
    @pytest.mark.parametrize("piece", [1, 7, 500])
    @pytest.mark.parametrize("reply", [GOOD, QUOTED, IN_JSON])
    async def test_reply_in_any_pieces_tokens_are_the_answer(self, reply: str, piece: int) -> None:
        events, done = await run(reply, piece=piece)
        assert shown(events) == done.answer.text
        assert done.answer.text.startswith("Full-time employees are entitled to 24 working days")
        sentences = [event.sentence for event in events if isinstance(event, TokenEvent)]
        assert tuple(sentences) == done.answer.sentences
        assert done.usage.output_tokens > 0

    @pytest.mark.parametrize("reply", [QUOTED, IN_JSON])
    async def test_sentence_has_the_grade_of_its_quotes(self, reply: str) -> None:
        _, done = await run(reply, is_json=reply == IN_JSON)
        assert [(one.citations, grade_of(one)) for one in done.answer.sentences] == [
            ((1,), Grade.QUOTED),
            ((2,), Grade.CONTRADICTED),
            ((), Grade.UNSUPPORTED),
        ]
        assert [citation.quote for citation in done.answer.citations] == [
            LEAVE,
            "Guests pay 8 euros for a meal.",
        ]
        assert done.answer.confidence.level is ConfidenceLevel.LOW

    async def test_sentence_is_shown_graded_before_the_reply_ends(self) -> None:
        model = FakeLanguageModel([ScriptedReply(QUOTED)], piece=1)
        async with aclosing(written(model)) as events:
            async for event in events:
                if isinstance(event, TokenEvent):
                    assert grade_of(event.sentence) is Grade.QUOTED
                    assert model.open_streams == 1
                    break
        assert model.open_streams == 0

    async def test_citation_comes_before_its_sentence(self) -> None:
        events, _ = await run(GOOD)
        assert events[0] == StepEvent("generate")
        kinds = [type(event) for event in events[1:]]
        assert kinds == [CitationEvent, TokenEvent, CitationEvent, TokenEvent]

    async def test_citations_are_exact_quotes_with_absolute_offsets(self) -> None:
        _, done = await run(GOOD)
        assert [citation.number for citation in done.answer.citations] == [1, 2]
        for citation in done.answer.citations:
            start, end = (at - citation.passage.start for at in (citation.start, citation.end))
            assert citation.quote == citation.passage.text[start:end]
            assert citation.quote

    async def test_half_supported_is_marked_and_lowers_confidence(self) -> None:
        _, done = await run(f"{LEAVE} [1] Dogs are welcome in every office [2].")
        assert [sentence.is_supported for sentence in done.answer.sentences] == [True, False]
        assert done.answer.text.endswith("Dogs are welcome in every office.")
        assert done.answer.confidence == Confidence(ConfidenceLevel.LOW, 0.475)

    async def test_heading_is_no_evidence(self) -> None:
        text = "Free parking for all\n\nParking costs 5 euros a day for guests of the house."
        source = replace(PASSAGES[0], text=text)
        reply = "<quote passage=1>Free parking for all</quote><say>Parking is free for all.</say>"
        _, done = await run(reply, passages=[source])
        assert done.answer.text == EXTRACTIVE.text

    async def test_what_a_model_writes_is_made_harmless(self) -> None:
        reply = QUOTED.replace("9 euros", "9 euros \x1b[31m![x](http://evil.example/?q=1)<b>")
        _, done = await run(reply)
        assert "Guests pay 9 euros x for a meal. [2]" in done.answer.text

    async def test_prompt_holds_passages_and_question(self) -> None:
        model = FakeLanguageModel([GOOD])
        async with aclosing(written(model)) as events:
            done = [event async for event in events][-1]
        (request,) = model.calls
        (message,) = request.messages
        assert isinstance(message, UserMessage)
        assert NO_ANSWER in request.system
        assert all(text in message.text for text in (*TEXTS, QUESTION.text, "2026-11-28"))
        assert request.json_format is None
        assert isinstance(done, AnswerDone)
        assert done.answer.prompt

    async def test_task_cancelled_stays_cancelled(self) -> None:
        model = FakeLanguageModel([ScriptedReply(GOOD, delay=1)])

        async def answer() -> None:
            async with aclosing(written(model)) as events:
                async for _ in events:
                    begun.set()

        begun = asyncio.Event()
        answering = asyncio.ensure_future(answer())
        await begun.wait()
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        assert model.open_streams == 0


class TestSecondReading:
    REPLY = (
        f"<quote passage=1>{LEAVE}</quote><say>There are 24 free days for full-time staff.</say>"
    )

    async def run(self, *replies: ScriptedReply | str) -> tuple[list[AnswerEvent], AnswerDone]:
        model = FakeLanguageModel([self.REPLY, *replies])
        writing = replace(WRITING, verifier=ModelVerifier(model))
        stream = stream_answer(
            model,
            QUESTION,
            PASSAGES,
            writing=writing,
            confidence=_retrieval,
            fallback=extractive,
        )
        async with aclosing(stream):
            *others, done = [event async for event in stream]
        assert isinstance(done, AnswerDone)
        return others, done

    async def test_reworded_sentence_is_confirmed_and_keeps_the_confidence(self) -> None:
        events, done = await self.run("1: supported")
        assert StepEvent("verify") in events
        (shown,) = [event.sentence for event in events if isinstance(event, TokenEvent)]
        assert grade_of(shown) is Grade.REWORDED
        (sentence,) = done.answer.sentences
        assert sentence.assessment is not None
        assert (grade_of(sentence), sentence.assessment.verified_by) == (Grade.CONFIRMED, "model")
        assert done.answer.confidence == RETRIEVAL

    async def test_refuted_sentence_is_contradicted_and_makes_it_low(self) -> None:
        _, done = await self.run("1: refuted")
        assert grade_of(done.answer.sentences[0]) is Grade.CONTRADICTED
        assert done.answer.confidence.level is ConfidenceLevel.LOW

    async def test_reading_that_fails_leaves_the_grades_and_is_told(self) -> None:
        _, done = await self.run(ScriptedReply(error=ProviderError("fake is out of order.")))
        assert grade_of(done.answer.sentences[0]) is Grade.REWORDED
        assert done.answer.degraded == (Degradation("verifier", "fake is out of order."),)


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

    @pytest.mark.parametrize("reply", [QUOTED, IN_JSON])
    async def test_model_fails_halfway_what_was_shown_is_kept_and_marked(self, reply: str) -> None:
        half = reply[: reply.index("9 euros") + 3]
        error = ProviderError("fake did not finish in time.")
        events, done = await run(ScriptedReply(half, error=error))
        assert shown(events) == done.answer.text == f"{LEAVE} [1]"
        assert done.answer.model == "fake:scripted"
        (degraded,) = done.answer.degraded
        assert degraded == Degradation(
            "llm", "fake did not finish in time. What it had written is kept."
        )

    async def test_nothing_rests_on_a_passage_answer_is_extractive_and_is_all_that_was_shown(
        self,
    ) -> None:
        for reply in (
            "Dogs are welcome [1].",
            "<quote passage=1>No such words</quote><say>Yes.</say>",
        ):
            events, done = await run(reply)
            assert shown(events) == done.answer.text == EXTRACTIVE.text
            assert "rests on a passage" in done.answer.degraded[-1].why

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

    async def test_answer_made_as_a_whole_is_told_sentence_by_sentence(self) -> None:
        one, two = AnswerSentence("Leave is 24 days.", (1,)), AnswerSentence("Meals too.", (2, 1))
        passage = PASSAGES[0]
        cited = tuple(Citation(number, passage, 0, 4, "Full", 0.8) for number in (1, 2))
        text = "Leave is 24 days. [1]\n- Meals too. [2][1]"
        answer = replace(EXTRACTIVE, text=text, sentences=(one, two), citations=cited)
        events = list(events_of(answer))
        assert events == [
            CitationEvent(cited[0]), TokenEvent("Leave is 24 days. [1]\n- ", one),
            CitationEvent(cited[1]), TokenEvent("Meals too. [2][1]", two),
        ]  # fmt: skip
        # In another order the sentences cannot be cut out of the text.
        turned = replace(answer, sentences=(two, one))
        assert list(events_of(turned))[-1] == TokenEvent(text)

    async def test_no_passages_no_call(self) -> None:
        events, done = await run(GOOD, passages=[])
        assert events == [*map(CitationEvent, EXTRACTIVE.citations), TokenEvent(EXTRACTIVE.text)]
        assert done == AnswerDone(EXTRACTIVE, TokenUsage())


class TestAbstention:
    @pytest.mark.parametrize("piece", [1, 5, 100])
    @pytest.mark.parametrize(
        "reply",
        [
            NO_ANSWER,
            f"{NO_ANSWER}. Sorry.",
            f"**{NO_ANSWER}**",
            f"\n{NO_ANSWER} [1]",
            '{"sentences": []}',
        ],
    )
    async def test_model_says_no_answer_nothing_of_it_is_shown(
        self, reply: str, piece: int
    ) -> None:
        events, done = await run(reply, piece=piece)
        assert events == [StepEvent("generate"), TokenEvent(done.answer.text)]
        assert done.answer.is_abstained
        assert done.answer.confidence.level is ConfidenceLevel.NONE
        assert NO_ANSWER not in done.answer.text
        assert done.answer.text

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
