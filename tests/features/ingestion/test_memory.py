"""How far a process that takes documents in grows; measured in a process of its own."""

import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.quiet import Shelf

from .conftest import Rows

ROOT = Path(__file__).parents[3]

MEASURE = """
import asyncio, json, re, sys, uuid
from pathlib import Path
from citewell.core.context import SYSTEM, Caller
from citewell.core.settings import Settings
from citewell.engine.parsing.sandbox import ParseLimits, SandboxedParser
from tests.quiet import Shelf, quiet_platform

def resident(name):
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\\s+(\\d+) kB", status)[1]) / 1024

async def main(url, home, tenant, folder):
    settings = Settings(_env_file=None, home=Path(home), database_url=url)
    parser = SandboxedParser(ParseLimits(), concurrency=2)
    async with quiet_platform(settings, url, parser=parser) as platform:
        shelf = Shelf(platform, Caller(uuid.UUID(tenant), SYSTEM), Path(folder))
        for path in sorted(Path(folder).glob("warm-*")):
            await shelf.add(path.name, path.read_bytes())
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        gate = asyncio.Semaphore(2)

        async def add(path):
            async with gate:
                await shelf.add(path.name, path.read_bytes())

        await asyncio.gather(*(add(path) for path in sorted(Path(folder).glob("file-*"))))
        await parser.close()
    print(json.dumps({"before": before, "growth": resident("VmHWM") - before}))

asyncio.run(main(*sys.argv[1:]))
"""


def prose(number: int, words: int) -> str:
    return " ".join(f"word{(number * 7919 + place * 31) % 5000}" for place in range(words)) + "."


def growth(rows: Rows, shelf: Shelf, folder: Path) -> float:
    """MiB by which the peak of a process rises over what small files have already taken."""
    for number in range(20):
        (folder / f"warm-{number:02}.md").write_text(f"# Warm {number}\n\n{prose(number, 3000)}")
    command = [
        sys.executable, "-c", MEASURE, rows.url, str(shelf.platform.settings.home),
        str(shelf.caller.tenant_id), str(folder),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])["growth"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / uuid.uuid4().hex
    folder.mkdir()
    return folder


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
class TestMemory:
    def test_large_document_never_sits_in_memory_whole(
        self, shelf: Shelf, rows: Rows, files: Path
    ) -> None:
        """5,000 passages: 6 MB of text, 30 MB of vectors and weights as they are sent.

        The fake embedder is quick, so what is waiting to be sent comes at its fastest.
        """
        parts = [f"# Part {number}\n\n{prose(number, 180)}" for number in range(5_000)]
        (files / "file-large.md").write_text("\n\n".join(parts))
        grown = growth(rows, shelf, files)
        assert len(rows.chunks(active=True)) >= 5_000
        assert grown < 75

    def test_thousand_files_take_no_more_than_some(
        self, shelf: Shelf, rows: Rows, files: Path
    ) -> None:
        for number in range(1_000):
            (files / f"file-{number:04}.md").write_text(f"# File {number}\n\n{prose(number, 40)}")
        grown = growth(rows, shelf, files)
        assert len({chunk["document_id"] for chunk in rows.chunks(active=True)}) == 1_020
        assert grown < 30
