"""Answers from passages in another language than the question's, by a model that reads both.

No word of the question is in such a passage, so neither its words nor its structure tell which
sentence answers: the embedder does. The answer is that sentence, in its own language.
"""

import math
from collections.abc import Sequence
from itertools import islice

from citewell.engine.answering.base import Answer, Confidence, ConfidenceLevel, Passage, Question
from citewell.engine.answering.candidates import Candidate, candidates_of
from citewell.engine.answering.confidence import HIGH, level_of
from citewell.engine.answering.extractive import abstain, answer_of
from citewell.engine.answering.reading.base import Statement, quote_of
from citewell.engine.embedding.base import Embedder, EmbedderSpec
from citewell.engine.text.language import UNDETERMINED

_PASSAGES = 3
"""Passages whose sentences are embedded; the answer is among the first three for nine in ten of
the questions that are answered at all."""

_SENTENCES = 32
"""Most sentences that are embedded for a question: 60 ms with multilingual-e5-small."""

# Logistic regression of "the first passage answers" on where its cosine lies between those of
# unrelated passages (0) and of passages that answer (1): Vietnamese questions of one half of XQuAD
# over its English passages, each once with the passage that answers and once without it. On the
# other half the expected calibration error is 0.05.
_INTERCEPT = -4.03
_SLOPE = 3.84
_ABSTAIN_BELOW = 0.2


def is_foreign(question: Question, passages: Sequence[Passage], spec: EmbedderSpec | None) -> bool:
    """Whether the best passage is in another language, and the embedder understands both."""
    if spec is None or not passages:
        return False
    asked, said = question.language, passages[0].language
    likeness = spec.calibration.likeness.get((asked, said))
    is_other = asked != said and UNDETERMINED not in (asked, said)
    return is_other and likeness is not None and likeness.is_understood


async def extract_foreign_answer(
    question: Question, passages: Sequence[Passage], embedder: Embedder
) -> Answer:
    """Quote the sentence that is most like the question, or abstain.

    Args:
        question: In a language of which `is_foreign` holds.
        passages: Best first.
        embedder: Of the passages' vectors; it embeds their sentences.

    Raises:
        ProviderError: The embedder did not answer.
    """
    first = passages[0]
    confidence = _confidence(question, first, embedder.spec)
    sentences = [
        one
        for passage in passages[:_PASSAGES]
        if passage.language == first.language
        for one in candidates_of(passage)
        if one.worth
    ][:_SENTENCES]
    if confidence.level is ConfidenceLevel.NONE or not sentences:
        return abstain(question, confidence)
    vector = await embedder.embed_query(question.text)
    cosines = await embedder.embed_passages([_in_context(one) for one in sentences]) @ vector
    best = sentences[int(cosines.argmax())]
    statement = Statement(best.text, (quote_of(best),), float(cosines.max()), 0.0)
    return answer_of([statement], confidence)


def _confidence(question: Question, passage: Passage, spec: EmbedderSpec) -> Confidence:
    likeness = spec.calibration.likeness[question.language, passage.language]
    if passage.cosine is None:
        return Confidence(ConfidenceLevel.NONE, 0.0)
    score = 1 / (1 + math.exp(-(_INTERCEPT + _SLOPE * likeness.place(passage.cosine))))
    # Nothing but a vector speaks for it, which does not tell a near miss: never high.
    score = min(score, HIGH - 0.01)
    level = ConfidenceLevel.NONE if score < _ABSTAIN_BELOW else level_of(score)
    return Confidence(level, round(score, 3))


def _in_context(sentence: Candidate) -> str:
    """A sentence as it is embedded: under the headings that say what it is about."""
    passage = sentence.passage
    above = " > ".join(islice((passage.title, *passage.heading), 4))
    return f"{above}\n{sentence.text}"
