"""One ingestion in a process of its own, as `citewell ingest` does it: seconds and memory.

python -m bench.ingest_job JOB.json     # {"home", "files", "out"}; "settings", "runs", "at_once"

With `runs`, so many runs of an agent are queued before, and it begins once `at_once` are at work.
"""

import asyncio
import gc
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from bench.recording import Recorder
from citewell.core.context import OPERATOR, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.core.settings import load_settings
from citewell.entrypoints import logs
from citewell.entrypoints.commands.ingesting import ingest_paths
from citewell.entrypoints.installation import open_platform, running_database, running_worker
from citewell.features.agents import runs as agent_runs
from citewell.features.agents import service as agents
from citewell.features.agents.schemas import ExecuteRequest
from citewell.features.identity import service as identity
from citewell.kit.pagination import PageRequest
from citewell.models.agents import AgentRunStatus


@dataclass(slots=True)
class Memory:
    """This process's resident memory, in bytes."""

    before: int
    peak: int


@contextmanager
def watched_memory() -> Iterator[Memory]:
    """Note the most this process holds while the block runs."""
    process = psutil.Process()
    gc.collect()
    now = process.memory_info().rss
    memory, is_over = Memory(now, now), threading.Event()

    def watch() -> None:
        while not is_over.wait(0.05):
            memory.peak = max(memory.peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield memory
    finally:
        is_over.set()
        watcher.join()


def _cpu_seconds(home: Path) -> float:
    """Processor time of this process, its parsers and its database, ended ones included."""
    pid_file = home / "database" / "data" / "postmaster.pid"
    server = int(pid_file.read_text(encoding="utf-8").split()[0])
    roots = [psutil.Process(), psutil.Process(server)]
    # The server is this process's child too, unless another process started it.
    family = {each.pid: each for root in roots for each in (root, *root.children(recursive=True))}
    total = 0.0
    for process in family.values():
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


class _Agents:
    """Runs of an agent beside the ingestion."""

    def __init__(self, platform: Platform, caller: Caller) -> None:
        self._platform = platform
        self._caller = caller

    async def start(self, count: int, at_once: int) -> int:
        """Queue them, and wait until so many are at work; returns how many are."""
        async with unit_of_work(self._platform, self._caller) as ctx:
            agent_id = await agents.find(ctx, "researcher")
        for number in range(count):
            task = ExecuteRequest(input=f"Write about memory pages and locks (#{number}).")
            await agent_runs.start(self._platform, self._caller, agent_id, task)
        while True:
            found = await self.count(AgentRunStatus.RUNNING)
            if found >= at_once:
                return found
            await asyncio.sleep(0.1)

    async def count(self, status: AgentRunStatus) -> int:
        """Runs of a status."""
        async with unit_of_work(self._platform, self._caller) as ctx:
            return (await agent_runs.page(ctx, PageRequest(1, 1), status=status)).total


async def _run(job: dict[str, Any]) -> dict[str, object]:
    home, files = Path(job["home"]), [Path(name) for name in job["files"]]
    settings = load_settings(home=home, log_level="error", **job.get("settings", {}))
    logs.configure(settings)
    with running_database(settings) as database:
        async with open_platform(settings, database) as platform:
            await identity.ensure_default_tenant(platform)
            tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
            recorder = Recorder(platform.embedder)
            platform = replace(platform, embedder=recorder)
            await recorder.embed_query("The model is warm.")
            caller = Caller(tenant_id, OPERATOR)
            beside = _Agents(platform, caller)
            async with running_worker(platform, adopt_all=True):
                at_work = await beside.start(job.get("runs", 0), job.get("at_once", 0))
                before = await beside.count(AgentRunStatus.SUCCEEDED)
                used = _cpu_seconds(home)
                with watched_memory() as memory:
                    begun = time.perf_counter()
                    results = await ingest_paths(platform, caller, files)
                    seconds = time.perf_counter() - begun
                used = _cpu_seconds(home) - used
                ended = await beside.count(AgentRunStatus.SUCCEEDED) - before
    failed = [f"{Path(each.path).name}: {each.error}" for each in results if each.has_failed]
    return {
        "seconds": seconds,
        "cpu_seconds": used,
        "chunks": sum(result.chunks for result in results),
        "failed": failed,
        "rss_before": memory.before,
        "rss_peak": memory.peak,
        "texts": recorder.texts,
        "runs": {"at_work": at_work, "ended": ended},
    }


def main() -> None:
    """Do the job that the file on the command line describes."""
    job = json.loads(Path(sys.argv[1]).read_bytes())
    result = asyncio.run(_run(job))
    Path(job["out"]).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
