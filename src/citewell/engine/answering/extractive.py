"""The answer without a model: what the passages say, quoted and cited."""

from collections.abc import Sequence
from dataclasses import replace

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.everyday import unspoken
from citewell.engine.answering.asking.kinds import read_question, without_instructions
from citewell.engine.answering.base import (
    Answer,
    AnswerSentence,
    Citation,
    Confidence,
    ConfidenceLevel,
    Passage,
    Question,
)
from citewell.engine.answering.calibration import ConfidenceCalibration, calibration_of
from citewell.engine.answering.confidence import abstention_text, assess
from citewell.engine.answering.marks import without_marks
from citewell.engine.answering.mentioning import mentioning
from citewell.engine.answering.naming import with_names
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reading.citing import with_headers
from citewell.engine.answering.reading.registry import read
from citewell.engine.answering.reading.smalltalk import fixed_reply
from citewell.engine.answering.reading.variants import (
    with_agents,
    with_forms,
    with_synonyms,
    with_variants,
)
from citewell.engine.answering.rivals import without_rivals
from citewell.engine.answering.scoring import score_sentences

MODEL = "extractive"

MAX_SENTENCES = 3

_TOP_SCORE = 1.95
"""The most a sentence can score: full coverage, the best passage, what is asked for."""


def extract_answer(
    question: Question,
    passages: Sequence[Passage],
    *,
    max_sentences: int = MAX_SENTENCES,
    calibration: ConfidenceCalibration | None = None,
) -> Answer:
    """Answer with what the passages say: a sentence, a cell, a list, most often one statement.

    Args:
        question: With the weights of its terms, see `question_of`.
        passages: Best first; five to eight are enough.
        max_sentences: How many statements to give at most.
        calibration: See `measure_confidence`.

    Returns:
        Statements with their marks and citations, or an abstention in the question's language
        when the confidence is too low.
    """
    material, statements = read_passages(question, passages, max_sentences)
    confidence = assess(material, statements, calibration or calibration_of())
    if confidence.level is ConfidenceLevel.NONE:
        return abstain(question, confidence)
    return answer_of(with_headers(material, statements), confidence)


def measure_confidence(
    question: Question,
    passages: Sequence[Passage],
    *,
    calibration: ConfidenceCalibration | None = None,
) -> Confidence:
    """Tell how likely the passages answer the question, whoever writes the answer.

    Args:
        question: With the weights of its terms.
        passages: Best first.
        calibration: Of the embedding that gave the passages their cosines; None leaves the
            cosines out.
    """
    material, statements = read_passages(question, passages, MAX_SENTENCES)
    return assess(material, statements, calibration or calibration_of())


def read_passages(
    question: Question, passages: Sequence[Passage], max_sentences: int = MAX_SENTENCES
) -> tuple[Material, list[Statement]]:
    """Read the passages for a question: everything that was scored, and the statements chosen."""
    asked = read_question(question.text, question.language)
    said = asked.instructions | unspoken(question, asked.text)
    asked = replace(asked, instructions=said)
    question = without_instructions(question, asked)
    if question.language == "en":
        question = with_forms(question)
    if asked.kind is Kind.PERSON and question.language == "en":
        question = with_agents(question)
    question = with_synonyms(question)
    passages = with_names(question, passages)
    scores = score_sentences(question, passages, asked)
    matched = frozenset[int]().union(*(reading.terms for reading in scores.readings))
    if respelled := with_variants(question, passages, matched):
        question = respelled
        scores = score_sentences(question, passages, asked)
    material = Material(question, asked, passages, scores)
    statements = read(material, max_sentences) if passages else []
    return material, without_rivals(material, mentioning(material, statements))


def fixed_answer(text: str) -> Answer | None:
    """Get the reply to a greeting or a question about Citewell; None for every other question."""
    reply = fixed_reply(text)
    if reply is None:
        return None
    sentence = AnswerSentence(reply, ())
    nothing = Confidence(ConfidenceLevel.NONE, 0.0)
    return Answer(reply, (sentence,), (), nothing, is_abstained=False, model=MODEL)


def answer_of(statements: Sequence[Statement], confidence: Confidence) -> Answer:
    """Make the answer of its statements, with numbered citations."""
    sentences: list[AnswerSentence] = []
    citations: list[Citation] = []
    for statement in statements:
        numbers: list[int] = []
        for quote in statement.quotes:
            passage = quote.passage
            numbers.append(len(citations) + 1)
            citations.append(
                Citation(
                    number=numbers[-1],
                    passage=passage,
                    start=passage.start + quote.span.start,
                    end=passage.start + quote.span.end,
                    quote=passage.text[quote.span.start : quote.span.end],
                    score=round(min(1.0, statement.score / _TOP_SCORE), 3),
                    readings=quote.readings,
                )
            )
        sentences.append(
            AnswerSentence(statement.text, tuple(numbers), operands=statement.operands)
        )
    return Answer(
        text=" ".join(without_marks(one.text) + _marks(one) for one in sentences),
        sentences=tuple(sentences),
        citations=tuple(citations),
        confidence=confidence,
        is_abstained=False,
        model=MODEL,
    )


def _marks(sentence: AnswerSentence) -> str:
    return " " + "".join(f"[{number}]" for number in sentence.citations)


def abstain(question: Question, confidence: Confidence) -> Answer:
    """Make the answer that there is none, in the question's language."""
    return Answer(
        text=abstention_text(question.language),
        sentences=(),
        citations=(),
        confidence=confidence,
        is_abstained=True,
        model=MODEL,
    )
