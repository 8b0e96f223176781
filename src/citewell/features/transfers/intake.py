"""Short transactions of an import, one after the other, into a collection that nobody sees."""

import uuid
from collections import deque
from contextlib import AsyncExitStack
from types import TracebackType

import anyio.to_thread

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.transfers import repository
from citewell.features.transfers.errors import ImportInterruptedError
from citewell.features.transfers.framing import FrameReader
from citewell.features.transfers.pace import ImportPace
from citewell.features.transfers.schemas import EndOfCollection, OriginalRecord, Record
from citewell.features.transfers.vectors import VectorCheck
from citewell.models.trash import trash_shown


class Intake:
    """Records of an export, read a batch at a time; each batch is written in its own transaction.

    No transaction is open while the file is read. The trash is shown in all of them, as what is
    imported is in it until the end.
    """

    def __init__(self, platform: Platform, caller: Caller, reader: FrameReader) -> None:
        self._platform = platform
        self._caller = caller
        self._reader = reader
        self._pace = platform.state_of(ImportPace)
        self._check = VectorCheck(platform)
        self._held: deque[Record] = deque()
        self._stack = AsyncExitStack()
        self._ctx: Context | None = None
        self.collection_id: uuid.UUID | None = None
        """The collection that is filled, once it is made; each batch puts its end off."""

    async def __aenter__(self) -> "Intake":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    @property
    def ctx(self) -> Context:
        """The transaction of the record that was read last."""
        assert self._ctx is not None
        return self._ctx

    async def next(self) -> Record:
        """The next record; what was written for those before may be committed.

        Raises:
            DamagedExportError: There is none, or it is not valid.
            ImportInterruptedError: The import paused for so long that it was taken for dead.
        """
        if not self._held:
            await self._turn()
        return self._held.popleft()

    async def _turn(self) -> None:
        """Commit, read the next batch, begin anew."""
        # The end of the unit of work commits the batch.
        await self._stack.aclose()
        records = await anyio.to_thread.run_sync(self._read)
        self._held.extend(await self._check.look(records))
        ctx = await self._stack.enter_async_context(unit_of_work(self._platform, self._caller))
        await self._stack.enter_async_context(trash_shown(ctx.session))
        if self.collection_id is not None and not await repository.put_off(
            ctx.session, self.collection_id, self._pace.lease_seconds
        ):
            raise ImportInterruptedError
        self._ctx = ctx

    def _read(self) -> list[Record]:
        """A batch of records; originals are in the store by now and are gone past."""
        records: list[Record] = []
        begin = self._reader.bytes_read
        while self._reader.bytes_read - begin < self._pace.batch_bytes:
            records.append(record := self._reader.record())
            if isinstance(record, OriginalRecord):
                for _ in self._reader.original(record.size_bytes):
                    pass
            if isinstance(record, EndOfCollection):
                break
        return records

    def is_at_end(self) -> bool:
        """Whether nothing follows."""
        return not self._held and self._reader.is_at_end()
