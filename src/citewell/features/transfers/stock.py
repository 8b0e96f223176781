"""The originals of an export, in the store before the transaction of its import begins."""

import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import BinaryIO, cast

import anyio.to_thread

from citewell.core.blobs.store import StagedContent
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.documents import originals
from citewell.features.documents.errors import FileTooLargeError
from citewell.features.documents.originals import Claim
from citewell.features.transfers.errors import DamagedExportError
from citewell.features.transfers.framing import FrameReader
from citewell.features.transfers.schemas import DocumentRecord, EndOfCollection, OriginalRecord
from citewell.features.trash import service as trash
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric

ORIGINALS_AT_ONCE = 50
BYTES_AT_ONCE = 64 * 1024 * 1024
"""Of originals that are staged before they are put: a batch costs three short transactions."""


class Stock:
    """Puts originals into the store batch by batch; each is claimed until the import commits.

    Their rows are made and counted in the order of hashes, in short transactions, so that uploads
    of the same contents wait for none of it. What a killed import leaves, upkeep removes when its
    claims have expired.
    """

    def __init__(self, platform: Platform, caller: Caller) -> None:
        self._platform = platform
        self._caller = caller
        self._claims: list[Claim] = []
        self._batch: dict[bytes, StagedContent] = {}
        self.originals: dict[bytes, tuple[uuid.UUID, int]] = {}
        """Row and size of each, by hash."""

    async def take_in(self, reader: FrameReader) -> None:
        """Read an export for its originals; everything else in it is checked later.

        Raises:
            DamagedExportError: An original is not what it should be, or is in it twice.
            FileTooLargeError: One has more bytes than are accepted.
            QuotaReachedError: The plan does not hold them.
        """
        filename = ""
        async with AsyncExitStack() as stack:
            while not isinstance(
                record := await anyio.to_thread.run_sync(reader.record), EndOfCollection
            ):
                if isinstance(record, DocumentRecord):
                    filename = record.filename
                if isinstance(record, OriginalRecord):
                    await self._stage(stack, reader, record, filename)
                    staged = sum(each.size_bytes for each in self._batch.values())
                    # Both bounds: many small files cost statements, few large ones the disk of the
                    # staging area.
                    if len(self._batch) >= ORIGINALS_AT_ONCE or staged >= BYTES_AT_ONCE:
                        await self._put()
                        await stack.aclose()
            await self._put()

    async def settle(self, ctx: Context) -> None:
        """End all claims in the transaction that commits the import.

        Raises:
            UploadTooSlowError: It took so long that an original may have been removed.
        """
        for claim in self._claims:
            await originals.settle(ctx, claim, claim.contents.keys())

    async def abandon(self) -> None:
        """Remove what was put, but for what others need as well, and count it no more."""
        for claim in self._claims:
            # A transaction that settled it was rolled back.
            claim.settled = frozenset()
            await originals.abandon(self._platform, self._caller, claim)
        if self._claims:
            await trash.remove_unused_files(self._platform, self._caller)

    async def _stage(
        self, stack: AsyncExitStack, reader: FrameReader, record: OriginalRecord, filename: str
    ) -> None:
        limit = self._platform.settings.max_upload_bytes
        if record.size_bytes > limit:
            raise FileTooLargeError(filename, limit)
        sha256 = bytes.fromhex(record.sha256)
        if sha256 in self.originals or sha256 in self._batch:
            raise DamagedExportError("The export cannot be read: an original is in it twice.")
        stream = cast(BinaryIO, _Stream(reader.original(record.size_bytes)))
        content = await stack.enter_async_context(
            self._platform.blobs.staged(self._caller.tenant_id, stream)
        )
        if (content.sha256, content.size_bytes) != (sha256, record.size_bytes):
            raise DamagedExportError("The export cannot be read: an original was changed.")
        self._batch[sha256] = content

    async def _put(self) -> None:
        contents, self._batch = self._batch, {}
        if not contents:
            return
        async with unit_of_work(self._platform, self._caller) as ctx:
            # Claimed, put and counted batch by batch: no connection waits for the store, and a full
            # plan shows with the first batch that does not fit.
            claim = await originals.claim_all(ctx, contents)
            new_bytes = sum(contents[sha256].size_bytes for sha256 in claim.new)
            await usage.require_room(ctx, {Metric.STORED_BYTES: new_bytes})
        self._claims.append(claim)
        await originals.put_all(self._platform, claim)
        async with unit_of_work(self._platform, self._caller) as ctx:
            rows = await originals.register(ctx, claim)
            made = sum(
                contents[sha256].size_bytes for sha256, (_, is_new) in rows.items() if is_new
            )
            await usage.consume_all(ctx, {Metric.STORED_BYTES: made})
        for sha256, (blob_id, _) in rows.items():
            self.originals[sha256] = blob_id, contents[sha256].size_bytes


class _Stream:
    """Pieces as a file that can be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int = -1) -> bytes:
        """The next piece, whatever its size; empty at the end."""
        return next(self._pieces, b"")

    def seek(self, _place: int, _whence: int = 0) -> int:
        """At the begin, where it is read from; the size is not known before its end."""
        return 0
