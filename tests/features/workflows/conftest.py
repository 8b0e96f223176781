"""Workflows at work, beside a model that is a vendor on loopback."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.features.agents.conftest import Desk, agent_server, agent_url, desk, vendor
from tests.waiting import PATIENCE

__all__ = ["agent_server", "agent_url", "desk", "vendor"]

ENDED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Flows:
    """An organisation with workflows."""

    desk: Desk

    async def made(self, source: object, slug: str | None = None) -> str:
        """A new workflow; its id."""
        body = {"slug": slug or f"w-{time.monotonic_ns()}", "source": source}
        return (await self.desk.sent("POST", "/workflows", 201, body))["id"]

    async def begun(
        self, workflow_id: str, client: httpx.AsyncClient | None = None, **inputs: object
    ) -> dict[str, Any]:
        """A run that was started."""
        path = f"/workflows/{workflow_id}/run"
        return await self.desk.sent("POST", path, 202, {"inputs": inputs}, client)

    async def seen(self, run_id: str, client: httpx.AsyncClient | None = None) -> dict[str, Any]:
        """The run as it is."""
        return await self.desk.sent("GET", f"/workflow-runs/{run_id}", 200, client=client)

    async def reached(
        self, run_id: str, *statuses: str, client: httpx.AsyncClient | None = None
    ) -> dict[str, Any]:
        """The run once it has one of these statuses."""
        deadline = time.monotonic() + PATIENCE
        while True:
            run = await self.seen(run_id, client)
            if run["status"] in (statuses or (*ENDED, "waiting")):
                return run
            assert time.monotonic() < deadline, run
            await asyncio.sleep(0.03)

    async def ran(
        self, workflow_id: str, client: httpx.AsyncClient | None = None, **inputs: object
    ) -> dict[str, Any]:
        """A run once it has ended."""
        begun = await self.begun(workflow_id, client, **inputs)
        return await self.reached(begun["id"], *ENDED, client=client)

    async def asked(self, run_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The run once it waits for a decision, and the node that does."""
        deadline = time.monotonic() + PATIENCE
        while True:
            run = await self.reached(run_id)
            found = [each for each in run["nodes"] if each["status"] == "waiting"]
            if found or run["status"] in ENDED:
                return run, found[0]
            assert time.monotonic() < deadline, run
            await asyncio.sleep(0.03)


def decision(node: dict[str, Any], *, approve: bool = True) -> dict[str, Any]:
    """A decision on what a node shows."""
    return {"node": node["node"], "action_hash": node["action_hash"], "approve": approve}


def by_id(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The nodes of a run without their items."""
    return {each["node"]: each for each in run["nodes"] if each["item"] is None}


@pytest.fixture
def flows(desk: Desk) -> Flows:
    """A tenant of this test's own."""
    return Flows(desk)
