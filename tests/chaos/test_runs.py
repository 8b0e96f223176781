"""Workers and servers killed at named points of runs: all end, and nothing acts or costs twice."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial

import pytest

from tests.entrypoints.conftest import Installation
from tests.features.agents.conftest import Outside, outside
from tests.waiting import PATIENCE

from .cluster import ModelThread
from .points import (
    Point,
    disarm,
    install,
    is_armed_at_once,
    roll_back,
    wait_for_somebody,
)
from .report import record
from .run_points import RUN_POINTS
from .site import Site
from .storm import POINT_SECONDS, Killer
from .undertakings import MODEL, Undertakings, playing

__all__ = ["outside"]

SEEDS = (2028, 2029)
"""Two installations, two hundred kills: side by side, as much of their time is waiting."""
KILLS = 100
FEW = 6
"""In the lane `processes`: some points, and as in all forms an effect and a reply."""
AT_ONCE = 10
"""Points at which somebody is waited for at the same time."""

PRICE = 11
"""Millionths of a dollar that a reply of 42 and 7 tokens costs, rounded up as the counter does."""

# Rows that must not be there once nothing is to be done any more, by what they would be.
WRONG = {
    "open runs of agents": "SELECT id FROM agent_run WHERE finished_at IS NULL",
    "open runs of workflows": "SELECT id FROM workflow_run WHERE finished_at IS NULL",
    "open calls": "SELECT id FROM tool_execution WHERE finished_at IS NULL",
    "open nodes": "SELECT run_id FROM workflow_node_run WHERE finished_at IS NULL",
    "open jobs": "SELECT id FROM job WHERE finished_at IS NULL",
    "calls that a person had to approve twice": """
        SELECT details->>'call_id' FROM audit_event WHERE action = 'agent_run.approved'
        GROUP BY 1 HAVING count(*) > 1""",
    "two inner runs of one call": """
        SELECT parent_call FROM agent_run WHERE parent_call IS NOT NULL
        GROUP BY parent_call HAVING count(*) > 1""",
    "agents of no node": """
        SELECT r.id FROM agent_run r WHERE r.parent_call IS NULL AND r.agent_slug = 'node'
          AND NOT EXISTS (SELECT FROM workflow_node_run n WHERE n.agent_run_id = r.id)""",
    "nested runs of no node": """
        SELECT r.id FROM workflow_run r WHERE r.parent_id IS NOT NULL
          AND NOT EXISTS (SELECT FROM workflow_node_run n WHERE n.child_run_id = r.id)""",
    "steps that are there twice": """
        SELECT run_id FROM agent_run r JOIN agent_step s ON s.run_id = r.id AND s.kind = 'reply'
        GROUP BY run_id, r.steps HAVING count(*) <> r.steps""",
    "runs whose tokens are not those of their replies and inner runs": """
        SELECT r.id FROM agent_run r WHERE r.input_tokens + r.output_tokens <>
          (SELECT coalesce(sum((payload->'usage'->>0)::int + (payload->'usage'->>1)::int), 0)
           FROM agent_step WHERE run_id = r.id AND kind = 'reply')
          + (SELECT coalesce(sum(i.input_tokens + i.output_tokens), 0)
             FROM tool_execution t JOIN agent_run i ON i.parent_call = t.id WHERE t.run_id = r.id)
    """,
    "runs whose money is not that of their replies and inner runs": """
        SELECT r.id FROM agent_run r JOIN (SELECT min(money / steps) AS price FROM agent_run
          WHERE parent_call IS NOT NULL) p ON true
        WHERE abs(r.money - p.price * (r.steps + (SELECT coalesce(sum(i.steps), 0)
          FROM tool_execution t JOIN agent_run i ON i.parent_call = t.id WHERE t.run_id = r.id)))
          > 1e-9""",
}  # fmt: skip


@pytest.fixture
def model(outside: Outside) -> Iterator[ModelThread]:
    """The model of all agents, beside a host that has got nothing yet."""
    outside.received.clear()
    made = ModelThread(playing(outside), MODEL)
    yield made
    made.stop()


@pytest.fixture
def site(installation: Installation, model: ModelThread, outside: Outside) -> Iterator[Site]:
    """A server and two workers, in a database with named points."""
    site = Site(
        installation, **model.variables, CITEWELL_AGENT_HOSTS=outside.host,
        CITEWELL_PRIVATE_HOSTS="127.0.0.0/8",
    )  # fmt: skip
    site.start()
    site.wait_until_it_answers()
    with site.connect() as connection:
        install(connection, RUN_POINTS)
    yield site
    site.stop()


class RunKiller(Killer):
    """Kills at points of the database, and where something outside has just been asked."""

    async def at_one_of(self, wanted: Sequence[Point]) -> bool:
        """Wait for somebody to come to one of the points and kill them there.

        As in `at_point`, chance decides whether what was about to be committed is.
        """
        came = await asyncio.to_thread(self._kill_at_one_of, wanted)
        if came is None:
            self.missed += 1
        else:
            self._count(came.name)
        return came is not None

    def _kill_at_one_of(self, wanted: Sequence[Point]) -> Point | None:
        ends = time.monotonic() + POINT_SECONDS
        with self.site.connect() as connection, ExitStack() as stack:
            at = list[Point]()
            while time.monotonic() < ends:
                for point in wanted:
                    if point not in at and is_armed_at_once(connection, point):
                        stack.callback(disarm, connection, point)
                        at.append(point)
                for point in at:
                    if sessions := wait_for_somebody(connection, point, 0.01):
                        self._kill_all_of(point.who)
                        if self.chance.random() < 0.5:
                            roll_back(connection, sessions)
                        return point
        return None

    def _count(self, name: str) -> None:
        self.at_points[name] = self.at_points.get(name, 0) + 1

    async def in_an_effect(self, outside: Outside) -> bool:
        """Kill the workers once the host has got a request that it has not answered."""
        before = len(outside.received)
        outside.gate.clear()
        try:
            came = await self._grown(lambda: len(outside.received) > before, "effect")
        finally:
            outside.gate.set()
        return came

    async def in_a_reply(self, model: ModelThread) -> bool:
        """Kill the workers while the model has a request that it has not answered."""
        with model.held():
            before = model.asked
            return await self._grown(lambda: model.asked > before, "reply")

    async def _grown(self, has_come: Callable[[], bool], name: str) -> bool:
        ends = asyncio.get_running_loop().time() + POINT_SECONDS
        while not has_come():
            if asyncio.get_running_loop().time() > ends:
                self.missed += 1
                return False
            await asyncio.sleep(0.005)
        await asyncio.to_thread(self.site.kill, *self.site.workers)
        self._count(name)
        return True


def effects(site: Site, outside: Outside) -> tuple[list[str], int]:
    """The effects that were wrong, and how many calls have an unknown fate."""
    sent = Counter(path for method, path, _, _ in outside.received if method == "POST")
    wrong = [f"{path} came {times} times" for path, times in sent.items() if times > 1]
    unknown = 0
    for url, status in site.rows(
        "SELECT arguments->>'url', status FROM tool_execution WHERE tool = 'send_http'"
    ):
        path = url.removeprefix(f"http://{outside.host}")
        unknown += status == "unknown"
        if status not in ("succeeded", "unknown"):
            wrong.append(f"{path} is {status}")
        if status == "succeeded" and sent[path] != 1:
            wrong.append(f"{path} is told to be done and came {sent[path]} times")
    return wrong, unknown


def costs(site: Site, asked: int) -> list[str]:
    """Faults of the tenant's counter: each reply is counted once that a worker got whole."""
    [(kept,)] = site.rows("SELECT count(*) FROM agent_step WHERE kind = 'reply'")
    [(counted,)] = site.rows(
        "SELECT sum(amount)::bigint FROM usage_record WHERE metric = 'model_cost'"
        " AND actor_id = '00000000-0000-0000-0000-000000000000'"
    )
    if not kept * PRICE <= counted <= asked * PRICE or counted % PRICE:
        return [f"{counted} counted, {kept} replies kept, {asked} asked for"]
    return []


