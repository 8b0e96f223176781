"""Answers a model writes, sentence by sentence held against the stored passages.

A reader of the stream appends each `TokenEvent` to what is shown: all of them together are the
text of `AnswerDone`. A sentence is shown once it is complete and graded, and only from the first
one on that rests on a passage; so nothing that was shown is ever taken back.
"""

import itertools
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import date

from citewell.engine.answering.alignment import Aligner
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
from citewell.engine.answering.confidence import abstention_text, level_of
from citewell.engine.answering.drafting import Draft
from citewell.engine.answering.grades import confidence_of
from citewell.engine.answering.prompting import NO_ANSWER, PASSAGE_TOKENS, Prompt, make_prompt
from citewell.engine.answering.replies import ReplyForm, ReplyReader
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.llm.base import LanguageModel, ModelRequest, ReplyEnd, TokenUsage, UserMessage
from citewell.engine.verification.base import CitedClaim, Verifier
from citewell.engine.verification.rereading import GradedClaim, is_open, read_again
from citewell.engine.verification.rules import RulesVerifier

ANSWER_TOKENS = 2400
"""Most tokens of a reply: a list of twenty items with a quote for each takes 1,500; the rest is for
models that think aloud."""

_LEADING_MARKUP = " \t\r\n\"'`*_#>-[("


@dataclass(frozen=True, slots=True)
class StepEvent:
    """The step that begins: `generate`, then perhaps `fallback`."""

    name: str


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """A piece of the answer's text; all of them together are the answer."""

    text: str
    sentence: AnswerSentence | None = None
    """The sentence without its marks, with its grade; None: the piece is an answer as a whole."""


@dataclass(frozen=True, slots=True)
class CitationEvent:
    """A citation, just before its first mark."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class AnswerDone:
    """The last event: the whole answer."""

    answer: Answer
    usage: TokenUsage
    """Zeros when the model did not come to its end."""


AnswerEvent = StepEvent | TokenEvent | CitationEvent | AnswerDone


@dataclass(frozen=True, slots=True)
class Writing:
    """How an answer is to be written."""

    today: date
    """The date the model is told is today's."""
    own_rules: Mapping[str, str] = field(default_factory=dict[str, str])
    """The tenant's prompts, see `prompting.RULES`."""
    passage_tokens: int = PASSAGE_TOKENS
    """Most tokens of passages in the prompt, estimated; those beyond are left out."""
    max_tokens: int = ANSWER_TOKENS
    """Most tokens of the reply."""
    verifier: Verifier = field(default_factory=RulesVerifier)
    """Reads what rules neither proved nor refuted."""


async def stream_answer(
    model: LanguageModel,
    question: Question,
    passages: Sequence[Passage],
    *,
    writing: Writing,
    confidence: Callable[[], Confidence],
    fallback: Callable[[], Answer],
) -> AsyncGenerator[AnswerEvent, None]:
    """Answer a question while the model writes; the last event is `AnswerDone`.

    A model that fails, is silent, is not set up rightly or writes what rests on nothing never makes
    this fail: the answer is the fallback's then, and its `degraded` says why. What it had written
    when it failed is kept, if it rests on something.

    Args:
        model: Writes the answer. It is sent the passages.
        question: Text and language are used.
        passages: Best first.
        writing: Prompts and limits.
        confidence: Says how likely the passages hold the answer, see `measure_confidence`. It is
            asked behind the reply, which would have to wait for it.
        fallback: Makes the answer without the model, and the one when there are no passages.
    """
    if not passages:
        answer = fallback()
        for event in events_of(answer):
            yield event
        yield AnswerDone(answer, TokenUsage())
        return
    yield StepEvent("generate")
    prompt = make_prompt(
        question.text,
        question.language,
        passages,
        today=writing.today,
        is_json=model.has_json_format,
        own_rules=writing.own_rules,
        max_tokens=writing.passage_tokens,
    )
    reply = _Reply(model, question, prompt, writing.max_tokens)
    failure: str | None = None
    try:
        async with aclosing(reply.events()) as events:
            async for event in events:
                yield event
    except (ProviderError, ProviderConfigurationError) as error:
        failure = str(error)
    if reply.shown:
        if reply.is_open and writing.verifier.reader != "rules":
            yield StepEvent("verify")
        yield await reply.done(confidence(), failure, writing.verifier)
    elif failure is None and reply.is_abstention:
        found_none = reply.abstained()
        yield TokenEvent(found_none.answer.text)
        yield found_none
    else:
        yield StepEvent("fallback")
        why = failure or reply.rejection()
        answer = fallback()
        for event in events_of(answer):
            yield event
        degraded = (*answer.degraded, Degradation("llm", why))
        yield AnswerDone(replace(answer, degraded=degraded, prompt=prompt.version), reply.usage)


