"""A worker that is killed inside a tool: another one goes on from the journal, and repeats nothing.

The first run hangs in a call that reads (a table is locked), the second one in a call with an
effect (the outside answers late).
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import psycopg
import pytest

from citewell.core.settings import Settings
from tests.conftest import serving
from tests.features.agents.conftest import (
    MODEL,
    RESEARCHER,
    Desk,
    Scripted,
    agent_url,
    calling,
    saying,
    until,
    vendor,
)
from tests.office import open_office

__all__ = ["agent_url", "vendor"]

pytestmark = pytest.mark.slow


@contextmanager
def a_worker(settings: Settings, url: str, vendor: Scripted) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    variables = {
        **kept, "HOME": str(settings.home), "CITEWELL_HOME": str(settings.home),
        "CITEWELL_DATABASE_URL": url, "CITEWELL_THREADS": "1", "CITEWELL_LLM": MODEL,
        "CITEWELL_LLM_BASE_URL": f"{vendor.server.url}/v1", "CITEWELL_LOG_LEVEL": "error",
    }  # fmt: skip
    command = [sys.executable, "-m", "citewell.entrypoints.cli", "worker"]
    worker = subprocess.Popen(command, env=variables, cwd=settings.home)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


class TestTakeover:
    async def test_run_goes_on_in_another_worker(
        self, settings: Settings, agent_url: str, vendor: Scripted
    ) -> None:
        changed = {
            "llm": MODEL, "llm_base_url": f"{vendor.server.url}/v1", "database_url": agent_url,
        }  # fmt: skip
        own = settings.model_copy(update=changed)
        with serving(own, agent_url, has_worker=False) as server:
            async with AsyncExitStack() as stack:
                desk = Desk(await open_office(server, stack), vendor)
                vendor.play(
                    calling(
                        ("current_time", {}),
                        ("list_documents", {}),
                        ("calculate", {"expression": "1+1"}),
                    ),
                    saying("Nothing was found."),
                )
                run_id = await self.hung_and_killed(desk, own, agent_url)
                with a_worker(own, agent_url, vendor):
                    run = await desk.reached(run_id, "succeeded", "failed")
        assert run["status"] == "succeeded", run
        assert [call["status"] for call in run["calls"]] == ["succeeded"] * 3
        first, second, _ = run["calls"]
        assert first["finished_at"] < second["started_at"]  # it was not done again
        assert len(vendor.server.received) == 2  # no reply was asked for again
        assert run["usage"]["steps"] == 2
        assert (run["usage"]["input_tokens"], run["usage"]["output_tokens"]) == (84, 14)

    async def hung_and_killed(self, desk: Desk, settings: Settings, url: str) -> str:
        """A run whose worker died inside its second call; its id."""
        with psycopg.connect(url) as connection, a_worker(settings, url, desk.vendor) as worker:
            connection.execute("LOCK TABLE document IN ACCESS EXCLUSIVE MODE")
            begun = await desk.begun(await desk.agent_id(RESEARCHER), "List everything.")

            def is_inside() -> bool:
                with psycopg.connect(url, autocommit=True) as other:
                    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    return other.execute(waiting).fetchone() is not None

            await until(is_inside)
            worker.kill()
            await asyncio.to_thread(worker.wait)
        return begun["id"]