async def check(
    site: Site, work: Undertakings, killer: RunKiller, model: ModelThread, outside: Outside
) -> None:
    """Wait until nothing is to be done any more; write down and judge."""
    await asyncio.to_thread(
        site.until, lambda: not site.rows("SELECT FROM job WHERE finished_at IS NULL LIMIT 1")
    )
    wrong = {name: found for name, each in WRONG.items() if (found := site.rows(each))}
    failed = {path: run for path, run in work.ended.items() if run["status"] != "succeeded"}
    repeated, unknown = effects(site, outside)
    cost = costs(site, model.asked)
    [(starts,)] = site.rows(
        "SELECT (SELECT count(*) FROM agent_run WHERE agent_slug = 'outer')"
        " + (SELECT count(*) FROM workflow_run WHERE parent_id IS NULL)"
    )
    record(
        "runs", kills=site.kills, at_named_points=sum(killer.at_points.values()),
        named_points=len(killer.at_points), missed=killer.missed, runs=len(work.ended),
        asked_again=work.retries, effects=len(outside.received), unknown=unknown,
        replies=model.asked, documents=work.documents, lost=len(failed),
        duplicates=len(repeated) + len(cost),
        drift=len(wrong),
    )  # fmt: skip
    assert not failed
    assert not repeated
    assert not cost
    assert not wrong
    assert starts == len(work.ended)


