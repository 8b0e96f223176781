"""A server of many processes: its figures are of all of them, and none outlives it."""

import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import psutil
import pytest

from citewell.core.metrics import PREFIX, SPECS
from tests.conftest import WITHOUT_TLS
from tests.entrypoints.conftest import Installation, Running
from tests.entrypoints.test_serving import address_of, key_of
from tests.ports import free_port
from tests.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("logging_put_back")

MOST_SERIES = 5_000


def scrape(port: int) -> dict[str, float]:
    """Value by series."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        lines = reply.read().decode().splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in lines
        if not line.startswith("#")
    }


def total(series: dict[str, float], name: str, **labels: str) -> float:
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(
        value
        for key, value in series.items()
        if key.partition("{")[0] == PREFIX + name and all(each in key for each in wanted)
    )


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def of_this(installation: Installation, word: str) -> list[psutil.Process]:
    """Live processes of the installation whose command line has `word`."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get("CITEWELL_HOME") == str(installation.home)
            is_alive = process.status() != psutil.STATUS_ZOMBIE
            if is_ours and is_alive and word in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def metrics_port() -> int:
    """The port that tells of the processes."""
    return free_port()


@pytest.fixture(scope="module")
def many(installation: Installation, metrics_port: int) -> Iterator[Running]:
    """Two processes that answer and one that works."""
    counted = replace(installation, variables={"CITEWELL_METRICS_PORT": str(metrics_port)})
    running = counted.start("serve", "--workers", "2", "--port", "0")
    try:
        running.wait_for("Ask a question")
        yield running
    finally:
        running.end()


class TestServeMany:
    """In this order: the processes are killed at the end."""

    def test_all_processes_are_told_of(
        self, installation: Installation, many: Running, metrics_port: int
    ) -> None:
        address = f"{address_of(many)}/api/v1"
        headers = {"Authorization": f"Bearer {key_of(installation)}"}
        with httpx.Client(verify=WITHOUT_TLS, headers=headers, timeout=PATIENCE) as client:
            note = {"title": "Note", "content": "The note says that the lamp is green."}
            added = client.post(f"{address}/documents", json=note)
            assert added.status_code == 202, added.text
            for number in range(40):
                # Paths of any kind, also with what would break a label.
                client.get(f'{address}/documents/{number}"\\n{{x="1"}}')
                client.get(f"{address}/nowhere/{number}")
                client.request("PROPFIND", f"{address}/documents")
            asked = client.post(f"{address}/query", json={"query": "What colour is the lamp?"})
            assert asked.status_code == 200, asked.text
            until(lambda: total(scrape(metrics_port), "job_attempts_total", end="done"))
        series = scrape(metrics_port)
        known = {PREFIX + spec.name for spec in SPECS}
        names = {
            re.sub("_(bucket|sum|count|created)$", "", key.partition("{")[0]) for key in series
        }
        assert names <= known
        assert total(series, "http_requests_total", route="/api/v1/query", status="2xx") == 1
        assert total(series, "http_requests_total") >= 120
        assert total(series, "answers_total", written_by="rules", cached="no") == 1
        assert total(series, "http_requests_in_flight") == 0
        assert total(series, "database_up") == total(series, "build_info") == 1
        assert total(series, "tenants") >= 1
        assert not [key for key in series if "nowhere" in key or "PROPFIND" in key]
        assert len(series) < MOST_SERIES

    def test_scrapes_without_a_pause_cost_what_one_costs(
        self, installation: Installation, many: Running, metrics_port: int
    ) -> None:
        """A scrape every second for five minutes, at once and beside requests."""
        scraping = psutil.Process(many.process.pid)
        address = f"{address_of(many)}/api/v1"
        headers = {"Authorization": f"Bearer {key_of(installation)}"}

        def ask(number: int) -> int:
            with httpx.Client(verify=WITHOUT_TLS, headers=headers, timeout=PATIENCE) as client:
                return client.get(f"{address}/documents", params={"page": number}).status_code

        for _ in range(20):
            scrape(metrics_port)
        before = scrape(metrics_port)
        memory, files = scraping.memory_info().rss, scraping.num_fds()
        with ThreadPoolExecutor(8) as pool:
            scraped = [pool.submit(scrape, metrics_port) for _ in range(300)]
            asked = list(pool.map(ask, range(1, 41)))
            series = [each.result() for each in scraped]
        assert asked == [200] * 40
        # Counters never go back, whichever thread reads the files of the processes.
        assert all(total(each, "database_up") == 1 for each in series)
        last = scrape(metrics_port)
        gone = {key for key in before if "_total" in key and last.get(key, -1) < before[key]}
        assert not gone
        assert scraping.memory_info().rss - memory < 16 * 2**20
        until(lambda: scraping.num_fds() <= files + 2)
        # The two processes answered 40 requests that all are told of.
        lists = {"route": "/api/v1/documents", "method": "GET", "status": "2xx"}
        new = total(last, "http_requests_total", **lists)
        assert new - total(before, "http_requests_total", **lists) == 40

    def test_a_killed_process_loses_no_count_and_its_empty_file_no_scrape(
        self, installation: Installation, many: Running, metrics_port: int
    ) -> None:
        assert many.process.poll() is None
        before = scrape(metrics_port)
        self._kill_one(installation)
        folder = next((installation.home / "metrics").iterdir())
        (folder / "counter_4194303.db").touch()  # killed just as it made the file
        after = scrape(metrics_port)
        assert total(after, "http_requests_total") >= total(before, "http_requests_total")

    def _kill_one(self, installation: Installation) -> None:
        folder = next((installation.home / "metrics").iterdir())
        pids = {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_livesum_*.db")}
        answering = [pid for pid in pids if "spawn_main" in " ".join(psutil.Process(pid).cmdline())]
        os.kill(answering[0], signal.SIGKILL)
        psutil.wait_procs([psutil.Process(answering[0])] if psutil.pid_exists(answering[0]) else [])

    def test_worker_is_restarted_and_all_end_with_a_killed_parent(
        self, installation: Installation, many: Running
    ) -> None:
        until(lambda: of_this(installation, "worker"))
        [first] = of_this(installation, "worker")
        first.kill()
        until(lambda: {p.pid for p in of_this(installation, "worker")} - {first.pid})
        os.kill(many.process.pid, signal.SIGKILL)
        many.process.wait()
        until(lambda: not of_this(installation, "worker"))
        until(lambda: not of_this(installation, "--multiprocessing-fork"))

    def test_more_processes_than_connections_are_refused(self, installation: Installation) -> None:
        result = installation.call("serve", "--workers", "40", "--port", "0")
        assert result.exit_code == 3
        assert "need 482 connections, the embedded database has 120" in result.stderr
