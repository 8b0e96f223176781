"""Repetitions folded, like passages apart."""

import uuid
from dataclasses import replace

import pytest

from citewell.engine.retrieval.arranging import AS_RANKED, Arrangement, arrange, neighbours_of
from citewell.engine.retrieval.base import Hit

FOLDED = Arrangement(folds=True)


def hit(text: str, score: float, *heading: str, title: str = "Policy") -> Hit:
    return Hit(
        chunk_id=uuid.uuid4(), document_id=uuid.uuid4(), title=title, version=1, page=None,
        heading=heading, context="", start=0, end=len(text), language="en", text=text, score=score,
        dense_score=None, lexical_score=0.0, dense_rank=None, lexical_rank=1, has_phrases=False,
    )  # fmt: skip


class TestFolding:
    def test_repetition_is_named_by_the_better_passage(self) -> None:
        best = hit("Leave is 25 days a year. Ask your lead.", 0.9)
        copy = hit("LEAVE: is the 25 days, a year. Ask your lead!", 0.8, title="Policy (copy)")
        part = hit("Ask your lead.", 0.7)
        other = hit("Cars are parked below.", 0.6)
        kept = arrange([best, copy, part, other], FOLDED, 2)
        assert [each.text for each in kept] == [best.text, other.text]
        assert kept[0].folded == (copy, part)
        assert kept[1].folded == ()

    @pytest.mark.parametrize(
        "text",
        [
            "Leave is 24 days a year.",
            "Leave is not 25 days a year.",
            "From 2026 leave is 25 days a year.",
            "Leave was 25 days a year.",
        ],
    )
    def test_passage_that_says_something_else_stays(self, text: str) -> None:
        hits = [hit("Leave is 25 days a year.", 0.9), hit(text, 0.8)]
        assert arrange(hits, FOLDED, 5) == hits

    def test_sentence_within_a_sentence_stays(self) -> None:
        hits = [hit("It is not true that leave is paid.", 0.9), hit("Leave is paid.", 0.8)]
        assert arrange(hits, FOLDED, 5) == hits

    def test_same_words_under_another_heading_stay(self) -> None:
        hits = [hit("25 days.", 0.9, "Leave", "2025"), hit("25 days.", 0.8, "Leave", "2026")]
        assert arrange(hits, FOLDED, 5) == hits


class TestNeighbours:
    def test_neighbour_is_a_hit_once_behind_what_brought_it(self) -> None:
        best, other, far = (hit(text, score) for text, score in (("b", 0.9), ("c", 0.6), ("a", 0)))
        around = replace(best, before=(far,), after=(other,)), replace(other, before=(best,))
        (found,) = neighbours_of(around, 5)
        assert (found.chunk_id, found.text, found.score) == (far.chunk_id, "a", 0.45)
        assert neighbours_of(around, 0) == []


class TestDiversity:
    def test_unlike_passage_comes_before_a_like_one(self) -> None:
        first = hit("Leave is 25 days a year for staff.", 0.9)
        like = hit("Leave is 26 days a year for staff.", 0.85)
        unlike = hit("Requests go to the lead.", 0.8)
        assert arrange([first, like, unlike], AS_RANKED, 2) == [first, like]
        assert arrange([first, like, unlike], Arrangement(diversity=0.3), 2) == [first, unlike]
        assert arrange([first, like, unlike], Arrangement(diversity=0.3), 3)[2] == like