async def rage(
    site: Site, model: ModelThread, outside: Outside, kills: int, seed: int, *, is_whole: bool
) -> None:
    """Kill so many processes while people work; check what came of it.

    Args:
        site: The processes.
        model: Of the agents.
        outside: Where they act.
        kills: Processes that are killed at least.
        seed: Of the order.
        is_whole: Whether somebody has to be killed at every point.
    """
    chance = random.Random(seed)
    killer = RunKiller(site, chance)
    work = Undertakings(site, site.first_key())
    await work.prepare()

    async def kill() -> None:
        for number in itertools.count():
            if site.kills >= kills:
                break
            # Those that were visited least, as some are passed ten times as often as others.
            points = chance.sample(RUN_POINTS, len(RUN_POINTS))
            points.sort(key=lambda point: killer.at_points.get(point.name, 0))
            await killer.at_one_of(points[:AT_ONCE])
            match number % 6:
                case 1:
                    await killer.in_an_effect(outside)
                case 3:
                    await killer.in_a_reply(model)
                case 5:
                    await killer.at_random(most_seconds=1)
        ends = time.monotonic() + PATIENCE
        # Nobody may have come to these in time, and they are what a repeated effect comes from.
        for name, kill_there in (
            ("effect", partial(killer.in_an_effect, outside)),
            ("reply", partial(killer.in_a_reply, model)),
        ):
            while name not in killer.at_points:
                assert time.monotonic() < ends, f"nobody comes to an {name}"
                await kill_there()
        # Runs whose workers are killed all the time never come to their end.
        while unseen := [each for each in RUN_POINTS if each.name not in killer.at_points]:
            if not is_whole:
                break
            assert time.monotonic() < ends, f"nobody comes to {unseen}"
            await killer.at_one_of(unseen)

    await work.go_on(kill)
    await check(site, work, killer, model, outside)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_hundred_kills_repeat_nothing(
    site: Site, model: ModelThread, outside: Outside, seed: int
) -> None:
    await rage(site, model, outside, KILLS, seed, is_whole=True)


@pytest.mark.processes
async def test_a_few_kills_repeat_nothing(site: Site, model: ModelThread, outside: Outside) -> None:
    await rage(site, model, outside, FEW, SEEDS[0], is_whole=False)
