"""People who have agents and workflows work for them, and approve each thing that acts outside.

Documents are handed in meanwhile, so that agents give way to them (`agents.pacing`).

The model plays by what it was told, and remembers nothing: a request that is repeated gets the same
reply. Every effect has an address of its own at a host that notes what it is sent.
"""

import asyncio
import itertools
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from tests.features.agents.conftest import Outside, calling, saying
from tests.vendor import Received, Reply
from tests.waiting import PATIENCE

from .site import Site
from .storm import Insistent

MODEL = "gpt-4o-mini"
"""A name whose price is known, so that money is counted too."""

PARTS = re.compile(r"(Outer|Inner|Node) ([\w-]+)")
TOOLS = (
    "current_time", "calculate", "list_documents", "search_documents", "send_http", "fetch_url",
    "ask_agent",
)  # fmt: skip
LIMITS = {"steps": 20, "tokens": 1_000_000, "seconds": 3_600}

ENDED = ("succeeded", "failed", "cancelled")
POLL_SECONDS = 0.5

DOCUMENT_SECONDS = 2.0
"""Between two documents: their jobs are at work about half of the time."""


def playing(outside: Outside) -> Callable[[Received], Reply]:
    """A model that does its part, step by step."""

    def effect(name: str) -> tuple[str, dict[str, Any]]:
        url = f"http://{outside.host}/effects/{name}"
        return "send_http", {"method": "POST", "url": url, "body": name}

    def steps(part: str, number: str) -> list[list[tuple[str, dict[str, Any]]]]:
        if part == "Outer":
            rate = {"url": f"http://{outside.host}/rate/{number}"}
            child = {"agent": "inner", "task": f"Inner {number}"}
            return [
                [("current_time", {}), ("calculate", {"expression": "6*7"})],
                [effect(f"first-{number}"), ("list_documents", {})],
                [("ask_agent", child), ("fetch_url", rate)],
                [effect(f"second-{number}"), effect(f"third-{number}")],
            ]
        if part == "Inner":
            return [[("search_documents", {"query": "harbour"})], [effect(f"inner-{number}")]]
        return [[("list_documents", {}), effect(f"node-{number}")]]

    def play(received: Received) -> Reply:
        messages = received.body["messages"]
        told = next(each["content"] for each in messages if each["role"] == "user")
        found = PARTS.search(str(told))
        assert found is not None, told
        script = steps(*found.groups())
        done = sum(each["role"] == "assistant" for each in messages)
        return calling(*script[done]) if done < len(script) else saying("Nothing was found.")

    return play


INNER_FLOW = {
    "name": "Inner",
    "inputs": {"number": {}},
    "nodes": [
        {"id": "tell", "kind": "agent", "agent": "node", "input": "Node {{ inputs.number }}-deep"}
    ],
}

FLOW = {
    "name": "Flow",
    "inputs": {"number": {}},
    "nodes": [
        {"id": "found", "kind": "search", "query": "harbour"},
        {"id": "check", "kind": "condition", "after": ["found"],
         "if": {"greater_than": ["{{ found.output.count }}", -1]}},
        {"id": "ask", "kind": "approval", "after": ["check.yes"],
         "message": "Go on with {{ inputs.number }}?"},
        {"id": "sides", "kind": "parallel", "after": ["ask"], "branches": {
            "one": {"kind": "agent", "agent": "node", "input": "Node {{ inputs.number }}-side"},
            "two": {"kind": "search", "query": "ships"},
        }},
        {"id": "nested", "kind": "workflow", "workflow": "inner-flow", "after": ["ask"],
         "inputs": {"number": "{{ inputs.number }}"}},
        {"id": "each", "kind": "map", "over": ["a", "b"], "after": ["ask"],
         "step": {"kind": "search", "query": "{{ item }}"}},
        {"id": "pause", "kind": "wait", "for": "1s", "after": ["sides", "nested", "each"]},
        {"id": "end", "kind": "aggregate", "value": "{{ sides.output.one.answer }}",
         "after": ["pause"]},
    ],
}  # fmt: skip


