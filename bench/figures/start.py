"""From the command to a healthy server, and what it holds when idle."""

import statistics
import time
from pathlib import Path

import psutil

from bench.report import Row
from bench.server import Server, serving

STARTS = 3
SETTLE_SECONDS = 5.0
MB = 2**20


def measure(work: Path) -> tuple[list[Row], list[str]]:
    """Start on empty homes of fresh installations, then again on the same ones."""
    first: list[float] = []
    later: list[float] = []
    app, database = 0.0, 0.0
    for number in range(STARTS):
        home, bytecode = work / f"home-{number}", work / f"bytecode-{number}"
        with serving(home, bytecode=bytecode) as server:
            first.append(server.seconds_to_healthy)
        with serving(home, bytecode=bytecode) as server:
            later.append(server.seconds_to_healthy)
            if number == STARTS - 1:
                time.sleep(SETTLE_SECONDS)
                app, database = _memory(server)
    first_seconds, later_seconds = statistics.median(first), statistics.median(later)
    total = app + database
    rows = [
        Row("start, first run", f"{first_seconds:.2f} s", "", "", "<= 5 s", first_seconds <= 5),
        Row("start, later", f"{later_seconds:.2f} s", "", "", "<= 3 s", later_seconds <= 3),
        Row(
            "idle memory",
            f"{total:.0f} MB",
            f"app {app:.0f} MB, database {database:.0f} MB",
            "",
            "<= 350 MB",
            total <= 350,
        ),
    ]
    return rows, ["A first run also compiles all modules and makes the database."]


def _memory(server: Server) -> tuple[float, float]:
    """Megabytes of the application and the database; shared pages count once (PSS)."""
    app = database = 0.0
    for process in server.family():
        try:
            held = process.memory_full_info()
            size = getattr(held, "pss", held.uss) / MB
        except psutil.NoSuchProcess:
            continue
        if "postgres" in process.name():
            database += size
        else:
            app += size
    return app, database
