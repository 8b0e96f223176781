"""Shapes of evaluations."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from citewell.features.search.schemas import MAX_QUERY_CHARS, ConfidenceRead
from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableText
from citewell.kit.visible import VISIBLE_LINE, VISIBLE_TEXT


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


MAX_CASES = 2_000
"""Of one dataset: some minutes of a run without a model."""

Phrase = Annotated[StorableText, Field(min_length=1, max_length=500)]
Phrases = Annotated[list[Phrase], Field(max_length=20)]
CaseQuestion = Annotated[StorableText, Field(min_length=1, max_length=MAX_QUERY_CHARS)]


class _Body(RequestBody):
    model_config = ConfigDict(str_strip_whitespace=True)


class DatasetCreate(_Body):
    """A set of questions to make."""

    name: Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE]
    description: Annotated[str, Field(max_length=2_000), VISIBLE_TEXT] = ""


class DatasetUpdate(_Body):
    """Changes to a set of questions."""

    name: Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE] | None = None
    description: Annotated[str, Field(max_length=2_000), VISIBLE_TEXT] | None = None


class DatasetRead(BaseModel):
    """A set of questions as the API shows it."""

    id: uuid.UUID
    name: str
    description: str
    cases: int
    created_at: datetime
    updated_at: datetime


class CaseCreate(_Body):
    """A question with what is right; with `query_id` what is left out is the stored answer's."""

    question: CaseQuestion | None = None
    gold: Phrases = Field(default=[], description="One of these words must be in the answer.")
    all: Phrases = Field(default=[], description="All of these must be in the answer.")
    forbid: Phrases = Field(default=[], description="None of these may be in the answer.")
    abstain: bool = Field(default=False, description="No document answers it.")
    reference: Annotated[StorableText, Field(max_length=10_000)] | None = None
    document_ids: Annotated[list[uuid.UUID], Field(max_length=100)] = Field(
        default_factory=list[uuid.UUID]
    )
    kind: Annotated[StorableText, Field(max_length=100)] | None = None
    query_id: uuid.UUID | None = None


class CaseOrigin(StrEnum):
    """Source of a case."""

    MANUAL = "manual"
    ANSWER = "answer"
    FEEDBACK = "feedback"
    GENERATED = "generated"


class CaseFilter(BaseModel):
    """Which cases a list shows; what is null does not matter."""

    origin: CaseOrigin | None = None
    is_reviewed: bool | None = None


class CasePassage(BaseModel):
    """Stretch of a document's text that a generated case was read from."""

    document_id: uuid.UUID
    version: int
    start: int
    end: int


class CaseUpdate(_Body):
    """Changes to a question."""

    question: CaseQuestion | None = None
    gold: Phrases | None = None
    all: Phrases | None = None
    forbid: Phrases | None = None
    abstain: bool | None = None
    reference: Annotated[StorableText, Field(max_length=10_000)] | None = None
    document_ids: Annotated[list[uuid.UUID], Field(max_length=100)] | None = None
    kind: Annotated[StorableText, Field(max_length=100)] | None = None
    is_reviewed: bool | None = Field(default=None, description="Somebody has looked at it.")


class CaseRead(BaseModel):
    """A question as the API shows it."""

    id: uuid.UUID
    question: str
    gold: list[str]
    all: list[str]
    forbid: list[str]
    abstain: bool
    reference: str | None
    document_ids: list[uuid.UUID]
    kind: str | None
    query_id: uuid.UUID | None
    origin: CaseOrigin
    written_by: str | None
    """Of a generated one: `rules`, or the model."""
    is_reviewed: bool
    """False: generated, and nobody has looked at it; runs leave it out unless told otherwise."""
    passage: CasePassage | None
    created_at: datetime


class CaseWriter(StrEnum):
    """Maker of questions from documents."""

    RULES = "rules"
    MODEL = "model"


class GenerationCreate(_Body):
    """Cases to make from documents."""

    document_ids: Annotated[list[uuid.UUID], Field(max_length=100)] = Field(
        default=[], description="None: the newest 100 that are ready."
    )
    limit: int = Field(default=50, ge=1, le=500, description="Most cases.")
    writer: CaseWriter = CaseWriter.RULES


