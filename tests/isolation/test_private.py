"""Contents of a private collection show to nobody but those it is granted to, on no route."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.isolation.actors import Actor, Standing, bearer
from tests.isolation.conftest import World, finish_jobs
from tests.isolation.ledger import fingerprint
from tests.isolation.plans import Pair, plan_visits
from tests.isolation.probes import Probe, Prober, Tally, Twins, base_values, missing_id
from tests.isolation.report import record
from tests.isolation.routes import SHARING, TABLE
from tests.isolation.test_access_matrix import TRAILS, UPKEEP, compare_all, send_all
from tests.isolation.world import (
    QUESTION,
    Organisation,
    close_shelf,
    fill_library,
    found_organisation,
)
from tests.waiting import PATIENCE

MANAGES = ("key of director", "service")
"""They administer: they see that the collection is there, and its rules."""
OTHERS = ("manager", "employee", "guest")


@dataclass
class Shelf:
    """An organisation with a private collection."""

    org: Organisation
    private: dict[str, str]
    """Ids of what is in it, by kind."""


@pytest.fixture(scope="module")
def shelf(world: World) -> Shelf:
    """An organisation of this module's own: the matrix uses up the others."""

    async def fill() -> Shelf:
        org = await found_organisation(world.server.platform)
        await fill_library(world.server, org)
        return Shelf(org, await close_shelf(world.server, org))

    return asyncio.run_coroutine_threadsafe(fill(), world.server.loop).result(PATIENCE)


def actor(shelf: Shelf, name: str) -> Actor:
    return Actor(name, Standing.INSIDER, bearer(shelf.org.tokens[name]), name)


def plan(shelf: Shelf, name: str) -> Iterator[Pair]:
    """Every place that takes an id of what is private, with that id and with one of nothing."""
    known = {
        "document": shelf.org.ids["document:open"],
        "collection": shelf.org.ids["collection:open"],
        "job": shelf.org.readable["guest"]["job"],
    }
    own = shelf.org.ids | known
    for operation, route in TABLE.items():
        # The trail tells administrators what was done with which id.
        is_managed = operation in SHARING or operation[1].startswith("/api/v1/audit")
        is_managed = is_managed and name in MANAGES
        for place, kind in route.carriers.items():
            is_seen = name in MANAGES and kind == "collection"
            if kind not in shelf.private or is_managed or is_seen:
                continue
            values = [
                {**base_values(route, own), place: [one] if place.endswith("[]") else one}
                for one in (shelf.private[kind], missing_id())
            ]
            probes = [Probe(actor(shelf, name), operation, route, each) for each in values]
            yield Pair(Twins(*probes), None)


class TestPrivate:
    @pytest.mark.parametrize(
        "names",
        [
            (MANAGES[0], "manager", OTHERS[-1]),
            pytest.param((*MANAGES, *OTHERS), marks=pytest.mark.slow),
        ],
        ids=["one of each", "all"],
    )
    async def test_it_looks_like_nothing_whatever_the_role(
        self, world: World, shelf: Shelf, names: tuple[str, ...]
    ) -> None:
        but = (*UPKEEP, *TRAILS)
        marks = (shelf.org.private,)
        async with world.server.client() as client:
            prober = Prober(client, Tally())
            # Reading everything there is to name, which changes nothing.
            actors = [actor(shelf, name) for name in names]
            await send_all(prober, plan_visits(actors, shelf.org), marks)
            pairs = [pair for name in names for pair in plan(shelf, name)]
            assert len(pairs) > 30 * len(names)
            before = fingerprint(world.url, shelf.org.id, but=but)
            await compare_all(prober, pairs, marks)
            assert fingerprint(world.url, shelf.org.id, but=but) == before
        record("probes", probes=prober.tally.probes, leaks=len(prober.tally.leaks))

    async def test_questions_and_looks_as_somebody_find_nothing_of_it(
        self, world: World, shelf: Shelf
    ) -> None:
        asked = {"query": QUESTION, "top_k": 50}
        looks = {**asked, "as_user_id": shelf.org.ids["user:member"]}
        async with world.server.client() as client:
            for name, body, finds in (
                *((each, asked, False) for each in (*MANAGES, *OTHERS)),
                ("key of director", looks, False),
                ("member", asked, True),
            ):
                reply = await client.post(
                    "/api/v1/search", json=body, headers=bearer(shelf.org.tokens[name])
                )
                assert reply.status_code == 200, reply.text
                assert (shelf.org.private in reply.text) == finds, name

    async def test_a_key_that_only_writes_is_told_of_no_other_document(
        self, world: World, shelf: Shelf
    ) -> None:
        told: list[list[object]] = []
        async with world.server.client() as client:
            for number, name in enumerate(("service", "service", "writing key", "service")):
                reply = await client.post(
                    "/api/v1/documents",
                    json={"title": f"Notice {number}", "content": "The lift is out of order."},
                    headers=bearer(shelf.org.tokens[name]),
                )
                assert reply.status_code == 202, reply.text
                told.append(reply.json()["documents"][0]["resembles"])
        assert [len(each) for each in told] == [0, 1, 0, 3]
        finish_jobs(world.url)  # other tests see that nothing changes
