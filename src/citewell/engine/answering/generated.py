"""Answers a model writes, sentence by sentence held against the stored passages.

A reader of the stream appends each `TokenEvent` to what is shown and ends with the text of
`AnswerDone`. As long as `is_replacement` is false both are the same. When it is true (the model
failed half-way, or what it wrote rests on nothing) the text shown so far is to be replaced.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from citewell.engine.answering.alignment import Aligner, Alignment, marks_of
from citewell.engine.answering.base import (
    Answer,
    Citation,
    Confidence,
    ConfidenceLevel,
    Degradation,
    Passage,
    Question,
)
from citewell.engine.answering.confidence import abstention_text, level_of
from citewell.engine.answering.drafting import Draft, SentenceStream
from citewell.engine.answering.prompting import NO_ANSWER, PASSAGE_TOKENS, Prompt, make_prompt
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.llm.base import LanguageModel, ModelRequest, ReplyEnd, TokenUsage

ANSWER_TOKENS = 1200
"""Most tokens of a reply: five sentences take 200; the rest is for models that think aloud."""

_LEADING_MARKUP = " \t\r\n\"'`*_#>-[("


@dataclass(frozen=True, slots=True)
class StepEvent:
    """What is being done: `generate`, then perhaps `fallback`."""

    name: str


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """More text, our marks included and the model's taken out."""

    text: str


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
    is_replacement: bool
    """Whether the answer's text differs from the tokens sent before."""


AnswerEvent = StepEvent | TokenEvent | CitationEvent | AnswerDone


async def generate_answer(
    model: LanguageModel,
    question: Question,
    passages: Sequence[Passage],
    *,
    confidence: Confidence,
    fallback: Callable[[], Answer],
    passage_tokens: int = PASSAGE_TOKENS,
    max_tokens: int = ANSWER_TOKENS,
) -> Answer:
    """Answer a question; see `stream_answer`."""
    events = stream_answer(
        model,
        question,
        passages,
        confidence=confidence,
        fallback=fallback,
        passage_tokens=passage_tokens,
        max_tokens=max_tokens,
    )
    async with aclosing(events):
        async for event in events:
            if isinstance(event, AnswerDone):
                return event.answer
    raise AssertionError("the stream of an answer ends with AnswerDone")


async def stream_answer(
    model: LanguageModel,
    question: Question,
    passages: Sequence[Passage],
    *,
    confidence: Confidence,
    fallback: Callable[[], Answer],
    passage_tokens: int = PASSAGE_TOKENS,
    max_tokens: int = ANSWER_TOKENS,
) -> AsyncGenerator[AnswerEvent, None]:
    """Answer a question while the model writes; the last event is `AnswerDone`.

    A model that fails, is silent or is not set up rightly never makes this fail: the answer is
    the fallback's then, and its `degraded` says why.

    Args:
        model: Writes the answer. It is sent the passages.
        question: Text and language are used.
        passages: Best first; those beyond `passage_tokens` are left out.
        confidence: How likely the passages hold the answer, see `measure_confidence`.
        fallback: Makes the answer without the model, and the one when there are no passages.
        passage_tokens: Most tokens of passages in the prompt, estimated.
        max_tokens: Most tokens of the reply.
    """
    if not passages:
        yield AnswerDone(fallback(), TokenUsage(), is_replacement=False)
        return
    yield StepEvent("generate")
    prompt = make_prompt(question.text, question.language, passages, max_tokens=passage_tokens)
    writing = _Writing(model, question, prompt, max_tokens)
    why: str | None = None
    try:
        async with aclosing(writing.events()) as events:
            async for event in events:
                yield event
    except (ProviderError, ProviderConfigurationError) as error:
        why = str(error)
    if why is None and not writing.is_abstention and not writing.has_sentences:
        why = f"{model.name} wrote nothing."
    if why is not None:
        yield StepEvent("fallback")
        answer = fallback()
        degraded = (*answer.degraded, Degradation("llm", why))
        yield AnswerDone(
            replace(answer, degraded=degraded), writing.usage, is_replacement=writing.has_shown
        )
        return
    yield writing.done(confidence)