class GenerationRead(BaseModel):
    """A generation as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    dataset_id: uuid.UUID
    job_id: uuid.UUID | None
    """Its progress, and where it is cancelled; null: a command does it."""
    writer: str
    wanted: int
    made: int
    rejected: int
    """Questions of a model whose quote does not stand in the passage."""
    created_at: datetime
    finished_at: datetime | None


class RunCreate(_Body):
    """A run to begin."""

    dataset_id: uuid.UUID
    top_k: int = Field(default=10, ge=1, le=50, description="Passages to read.")
    judge: Literal["model"] | None = Field(
        default=None, description="Have the language model judge too, beside the rules."
    )
    with_unreviewed: bool = Field(
        default=False, description="Ask generated cases too that nobody has looked at."
    )
    agent: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description=(
            "Slug or id of an agent that answers, with `top_k` of its own; null: as questions "
            "are answered."
        ),
    )


class JudgeFigures(BaseModel):
    """Figures by a model's verdicts; those of the rules are not touched by them."""

    judge: str
    """Name of the model."""
    verdicts: VerdictCounts
    failed: int
    """Replies of which it gave no verdict."""
    agreement: float | None
    """Share of equal verdicts among the cases that rules judge too."""
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


class RunFigures(BaseModel):
    """Figures of a run; means over the cases that say what they measure, null without any."""

    cases: int
    failed: int
    """Questions that could not be asked."""
    verdicts: VerdictCounts
    """Of the cases that say what is right."""
    by_kind: dict[str, VerdictCounts]
    ece: float
    answer_in_citation: float | None
    """Share of the cited answers whose quotes hold what is asked for."""
    citation_precision: float | None
    """Share of the citations that are of a document that answers the question."""
    grades: dict[str, float]
    """Shares of the sentences' grades."""
    similarity: float | None
    """F1 of the words shared with the reference answer."""
    ndcg_at_10: float | None
    recall_at_10: float | None
    precision_at_10: float | None
    f1_at_10: float | None
    mrr_at_10: float | None
    p50_ms: float
    p95_ms: float
    input_tokens: int
    output_tokens: int
    cost_usd: float | None = None
    """US dollars by public list prices, without the judge; null where a price is not known."""
    judged: JudgeFigures | None = None
    """Null: no model judged."""


class RunRead(BaseModel):
    """A run as the API shows it."""

    id: uuid.UUID
    dataset_id: uuid.UUID
    job_id: uuid.UUID | None
    """Its progress, and where it is cancelled; null: a command ran it."""
    top_k: int
    model: str
    """`extractive`: none; of an agent's run `agent` until its model has answered."""
    agent: str | None
    """Slug of the agent that answers; null: none does."""
    agent_version: int | None
    embedding: str | None
    prompt_version: str | None
    release: str
    judge: str | None
    with_unreviewed: bool
    is_rejected: bool
    """A gate found it worse than its baseline, so it is none for the next."""
    created_at: datetime
    finished_at: datetime | None
    figures: RunFigures | None


class ResultRead(BaseModel):
    """The judged reply to one question."""

    case_id: uuid.UUID
    question: str
    """Empty where it was written from a document that is withheld."""
    kind: str | None
    verdict: str | None
    """By the rules; null: the case says nothing they can look for."""
    judged: str | None = None
    """The verdict of the model that the run names as its judge."""
    error: str | None
    answer: str | None
    """Null where `is_withheld`."""
    is_withheld: bool
    """A document that it was made of is gone, or the caller may not read it now."""
    abstained: bool
    confidence: ConfidenceRead
    measures: dict[str, float]
    latency_ms: float


class CaseChange(BaseModel):
    """One question in two runs."""

    case_id: uuid.UUID
    question: str
    change: Literal["better", "worse", "same", "added", "removed"]
    before: ResultRead | None
    after: ResultRead | None


class RunComparison(BaseModel):
    """Two runs of one dataset, case by case."""

    before: RunRead
    after: RunRead
    better: int
    worse: int
    same: int
    is_worse: bool
    """Whether a gate would stop it: see `regressions`."""
    regressions: list[str]
    changes: list[CaseChange]
    """Those that are not the same."""
