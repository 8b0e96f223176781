"""The two boundaries of the blob store: storage backends, and the source of data keys."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.blobs.encryption import DataKey, Purpose


class Keys(Protocol):
    """Source of the tenants' data keys."""

    async def active(self, tenant_id: uuid.UUID, purpose: Purpose) -> DataKey:
        """The active key: new files are encrypted with it."""
        ...

    async def by_id(self, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID) -> DataKey:
        """The key with this id, active or former."""
        ...

    async def hold(self, session: AsyncSession, tenant_id: uuid.UUID, purpose: Purpose) -> DataKey:
        """The active key, read from the database and locked until the transaction ends."""
        ...


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a storage."""

    name: str
    stored_at: datetime
    """Time of the last write, or of the last check."""


class Storage(Protocol):
    """Keeps whole files under names like `tenant/ab/abcd...`."""

    async def put(self, name: str, path: Path) -> None:
        """Store a complete file durably: once this returns, it survives a loss of power.

        Args:
            name: Name in the storage; an existing file of that name is replaced.
            path: Local file with the content; it stays, for another try.

        Raises:
            OSError: The file cannot be kept now.
        """
        ...

    async def size(self, name: str) -> int | None:
        """Bytes of a kept file, None if there is none.

        Raises:
            OSError: The storage does not answer.
        """
        ...

    async def fetch(self, name: str, scratch: Path) -> Path:
        """A local file with the content: a kept one itself, or a copy at `scratch`.

        Raises:
            FileNotFoundError: There is none.
            OSError: The storage does not answer.
        """
        ...

    async def delete(self, name: str) -> None:
        """Remove a file; nothing happens if there is none.

        Raises:
            OSError: The storage does not answer.
        """
        ...

    async def delete_all(self, prefix: str) -> None:
        """Remove all files whose name begins with the folder `prefix`.

        Raises:
            OSError: The storage does not answer.
        """
        ...

    async def names(self, prefix: str) -> list[str]:
        """Names of all files in the folder `prefix`.

        Raises:
            OSError: The storage does not answer.
        """
        ...

    def files(self, prefix: str) -> AsyncIterator[KeptFile]:
        """All files in the folder `prefix`, a few at a time.

        Raises:
            OSError: The storage does not answer.
        """
        ...
