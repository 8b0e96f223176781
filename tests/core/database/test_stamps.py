"""Stamps of libraries: nobody waits for ever for one."""

import asyncio
import uuid

from citewell.core.database.sessions import Database
from citewell.core.database.stamps import LibraryStamps
from tests.waiting import PATIENCE


class TestCurrent:
    async def test_end_of_the_one_who_reads_leaves_nobody_waiting(self) -> None:
        connected = asyncio.Event()
        writers: list[asyncio.StreamWriter] = []

        async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            connected.set()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        database, stamps = Database(f"postgresql://nobody@127.0.0.1:{port}/none"), LibraryStamps()
        before = asyncio.all_tasks()
        try:
            first = asyncio.ensure_future(stamps.current(database, uuid.uuid4()))
            await connected.wait()
            late = asyncio.ensure_future(stamps.current(database, uuid.uuid4()))
            await asyncio.sleep(0)
            [reader] = [
                each for each in asyncio.all_tasks() - before - {first, late}
                if "_read_all" in repr(each)
            ]  # fmt: skip
            reader.cancel()
            done, _ = await asyncio.wait([first, late], timeout=PATIENCE)
            assert done == {first, late}
        finally:
            for writer in writers:
                writer.close()
            server.close()
            await database.close()
