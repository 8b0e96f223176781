"""Where stored files lie."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.blobs.encryption import DataKey, Purpose


class Keys(Protocol):
    """Gives out the tenants' data keys."""

    async def active(self, tenant_id: uuid.UUID, purpose: Purpose) -> DataKey:
        """The key new things are encrypted with."""
        ...

    async def by_id(self, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID) -> DataKey:
        """The key something was encrypted with."""
        ...

    async def hold(self, session: AsyncSession, tenant_id: uuid.UUID, purpose: Purpose) -> DataKey:
        """The active key as the database has it; it stays until the transaction ends."""
        ...


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a storage."""

    name: str
    stored_at: datetime
    """Or looked after last."""


class Storage(Protocol):
    """Keeps whole files under names like `tenant/ab/abcd...`."""

    async def put(self, name: str, path: Path) -> None:
        """Keep a complete file, so that it survives a loss of power from then on.

        Args:
            name: What it is to be found by; a file that is there already is replaced.
            path: It may be moved away from there.

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
