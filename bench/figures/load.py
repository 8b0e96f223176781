"""Many users at once, over real HTTP on loopback, the client in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.charts import Chart
from bench.options import ROOT, Options
from bench.report import Row, percentile
from bench.server import Server, serving

USERS = 100
LOADS = (10, 25, 50, USERS)
"""Users at one question a second each."""


def measure(
    options: Options, home: Path, key: str, asked: list[str]
) -> tuple[list[Row], list[str], list[Chart]]:
    """Search under load, on the library in `home`."""
    with serving(home) as server:
        order = {"port": server.port, "key": key, "queries": asked, "path": "search"}
        order["cache"] = False
        search(server, order | {"users": 4, "seconds": 3, "interval": None})  # to warm up
        alone = search(server, order | {"users": 1, "seconds": 3, "interval": None})
        seconds = options.load_seconds
        by_users = {
            users: search(server, order | {"users": users, "seconds": seconds, "interval": 1})
            for users in LOADS
        }
        full = search(server, order | {"users": USERS, "seconds": seconds, "interval": None})
        equal = order | {"path": "query", "cache": True, "users": USERS, "interval": None}
        warmed = 0
        while warmed < 2 * len(asked):  # until all are in the cache; each round begins anew
            warmed += len(search(server, equal | {"seconds": 5})["ms"])
        cached = search(server, equal | {"seconds": seconds})
    cached_rate = len(cached["ms"]) / cached["seconds"]
    paced = by_users[USERS]
    rate = len(full["ms"]) / full["seconds"]
    p95, p99 = percentile(paced["ms"], 0.95), percentile(paced["ms"], 0.99)
    errors = paced["errors"] / len(paced["ms"])
    full_errors = full["errors"] / len(full["ms"])
    rows = [
        Row(
            "HTTP search, 1 client",
            f"p50 {percentile(alone['ms'], 0.5):.1f}, p95 {percentile(alone['ms'], 0.95):.1f} ms",
        ),
        Row(
            "HTTP, 100 users at 1/s",
            f"p50 {percentile(paced['ms'], 0.5):.0f}, p95 {p95:.0f}, p99 {p99:.0f} ms",
            f"{len(paced['ms']) / paced['seconds']:.0f} requests/s, errors {errors:.2%}",
            "",
            "p95 < 150, p99 < 500 ms, errors < 0.1 %",
            p95 < 150 and p99 < 500 and errors < 0.001,
        ),
        Row(
            "HTTP, 100 in flight",
            f"{rate:.0f} requests/s",
            f"p95 {percentile(full['ms'], 0.95):.0f}, p99 {percentile(full['ms'], 0.99):.0f} ms, "
            f"errors {full_errors:.2%}",
            "",
            ">= 200/s",
            rate >= 200 and full_errors < 0.001,
        ),
        Row(
            "HTTP answers, 100 in flight, cached",
            f"{cached_rate:.0f} answers/s",
            f"p95 {percentile(cached['ms'], 0.95):.0f} ms",
            "",
            ">= 1,500/s",
            cached_rate >= 1_500,
        ),
    ]
    chart = Chart(
        "load",
        "Latency against load: users who search once a second over HTTP",
        "ms",
        [f"{users} users" for users in LOADS],
        {
            name: [percentile(found["ms"], share) for found in by_users.values()]
            for name, share in (("p50", 0.5), ("p95", 0.95))
        },
        "lines",
    )
    return rows, [], [chart]


def search(server: Server, order: Mapping[str, Any]) -> dict[str, Any]:
    """Carries an order out in a client process (`bench.load_client`); returns what it tells."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load_client"],
        input=json.dumps({**order, "port": server.port}),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return json.loads(done.stdout)
