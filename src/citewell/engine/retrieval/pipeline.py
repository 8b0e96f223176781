"""One question to a library, from its words to the passages that fit: the same for every caller.

Analysed and embedded before the library is opened (no transaction waits for a model), then asked:
each leg for its best candidates, fused by the formula of `fusion`, and the best of these read.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Protocol

from citewell.engine.embedding.base import Embedder, EmbedderSpec, Vector
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.lexical.base import CorpusStatistics
from citewell.engine.lexical.bm25 import query_weights
from citewell.engine.reranking.base import Reranking
from citewell.engine.retrieval.analysis import QueryAnalysis, analyse
from citewell.engine.retrieval.arranging import AS_RANKED, Arrangement, arrange
from citewell.engine.retrieval.base import (
    ChunkView,
    Hit,
    HitList,
    HybridQuery,
    Legs,
    LegScores,
    OtherQuestion,
)
from citewell.engine.retrieval.fusion import PLAIN, FusedCandidate, dense_weight, fuse
from citewell.engine.retrieval.phrases import phrase_share
from citewell.engine.retrieval.spelling import (
    Respelling,
    Spelling,
    content_terms,
    far_spellings,
    respell,
    seen,
    spellings_of,
    unknown_words,
    without_far,
)
from citewell.kit.clock import Stopwatch
from citewell.kit.spans import span

NO_RERANKING = Reranking()

MOST_ATTEMPTS = 3
"""How often a question is embedded anew because the library turns out to be in another space."""


_MOVED = "The library is being moved to another embedding model."


Held = Mapping[int, int]
"""Term id -> number of passages of the library that hold it."""


class EmptyQuestionError(Exception):
    """There is nothing to look for: only punctuation, emoji or blanks."""


class Reader(Protocol):
    """Read access of one caller to a library, at one moment."""

    @property
    def embedding(self) -> str | None:
        """Name of the space its vectors are in; None: nothing is there yet."""
        ...

    @property
    def statistics(self) -> CorpusStatistics:
        """Of the terms it was opened for."""
        ...

    @property
    def reads_all(self) -> bool:
        """Whether nothing of the library is hidden from the caller."""
        ...

    @property
    def knows_words(self) -> bool:
        """Whether `held` can be asked."""
        ...

    def held(self, term_ids: Sequence[int], *, at_most: int | None = None) -> Awaitable[Held]:
        """The terms that passages hold which the caller may find, with their counts.

        Args:
            term_ids: Terms to look for.
            at_most: More frequent terms count as held, without a look.
        """
        ...

    async def legs(self, query: HybridQuery) -> Legs:
        """Each leg's best candidates; together at least min(top_k, what the caller may find)."""
        ...

    async def passages(
        self, ids: Sequence[uuid.UUID], neighbours: int = 0
    ) -> Mapping[uuid.UUID, ChunkView]:
        """Those of these ids the caller may find, with their texts. The last that is asked.

        Args:
            ids: Of passages.
            neighbours: Passages to give before and after each of them.
        """
        ...


