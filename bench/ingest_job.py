"""One ingestion in a process of its own, as `citewell ingest` does it: seconds and memory.

python -m bench.ingest_job JOB.json     # {"home", "files", "out"}
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

import psutil

from bench.recording import Recorder
from citewell.core.context import OPERATOR, Caller
from citewell.core.settings import load_settings
from citewell.entrypoints import logs
from citewell.entrypoints.commands.ingesting import ingest_paths
from citewell.entrypoints.installation import open_platform, running_database, running_worker
from citewell.features.identity import service as identity


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


async def _run(home: Path, files: list[Path]) -> dict[str, object]:
    settings = load_settings(home=home, log_level="error")
    logs.configure(settings)
    with running_database(settings) as database:
        async with open_platform(settings, database) as platform:
            await identity.ensure_default_tenant(platform)
            tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
            recorder = Recorder(platform.embedder)
            platform = replace(platform, embedder=recorder)
            await recorder.embed_query("The model is warm.")
            async with running_worker(platform, adopt_all=True):
                used = _cpu_seconds(home)
                with watched_memory() as memory:
                    begun = time.perf_counter()
                    results = await ingest_paths(platform, Caller(tenant_id, OPERATOR), files)
                    seconds = time.perf_counter() - begun
                used = _cpu_seconds(home) - used
    failed = [f"{Path(each.path).name}: {each.error}" for each in results if each.has_failed]
    return {
        "seconds": seconds,
        "cpu_seconds": used,
        "chunks": sum(result.chunks for result in results),
        "failed": failed,
        "rss_before": memory.before,
        "rss_peak": memory.peak,
        "texts": recorder.texts,
    }


def main() -> None:
    """Do the job that the file on the command line describes."""
    job = json.loads(Path(sys.argv[1]).read_bytes())
    result = asyncio.run(_run(Path(job["home"]), [Path(name) for name in job["files"]]))
    Path(job["out"]).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
