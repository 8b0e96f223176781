"""Every route, every kind of caller, every place that takes an id: nothing leaks, nothing changes.

The rows of `routes.TABLE` are checked against the application's routes and its OpenAPI document, so
a route without a row fails here. `make test` sends the short form: every route and every place, for
a caller or few of each kind.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from functools import partial
from itertools import product

import pytest

from tests.isolation.actors import foreigners, insiders
from tests.isolation.conftest import World
from tests.isolation.ledger import fingerprint
from tests.isolation.plans import (
    ODD_PATHS,
    SHORT,
    WHOLE,
    Breadth,
    Pair,
    plan_fields,
    plan_filters,
    plan_foreign,
    plan_insiders,
    plan_nobody,
    plan_owner,
    plan_readers,
    plan_siblings,
    plan_trashed,
    plan_visits,
)
from tests.isolation.probes import Probe, Prober, Tally, all_at_once
from tests.isolation.report import record
from tests.isolation.routes import TABLE
from tests.isolation.surface import OPEN_PATHS, Surface, read_surface

ADD_A_ROW = "add it to its row of TABLE in tests/isolation/routes.py"
ENOUGH, ENOUGH_SHORT = 9_000, 500

SOCKETS = frozenset({"/ws"})
"""They are probed in test_sockets.py."""

UPKEEP = ("term_stat", "term_delta", "index_generation")
"""Tables that the worker tidies whenever it likes."""

TRAILS = ("usage_record", "audit_event", "query_log", "query_document")
"""Records that an organisation keeps of its own people's requests, refused ones included."""


@pytest.fixture(params=[SHORT, pytest.param(WHOLE, marks=pytest.mark.slow)], ids=["short", "whole"])
def breadth(request: pytest.FixtureRequest) -> Breadth:
    """How much is sent."""
    return request.param


@pytest.fixture(scope="module")
def surface() -> Surface:
    return read_surface()


@pytest.fixture
async def prober(world: World) -> AsyncIterator[Prober]:
    """Sends over one pool of connections, and reports what was sent."""
    async with world.server.client() as client:
        prober = Prober(client, Tally())
        yield prober
    tally = prober.tally
    record("probes", probes=tally.probes, leaks=len(tally.leaks))


async def send_all(
    prober: Prober, probes: Iterable[Probe], marks: tuple[str, ...], statuses: tuple[int, ...] = ()
) -> None:
    """Send each; `statuses`: those that are right."""

    async def send(probe: Probe) -> None:
        reply = await prober.send(probe, marks)
        if statuses and reply.status_code not in statuses:
            prober.fault(probe, f"{reply.status_code} {reply.text[:300]}")

    await all_at_once(partial(send, probe) for probe in probes)
    assert_clean(prober)


async def compare_all(prober: Prober, pairs: Iterable[Pair], marks: tuple[str, ...]) -> None:
    """Send each pair and compare."""
    await all_at_once(partial(prober.compare, pair.twins, marks, pair.statuses) for pair in pairs)
    assert_clean(prober)


def assert_clean(prober: Prober) -> None:
    """Nothing was seen that may not be, and no reply was wrong."""
    assert prober.tally.leaks == []
    faults = prober.tally.faults
    assert faults == [], f"{len(faults)} replies are wrong; the first: " + "\n".join(faults[:10])


def planned(world: World, breadth: Breadth) -> int:
    """How many probes there are."""
    ours, theirs = world.ours, world.theirs
    single = plan_nobody(ours, theirs, breadth) + plan_readers(ours, breadth)
    paired = plan_foreign(ours, theirs, breadth) + plan_insiders(ours, breadth)
    return len(single) + len(plan_fields(ours, breadth)) + 2 * len(paired)


class TestTable:
    def test_every_route_has_a_row(self, surface: Surface) -> None:
        private = {one for one in surface.operations if one[1] not in OPEN_PATHS}
        assert private - set(TABLE) == set(), f"a new route: {ADD_A_ROW}"
        assert set(TABLE) - private == set(), "these routes have gone: remove their rows"
        assert surface.undescribed == frozenset(), "what OpenAPI does not show is not probed"
        assert surface.websockets == SOCKETS, "a new socket: probe it in test_sockets.py"

    def test_every_id_has_a_carrier(self, surface: Surface) -> None:
        for operation, route in TABLE.items():
            places = surface.operations.get(operation, frozenset())
            uncarried = places - set(route.carriers) - route.forgets
            assert uncarried == set(), f"{operation} takes a new id: {ADD_A_ROW}"

    def test_there_are_thousands_of_probes(self, world: World) -> None:
        sent = [planned(world, each) for each in (SHORT, WHOLE)]
        assert sent[0] > ENOUGH_SHORT
        assert sent[1] > ENOUGH