class Source(Protocol):
    """Opens a library for one caller."""

    @property
    def expected_embedding(self) -> str | None:
        """The space the library is probably in; the question is embedded for it beforehand."""
        ...

    async def embedder(self, embedding: str | None) -> Embedder:
        """The model of a space; of None, what libraries are begun with.

        Raises:
            ProviderError, ProviderConfigurationError: It cannot be used now.
        """
        ...

    def open(self, term_ids: Sequence[int]) -> AbstractAsyncContextManager[Reader]:
        """The library as it is now, with the statistics of these terms."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that did not work and was done without."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Hits of a question, with the analysis and statistics that answers and explanations need."""

    analysis: QueryAnalysis
    statistics: CorpusStatistics
    hits: HitList
    dense_weight: float
    embedding: EmbedderSpec | None = None
    """Of the question's vector; None without one."""
    spellings: tuple[Spelling, ...] = ()
    """Spellings of the library that were looked for in place of words it does not know."""
    others: tuple[OtherQuestion, ...] = ()
    """Questions of a model that were looked for besides."""
    reranker: str | None = None
    """The model that put the hits in order; None: they are as they were fused."""
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How to look."""

    top_k: int
    has_dense: bool = True
    """Whether vectors are compared; without, the words are measured alone."""
    has_lexical: bool = True
    """Whether words are compared."""
    reranking: Reranking = NO_RERANKING
    """Whether and how what was found is put in a better order."""
    arrangement: Arrangement = AS_RANKED
    """How repetitions and like passages are dealt with."""

    @property
    def pool(self) -> int:
        """Passages that are arranged."""
        return self.arrangement.pool(self.top_k)

    @property
    def candidates(self) -> int:
        """Passages that are looked for: more than are wanted if they are reranked or arranged."""
        if self.reranking.reranker is None:
            return self.pool
        return max(self.pool, self.reranking.candidates)


@dataclass(frozen=True, slots=True)
class _Embedded:
    """A question in an embedding space."""

    vector: Vector
    spec: EmbedderSpec


async def retrieve(source: Source, question: str, options: Options, watch: Stopwatch) -> Retrieved:
    """Find the passages that fit a question, best first.

    Args:
        source: The library, for the caller.
        question: As it was asked.
        options: How to look.
        watch: Takes the times of the stages.

    Raises:
        EmptyQuestionError: It holds no words.
    """
    analysis = analyse(question)
    if analysis.is_empty:
        raise EmptyQuestionError
    watch.lap("analyse")
    terms = [term.id for term in analysis.terms]
    wanted = source.expected_embedding
    for attempt in range(1, MOST_ATTEMPTS + 1):
        embedded: _Embedded | None = None
        failures: tuple[Failure, ...] = ()
        if options.has_dense:
            embedded, failures = await _embed(source, wanted, analysis)
        watch.lap("embed")
        async with source.open(terms) as reader:
            watch.lap("statistics")
            is_other = options.has_dense and reader.embedding not in (
                None,
                embedded.spec.name if embedded else wanted,
            )
            if is_other and attempt < MOST_ATTEMPTS:
                wanted = reader.embedding
                continue
            if is_other:
                embedded, failures = None, (Failure("embedding", _MOVED),)
            found = await _ask(reader, analysis, embedded, failures, options, watch)
        watch.lap("finish")
        return await arranged(found, options, watch)
    raise AssertionError("the last attempt returns")


async def arranged(found: Retrieved, options: Options, watch: Stopwatch) -> Retrieved:
    """Put what was found in the order that is asked for, as many as are wanted."""
    if options.reranking.reranker is not None:
        found = await reranked(found, options.reranking, options.pool)
        watch.lap("rerank")
    if not options.arrangement.is_plain:
        hits = arrange(found.hits.hits, options.arrangement, options.top_k)
        found = replace(found, hits=replace(found.hits, hits=hits))
        watch.lap("arrange")
    return _first(found, options.top_k)


async def _embed(
    source: Source, embedding: str | None, analysis: QueryAnalysis
) -> tuple[_Embedded | None, tuple[Failure, ...]]:
    """The question's vector; without one the lexical leg answers alone, and says so."""
    try:
        embedder = await source.embedder(embedding)
        with span("embed question", model=embedder.spec.name):
            return _Embedded(await embedder.embed_query(analysis.text), embedder.spec), ()
    except (ProviderError, ProviderConfigurationError) as error:
        return None, (Failure("embedding", str(error)),)


