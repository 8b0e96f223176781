import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from document_files import write_docx, write_pdf

from citewell.engine.parsing.base import BlockKind, ParseError, ParseFailure
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.sandbox import SandboxedParser
from tests.waiting import PATIENCE

MIB = 1 << 20
PARAGRAPH = "The warehouse opens at seven and closes at nineteen hours on working days. " * 8


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.md"
    path.write_text("# Opening hours\n\nThe warehouse opens at seven.\n")
    return path


@pytest.fixture
def long(tmp_path: Path) -> Path:
    path = tmp_path / "long.txt"
    path.write_text(f"{PARAGRAPH}\n\n" * 8_000)
    return path


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """Seconds of work before the first block can be given."""
    path = tmp_path / "slow.html"
    path.write_text("<html><body>" + "<div><i></i></div>" * 700_000 + "end")
    return path


@pytest.fixture
def swelling(tmp_path: Path) -> Path:
    """A few megabytes that take hundreds to hold."""
    path = tmp_path / "swelling.json"
    path.write_text("[" + ",".join(["[[],{}]"] * 1_500_000) + "]")
    return path


@asynccontextmanager
async def sandbox(
    limits: ParseLimits | None = None, **settings: float
) -> AsyncIterator[SandboxedParser]:
    parser = SandboxedParser(limits, **settings)  # pyright: ignore[reportArgumentType]
    try:
        yield parser
    finally:
        await parser.close()


OTHERS = set[int]()
"""Children of parsers that other tests keep for the whole run, such as the test server's."""


@pytest.fixture(autouse=True)
def _know_others() -> None:
    OTHERS.clear()
    OTHERS.update(child.pid for child in children())


