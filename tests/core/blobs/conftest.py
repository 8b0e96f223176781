"""Storages and keys for tests."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.blobs.base import Storage
from citewell.core.blobs.encryption import DataKey, Purpose
from citewell.core.blobs.folder import FolderStorage
from citewell.core.blobs.store import BlobStore
from tests.bucket import Bucket, object_storage, serving_bucket


@dataclass
class Keys:
    """Keys made of names."""

    generation: int = 1
    held: int = 0
    """Generation of the active key in the database where a process does not know it; 0: none."""

    async def active(self, tenant_id: uuid.UUID, purpose: Purpose) -> DataKey:
        return self._key(tenant_id, purpose, uuid.UUID(int=self.generation))

    async def by_id(self, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID) -> DataKey:
        return self._key(tenant_id, purpose, key_id)

    async def hold(self, _session: AsyncSession, tenant_id: uuid.UUID, purpose: Purpose) -> DataKey:
        return self._key(tenant_id, purpose, uuid.UUID(int=self.held or self.generation))

    def _key(self, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID) -> DataKey:
        name = f"{tenant_id} {purpose} {key_id}" if purpose is Purpose.FILES else f"{tenant_id}"
        return DataKey(tenant_id, key_id, hashlib.sha256(name.encode()).digest())


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving_bucket() as held:
        yield held


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return FolderStorage(tmp_path / "files")
    return object_storage(request.getfixturevalue("bucket"))


@pytest.fixture
def store(storage: Storage, tmp_path: Path) -> BlobStore:
    return BlobStore(storage, Keys(), tmp_path / "files" / "staging")
