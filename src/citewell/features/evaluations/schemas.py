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
