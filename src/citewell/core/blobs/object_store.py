"""Stored files in S3, Google Cloud Storage, Azure or a compatible service."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import anyio
import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store, from_url

from citewell.core.blobs.base import KeptFile

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

T = TypeVar("T")

CONNECT_TIMEOUT = timedelta(seconds=10)
# Time for a whole request: the largest part on a slow line. No transaction may stay open meanwhile.
REQUEST_TIMEOUT = timedelta(seconds=300)
# Few: the caller has one retry loop of its own, and a store that is down should fail within a
# minute.
RETRIES: "RetryConfig" = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}

UPLOADS_AT_ONCE = 4
"""Parts of 5 MiB of one file in flight, which take 20 MiB of memory."""


class ObjectStorage:
    """A bucket by URL; credentials come from the provider's own environment variables or roles.

    Args:
        url: `s3://bucket/folder`, `gs://bucket/folder`, `az://account/container/folder`.
        options: Settings of the provider that are not in the environment.
        is_encrypted: Whether the service must be spoken to over TLS.
    """

    def __init__(
        self, url: str, *, options: Mapping[str, str] | None = None, is_encrypted: bool = True
    ) -> None:
        client: ClientConfig = {"connect_timeout": CONNECT_TIMEOUT, "timeout": REQUEST_TIMEOUT}
        if not is_encrypted:
            client["allow_http"] = True
        # The library's types know one provider an overload; the URL says which it is.
        config = cast("S3Config", dict(options)) if options else None
        store = from_url(url, config=config, client_options=client, retry_config=RETRIES)
        self._store = cast(S3Store, store)

    async def put(self, name: str, path: Path) -> None:
        await _answer(
            obstore.put_async(self._store, name, path, max_concurrency=UPLOADS_AT_ONCE), name
        )

    async def size(self, name: str) -> int | None:
        try:
            return (await _answer(obstore.head_async(self._store, name), name))["size"]
        except FileNotFoundError:
            return None

    async def fetch(self, name: str, scratch: Path) -> Path:
        reply = await _answer(obstore.get_async(self._store, name), name)
        try:
            # Part by part, so that a large file does not have to fit into memory.
            async with await anyio.open_file(scratch, "xb") as target:
                async for part in reply.stream():
                    await target.write(bytes(part))
        except BaseError as error:
            raise _failed(name, error) from error
        return scratch

    async def delete(self, name: str) -> None:
        try:
            await _answer(obstore.delete_async(self._store, name), name)
        except FileNotFoundError:
            return

    async def delete_all(self, prefix: str) -> None:
        for name in await self.names(prefix):
            await self.delete(name)

    async def names(self, prefix: str) -> list[str]:
        return [file.name async for file in self.files(prefix)]

    async def files(self, prefix: str) -> AsyncIterator[KeptFile]:
        try:
            listed = obstore.list(self._store, f"{prefix}/", return_arrow=False)  # pyright: ignore[reportUnknownMemberType] - of an overload for Arrow
            async for batch in listed:
                for item in batch:
                    yield KeptFile(item["path"], item["last_modified"])
        except BaseError as error:
            raise _failed(prefix, error) from error


async def _answer(call: Awaitable[T], name: str) -> T:
    """The store's answer; its errors are turned into those of files."""
    try:
        return await call
    except FileNotFoundError as error:
        raise FileNotFoundError(f"the stored file {name} is missing") from error
    except BaseError as error:
        raise _failed(name, error) from error


def _failed(name: str, error: BaseError) -> OSError:
    # Only the class: the message holds addresses and request ids, and ends up in replies.
    return OSError(5, f"the object store did not take or give {name}: {type(error).__name__}")
