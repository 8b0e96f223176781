"""People who chat with a model that writes at a steady pace: what Citewell adds to its time."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.figures.load import search
from bench.options import ROOT, Options
from bench.report import Row, percentile
from bench.server import Server, serving

CHATS = 50
THINK_SECONDS = 10.0
"""Between an answer and the next question of the same person: half of it to half more again."""

BUDGET_MS = 200

STREAMS = 200
MIB = 1024 * 1024

FIRST_SECONDS, PIECES, PACE_SECONDS = 0.5, 80, 0.05
"""A usual hosted model: half a second to its first token, then twenty pieces a second."""

SHORT_PIECES = 4
COST_SECONDS = 12.0
"""Time in which two people ask one question after the other: some hundred."""

LONG_PIECES, LONG_PACE_SECONDS = 60, 0.5
"""Thirty seconds of answer, so that all streams are open at once."""


def measure(
    options: Options, home: Path, key: str, asked: list[str]
) -> tuple[list[Row], list[str]]:
    """Chat with the library in `home`, through one server process."""
    order: dict[str, Any] = {"key": key, "queries": asked}
    with scripted(FIRST_SECONDS, PIECES, PACE_SECONDS) as model:
        with serving(home, bytecode=None, **variables(model)) as server:
            seconds = max(options.load_seconds, 40)
            warm = {"users": 2, "seconds": 3, "think": 0, "spread": 0, "from": 1_000_000}
            _talk(server, order | warm)
            chats = {"users": CHATS, "seconds": seconds, "think": THINK_SECONDS, "spread": 12}
            told = _talk(server, order | chats)
        arrivals = _arrivals(model)
    cost = _cost(home, order)
    with (
        scripted(FIRST_SECONDS, LONG_PIECES, LONG_PACE_SECONDS) as model,
        serving(home, bytecode=None, **variables(model)) as server,
    ):
        _talk(server, order | {"users": 2, "seconds": 0, "think": 0, "spread": 0})
        before = _memory(server)
        many = {"users": STREAMS, "seconds": 0, "think": 0, "spread": 10}
        streams, after = _talk_and_weigh(server, order | many)
    return [*_overhead(told, arrivals), cost, _open(streams, after - before)], [
        f"`chats`: {CHATS} people, each in a conversation of their own, ask for {seconds:.0f} s "
        f"and read for {THINK_SECONDS:.0f} s between an answer and the next question. A scripted "
        f"model, a process of its own, begins after {FIRST_SECONDS} s and writes {PIECES} pieces, "
        f"one in {PACE_SECONDS * 1000:.0f} ms, with quotes of the passages. The overhead is the "
        "time from the sending of a question until the model has the request. Processor times are "
        f"of a model that writes {SHORT_PIECES} pieces at once."
    ]


def _cost(home: Path, order: Mapping[str, Any]) -> Row:
    """Processor time of a question to the model beside that of the search it begins with."""
    with (
        scripted(0.0, SHORT_PIECES, 0.0) as model,
        serving(home, bytecode=None, **variables(model)) as server,
    ):
        quick = {**order, "users": 2, "think": 0, "spread": 0}
        _talk(server, quick | {"seconds": 3})
        began = _processor(server)
        told = _talk(server, quick | {"seconds": COST_SECONDS})
        chat = _each(_processor(server), began, len(told))
        looking = {
            **order, "users": 2, "seconds": COST_SECONDS, "interval": None, "path": "search",
            "cache": False,
        }  # fmt: skip
        began = _processor(server)
        found = search(server, looking)
        searched = _each(_processor(server), began, len(found["ms"]))
    return Row(
        "processor time of a question with a short answer",
        f"{chat[0]:.1f} ms, {chat[1]:.1f} of the database",
        f"{searched[0]:.1f} ms, {searched[1]:.1f}: a search of the same",
        f"{sum(chat) / sum(searched):.2f}",
    )


def _processor(server: Server) -> tuple[float, float]:
    """Processor seconds of the server process and of its database so far."""
    own, database = 0.0, 0.0
    for process in server.family():
        times = process.cpu_times()
        if process.pid == server.process.pid:
            own = times.user + times.system
        else:
            database += times.user + times.system
    return own, database


def _each(after: tuple[float, float], before: tuple[float, float], count: int) -> tuple[float, ...]:
    """Milliseconds of each of `count` requests."""
    return tuple((last - first) / count * 1_000 for last, first in zip(after, before, strict=True))


def _overhead(told: list[dict[str, Any]], arrivals: dict[str, float]) -> list[Row]:
    done = [one for one in told if one["end"] == "done"]
    asked = [(arrivals[str(one["number"])] - one["sent"]) * 1_000 for one in done]
    tokens = [(one["first"] - one["sent"] - FIRST_SECONDS) * 1_000 for one in done if one["first"]]
    whole = sum(bool(one.get("is_whole")) for one in done)
    p95 = percentile(asked, 0.95)
    return [
        Row(
            f"before the model is asked, {CHATS} chats",
            f"p50 {percentile(asked, 0.5):.0f}, p95 {p95:.0f} ms",
            f"{len(told)} questions, {whole} answered whole by the model",
            "",
            f"p95 < {BUDGET_MS} ms",
            p95 < BUDGET_MS and whole == len(told),
        ),
        Row(
            "to the first words, less the model's half second",
            f"p50 {percentile(tokens, 0.5):.0f}, p95 {percentile(tokens, 0.95):.0f} ms",
            "a sentence is told when it is whole and has been held against the passages",
        ),
    ]


def _open(streams: list[dict[str, Any]], grown: float) -> Row:
    done = [one for one in streams if one["end"] == "done" and one.get("is_whole")]
    last, first = max(one["sent"] for one in streams), min(one["over"] for one in streams)
    at_once = STREAMS if last < first else sum(one["over"] > last for one in streams)
    return Row(
        "streams open in one process",
        f"{at_once} at once, {len(done)} answered whole",
        f"{grown / MIB:.0f} MiB more memory",
        "",
        f"{STREAMS}",
        at_once == STREAMS and len(done) == STREAMS,
    )


@contextmanager
def scripted(first: float, pieces: int, pace: float) -> Iterator[int]:
    """A scripted model; gives its port."""
    given = {"first": first, "pieces": pieces, "pace": pace}
    process = subprocess.Popen(
        [
            sys.executable, "-m", "bench.scripted_model",
            *(f"--{name}={value}" for name, value in given.items()),
        ],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def variables(model: int) -> dict[str, str]:
    """The settings of a server that asks it."""
    return {
        "CITEWELL_LLM": "openai-compatible:scripted",
        "CITEWELL_LLM_BASE_URL": f"http://127.0.0.1:{model}/v1",
        "CITEWELL_LLM_API_KEY": "none",
    }


def _arrivals(model: int) -> dict[str, float]:
    connection = http.client.HTTPConnection("127.0.0.1", model, timeout=30)
    connection.request("GET", "/arrivals")
    found = json.loads(connection.getresponse().read())
    connection.close()
    return found


def _start(server: Server, order: Mapping[str, Any]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.chat_client"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps({**order, "port": server.port}))
    process.stdin.close()
    process.stdin = None
    return process


def _talk(server: Server, order: Mapping[str, Any]) -> list[dict[str, Any]]:
    said, _ = _start(server, order).communicate()
    return json.loads(said)


def _talk_and_weigh(server: Server, order: Mapping[str, Any]) -> tuple[list[dict[str, Any]], float]:
    """The outcome, and the most memory of the server process meanwhile."""
    process, most = _start(server, order), 0.0
    while True:
        try:
            said, _ = process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            most = max(most, _memory(server))
        else:
            return json.loads(said), most


def _memory(server: Server) -> float:
    held = psutil.Process(server.process.pid).memory_full_info()
    return float(getattr(held, "pss", held.uss))