def events_of(answer: Answer) -> Iterator[CitationEvent | TokenEvent]:
    """Yield what a stream says of an answer that was made as a whole, sentence by sentence.

    Each citation comes before the first sentence that has its mark. A text that does not hold its
    sentences one after the other comes in one piece.
    """
    known = {citation.number: citation for citation in answer.citations}
    for piece, sentence in _pieces(answer):
        numbers = sentence.citations if sentence else tuple(known)
        yield from (CitationEvent(known.pop(number)) for number in numbers if number in known)
        yield TokenEvent(piece, sentence)
    yield from map(CitationEvent, known.values())


def _pieces(answer: Answer) -> list[tuple[str, AnswerSentence | None]]:
    """The text cut where its sentences begin; what stands before the first belongs to it."""
    starts: list[int] = []
    end = 0
    for sentence in answer.sentences:
        start = answer.text.find(sentence.text, end)
        if start < 0 or not sentence.text:
            return [(answer.text, None)]
        starts.append(start)
        end = start + len(sentence.text)
    if not starts:
        return [(answer.text, None)]
    bounds = [0, *starts[1:], len(answer.text)]
    texts = [answer.text[start:stop] for start, stop in itertools.pairwise(bounds)]
    return list(zip(texts, answer.sentences, strict=True))