async def _ask(
    reader: Reader,
    analysis: QueryAnalysis,
    embedded: _Embedded | None,
    failures: tuple[Failure, ...],
    options: Options,
    watch: Stopwatch,
) -> Retrieved:
    statistics = reader.statistics
    if reader.embedding is None:
        await reader.passages([])
        return Retrieved(analysis, statistics, HitList([], 0, True), 0.0, failures=failures)
    question = _Question(analysis, embedded, options)
    if options.has_lexical and reader.knows_words:
        hits, asked = await _respelling(reader, question, watch)
    else:
        hits, asked = await rank(reader, question.query(statistics), watch), question
    spec = embedded.spec if embedded else None
    # The question as it was asked: answers judge by its own words what passages cover.
    return Retrieved(
        analysis,
        statistics,
        hits,
        asked.dense_weight(asked.counted(statistics)),
        spec,
        asked.respelling.spellings if asked.respelling else (),
        failures=failures,
    )


@dataclass(frozen=True, slots=True)
class _Question:
    """A question as it is put to an index."""

    analysis: QueryAnalysis
    embedded: _Embedded | None
    options: Options
    respelling: Respelling | None = None

    def respelt(self, respelling: Respelling) -> "_Question":
        """The same with further terms."""
        terms = (*self.analysis.terms, *respelling.terms)
        analysis = replace(self.analysis, terms=terms)
        return replace(self, analysis=analysis, respelling=respelling)

    def counted(self, statistics: CorpusStatistics) -> CorpusStatistics:
        """The statistics with those of the further terms."""
        if self.respelling is None:
            return statistics
        frequency = {**statistics.document_frequency, **self.respelling.frequency}
        return replace(statistics, document_frequency=frequency)

    def dense_weight(self, statistics: CorpusStatistics) -> float:
        """The dense leg's share."""
        if not self.options.has_lexical:
            return 1.0
        if self.embedded is None:
            return 0.0
        return dense_weight(self.analysis, self.embedded.spec, statistics)

    def query(self, statistics: CorpusStatistics) -> HybridQuery:
        """The query to the index."""
        statistics = self.counted(statistics)
        has_lexical, embedded = self.options.has_lexical, self.embedded
        return HybridQuery(
            vector=embedded.vector if embedded else None,
            terms=query_weights(self.analysis.terms, statistics) if has_lexical else {},
            dense_weight=self.dense_weight(statistics),
            top_k=self.options.candidates,
            phrases=self.analysis.phrases,
            frequencies=statistics.document_frequency,
            calibration=embedded.spec.calibration if embedded else PLAIN,
            language=self.analysis.language,
            neighbours=self.options.arrangement.neighbours,
        )


RARE = 200
"""Passages that hold a word at most for it to be looked for among those that the caller may find.

Who may not read everything must not learn, from what is found for an unknown word, that others'
documents hold it. A look costs a microsecond a passage, so words in more passages pass for known.
"""


async def _respelling(
    reader: Reader, question: _Question, watch: Stopwatch
) -> tuple[HitList, _Question]:
    """Rank, with words that the caller's passages do not hold as those spell them.

    It takes one round trip more where the library does not know a word. Where only documents hold
    it that are hidden from the caller, which is seen with the first candidates, it takes two.
    """
    statistics = reader.statistics
    words = content_terms(question.analysis)
    counted = [
        one for ids in words.values() for one in ids if statistics.document_frequency.get(one)
    ]
    unknown = unknown_words(words, counted)
    # Sent with whatever is asked next.
    visible = None if reader.reads_all else reader.held(counted, at_most=RARE)
    legs: Legs | None = None
    counts: dict[int, int] = {}
    if unknown:
        counts |= await reader.held(_ids(spellings_of(question.analysis, unknown)))
    else:
        legs = await reader.legs(question.query(statistics))
    if visible is not None:
        before, unknown = unknown, unknown_words(words, await visible)
        hidden = [word for word in unknown if word not in before]
        if hidden:
            counts |= await reader.held(_ids(spellings_of(question.analysis, hidden)))
    plain = question
    if unknown:
        respelling = await _respelt(reader, question.analysis, unknown, counts)
        if respelling.terms:
            question, legs = question.respelt(respelling), None
    query = question.query(statistics)
    watch.lap("words")
    legs = await reader.legs(query) if legs is None else legs
    watch.lap("search")
    found = question.respelling
    far = {each.word for each in found.spellings if each.is_far} if found else set[str]()
    if found is None or not far:
        return await _read(reader, _Ranking(query, legs), watch), question
    return await _confirmed(reader, plain, question, _Ranking(query, legs), far, watch)


