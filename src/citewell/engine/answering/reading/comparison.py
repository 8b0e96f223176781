"""Two things side by side: what is said of each, in one sentence or in two."""

from collections.abc import Sequence

from citewell.engine.answering.reading.base import Material, Statement, quote_of, stated
from citewell.engine.answering.reading.grid import figure_columns, number_in
from citewell.engine.answering.reading.rows import grid_of
from citewell.engine.answering.reading.subjects import is_function_word, names_of
from citewell.engine.answering.reading.tables import read_cell, told_cells
from citewell.engine.answering.scoring import Scored
from citewell.engine.text.normalisation import fold

_OWN_SIDE = 0.3
"""Weight of the words of one side beside those both share: they decide which sentence speaks of
it, but not what is said."""


_NEAR = 0.5
"""How far, in scores, a sentence of one side may stand behind the one that names both."""


def compare(material: Material) -> list[Statement] | None:
    """Find what is said of each side; None where one of them is not spoken of.

    A sentence that speaks of both is enough.
    """
    if material.asked.sides is None:
        return None
    first, second = (_words(side) for side in material.asked.sides)
    names = names_of(material.question)
    own = [_terms(material, mine, names) for mine in (first - second, second - first)]
    if not all(own):
        return None
    chosen = [_best(material.ranked, mine, other) for mine, other in (own, reversed(own))]
    if chosen[0] is not None and chosen[0] is chosen[1] and not chosen[0].candidate.is_row:
        chosen = _apart(material.ranked, own, chosen[0]) or chosen
    made: dict[tuple[int, int], Statement] = {}
    for one in chosen:
        if one is None:
            return None
        passage = one.reading.passage
        made[passage.start + one.candidate.span.start, hash(passage.chunk_id)] = _statement(
            material, one
        )
    rows = [one for one in chosen if one is not None and one.candidate.is_row]
    if material.asked.is_more is not None and len(rows) == len(made) > 1:
        return _by_figures(material, rows) or list(made.values())
    return list(made.values())


def _by_figures(material: Material, rows: Sequence[Scored]) -> list[Statement] | None:
    """Two rows of a table by the figure that is compared, the one that is asked for first."""
    grid = grid_of(material, rows[0].candidate)
    if grid is None:
        return None
    places = [
        at for one in rows for at in range(len(grid.rows)) if grid.candidate(at) is one.candidate
    ]
    if len(places) < len(rows):
        return None
    columns = figure_columns(material.asked, grid, places)
    if not columns:
        return None
    first = columns[0]
    figures = [number_in(grid.cells(at)[first]) or 0.0 for at in places]
    order = sorted(
        range(len(rows)), key=lambda at: figures[at], reverse=bool(material.asked.is_more)
    )
    return [
        Statement(
            told_cells(material, grid, places[at], columns),
            (quote_of(rows[at].candidate),),
            rows[at].score,
            rows[at].coverage,
        )
        for at in order
    ]


def _apart(
    ranked: Sequence[Scored], own: Sequence[frozenset[int]], both: Scored
) -> list[Scored | None] | None:
    """A sentence of each side that comes near the one that names both, if there is.

    Which may tell of one side only: `B holds all of A and ...` does not tell the price of A.
    """
    found: list[Scored | None] = []
    for mine, other in (own, reversed(own)):
        begins = [
            one
            for one in ranked
            if one.score >= both.score - _NEAR
            and mine <= one.reading.own[one.at]
            and (one is both or not other <= one.reading.own[one.at])
        ]
        if not begins:
            return None
        alone = [one for one in begins if one is not both]
        found.append(alone[0] if alone else both)
    return found


def _statement(material: Material, one: Scored) -> Statement:
    return read_cell(material, one) if one.candidate.is_row else stated(one)


def _words(side: str) -> frozenset[str]:
    return frozenset(side.replace("-", " ").split()) | frozenset(side.split())


def _terms(material: Material, words: frozenset[str], names: frozenset[int]) -> frozenset[int]:
    """The question's terms that belong to one side only: its names if it has any."""
    mine = frozenset(
        at
        for at, term in enumerate(material.question.terms)
        if words.issuperset(fold(term.text.lower()).split())
        and not is_function_word(term.text, material.question.language)
    )
    return (mine & names) or mine


def _best(ranked: Sequence[Scored], mine: frozenset[int], other: frozenset[int]) -> Scored | None:
    """The best sentence of one side; one that holds both sides is as good."""
    best: tuple[float, Scored] | None = None
    for one in ranked:
        if not one.candidate.worth:
            continue
        reading = one.reading
        held = reading.in_cells(one.at) if one.candidate.is_row else reading.own[one.at]
        if not mine & held:
            continue
        share = reading.finder.share
        value = one.score + _OWN_SIDE * share(mine & held) / max(share(mine), 1e-9)
        value += _OWN_SIDE / 6 * share(other & held) / max(share(other), 1e-9)
        if best is None or value > best[0]:
            best = (value, one)
    return best[1] if best else None
