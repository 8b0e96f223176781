"""Shapes of search and answers."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, computed_field

from citewell.engine.answering.asking.carrying import MOST_MENTIONED
from citewell.engine.chunking.pages import pages_of
from citewell.engine.retrieval.arranging import Arrangement
from citewell.engine.retrieval.base import ChunkView, Hit, Technique
from citewell.engine.retrieval.pipeline import Retrieved
from citewell.engine.verification.grading import Grade
from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableText

# As much as the analysis reads of a question (`engine/retrieval/analysis.py`).
MAX_QUERY_CHARS = 4_000
MAX_TOP_K = 100
MAX_NEIGHBOURS = 3
"""Passages on each side of one that was found: about two pages of a text."""

Number = Annotated[float, Field(allow_inf_nan=False)]
FilterValue = StorableText | int | Number | bool
QueryText = Annotated[str, Field(min_length=1, max_length=MAX_QUERY_CHARS)]
Setting = str | int | None
"""Value of what shaped an answer; None: it had no part in it."""
FilterKey = Annotated[StorableText, Field(max_length=200)]
Filters = Annotated[dict[FilterKey, FilterValue], Field(max_length=20)]
CollectionIds = Annotated[list[uuid.UUID], Field(min_length=1, max_length=100)]

ViewedAs = Annotated[
    uuid.UUID | None,
    Field(description="For administrators: find what this user finds. It is noted in the trail."),
]


def _text_of_time(value: object) -> object:
    if isinstance(value, str | datetime):
        return value
    raise ValueError("a time is written as text, like 2026-03-01T09:00:00+01:00")


AsOf = Annotated[
    AwareDatetime | None,
    BeforeValidator(lambda value: value if value is None else _text_of_time(value)),
    Field(
        description="A time, ISO 8601 with its zone: find what answered then. "
        "Access rules are those of now."
    ),
]


Fold = Annotated[
    bool,
    Field(description="Leave out passages that repeat a better one; `folded` names them."),
]
Diversity = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Weight of being unlike the passages before; 0: the best ones.",
    ),
]
UsesCache = Annotated[
    bool,
    Field(description="Whether a reply that still holds may be given again; else it is made anew."),
]


MustMention = Annotated[
    StorableText,
    Field(
        max_length=MOST_MENTIONED,
        description="Words of the question that an answer without a model must rest on: where most "
        "of their weight is not in what it cites there is none. Follow-ups set it by themselves.",
    ),
]
Neighbours = Annotated[
    int,
    Field(
        ge=0,
        le=MAX_NEIGHBOURS,
        description="Passages to give before and after each one that is found.",
    ),
]


class Arranged(RequestBody):
    """How what is found is arranged; the same for passages and for answers."""

    fold: Fold = False
    diversity: Diversity = 0.0
    neighbours: Neighbours = 0

    @property
    def arrangement(self) -> Arrangement:
        """The same for the engine."""
        return Arrangement(self.fold, self.diversity, self.neighbours)


class SearchRequest(Arranged):
    """A question to passages, and where to look."""

    query: QueryText
    top_k: int = Field(default=5, ge=1, le=MAX_TOP_K)
    filters: Filters = Field(default_factory=dict[str, FilterValue])
    collection_ids: CollectionIds | None = None
    explain: bool = False
    as_of: AsOf = None
    as_user_id: ViewedAs = None
    cache: UsesCache = True


class QueryRequest(Arranged):
    """A question to answer."""

    query: QueryText
    must_mention: MustMention = ""
    top_k: int = Field(default=8, ge=1, le=50, description="Passages to read.")
    filters: Filters = Field(default_factory=dict[str, FilterValue])
    collection_ids: CollectionIds | None = None
    as_of: AsOf = None
    as_user_id: ViewedAs = None
    cache: UsesCache = True


class KindRead(BaseModel):
    """Outcomes of the lookups of one kind of value since the process began."""

    kind: str
    asked: int
    memory: int
    """Found in this process."""
    shared: int
    """Found in Redis."""
    joined: int
    """Given what another was having computed at that moment."""
    computed: int
    hit_rate: float | None
    """Share that was not computed; null: nothing was asked."""


class CachesRead(BaseModel):
    """The caches of one process."""

    entries: int
    bytes: int
    shared: Literal["none", "ok", "failing"]
    """Whether Redis answers."""
    kinds: list[KindRead]


class LegExplanation(BaseModel):
    """Judgement of one leg of the search on a passage."""

    rank: int | None
    """From 1; null where this leg did not bring the passage up."""
    score: float | None


class HitExplanation(BaseModel):
    """Why a passage is where it is."""

    dense: LegExplanation
    lexical: LegExplanation
    has_phrases: bool


class FoldedRead(BaseModel):
    """A passage that says the same as a better one."""

    chunk_id: uuid.UUID
    document_id: uuid.UUID
    title: str
    version: int


class NeighbourRead(BaseModel):
    """A passage beside one that was found."""

    chunk_id: uuid.UUID
    page: int | None
    heading: str | None
    start: int
    end: int
    text: str


class SearchHit(BaseModel):
    """A passage that was found."""

    chunk_id: uuid.UUID
    document_id: uuid.UUID
    title: str
    version: int
    page: int | None
    page_end: int | None = None
    """Last page of the text, the same as `page` where it stands on one."""
    sheet: str | None = None
    """Name of the sheet of a workbook, of which `page` is the number; null elsewhere."""
    heading: str | None
    start: int
    end: int
    score: float
    text: str
    folded: list[FoldedRead] = Field(default_factory=list[FoldedRead])
    """Passages that were left out because they say the same."""
    before: list[NeighbourRead] = Field(default_factory=list[NeighbourRead])
    """Passages before it in its version, in order, as far as they were asked for."""
    after: list[NeighbourRead] = Field(default_factory=list[NeighbourRead])
    explain: HitExplanation | None = None


class LexicalExplanation(BaseModel):
    """How the terms were looked up in the inverted index, rarest first."""

    budget: int
    """Entries of posting lists that were to be read at most."""
    is_proven: bool
    """Whether certainly no other passage is among the best by its terms."""
    postings: int | None = None
    """Entries that were read; counted over all documents, so null for who may not read them."""
    skipped_terms: list[str] | None = None
    """Terms that were too frequent to be looked up; likewise."""


class SpellingRead(BaseModel):
    """A word of the question that no passage holds, and what was looked for in its place."""

    word: str
    written: str
    """As passages have it that the caller may find."""
    how: Literal["slip", "spacing", "acronym"]


class OtherQuestionRead(BaseModel):
    """A question that a model wrote besides; of `hyde` a passage that might answer it."""

    technique: Technique
    text: str


class QueryExplanation(BaseModel):
    """How a question was understood."""

    language: str
    is_unaccented_vietnamese: bool
    codes: list[str]
    phrases: list[str]
    terms: dict[str, float | None]
    """The terms that were looked for. Their IDF weights, counted over all documents, are for those
    who may read all of them; null for others."""
    spellings: list[SpellingRead]
    others: list[OtherQuestionRead]
    dense_weight: float
    reranker: str | None
    """The model whose scores the passages are in order of; null: the fused scores."""
    scope_size: int
    """Passages that were searched; counted up to the exact limit."""
    is_exact: bool
    """Whether both legs certainly gave the best passages."""
    lexical: LexicalExplanation | None = None
    """Null: the terms of all passages were compared."""


class DegradedRead(BaseModel):
    """Something that did not work, or is not there yet, and was done without."""

    what: str
    """`unread documents`: nothing was found while documents were still being read; `why` begins
    with their number."""
    why: str


class SearchReply(BaseModel):
    """Passages, best first."""

    query: str
    results: list[SearchHit]
    timings_ms: dict[str, float]
    cached: bool = False
    """Whether it was not computed for this request."""
    degraded: list[DegradedRead] = Field(default_factory=list[DegradedRead])
    explain: QueryExplanation | None = None


class ConfidenceRead(BaseModel):
    """How far an answer can be relied on."""

    level: str
    score: float
    reasons: list[str] = []
    """Reasons for and against the answer, in words."""


def passage_link(
    document_id: uuid.UUID, version: int, start: int, end: int, page: int | None
) -> str:
    """Path in the web application that opens a version at a passage."""
    shown = "" if page is None else f"&page={page}"
    return f"/documents/{document_id}?version={version}&start={start}&end={end}{shown}"


class CitationRead(BaseModel):
    """Where a sentence comes from; `quote` is the text from `start` to `end`."""

    number: int
    chunk_id: uuid.UUID
    document_id: uuid.UUID
    title: str
    version: int
    page: int | None
    page_end: int | None = None
    """Last page of the text, the same as `page` where it stands on one."""
    sheet: str | None = None
    """Name of the sheet of a workbook, of which `page` is the number; null elsewhere."""
    heading: str | None
    provision: str | None = None
    """Of a legal text: where the quote stands, as it is cited (`Điều 12, Khoản 3`)."""
    start: int
    end: int
    quote: str
    score: float

    @computed_field
    @property
    def link(self) -> str:
        """Path in the web application, at the address of the installation: the passage."""
        return passage_link(self.document_id, self.version, self.start, self.end, self.page)


class SentenceRead(BaseModel):
    """One sentence of an answer, and how far its quotes carry it."""

    text: str
    citations: list[int]
    grade: Grade | None
    """None: no statement about the documents."""
    unsupported_terms: list[str]
    """Words, numbers and dates of the sentence that none of its quotes holds."""
    verified_by: Literal["rules", "model"] | None


class AnswerMetadata(BaseModel):
    """How an answer was made."""

    model: str
    prompt: str | None = None
    """Version of the prompt that a model was asked with; None: none was asked."""
    input_tokens: int = 0
    """Tokens that a language model read for this reply, and wrote; none for a cached one."""
    output_tokens: int = 0
    standalone: str | None = None
    """The question that was answered, where it was a follow-up that left something out."""
    timings_ms: dict[str, float]
    cached: bool = False
    degraded: list[DegradedRead] = Field(default_factory=list[DegradedRead])


class QueryReply(BaseModel):
    """An answer with its sources."""

    query_id: uuid.UUID
    query: str
    answer: str
    abstained: bool
    confidence: ConfidenceRead
    sentences: list[SentenceRead]
    citations: list[CitationRead]
    metadata: AnswerMetadata
    timestamp: datetime
    conversation_id: uuid.UUID | None = None
    message_id: uuid.UUID | None = None
    """None, as `conversation_id`: the question was asked by itself."""
    suggestions: list[str] = Field(default_factory=list[str])
    """Questions about headings that were found beside those that are cited."""


class PassageReference(BaseModel):
    """A passage that an answer was made of, without its text."""

    chunk_id: uuid.UUID
    document_id: uuid.UUID
    version: int
    page: int | None
    page_breaks: list[int] = Field(default_factory=list[int])
    """Offsets in the passage at which a page ends."""
    start: int
    end: int
    score: float


class StreamedStep(BaseModel):
    """Data of the event `step`: what is done now, and facts about it."""

    model_config = ConfigDict(extra="allow")

    name: str


class StreamedToken(BaseModel):
    """Data of the event `token`: a piece of the answer; all pieces together are its text."""

    text: str
    sentence: SentenceRead | None = None
    """The sentence that is complete with this piece; none where the piece is no sentence."""


class StreamedUsage(BaseModel):
    """Data of the event `usage`: what has been spent so far."""

    input_tokens: int
    output_tokens: int


class StreamedError(BaseModel):
    """Data of the event `error`, which ends a stream."""

    model_config = ConfigDict(extra="allow")

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a streamed answer: `step`, `token`, `citation` or `done`."""

    name: str
    data: dict[str, object]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """How a question came out of a conversation; the request holds it standing alone."""

    asked: str
    must_mention: str = ""
    """Words of it that took the place of others of the question before."""
    passages: tuple[PassageReference, ...] = ()
    """Passages cited by the answers before whose words it may hold."""
    degraded: tuple[DegradedRead, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    """Of the model that made it stand alone."""


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """An answer as it is kept; see `models.queries.QueryLog`."""

    id: uuid.UUID
    at: datetime
    question: str
    standalone: str | None
    request: dict[str, Any]
    language: str
    answer: str
    sentences: list[dict[str, Any]]
    is_abstained: bool
    confidence_level: str
    confidence_score: float
    reasons: list[str]
    passages: list[PassageReference]
    citations: list[dict[str, int | float]]
    model: str
    prompt_version: str | None
    embedding: str | None
    release: str
    settings: dict[str, Setting]
    input_tokens: int
    output_tokens: int
    timings_ms: dict[str, float]
    degraded: list[dict[str, str]]
    is_cached: bool | None
    refusal: str | None = None
    """Code of the error with which the tenant's rules refused it."""


@dataclass(frozen=True, slots=True)
class TenantWriting:
    """A tenant's own settings of how its answers are written."""

    verifier: str | None
    """Second reading of sentences; None: the installation's."""
    techniques: tuple[str, ...] | None
    """Kinds of other questions that a model writes; None: as the installation says."""
    prompts: dict[str, str]
    """By name."""


@dataclass(frozen=True, slots=True)
class Found:
    """Result of a search, for its caller."""

    retrieved: Retrieved
    reads_all: bool = False
    """Whether nothing of the tenant is hidden from the reader."""

    @property
    def hits(self) -> list[Hit]:
        """The passages, best first."""
        return self.retrieved.hits.hits

    def with_more(self, hits: Iterable[Hit]) -> "Found":
        """The same with further passages behind the others."""
        more = replace(self.retrieved.hits, hits=[*self.hits, *hits])
        return replace(self, retrieved=replace(self.retrieved, hits=more))

    @property
    def degraded(self) -> list[DegradedRead]:
        """Parts that failed and were left out."""
        return [DegradedRead(what=each.what, why=each.why) for each in self.retrieved.failures]


def heading_text(heading: tuple[str, ...]) -> str | None:
    """The heading path as one line."""
    return " > ".join(heading) or None


def _neighbour_read(passage: ChunkView) -> NeighbourRead:
    return NeighbourRead(
        chunk_id=passage.chunk_id,
        page=passage.page,
        heading=heading_text(passage.heading),
        start=passage.start,
        end=passage.end,
        text=passage.text,
    )


def hit_read(hit: Hit, *, explain: bool) -> SearchHit:
    """A hit as the API shows it."""
    explanation = None
    if explain:
        explanation = HitExplanation(
            dense=LegExplanation(rank=hit.dense_rank, score=hit.dense_score),
            lexical=LegExplanation(rank=hit.lexical_rank, score=hit.lexical_score),
            has_phrases=hit.has_phrases,
        )
    return SearchHit(
        chunk_id=hit.chunk_id,
        document_id=hit.document_id,
        title=hit.title,
        version=hit.version,
        page=hit.page,
        page_end=pages_of(hit.page, hit.page_breaks, 0, len(hit.text))[1],
        sheet=hit.sheet,
        heading=heading_text(hit.heading),
        start=hit.start,
        end=hit.end,
        score=round(hit.score, 6),
        text=hit.text,
        folded=[
            FoldedRead(
                chunk_id=each.chunk_id,
                document_id=each.document_id,
                title=each.title,
                version=each.version,
            )
            for each in hit.folded
        ],
        before=[_neighbour_read(each) for each in hit.before],
        after=[_neighbour_read(each) for each in hit.after],
        explain=explanation,
    )
