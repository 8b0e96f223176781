"""One question to one scope: which way the legs are read, and when they are read again."""

from dataclasses import dataclass, replace

from citewell.core.database.batches import StatementBatch
from citewell.engine.retrieval.base import HybridQuery, Legs, LexicalFacts
from citewell.indexes.contract import SearchScope
from citewell.indexes.postgres import searching
from citewell.indexes.postgres.inverted import TermReading, choose_terms
from citewell.indexes.postgres.searching import CANDIDATES, Way


@dataclass(frozen=True, slots=True)
class Asking:
    """A question, and how the index may answer it."""

    batch: StatementBatch
    scope: SearchScope
    query: HybridQuery
    is_dense_exact: bool
    budgets: tuple[int, ...]
    """Entries of posting lists to be read, and to be read when that proves nothing; none: the terms
    of all chunks of the scope are compared."""

    async def run(self) -> Legs:
        """Read the legs; `scope_size` is left to the caller."""
        is_dense_exact = self.is_dense_exact or self.query.vector is None
        way = Way(is_dense_exact, None, is_whole_library(self.scope))
        if self.budgets and self.query.terms:
            legs = await self._read_by_terms(way)
        else:
            legs = await self._read(way)
        legs.is_exact = way.is_dense_exact and (legs.terms is None or legs.terms.is_proven)
        return legs

    async def _read_by_terms(self, way: Way) -> Legs:
        """Read on until the best by terms are certain, as far as the budgets allow."""
        query = self.query
        # A quoted phrase is looked for among the candidates, so there should be many.
        budget = self.budgets[-1 if query.phrases else 0]
        reading = choose_terms(query.terms, query.frequencies, budget)
        legs = await self._read(replace(way, reading=reading))
        if not query.phrases and not reading.proves(_scores(legs), query.top_k):
            further = self._further(reading, _scores(legs))
            if further is not None:
                more = replace(way, reading=further.after(reading), has_dense_leg=False)
                legs = _merged(legs, await self._read(more), max(CANDIDATES, query.top_k))
                budget, reading = self.budgets[-1], further
        is_proven = reading.proves(_scores(legs), query.top_k)
        if not is_proven and len(legs.lexical) < query.top_k:
            # Most of what was read is not for this reader.
            return _with_lexical(legs, await self._read(replace(way, has_dense_leg=False)))
        legs.terms = LexicalFacts(budget, reading.postings, reading.skipped, is_proven)
        return legs

    def _further(self, reading: TermReading, scores: list[float]) -> TermReading | None:
        """The terms to have read after reading on; None if that would prove nothing.

        Without a proof in reach the first reading has as good a result (ADR-0020), unless it
        brought up too few chunks that the caller may find.
        """
        query = self.query
        last = scores[query.top_k - 1] if len(scores) >= query.top_k else 0.0
        further = choose_terms(query.terms, query.frequencies, self.budgets[-1], enough=last)
        is_of_use = not last or further.proves(scores, query.top_k)
        return further if is_of_use and further.read != reading.read else None

    async def _read(self, way: Way) -> Legs:
        return await searching.read_legs(self.batch, self.scope, self.query, way)


def is_whole_library(scope: SearchScope) -> bool:
    """Whether the scope leaves nothing out that can be found now."""
    narrowed = (scope.collection_ids is not None, scope.metadata, scope.fields, scope.as_of)
    return scope.reach.is_all and not any(narrowed)


def _merged(legs: Legs, more: Legs, limit: int) -> Legs:
    """Legs with what further terms bring up; chunks with terms of both are in both, once kept."""
    both = {each.chunk_id: each for each in (*legs.lexical, *more.lexical)}
    ranked = sorted(both.values(), key=lambda each: -each.bm25)
    return replace(legs, lexical=ranked[:limit])


def _with_lexical(legs: Legs, again: Legs) -> Legs:
    """The dense leg of the one, what terms bring up of the other."""
    return replace(again, dense=legs.dense)


def _scores(legs: Legs) -> list[float]:
    """Of the lexical leg, falling."""
    return [each.bm25 for each in legs.lexical]
