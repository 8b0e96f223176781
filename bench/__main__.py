"""`python -m bench [FIGURE ...]`: measure, print one table, write `bench/REPORT.md`."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from bench import report_file
from bench.charts import Chart
from bench.corpus import Corpus, open_corpus, questions
from bench.figures import (
    access,
    analytics,
    answer,
    chats,
    growth,
    idle,
    ingest,
    install,
    kinds,
    load,
    quality,
    runs,
    scope,
    search,
    sockets,
    start,
)
from bench.generate import generate
from bench.indexed import open_library
from bench.options import Options
from bench.peer_process import PeerMissingError, PeerProcess, running_peer
from bench.report import Row, machine, render
from citewell.core.context import unit_of_work
from citewell.core.settings import load_settings
from citewell.entrypoints import logs
from citewell.entrypoints.installation import running_database
from citewell.features.identity import service as identity

FIGURES = (
    "start",
    "idle",
    "sockets",
    "install",
    "ingest",
    "runs",
    "search",
    "scope",
    "access",
    "answer",
    "load",
    "analytics",
    "chats",
    "growth",
    "kinds",
    "quality",
)
ON_LIBRARY = {"search", "scope", "access", "answer", "load", "chats"}
ON_CORPUS = ON_LIBRARY | {"ingest", "runs", "growth"}
NEEDING_PEER = {"ingest", "search"}
GENERATED_FILES_PER_CHUNK = 1 / 9

Measured = tuple[list[Row], list[str]] | tuple[list[Row], list[str], list[Chart]]


class Run:
    """One run: what was asked for, and the rows so far."""

    def __init__(self, options: Options, wanted: set[str], work: Path) -> None:
        self.options = options
        self.wanted = wanted
        self.work = work
        self.rows: list[Row] = []
        self.notes: list[str] = [machine()]
        self.filling_notes: list[str] = []
        self.machine = ""
        """As it was when the present figure began."""

    def take(self, name: str, figure: Callable[[], Measured]) -> None:
        """Measure one figure, if it is wanted."""
        if name in self.wanted:
            self._begin(name)
            self._keep(name, figure())

    def all(self) -> None:
        """Measure everything that is wanted, the quiet ones first."""
        self.take("start", lambda: start.measure(self._folder("start")))
        self.take("idle", lambda: idle.measure(self._folder("idle")))
        self.take("sockets", lambda: sockets.measure(self._folder("sockets")))
        self.take("kinds", lambda: kinds.measure(self._folder("kinds")))
        if self.options.sets is not None:
            self.take("quality", lambda: quality.measure(self.options, self._folder("quality")))
        self.take("analytics", lambda: analytics.measure(self.options, self._folder("analytics")))
        corpus = self._corpus()
        with ExitStack() as stack:
            peer = self._peer(stack)
            self.take("install", install.measure)
            self.take(
                "ingest",
                lambda: ingest.measure(self.options, corpus, self._folder("ingest"), peer),
            )
            self.take("runs", lambda: runs.measure(self.options, corpus, self._folder("runs")))
            self.take("growth", lambda: growth.measure(self.options, corpus, self._folder))
            if not self.wanted & ON_LIBRARY:
                return
            home = self.work / "library"
            key, asked = self._on_library(home, corpus, peer)
        self.take("load", lambda: load.measure(self.options, home, key, asked))
        self.take("chats", lambda: chats.measure(self.options, home, key, asked))

    def _on_library(
        self, home: Path, corpus: Corpus, peer: PeerProcess | None
    ) -> tuple[str, list[str]]:
        """The figures inside one process; a key and questions for those outside."""
        settings = load_settings(home=home, log_level="error")
        logs.configure(settings)

        async def inside() -> tuple[str, list[str]]:
            self._begin("library")
            opened = open_library(
                home,
                database,
                corpus,
                self.options.chunks,
                has_real_vectors=self.options.has_real_vectors,
                kept_vectors=self.options.kept_vectors,
            )
            async with opened as library:
                self.filling_notes = library.notes
                self.notes += library.notes
                if "search" in self.wanted:
                    self._begin("search")
                    folder = self._folder("search")
                    self._keep("search", await search.measure(self.options, library, folder, peer))
                if "scope" in self.wanted:
                    self._begin("scope")
                    self._keep("scope", await scope.measure(library))
                if "access" in self.wanted:
                    self._begin("access")
                    self._keep("access", await access.measure(self.options, library))
                if "answer" in self.wanted:
                    self._begin("answer")
                    self._keep("answer", await answer.measure(self.options, library))
                async with unit_of_work(library.platform, library.operator) as ctx:
                    key = await identity.create_api_key(ctx, "bench")
                return key.secret, questions(library.texts, 500)

        with running_database(settings) as database:
            return asyncio.run(inside())

    def _corpus(self) -> Corpus:
        if not self.wanted & ON_CORPUS:
            return Corpus([], "nothing")
        if self.options.corpus is not None:
            return open_corpus(self.options.corpus, self.options.corpus.name)
        self._begin("generated corpus")
        folder = self._folder("corpus")
        needed = self.options.chunks if self.wanted & (ON_LIBRARY | {"growth"}) else 0
        generate(folder, max(140, round(needed * GENERATED_FILES_PER_CHUNK)))
        return open_corpus(folder, "the generated corpus")

    def _peer(self, stack: ExitStack) -> PeerProcess | None:
        if not self.wanted & NEEDING_PEER or not self.options.has_peer:
            return None
        self._begin("peer")
        try:
            return stack.enter_context(running_peer("langchain"))
        except PeerMissingError as error:
            self.rows.append(Row("peer", "", f"not measured: {error}"))
            return None

    def _folder(self, name: str) -> Path:
        folder = self.work / name
        folder.mkdir(exist_ok=True)
        return folder

    def _keep(self, name: str, measured: Measured) -> None:
        rows, notes, *charts = measured
        self.rows += rows
        self.notes += notes
        on_library = self.filling_notes if name in ON_LIBRARY else []
        told = [*notes, *on_library]
        report_file.keep(name, self.machine, rows, told, charts[0] if charts else [])

    def _begin(self, name: str) -> None:
        self.machine = machine()
        print(f"{time.strftime('%H:%M:%S')} {name} ...", file=sys.stderr, flush=True)


def main() -> None:
    """Measure the figures named on the command line, or all of them."""
    unknown = [name for name in sys.argv[1:] if name not in FIGURES]
    if unknown:
        raise SystemExit(f"{unknown[0]} is no figure; there are {', '.join(FIGURES)}.")
    options = Options.read()
    signal.signal(signal.SIGTERM, _end)
    work = Path(tempfile.mkdtemp(prefix="citewell-bench-"))
    # Processes we start keep their byte code, as they would for a user, but not in the repository.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(work / "bytecode")
    try:
        run = Run(options, set(sys.argv[1:] or FIGURES), work)
        run.all()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(render(run.rows, run.notes))
    report_file.write(FIGURES, {"quality": quality.HELP})


def _end(number: int, _frame: object) -> NoReturn:
    """Leave in order, so that databases stop and folders go."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
