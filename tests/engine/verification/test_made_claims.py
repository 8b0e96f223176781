"""Kinds of claims: how many of the true are accepted, and of those that only look alike."""

from collections.abc import Callable, Iterator

import pytest

from tests.engine.verification import made_claims
from tests.engine.verification.made_claims import Claim, accepted

MOST_FALSE = 0.05
"""Share of each kind of false claims that may be taken for said."""


FRAMED = [
    made_claims.english_frames,
    made_claims.english_objects,
    made_claims.vietnamese_frames,
]


@pytest.mark.parametrize(
    "made", [made_claims.english, made_claims.vietnamese, made_claims.cells, *FRAMED]
)
def test_of_each_kind_of_false_claims_few_are_accepted(made: Callable[[], Iterator[Claim]]) -> None:
    shares = accepted(one for one in made() if not one.is_true)
    assert shares
    assert {kind: share for kind, share in shares.items() if share > MOST_FALSE} == {}


@pytest.mark.parametrize("made", [made_claims.english, made_claims.vietnamese, *FRAMED])
def test_of_each_kind_of_true_claims_most_are_accepted(made: Callable[[], Iterator[Claim]]) -> None:
    shares = accepted(one for one in made() if one.is_true)
    assert shares
    assert {kind: share for kind, share in shares.items() if share < 0.75} == {}
