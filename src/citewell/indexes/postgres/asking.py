"""One question to one scope: which way the legs are read, and when they are read again."""

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from citewell.engine.retrieval.base import HybridQuery, Legs, LexicalFacts
from citewell.indexes.contract import SearchScope
from citewell.indexes.postgres import searching
from citewell.indexes.postgres.inverted import choose_terms
from citewell.indexes.postgres.searching import Way


@dataclass(frozen=True, slots=True)
class Asking:
    """A question, and how the index may answer it."""

    session: AsyncSession
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
        budgets = self.budgets[-1:] if query.phrases else self.budgets
        budget = budgets[0]
        reading = choose_terms(query.terms, query.frequencies, budget)
        legs = await self._read(replace(way, reading=reading))
        for budget in budgets[1:]:
            further = choose_terms(query.terms, query.frequencies, budget)
            if reading.proves(_scores(legs), query.top_k) or further == reading:
                break
            reading = further
            again = await self._read(replace(way, reading=reading, has_dense_leg=False))
            legs = _with_lexical(legs, again)
        is_proven = reading.proves(_scores(legs), query.top_k)
        if not is_proven and len(legs.lexical) < query.top_k:
            # Most of what was read is not for this reader.
            return _with_lexical(legs, await self._read(replace(way, has_dense_leg=False)))
        legs.terms = LexicalFacts(budget, reading.postings, reading.skipped, is_proven)
        return legs

    async def _read(self, way: Way) -> Legs:
        return await searching.read_legs(self.session, self.scope, self.query, way)


def is_whole_library(scope: SearchScope) -> bool:
    """Whether the scope leaves nothing out that can be found now."""
    narrowed = (scope.collection_ids is not None, scope.metadata, scope.fields, scope.as_of)
    return scope.reach.is_all and not any(narrowed)


def _with_lexical(legs: Legs, again: Legs) -> Legs:
    """The dense leg of the one, what terms bring up of the other."""
    return replace(again, dense=legs.dense)


def _scores(legs: Legs) -> list[float]:
    """Of the lexical leg, falling."""
    return [each.bm25 for each in legs.lexical]