def children() -> list[psutil.Process]:
    """Parsing processes this test has started."""
    return [
        child
        for child in psutil.Process().children()
        if child.pid not in OTHERS
        and child.status() != psutil.STATUS_ZOMBIE
        and "citewell.engine.parsing.child" in child.cmdline()
    ]


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until(condition, seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


class TestOpen:
    async def test_document_gives_facts_then_blocks(self, parser, good):
        async with parser.open(good, "good.md") as document:
            assert document.info.title == "Opening hours"
            assert document.info.mime_type == "text/markdown"
            blocks = [block async for block in document.blocks()]
        assert [(block.kind, block.text, block.level) for block in blocks] == [
            (BlockKind.HEADING, "Opening hours", 1),
            (BlockKind.PARAGRAPH, "The warehouse opens at seven.", 0),
        ]

    async def test_name_with_path_is_never_used_as_one(self, parser, good):
        async with parser.open(good, "../../etc/\x00passwd.md") as document:
            assert document.info.title == "Opening hours"

    async def test_missing_file_fails_with_reason(self, parser, parse, tmp_path):
        with pytest.raises(ParseError, match="cannot be opened"):
            await parse(parser, tmp_path / "gone.txt")

    async def test_pdf_in_fresh_scratch_folder_is_read(self, parser, parse, tmp_path, monkeypatch):
        # The PDF library unpacks itself there within the child's limits.
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        blocks = await parse(parser, write_pdf(tmp_path / "a.pdf", [["Only page"]]))
        assert [(block.text, block.page) for block in blocks] == [("Only page", 1)]
        assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["a.pdf", "libpdfium.so"]

    async def test_scratch_folder_of_others_is_not_used(
        self, parser, parse, good, tmp_path, monkeypatch
    ):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        planted = tmp_path / f"citewell-sandbox-{os.getuid()}"
        planted.mkdir(mode=0o777)
        planted.chmod(0o777)
        await parse(parser, good)
        assert psutil.Process(parser.children[0]).cwd() != str(planted)

    async def test_closed_parser_refuses(self, good):
        async with sandbox() as parser:
            pass
        with pytest.raises(RuntimeError, match="closed"):
            async with parser.open(good, "good.md"):
                pass


@pytest.mark.processes
class TestReuse:
    @pytest.mark.promise
    async def test_next_document_uses_same_child(self, parser, parse, good):
        await parse(parser, good)
        first = parser.children
        await parse(parser, good)
        assert parser.children == first

    async def test_failed_document_keeps_child(self, parser, parse, good, tmp_path):
        await parse(parser, good)
        first = parser.children
        (tmp_path / "empty.txt").touch()
        with pytest.raises(ParseError):
            await parse(parser, tmp_path / "empty.txt")
        assert parser.children == first

    async def test_worn_child_is_replaced(self, parse, good):
        async with sandbox(documents_per_child=2) as parser:
            await parse(parser, good)
            first = parser.children
            await parse(parser, good)
            assert parser.children == ()
            await parse(parser, good)
            assert parser.children != first

    async def test_idle_child_is_ended(self, parse, good):
        async with sandbox(idle_seconds=0.05) as parser:
            await parse(parser, good)
            (pid,) = parser.children
            assert await until(lambda: not is_running(pid))
            assert parser.children == ()
            assert await parse(parser, good)

    async def test_close_ends_every_child(self, parse, good):
        async with sandbox() as parser:
            await parse(parser, good)
            (pid,) = parser.children
        assert not is_running(pid)

    async def test_close_ends_open_documents(self, long):
        async with sandbox() as parser:
            async with parser.open(long, "long.txt") as document:
                blocks = document.blocks()
                await anext(blocks)
                await parser.close()
                with pytest.raises(ParseError):
                    async for _ in blocks:
                        pass
            assert not children()

    async def test_concurrency_bounds_children(self, parse, good):
        async with sandbox(concurrency=2) as parser:
            results = await asyncio.gather(*(parse(parser, good) for _ in range(6)))
            assert len(parser.children) == 2
        assert all(len(blocks) == 2 for blocks in results)


@pytest.mark.processes
class TestStreaming:
    async def test_long_document_does_not_grow_parent(self, parser, long):
        me = psutil.Process()
        async with parser.open(long, "long.txt") as document:
            blocks = document.blocks()
            await anext(blocks)
            before = me.memory_info().rss
            count = 1
            async for _ in blocks:
                count += 1
        assert count == 8_000
        assert me.memory_info().rss - before < 8 * MIB

    async def test_child_waits_for_slow_reader(self, parser, long):
        async with parser.open(long, "long.txt") as document:
            await anext(document.blocks())
            (child,) = children()
            spent = child.cpu_times().user
            await asyncio.sleep(0.5)
            assert child.cpu_times().user - spent < 0.3
            assert child.memory_info().rss < 64 * MIB

    async def test_time_of_reader_is_not_counted(self, good, parse):
        # Milliseconds of work, which took half a second beside thirty other processes.
        async with sandbox(ParseLimits(wall_seconds=2)) as parser:
            await parse(parser, good)  # the start of a child is not what is timed here
            async with parser.open(good, "good.md") as document:
                await asyncio.sleep(2.2)
                assert len([block async for block in document.blocks()]) == 2

    async def test_leaving_early_replaces_child(self, parser, parse, long, good):
        async with parser.open(long, "long.txt") as document:
            await anext(document.blocks())
            (child,) = children()
        assert await until(lambda: not is_running(child.pid))
        assert len(await parse(parser, good)) == 2

    async def test_cancelled_reader_ends_child(self, parser, parse, slow, good):
        task = asyncio.ensure_future(parse(parser, slow))
        assert await until(lambda: bool(children()))
        (child,) = children()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await until(lambda: not is_running(child.pid))
        assert len(await parse(parser, good)) == 2


@pytest.mark.processes
class TestLimits:
    async def fails(self, parser, parse, path: Path) -> ParseFailure:
        with pytest.raises(ParseError) as caught:
            await parse(parser, path)
        return caught.value.code

    async def test_large_file_is_refused(self, parse, long, good):
        async with sandbox(ParseLimits(file_bytes=MIB)) as parser:
            assert await self.fails(parser, parse, long) is ParseFailure.TOO_LARGE
            assert await parse(parser, good)

    async def test_long_text_is_refused(self, parse, long, good):
        async with sandbox(ParseLimits(text_chars=MIB)) as parser:
            assert await self.fails(parser, parse, long) is ParseFailure.TOO_LARGE
            assert await parse(parser, good)

    @pytest.mark.promise
    async def test_too_much_memory_fails_that_document_alone(self, parse, swelling, good):
        async with sandbox(ParseLimits(memory_bytes=96 * MIB)) as parser:
            assert await self.fails(parser, parse, swelling) is ParseFailure.MEMORY
            assert await parse(parser, good)

    async def test_resident_memory_is_watched_without_rlimit(self, parse, swelling, good):
        # Memory that the parent sees counts as well: not every platform bounds data.
        async with sandbox(ParseLimits(memory_bytes=4 << 30)) as parser:
            await parse(parser, good)
            object.__setattr__(parser._pool.idle[0]._limits, "memory_bytes", 40 * MIB)
            assert await self.fails(parser, parse, swelling) is ParseFailure.MEMORY

    async def test_too_much_computing_fails_that_document_alone(self, parse, slow, good):
        async with sandbox(ParseLimits(cpu_seconds=1)) as parser:
            assert await self.fails(parser, parse, slow) is ParseFailure.TIMEOUT
            assert await parse(parser, good)

    async def test_waiting_too_long_fails_that_document_alone(self, parse, slow, good):
        async with sandbox(ParseLimits(wall_seconds=0.5)) as parser:
            assert await self.fails(parser, parse, slow) is ParseFailure.TIMEOUT
        async with sandbox() as parser:
            assert await parse(parser, good)

    async def test_cpu_time_is_counted_per_document(self):
        script = (
            "import resource, time\n"
            "from citewell.kit.sandbox.confinement import allow_cpu\n"
            "while time.process_time() < 1.1: pass\n"
            "allow_cpu(5)\n"
            "print(resource.getrlimit(resource.RLIMIT_CPU)[0])\n"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, stdout=subprocess.PIPE
        )
        said, _ = await process.communicate()
        assert int(said) >= 7  # one second is used, and five whole ones are left


@pytest.mark.processes
class TestCrash:
    @pytest.mark.promise
    async def test_killed_child_fails_document_in_its_middle(self, parser, parse, long, good):
        async with parser.open(long, "long.txt") as document:
            blocks = document.blocks()
            await anext(blocks)
            (child,) = children()
            child.kill()
            with pytest.raises(ParseError) as caught:
                async for _ in blocks:
                    pass
        assert caught.value.code is ParseFailure.CRASHED
        assert "ended from outside" in caught.value.message
        assert len(await parse(parser, good)) == 2

    async def test_crashing_child_is_named_as_such(self, parser, slow, parse, good):
        task = asyncio.ensure_future(parse(parser, slow))
        assert await until(lambda: bool(children()))
        await asyncio.sleep(0.2)
        children()[0].send_signal(signal.SIGSEGV)
        with pytest.raises(ParseError, match="SIGSEGV") as caught:
            await task
        assert caught.value.code is ParseFailure.CRASHED
        assert len(await parse(parser, good)) == 2

    async def test_child_that_died_idle_is_replaced(self, parser, parse, good):
        await parse(parser, good)
        psutil.Process(parser.children[0]).kill()
        assert len(await parse(parser, good)) == 2

    async def test_others_go_on_beside_a_crash(self, parse, good, slow):
        async with sandbox(concurrency=2) as parser:
            task = asyncio.ensure_future(parse(parser, slow))
            assert await until(lambda: bool(children()))
            await parse(parser, good)
            busy = next(child for child in children() if child.pid not in parser.children)
            busy.kill()
            with pytest.raises(ParseError):
                await task
            assert len(await parse(parser, good)) == 2


class TestConfinement:
    async def test_child_has_no_secrets_session_or_core(self, parser, parse, good, monkeypatch):
        monkeypatch.setenv("CITEWELL_LLM_API_KEY", "very-secret")
        await parse(parser, good)
        (pid,) = parser.children
        assert "very-secret" not in psutil.Process(pid).environ().values()
        assert os.getsid(pid) != os.getsid(0)
        assert psutil.Process(pid).rlimit(psutil.RLIMIT_CORE)[0] == 0
        assert psutil.Process(pid).rlimit(psutil.RLIMIT_DATA)[0] == 512 * MIB
        assert psutil.Process(pid).nice() >= min(psutil.Process().nice() + 10, 19)

    async def test_child_has_no_network_where_the_kernel_allows(self, parser, parse, good):
        await parse(parser, good)
        (pid,) = parser.children
        if os.geteuid() == 0:
            assert os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it ends at its next read")
    async def test_busy_child_dies_with_its_parent(self, slow, tmp_path):
        script = tmp_path / "parent.py"
        script.write_text(
            "import asyncio, psutil, sys\n"
            "from pathlib import Path\n"
            "from citewell.engine.parsing.sandbox import SandboxedParser\n"
            "async def tell():\n"
            "    await asyncio.sleep(0.5)\n"
            "    print(psutil.Process().children()[0].pid, flush=True)\n"
            "async def main():\n"
            "    telling = asyncio.ensure_future(tell())\n"
            "    async with SandboxedParser().open(Path(sys.argv[1]), 'a.html'):\n"
            "        await telling\n"
            "asyncio.run(main())\n"
        )
        parent = await asyncio.create_subprocess_exec(
            sys.executable, str(script), str(slow), stdout=subprocess.PIPE
        )
        assert parent.stdout
        pid = int(await parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
        await parent.wait()
        # Its own work takes longer than this: it was ended.
        assert await until(lambda: not is_running(pid))


class TestNonsense:
    async def test_external_relations_are_not_followed(self, parser, parse, tmp_path):
        picture = (
            '<Relationship Id="p" Type="x/image" Target="http://127.0.0.1:9/"'
            ' TargetMode="External"/>'
        )
        path = write_docx(
            tmp_path / "a.docx", "<w:p><w:r><w:t>Text</w:t></w:r></w:p>", media=picture
        )
        assert [block.text for block in await parse(parser, path)] == ["Text"]

    @pytest.mark.parametrize(
        "answer", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02[]", b"\x00\x00\x00\x02{}"]
    )
    async def test_child_that_talks_nonsense_is_not_believed(self, parser, parse, good, answer):
        await parse(parser, good)
        child = parser._pool.idle[0]
        child.requests = 0  # a reused one would get a second chance
        mine, theirs = socket.socketpair()
        mine.setblocking(False)
        child._socket.close()
        child._socket = mine
        with theirs:
            theirs.sendall(answer)
            with pytest.raises(ParseError) as caught:
                await parse(parser, good)
        assert caught.value.code is ParseFailure.CRASHED


class TestFrames:
    async def test_text_beyond_latin_crosses_unharmed(self, parser, parse, tmp_path):
        text = "Điều 5. Nghỉ phép năm 🌧 和 سلام"
        path = tmp_path / "a.json"
        path.write_text(json.dumps({"text": text}))
        assert [block.text for block in await parse(parser, path)] == [f"text: {text}"]
