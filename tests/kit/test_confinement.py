"""Child processes: what they can no longer reach."""

import ctypes
import os
import platform
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from citewell.core.compute import ComputePool
from citewell.engine.parsing.base import ParseError
from citewell.engine.parsing.sandbox import SandboxedParser
from tests.kit.attempts import attempt, status

TENANT = uuid.uuid4()

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures of Linux")

HAS_LANDLOCK = ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) >= 6
HAS_FILTER = platform.machine() in ("x86_64", "aarch64")


@pytest.fixture
async def pool() -> AsyncIterator[ComputePool]:
    pool = ComputePool()
    yield pool
    await pool.close()


class TestChild:
    @pytest.mark.skipif(not HAS_FILTER, reason="no filter of system calls for this processor")
    async def test_it_reaches_no_socket_process_or_namespace(
        self, pool: ComputePool, tmp_path: Path
    ) -> None:
        place = tmp_path / "database"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(place))
            server.listen()
            neighbour = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)  # noqa: ASYNC220
            try:
                for what, target in (
                    ("connect", str(place)),
                    ("listen", ""),
                    ("trace", str(neighbour.pid)),
                    ("namespace", ""),
                    *([("signal", str(neighbour.pid))] if HAS_LANDLOCK else ()),
                ):
                    said = await pool.run(TENANT, attempt, what, target)
                    assert said == "PermissionError", what
            finally:
                neighbour.kill()
                neighbour.communicate()

    async def test_it_has_no_capability_to_use(self, pool: ComputePool) -> None:
        facts = await pool.run(TENANT, status)
        # Reading files of other users is left to root, whose files Landlock restricts.
        kept = 1 << 2 if os.geteuid() == 0 else 0
        assert int(facts["CapEff"], 16) | int(facts["CapPrm"], 16) == kept
        assert int(facts["CapBnd"], 16) == 0 or os.geteuid() != 0
        assert facts["NoNewPrivs"] == "1"
        assert facts["Seccomp"] == ("2" if HAS_FILTER else "0")

    @pytest.mark.skipif(not HAS_LANDLOCK, reason="the kernel has no Landlock")
    async def test_it_reads_and_writes_nothing_of_the_installation(
        self, pool: ComputePool, tmp_path: Path
    ) -> None:
        secret = tmp_path / "secret.key"
        secret.write_text("secret")
        for what, target in (
            ("read", str(secret)),
            ("read", "/etc/shadow"),
            ("read", "/etc/passwd"),
            ("list", str(tmp_path)),
            ("list", "/"),
            ("write", str(tmp_path / "new")),
            ("write", str(secret)),
            ("read", f"/proc/{os.getpid()}/environ"),
        ):
            said = await pool.run(TENANT, attempt, what, target)
            assert said == "PermissionError", (what, target)
        assert secret.read_text() == "secret"

    @pytest.mark.skipif(not HAS_LANDLOCK, reason="the kernel has no Landlock")
    async def test_parser_reads_only_what_it_is_told_of(self, tmp_path: Path) -> None:
        folder, other = tmp_path / "documents", tmp_path / "other"
        for each in (folder, other):
            each.mkdir()
            (each / "a.md").write_text("# Title\n\nWords.")
        parser = SandboxedParser(folders=[folder])
        try:
            async with parser.open(folder / "a.md", "a.md") as document:
                assert [block.text async for block in document.blocks()] == ["Title", "Words."]
            with pytest.raises(ParseError, match="cannot be opened"):
                async with parser.open(other / "a.md", "a.md"):
                    pass
        finally:
            await parser.close()
