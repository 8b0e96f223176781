"""Shapes of evaluations."""

from enum import StrEnum

from pydantic import BaseModel


class SearchMode(StrEnum):
    """Which legs rank."""

    LEXICAL = "lexical"
    DENSE = "dense"
    HYBRID = "hybrid"


class RetrievalFigures(BaseModel):
    """Means over all questions; times are of single searches, in milliseconds."""

    queries: int
    ndcg_at_10: float
    recall_at_5: float
    recall_at_20: float
    mrr_at_10: float
    p50_ms: float
    p95_ms: float


class VerdictCounts(BaseModel):
    """How many questions were answered how well."""

    questions: int = 0
    right: int = 0
    partly: int = 0
    wrong: int = 0
    wrongly_abstained: int = 0
    should_have_abstained: int = 0


class CaseResult(BaseModel):
    """One question with its reply."""

    id: str
    question: str
    verdict: str
    confidence: str
    answer: str


class AnswerFigures(VerdictCounts):
    """Figures of the answers to a set of questions, in all and by kind."""

    first_quote: float
    """Share of the quoted answers whose first quote holds what is asked for, or a part of it."""
    mean_sentences: float
    """Of the answers that are no abstentions."""
    ece: float
    """Expected calibration error of their confidence, over ten bins."""
    high: int
    """Answers of high confidence."""
    high_right: int
    p50_ms: float
    p95_ms: float
    by_kind: dict[str, VerdictCounts]
    cases: list[CaseResult]