async def _confirmed(
    reader: Reader,
    plain: _Question,
    question: _Question,
    ranked: "_Ranking",
    far: Collection[str],
    watch: Stopwatch,
) -> tuple[HitList, _Question]:
    """Keep, word by word, the spellings two slips away that a passage is seen to hold.

    Args:
        reader: The index.
        plain: The question as it was asked.
        question: The same with all spellings.
        ranked: Its candidates.
        far: Words that are respelt two slips away, two at most.
        watch: Of the laps.
    """
    respelling = question.respelling or Respelling((), (), {})
    # All are read at once, as passages are the last that is asked.
    asked = {frozenset[str](): (question, ranked)}
    for count in range(1, len(far) + 1):
        for words in combinations(sorted(far), count):
            less = without_far(plain.analysis, respelling, words)
            other = plain.respelt(less) if less.terms else plain
            query = other.query(reader.statistics)
            asked[frozenset(words)] = (other, _Ranking(query, await reader.legs(query)))
    wanted = dict.fromkeys(one for _, each in asked.values() for one in each.wanted())
    passages = await reader.passages(list(wanted), ranked.query.neighbours)
    watch.lap("read")
    hits = ranked.hits(passages)
    texts = [f"{hit.title}\n{' '.join(hit.heading)}\n{hit.text}" for hit in hits.hits]
    confirmed = {each.word for each in respelling.spellings if each.is_far and seen(each, texts)}
    best, ranked = asked[frozenset(set(far) - confirmed)]
    return ranked.hits(passages), best


async def _respelt(
    reader: Reader, analysis: QueryAnalysis, unknown: list[str], counts: dict[int, int]
) -> Respelling:
    """Other spellings of unknown words: one slip away, and where there is none, two.

    Args:
        reader: The index.
        analysis: The question.
        unknown: Its words that the caller's passages do not hold.
        counts: Of the terms that are one slip away.
    """
    size = reader.statistics.chunk_count
    spellings = spellings_of(analysis, unknown)
    found = respell(analysis, spellings, counts, size)
    settled = {part for each in found.spellings for part in each.word.split()}
    waiting = [word for word in unknown if word not in settled]
    # Thousands of words are hashed, 50 ms of processor time: other questions go on meanwhile.
    far = await asyncio.to_thread(far_spellings, analysis, waiting) if waiting else []
    if not far:
        return found
    counts = {**counts, **await reader.held(_ids(far))}
    return respell(analysis, [*spellings, *far], counts, size)


def _ids(spellings: Iterable[Spelling]) -> list[int]:
    return list({one for each in spellings for one in each.ids})


async def reranked(found: Retrieved, reranking: Reranking, top_k: int) -> Retrieved:
    """Put the hits in the order of the reranker's scores, which take the place of the fused ones.

    A model that fails or takes too long leaves them as they are, and `failures` says so. It is not
    asked where there is nothing to put in order: of fewer than two hits, and where the question
    quotes phrases, whose holders stand first.
    """
    hits, model = found.hits.hits, reranking.reranker
    is_settled = len(hits) < 2 or bool(found.analysis.phrases)
    if model is None or is_settled:
        return _first(found, top_k)
    try:
        async with asyncio.timeout(reranking.seconds):
            texts = [f"{hit.title}\n{hit.text}" for hit in hits]
            scores = await model.scores(found.analysis.text, texts)
    except TimeoutError:
        failure = Failure("reranking", f"{model.name} took more than {reranking.seconds:g} s.")
    except ProviderError as error:
        failure = Failure("reranking", str(error))
    else:
        scored = [replace(hit, score=score) for hit, score in zip(hits, scores, strict=True)]
        scored.sort(key=lambda hit: -hit.score)
        better = replace(found, hits=replace(found.hits, hits=scored), reranker=model.name)
        return _first(better, top_k)
    return _first(replace(found, failures=(*found.failures, failure)), top_k)