class TestNobody:
    async def test_no_spelling_of_a_path_goes_around(self, world: World) -> None:
        place = world.server.address.removeprefix("http://")
        address, port = place.split(":")
        for path, method in product(ODD_PATHS, ("GET", "HEAD", "POST", "OPTIONS")):
            reader, writer = await asyncio.open_connection(address, int(port))
            head = f"{method} {path} HTTP/1.1", f"Host: {place}", "Connection: close", "", ""
            writer.write("\r\n".join(head).encode())
            reply = (await reader.read()).decode("utf-8", "replace")
            writer.close()
            assert reply.split()[1] in ("400", "401", "404", "405"), reply
            assert not any(mark in reply for mark in world.ours.marks)

    async def test_without_a_valid_credential_everything_is_401(
        self, world: World, prober: Prober, breadth: Breadth
    ) -> None:
        before = fingerprint(world.url, world.ours.id, but=UPKEEP)
        probes = plan_nobody(world.ours, world.theirs, breadth)
        await send_all(prober, probes, (*world.ours.marks, *world.theirs.marks), (401,))
        assert fingerprint(world.url, world.ours.id, but=UPKEEP) == before


class TestForeigners:
    async def test_our_objects_look_like_nothing_to_others(
        self, world: World, prober: Prober, breadth: Breadth
    ) -> None:
        before = fingerprint(world.url, world.ours.id, but=UPKEEP)
        await compare_all(prober, plan_foreign(world.ours, world.theirs, breadth), world.ours.marks)
        assert fingerprint(world.url, world.ours.id, but=UPKEEP) == before

    async def test_what_they_do_at_home_shows_nothing_of_ours(
        self, world: World, prober: Prober, breadth: Breadth
    ) -> None:
        before = fingerprint(world.url, world.ours.id, but=UPKEEP)
        await send_all(
            prober,
            plan_visits(breadth.of(foreigners(world.theirs)), world.theirs),
            world.ours.marks,
        )
        assert fingerprint(world.url, world.ours.id, but=UPKEEP) == before


class TestInsiders:
    async def test_hidden_objects_look_like_nothing(
        self, world: World, prober: Prober, breadth: Breadth
    ) -> None:
        but = (*UPKEEP, *TRAILS)
        before = fingerprint(world.url, world.ours.id, but=but)
        await compare_all(prober, plan_insiders(world.ours, breadth), world.ours.hidden_marks)
        assert fingerprint(world.url, world.ours.id, but=but) == before

    async def test_filters_do_not_tell_what_hidden_metadata_there_is(
        self, world: World, prober: Prober
    ) -> None:
        await compare_all(prober, plan_filters(world.ours, world.theirs), world.ours.hidden_marks)

    async def test_children_of_other_parents_are_not_there(
        self, world: World, prober: Prober
    ) -> None:
        before = fingerprint(world.url, world.ours.id, but=(*UPKEEP, *TRAILS))
        pairs = plan_siblings(world.ours)
        assert pairs
        await compare_all(prober, pairs, ())
        assert fingerprint(world.url, world.ours.id, but=(*UPKEEP, *TRAILS)) == before

    async def test_readers_change_nothing(
        self, world: World, prober: Prober, breadth: Breadth
    ) -> None:
        but = (*UPKEEP, *TRAILS)
        before = fingerprint(world.url, world.ours.id, but=but)
        await send_all(prober, plan_readers(world.ours, breadth), (), (403, 404))
        assert fingerprint(world.url, world.ours.id, but=but) == before

    async def test_what_they_may_do_shows_nothing_hidden(
        self, world: World, prober: Prober, breadth: Breadth
    ) -> None:
        probes = plan_visits(breadth.of(insiders(world.ours)), world.ours)
        await send_all(prober, probes, world.ours.hidden_marks)


class TestFields:
    async def test_nobody_sets_a_field_that_is_not_theirs(
        self, world: World, prober: Prober, breadth: Breadth
    ) -> None:
        but = (*UPKEEP, *TRAILS)
        before = fingerprint(world.url, world.ours.id, but=but)

        async def send(name: str, probe: Probe) -> None:
            reply = await prober.send(probe, ())
            is_refused = reply.status_code == 422 and name in reply.text
            if not is_refused and reply.status_code != 403:
                prober.fault(probe, f"`{name}`: {reply.status_code} {reply.text[:300]}")

        await all_at_once(partial(send, *planned) for planned in plan_fields(world.ours, breadth))
        assert_clean(prober)
        assert fingerprint(world.url, world.ours.id, but=but) == before


class TestTrash:
    async def test_deleted_document_is_missing_for_its_owner_too(
        self, world: World, prober: Prober
    ) -> None:
        but = (*UPKEEP, *TRAILS)
        before = fingerprint(world.url, world.ours.id, but=but)
        pairs = plan_trashed(world.ours)
        assert len(pairs) > 15
        await compare_all(prober, pairs, ())
        assert fingerprint(world.url, world.ours.id, but=but) == before
        async with world.server.client(world.ours.tokens["service"]) as client:
            listed = (await client.get("/api/v1/documents/trash")).json()["data"]
        assert [each["id"] for each in listed] == [world.ours.ids["document:trashed"]]


class TestOwner:
    """Last: it uses up what the others were refused."""

    async def test_every_row_is_a_request_that_works(self, world: World, prober: Prober) -> None:
        for probe in plan_owner(world.ours):
            reply = await prober.send(probe, ())
            if reply.status_code != probe.route.status:
                prober.fault(probe, f"{reply.status_code} {reply.text[:300]}")
        assert_clean(prober)

    def test_no_line_of_the_log_holds_what_is_private(self, world: World) -> None:
        lines = world.log.getvalue().splitlines()
        assert lines, "the log was not kept"
        marks = (*world.ours.marks, *world.theirs.marks)
        told = [line for line in lines if any(mark in line for mark in marks)]
        assert told == []
