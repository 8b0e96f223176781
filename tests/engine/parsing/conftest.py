import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from citewell.engine.parsing.base import Block, DocumentInfo
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.reading import read_document
from citewell.engine.parsing.sandbox import SandboxedParser

# The modules that write files are shared by several folders of tests.
sys.path.insert(0, str(Path(__file__).parents[2]))

Read = Callable[[Path], tuple[DocumentInfo, list[Block]]]
Parse = Callable[[SandboxedParser, Path], Awaitable[list[Block]]]


@pytest.fixture
def read() -> Read:
    """Reads a file in this process, as the child does."""

    def read_file(path: Path) -> tuple[DocumentInfo, list[Block]]:
        info, blocks = read_document(path, path.name, ParseLimits())
        return info, list(blocks)

    return read_file


@pytest.fixture
def parse() -> Parse:
    """Reads a file through a sandbox to its end."""

    async def parse_file(parser: SandboxedParser, path: Path) -> list[Block]:
        async with parser.open(path, path.name) as document:
            return [block async for block in document.blocks()]

    return parse_file


@pytest.fixture
async def parser() -> AsyncIterator[SandboxedParser]:
    parser = SandboxedParser(ParseLimits(memory_bytes=512 << 20, cpu_seconds=30))
    yield parser
    await parser.close()