class _Reply:
    """One reply, from its first piece to the answer made of it."""

    def __init__(
        self, model: LanguageModel, question: Question, prompt: Prompt, max_tokens: int
    ) -> None:
        self._model = model
        self._question = question.text
        self._language = question.language
        self._prompt = prompt
        self._max_tokens = max_tokens
        self._reader = ReplyReader(question.language)
        self._aligner: Aligner | None = None
        self._waiting: list[AnswerEvent] = []
        """Sentences before the first that rests on something."""
        self._is_truncated = False
        self.shown: list[str] = []
        """The pieces of text that were sent."""
        self.usage = TokenUsage()
        self.is_abstention = False

    async def events(self) -> AsyncGenerator[AnswerEvent, None]:
        """Yield what the model writes.

        Raises:
            ProviderError: The model failed.
            ProviderConfigurationError: The model is not set up rightly.
        """
        request = ModelRequest(
            (UserMessage(self._prompt.user),),
            self._prompt.system,
            json_format=ReplyForm if self._model.has_json_format else None,
            max_tokens=self._max_tokens,
        )
        async with aclosing(self._model.stream(request)) as items:
            async for item in items:
                if isinstance(item, ReplyEnd):
                    self.usage, self._is_truncated = item.usage, item.is_truncated
                    break
                if isinstance(item, str):
                    for draft in self._reader.feed(item):
                        for event in self._take(draft):
                            yield event
        for draft in self._reader.finish(is_cut=self._is_truncated):
            for event in self._take(draft):
                yield event
        self.is_abstention |= self._reader.is_empty_list and not self.shown

    @property
    def is_open(self) -> bool:
        """Whether any sentence is left to a second reading."""
        return self._aligner is not None and any(map(is_open, self._graded()))

    async def done(
        self, confidence: Confidence, failure: str | None, verifier: Verifier
    ) -> AnswerDone:
        """Make the answer of what was written.

        Args:
            confidence: Of the search.
            failure: Why the model did not come to its end; None: it did.
            verifier: Reads what rules left open.
        """
        assert self._aligner is not None
        aligned = self._aligner.result()
        degraded = self._degraded(failure)
        try:
            assessments, usage = await read_again(verifier, self._graded())
            sentences = tuple(
                replace(sentence, assessment=assessment)
                for sentence, assessment in zip(aligned.sentences, assessments, strict=True)
            )
        except (ProviderError, ProviderConfigurationError) as error:
            sentences, usage = aligned.sentences, TokenUsage()
            degraded += (Degradation("verifier", str(error)),)
        supported = sum(sentence.is_supported for sentence in sentences)
        answer = Answer(
            text=aligned.text,
            sentences=sentences,
            citations=aligned.citations,
            confidence=confidence_of(sentences, _share(supported / len(sentences), confidence)),
            is_abstained=False,
            model=self._model.name,
            degraded=degraded,
            prompt=self._prompt.version,
        )
        return AnswerDone(answer, self.usage + usage)

    def abstained(self) -> AnswerDone:
        """Make the answer of a model that found none."""
        answer = Answer(
            text=abstention_text(self._language),
            sentences=(),
            citations=(),
            confidence=Confidence(ConfidenceLevel.NONE, 0.0),
            is_abstained=True,
            model=self._model.name,
            prompt=self._prompt.version,
        )
        return AnswerDone(answer, self.usage)

    def rejection(self) -> str:
        """Say why nothing of the reply is an answer."""
        if self._waiting:
            return f"Nothing that {self._model.name} wrote rests on a passage."
        if self._is_truncated:
            return f"{self._model.name} was cut off at its token limit."
        return f"{self._model.name} wrote nothing."

    def _graded(self) -> list[GradedClaim]:
        """The sentences as claims on their quotes."""
        assert self._aligner is not None
        aligned = self._aligner.result()
        cited = {citation.number: citation for citation in aligned.citations}
        return [
            GradedClaim(
                CitedClaim(
                    sentence.text,
                    tuple(
                        text
                        for number in sentence.citations
                        for text in (cited[number].quote, *cited[number].readings)
                    ),
                    self._language,
                    self._question,
                ),
                sentence.assessment,
            )
            for sentence in aligned.sentences
            if sentence.assessment is not None
        ]

    def _degraded(self, failure: str | None) -> tuple[Degradation, ...]:
        if failure is not None:
            return (Degradation("llm", f"{failure} What it had written is kept."),)
        if self._is_truncated:
            return (Degradation("llm", f"{self._model.name} was cut off at its token limit."),)
        return ()

    def _take(self, draft: Draft) -> list[AnswerEvent]:
        if self.is_abstention:
            return []
        plain = draft.text.lstrip(_LEADING_MARKUP)
        if plain.startswith(NO_ANSWER):
            # Behind sentences that stand for themselves it takes nothing back.
            self.is_abstention = not self.shown
            return []
        if not any(character.isalnum() for character in draft.text):
            return []
        if self._aligner is None:
            self._aligner = Aligner(
                self._prompt.passages, language=self._language, question=self._question
            )
        sentence, piece, new = self._aligner.add(draft)
        if not sentence.text:
            return []
        events = [*self._waiting, *map(CitationEvent, new), TokenEvent(piece, sentence)]
        if not (self.shown or sentence.is_supported):
            self._waiting = events
            return []
        self._waiting = []
        self.shown += [event.text for event in events if isinstance(event, TokenEvent)]
        return events


def _share(supported: float, retrieval: Confidence) -> Confidence:
    """Share of the sentences that a passage supports, times how likely the passages answer."""
    score = round(supported * retrieval.score, 3)
    # It was written and rests on something; what rests on nothing is never shown.
    return Confidence(level_of(score), score, retrieval.reasons)
