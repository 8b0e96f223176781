"""Questions in other spellings than the library's, and what they tell of hidden documents."""

from pathlib import Path

import pytest

from citewell.access.policy import AccessLevel, Role
from citewell.core.context import Actor, ActorKind, Caller
from citewell.core.platform import Platform
from citewell.features.search import service
from citewell.features.search.schemas import SearchReply, SearchRequest
from tests.conftest import new_caller
from tests.quiet import Shelf

EMPLOYEE = Actor(ActorKind.API_KEY, role=Role.EMPLOYEE)


@pytest.fixture
async def replies(platform: Platform, tmp_path: Path) -> dict[str, SearchReply]:
    """Questions of the operator and of an employee to one library, by who and word."""
    shelf = Shelf(platform, await new_caller(platform), tmp_path)
    await shelf.add_beside_a_worker("rest.txt", "The budget of the canteen is 900 euros.")
    await shelf.add_beside_a_worker("lift.txt", "The lift is repaired by Otis Berger.")
    secret = "The budgex project buys Acme in the canteen."
    await shelf.add_beside_a_worker("plan.txt", secret, access_level=AccessLevel.RESTRICTED)
    employee = Caller(shelf.caller.tenant_id, EMPLOYEE)
    return {
        f"{name} {word}": await service.search(
            platform, who, SearchRequest(query=f"the canteen's {word}", explain=True)
        )
        for name, who in (("all", shelf.caller), ("some", employee))
        for word in ("budgex", "budgey", "budget", "budgez")
    }


def spelt(reply: SearchReply) -> list[tuple[str, str]]:
    assert reply.explain is not None
    return [(each.word, each.written) for each in reply.explain.spellings]


async def test_unknown_words_are_those_of_no_document_the_reader_may_find(
    replies: dict[str, SearchReply],
) -> None:
    assert spelt(replies["all budget"]) == spelt(replies["some budget"]) == []
    assert "900" in replies["some budgez"].results[0].text
    # Known to who may read it, and to nobody else: the word that is only in the hidden document
    # is read as one that is nowhere, and never offered.
    assert spelt(replies["all budgex"]) == []
    assert spelt(replies["some budgex"]) == [("budgex", "budget")]
    assert spelt(replies["some budgey"]) == [("budgey", "budget")]
    assert len(spelt(replies["all budgey"])) == 2
    known, unknown = replies["some budgex"], replies["some budgey"]
    assert [hit.text for hit in known.results] == [hit.text for hit in unknown.results]


async def test_long_words_are_found_two_slips_away_and_only_where_they_stand(
    platform: Platform, tmp_path: Path
) -> None:
    shelf = Shelf(platform, await new_caller(platform), tmp_path)
    await shelf.add_beside_a_worker("a.txt", "The maintenance of the crane costs 900 euros.")
    await shelf.add_beside_a_worker("b.txt", "The budget of the canteen is 700 euros.")
    found = await service.search(
        platform, shelf.caller, SearchRequest(query="the maintainance", explain=True)
    )
    assert ("maintainance", "maintenance") in spelt(found)
    assert "900" in found.results[0].text
    both = await service.search(
        platform,
        shelf.caller,
        SearchRequest(query="the budgez of the crane's maintainance", explain=True),
    )
    assert set(spelt(both)) == {("budgez", "budget"), ("maintainance", "maintenance")}
    nothing = await service.search(
        platform, shelf.caller, SearchRequest(query="the canteen's xylophonist", explain=True)
    )
    assert spelt(nothing) == []


async def test_term_of_another_word_takes_no_slip_of_other_words_away(
    platform: Platform, tmp_path: Path
) -> None:
    shelf = Shelf(platform, await new_caller(platform), tmp_path)
    await shelf.add_beside_a_worker("a.txt", "The budget of the canteen is 900 euros.")
    # Its term is, by hashing, that of "kljmbist", which is two slips away from "kalimbist".
    await shelf.add_beside_a_worker("b.txt", "The pocucopop of the garden is green.")
    await shelf.add_beside_a_worker("c.txt", "The maintenance of the crane is dear.")
    for other, written in (("budgez", "budget"), ("maintainance", "maintenance")):
        found = await service.search(
            platform,
            shelf.caller,
            SearchRequest(query=f"the {other} of a kalimbist in the canteen", explain=True),
        )
        assert spelt(found) == [(other, written)]