class _Writing:
    """One reply, from its first piece to the answer made of it."""

    def __init__(
        self, model: LanguageModel, question: Question, prompt: Prompt, max_tokens: int
    ) -> None:
        self._model = model
        self._question = question
        self._prompt = prompt
        self._max_tokens = max_tokens
        self._sentences = SentenceStream(question.language)
        self._aligner: Aligner | None = None
        self._beginning: str | None = ""
        """What came so far while it may still be the no-answer marker; None once it is not."""
        self._is_truncated = False
        self._shown: list[str] = []
        self.usage = TokenUsage()
        self.is_abstention = False

    @property
    def has_shown(self) -> bool:
        """Whether any text has been sent."""
        return bool(self._shown)

    @property
    def has_sentences(self) -> bool:
        """Whether a whole sentence was written."""
        return self._aligner is not None

    async def events(self) -> AsyncGenerator[AnswerEvent, None]:
        """Yield what the model writes.

        Raises:
            ProviderError: The model failed.
            ProviderConfigurationError: The model is not set up rightly.
        """
        prompt = self._prompt
        request = ModelRequest.of(prompt.system, prompt.user, max_tokens=self._max_tokens)
        reply = self._model.stream(request)
        async with aclosing(reply) as items:
            async for item in items:
                if isinstance(item, ReplyEnd):
                    self.usage, self._is_truncated = item.usage, item.is_truncated
                    break
                if isinstance(item, str):
                    for event in self._take(item):
                        yield event
        for event in self._end():
            yield event

    def done(self, confidence: Confidence) -> AnswerDone:
        """Make the answer of what was written."""
        aligned = self._aligner.result() if self._aligner else Alignment("", (), ())
        degraded: tuple[Degradation, ...] = ()
        if self._is_truncated:
            degraded = (Degradation("llm", f"{self._model.name} was cut off at its token limit."),)
        supported = sum(sentence.is_supported for sentence in aligned.sentences)
        if self.is_abstention or not supported:
            answer = Answer(
                text=abstention_text(self._question.language),
                sentences=(),
                citations=(),
                confidence=Confidence(ConfidenceLevel.NONE, 0.0),
                is_abstained=True,
                model=self._model.name,
                degraded=degraded,
            )
        else:
            answer = Answer(
                text=aligned.text,
                sentences=aligned.sentences,
                citations=aligned.citations,
                confidence=_confidence(supported / len(aligned.sentences), confidence),
                is_abstained=False,
                model=self._model.name,
                degraded=degraded,
            )
        return AnswerDone(answer, self.usage, is_replacement="".join(self._shown) != answer.text)

    def _take(self, piece: str) -> list[AnswerEvent]:
        if self.is_abstention:
            return []
        if self._beginning is None:
            return self._feed(piece)
        self._beginning += piece
        plain = self._beginning.lstrip(_LEADING_MARKUP)
        if plain.startswith(NO_ANSWER):
            self.is_abstention = True
            return []
        if NO_ANSWER.startswith(plain):
            return []
        beginning, self._beginning = self._beginning, None
        return self._feed(beginning.lstrip())

    def _feed(self, piece: str) -> list[AnswerEvent]:
        return [event for item in self._sentences.feed(piece) for event in self._pass_on(item)]

    def _end(self) -> list[AnswerEvent]:
        if self.is_abstention:
            return []
        events: list[AnswerEvent] = []
        if self._beginning:
            events += self._feed(self._beginning.lstrip())
        if self._is_truncated:
            # Half a sentence can say the opposite of the whole one.
            self._sentences.drop_rest()
        for item in self._sentences.finish():
            events += self._pass_on(item)
        return events

    def _pass_on(self, item: str | Draft) -> list[AnswerEvent]:
        if isinstance(item, str):
            return [self._show(item)]
        if item.text.strip(" .*_`\"'") == NO_ANSWER:
            return []  # said after all, behind sentences that stand for themselves
        if self._aligner is None:
            self._aligner = Aligner(self._prompt.passages, language=self._question.language)
        sentence, new = self._aligner.add(item)
        events: list[AnswerEvent] = [CitationEvent(citation) for citation in new]
        if marks := marks_of(sentence):
            events.append(self._show(marks))
        return events

    def _show(self, text: str) -> TokenEvent:
        self._shown.append(text)
        return TokenEvent(text)


def _confidence(supported: float, retrieval: Confidence) -> Confidence:
    """Share of the sentences that a passage supports, times how likely the passages answer."""
    score = round(supported * retrieval.score, 3)
    level = level_of(score)
    # It was written and rests on something; what rests on nothing is abstained from before.
    return Confidence(ConfidenceLevel.LOW if level is ConfidenceLevel.NONE else level, score)