def _first(found: Retrieved, count: int) -> Retrieved:
    return replace(found, hits=replace(found.hits, hits=found.hits.hits[:count]))


async def rank(reader: Reader, query: HybridQuery, watch: Stopwatch | None = None) -> HitList:
    """Ask the legs, fuse their candidates and read the best."""
    legs = await reader.legs(query)
    if watch is not None:
        watch.lap("search")
    return await _read(reader, _Ranking(query, legs), watch)


async def _read(reader: Reader, ranked: "_Ranking", watch: Stopwatch | None) -> HitList:
    passages = await reader.passages(ranked.wanted(), ranked.query.neighbours)
    if watch is not None:
        watch.lap("read")
    return ranked.hits(passages)


class _Ranking:
    """Candidates of a question, fused once: before they are read, unless their texts rank them."""

    def __init__(self, query: HybridQuery, legs: Legs) -> None:
        self.query = query
        self._legs = legs
        self._candidates = legs.candidates()
        is_by_text = query.phrases or query.calibration.crosses_languages
        self._fused = None if is_by_text else fuse(self._candidates.values(), query)

    def wanted(self) -> list[uuid.UUID]:
        """The passages to read: the best, or all candidates where their texts rank them."""
        if self._fused is None:
            return [each.chunk_id for each in self._candidates.values()]
        return [each.candidate.chunk_id for each in self._fused[: self.query.top_k]]

    def hits(self, passages: Mapping[uuid.UUID, ChunkView]) -> HitList:
        """The best of the candidates, with what was read of them."""
        fused, legs = self._fused, self._legs
        if fused is None:
            fused = fuse(_as_read(self._candidates, passages, self.query), self.query)
        dense = {each.chunk_id.int: place for place, each in enumerate(legs.dense, 1)}
        lexical = {each.chunk_id.int: place for place, each in enumerate(legs.lexical, 1)}
        hits = [
            _hit(each, passage, dense.get(passage.chunk_id.int), lexical.get(passage.chunk_id.int))
            for each in fused[: self.query.top_k]
            if (passage := passages.get(each.candidate.chunk_id)) is not None
        ]
        return HitList(hits, legs.scope_size, legs.is_exact, legs.terms)


def _as_read(
    candidates: Mapping[int, LegScores],
    passages: Mapping[uuid.UUID, ChunkView],
    query: HybridQuery,
) -> Iterable[LegScores]:
    """The candidates with what their texts tell: language, and share of the phrases they hold."""
    return [
        candidates[each.int]._replace(
            language=passage.language,
            phrase_share=phrase_share(query.phrases, passage.text) if query.phrases else None,
        )
        for each, passage in passages.items()
        if each.int in candidates
    ]


def _hit(
    fused: FusedCandidate, passage: ChunkView, dense_rank: int | None, lexical_rank: int | None
) -> Hit:
    return Hit(
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        title=passage.title,
        version=passage.version,
        page=passage.page,
        heading=passage.heading,
        context=passage.context,
        start=passage.start,
        end=passage.end,
        language=passage.language,
        text=passage.text,
        page_breaks=passage.page_breaks,
        sheet=passage.sheet,
        score=fused.score,
        dense_score=fused.candidate.cosine,
        lexical_score=fused.candidate.bm25,
        dense_rank=dense_rank,
        lexical_rank=lexical_rank,
        has_phrases=fused.candidate.phrase_share == 1.0,
        before=passage.before,
        after=passage.after,
    )
