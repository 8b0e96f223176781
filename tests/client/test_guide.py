"""The scripts of the guide, as they are written there, against a running server."""

import asyncio
import importlib.util
import re
from pathlib import Path

import pytest

from tests.conftest import Library, LiveServer

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "clients.md"
ADDRESS = "http://127.0.0.1:8000"
NOTES = (
    "The hotel limit for a night in London is 180 GBP. The warranty of the Rill 310 is two years."
)
EXTRAS = {
    "citewell.client.langchain": "langchain_core",
    "citewell.client.llamaindex": "llama_index",
}


def can_run(script: str) -> bool:
    """Whether the extra that a script asks for is installed; `test_retrievers` tells if not."""
    needed = [package for module, package in EXTRAS.items() if module in script]
    return all(importlib.util.find_spec(package) for package in needed)


def test_every_script_runs(
    live_server: LiveServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = live_server.new_key()

    async def fill() -> None:
        async with live_server.client(key) as client:
            await Library(client).add("Travel and warranties", NOTES)

    asyncio.run(fill())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", key)
    (tmp_path / "handbook.pdf").write_text("The handbook is a text all the same.")
    scripts = re.findall(r"^```python\n(.+?)^```$", GUIDE.read_text(), flags=re.M | re.S)
    assert len(scripts) == 7
    scripts = [each for each in scripts if can_run(each)]
    names: dict[str, object] = {"__name__": "guide"}
    for script in scripts:
        exec(compile(script.replace(ADDRESS, live_server.address), str(GUIDE), "exec"), names)
    told = capsys.readouterr().out
    assert told.count("180 GBP") >= 4
    assert told.count("two years") >= 2
    assert told.count("Travel and warranties") >= 3
