"""The answer of an agent, sentence by sentence held against the passages its tools returned."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from citewell.engine.answering.alignment import Aligner
from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.answering.base import AnswerSentence, Citation, Degradation, Passage
from citewell.engine.answering.replies import ReplyReader
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.llm.base import TokenUsage
from citewell.engine.text.language import detect_language
from citewell.engine.text.sentences import split_sentences
from citewell.engine.verification.base import CitedClaim, Verifier
from citewell.engine.verification.grading import Grade
from citewell.engine.verification.rereading import GradedClaim, read_again

UNSUPPORTED_MARK = "[unsupported]"
"""Stands behind a sentence that no passage supports."""

# Headings and lead-ins state nothing: a mark behind each would hide those that matter.
_FRAME = re.compile(r"\s*(?:#{1,6}\s.*|.*:)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class GradedReport:
    """An answer with its evidence."""

    text: str
    """Sentences with their marks: `[1]`, or that nothing supports them."""
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    usage: TokenUsage
    """Tokens of the second reading."""
    degraded: tuple[Degradation, ...] = ()


async def make_report(
    text: str, passages: Sequence[Passage], verifier: Verifier, task: str = ""
) -> GradedReport:
    """Grade an answer by the rules that answers to questions are graded by.

    Args:
        text: As the model wrote it, with marks `[1]` that count `passages` from 1.
        passages: Those that the tools returned and that its reader may see now.
        verifier: Reads what rules left open.
        task: As the agent was given it; a question for yes or no in it is what a `Yes` answers.
    """
    language = detect_language(text)
    question = _decided(task, language)
    reader, aligner = ReplyReader(language), Aligner(passages, language=language, question=question)
    pieces: list[str] = []
    for draft in (*reader.feed(text), *reader.finish(is_cut=False)):
        sentence, piece, _ = aligner.add(draft)
        if sentence.text:
            pieces.append(piece)
    aligned = aligner.result()
    cited = {citation.number: citation for citation in aligned.citations}
    claims = [_claim(sentence, cited, language, question) for sentence in aligned.sentences]
    graded = [
        GradedClaim(claim, sentence.assessment)
        for claim, sentence in zip(claims, aligned.sentences, strict=True)
        if sentence.assessment is not None
    ]
    sentences, usage, degraded = aligned.sentences, TokenUsage(), ()
    try:
        assessments, usage = await read_again(verifier, graded)
        fresh = iter(assessments)
        sentences = tuple(
            sentence if sentence.assessment is None else replace(sentence, assessment=next(fresh))
            for sentence in sentences
        )
    except (ProviderError, ProviderConfigurationError) as error:
        degraded = (Degradation("verifier", str(error)),)
    marked = "".join(
        f"{piece} {UNSUPPORTED_MARK}" if _is_bare(sentence) else piece
        for piece, sentence in zip(pieces, sentences, strict=True)
    )
    return GradedReport(marked, sentences, aligned.citations, usage, degraded)


def _decided(task: str, language: str) -> str:
    """The question for yes or no in a task; empty where it has none, several, or another language.

    The other sentences of a task name limits too, which are none of the question: `Look at the
    rules for weekends only.`
    """
    asked = [
        sentence
        for span in split_sentences(task, language)
        if (sentence := task[span.start : span.end]).endswith("?")
        and detect_language(sentence) == language
        and read_question(sentence, language).kind is Kind.YES_NO
    ]
    return asked[0] if len(asked) == 1 else ""


def _claim(
    sentence: AnswerSentence, cited: dict[int, Citation], language: str, question: str
) -> CitedClaim:
    quotes = tuple(
        text
        for number in sentence.citations
        for text in (cited[number].quote, *cited[number].readings)
    )
    return CitedClaim(sentence.text, quotes, language, question)


def _is_bare(sentence: AnswerSentence) -> bool:
    """Whether the sentence states something that no passage supports."""
    assessment = sentence.assessment
    if assessment is None or assessment.grade is not Grade.UNSUPPORTED:
        return False
    return _FRAME.fullmatch(sentence.text) is None