@dataclass
class Undertakings(Insistent):
    """The runs that people have started, and how each ended."""

    site: Site
    key: str
    people: int = 16
    """Jobs of a killed worker are taken over after 20 seconds: others are at work meanwhile."""
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    ended: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """By the run's path."""
    retries: int = 0
    documents: int = 0
    """Accepted while the runs were at work."""
    agents: dict[str, str] = field(default_factory=dict[str, str])
    workflows: dict[str, str] = field(default_factory=dict[str, str])
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def prepare(self) -> None:
        """Make the agents and the workflows."""
        async with self.site.client(self.key) as client:
            for slug in ("outer", "inner", "node"):
                body = {
                    "slug": slug, "name": slug, "instructions": "Help.", "tools": TOOLS,
                    "limits": LIMITS,
                }  # fmt: skip
                made = await client.post("/agents", json=body)
                assert made.status_code == 201, made.text
                self.agents[slug] = made.json()["id"]
            for slug, source in (("inner-flow", INNER_FLOW), ("flow", FLOW)):
                made = await client.post("/workflows", json={"slug": slug, "source": source})
                assert made.status_code == 201, made.text
                self.workflows[slug] = made.json()["id"]

    async def go_on(self, kill: Callable[[], Awaitable[None]]) -> None:
        """Let people work until the killer has finished, and until the last run has ended."""
        async with asyncio.TaskGroup() as group:
            people = [group.create_task(self._person()) for _ in range(self.people)]
            supervisor = group.create_task(self._supervise())
            librarian = group.create_task(self._hand_in())
            await kill()
            self.is_over.set()
            await asyncio.gather(librarian, *people)
            supervisor.cancel()

    async def _supervise(self) -> None:
        """Start what has ended, as an operator's init system does."""
        while True:
            await asyncio.to_thread(self.site.start)
            await asyncio.sleep(0.1)

    async def _hand_in(self) -> None:
        """Hand in one document after the other."""
        async with self.site.client(self.key) as client:
            while not self.is_over.is_set():
                number = self.documents + 1
                body = {"title": f"Paper {number}", "content": f"Paper {number} says this. " * 200}
                headers = {"Idempotency-Key": f"paper-{number}"}
                ask = partial(client.post, "/documents", json=body, headers=headers)
                reply = await self._insist(ask)
                assert reply.status_code == 202, self.site.explained(reply)
                self.documents = number
                await asyncio.sleep(DOCUMENT_SECONDS)

    async def _person(self) -> None:
        """Start one run after the other, and see each to its end."""
        async with self.site.client(self.key) as client:
            while not self.is_over.is_set():
                number = next(self._numbers)
                if number % 2:
                    path = await self._started(client, number, "agents", "agent-runs")
                else:
                    path = await self._started(client, number, "workflows", "workflow-runs")
                await self._see_to_its_end(client, path)

    async def _started(self, client: httpx.AsyncClient, number: int, kind: str, runs: str) -> str:
        if kind == "agents":
            path, body = f"/agents/{self.agents['outer']}/execute", {"input": f"Outer {number}"}
        else:
            path = f"/workflows/{self.workflows['flow']}/run"
            body = {"inputs": {"number": str(number)}}
        headers = {"Idempotency-Key": f"start-{number}"}
        reply = await self._insist(partial(client.post, path, json=body, headers=headers))
        assert reply.status_code == 202, self.site.explained(reply)
        return f"/{runs}/{reply.json()['id']}"

    async def _see_to_its_end(self, client: httpx.AsyncClient, path: str) -> None:
        deadline = None
        while True:
            run = (await self._insist(partial(client.get, path))).json()
            if run["status"] in ENDED:
                self.ended[path] = run
                return
            if self.is_over.is_set():
                deadline = deadline or time.monotonic() + PATIENCE
                assert time.monotonic() < deadline, f"{run}\n{self.site.last_words()}"
            await self._decide(client, path, run)
            await asyncio.sleep(POLL_SECONDS)

    async def _decide(self, client: httpx.AsyncClient, path: str, run: dict[str, Any]) -> None:
        """Approve all that waits in a run; of a workflow's agents too."""
        bodies = [
            {"call_id": call["id"], "arguments_hash": call["arguments_hash"], "approve": True}
            for call in run.get("calls", []) if call["status"] == "waiting"
        ] + [
            {"node": node["node"], "action_hash": node["action_hash"], "approve": True}
            for node in run.get("nodes", []) if node["status"] == "waiting" and node["action_hash"]
        ]  # fmt: skip
        for body in bodies:
            reply = await self._insist(partial(client.post, f"{path}/approve", json=body))
            # 409: the reply before was lost
            assert reply.status_code in (200, 409), self.site.explained(reply)
        for node in run.get("nodes", []):
            if node["status"] != "running":
                continue
            for field_name, runs in (
                ("agent_run_id", "agent-runs"),
                ("workflow_run_id", "workflow-runs"),
            ):
                if node[field_name] is not None:
                    within = f"/{runs}/{node[field_name]}"
                    seen = (await self._insist(partial(client.get, within))).json()
                    await self._decide(client, within, seen)
