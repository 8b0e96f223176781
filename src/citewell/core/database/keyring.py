"""The tenants' data keys, kept in the database wrapped by the installation's master key."""

import os
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text

from citewell.core.blobs.encryption import DataKey, Purpose
from citewell.core.database.sessions import Database
from citewell.core.errors import UnavailableError
from citewell.core.secrets import derive_key
from citewell.kit.ids import uuid7

NONCE_BYTES = 12
KEY_BYTES = 32

REMEMBERED = 10_000
"""Keys a process holds; they never change, so only their number is bounded."""

_ADD = text("""
INSERT INTO tenant_key (tenant_id, id, purpose, wrapped)
SELECT :tenant_id, :id, :purpose, :wrapped WHERE EXISTS (SELECT FROM tenant WHERE id = :tenant_id)
ON CONFLICT DO NOTHING
""")

_ACTIVE = text(
    "SELECT id, wrapped FROM tenant_key "
    "WHERE tenant_id = :tenant_id AND purpose = :purpose AND is_active"
)

_BY_ID = text(
    "SELECT id, wrapped FROM tenant_key "
    "WHERE tenant_id = :tenant_id AND purpose = :purpose AND id = :id"
)


class MasterKeyError(UnavailableError):
    """The tenant's keys were wrapped by another master key."""

    code = "master_key_changed"

    def __init__(self) -> None:
        super().__init__(
            "Stored files cannot be decrypted: they belong to another secret key. Restore the "
            "former CITEWELL_SECRET_KEY, or the file secret.key in CITEWELL_HOME."
        )


class KeyRing:
    """Gives out data keys, and makes a tenant's first ones."""

    def __init__(self, database: Database, master: bytes) -> None:
        self._database = database
        self._wrapping = AESGCM(derive_key(master, "tenant keys"))
        self._active: dict[tuple[uuid.UUID, Purpose], DataKey] = {}
        self._known: dict[tuple[uuid.UUID, uuid.UUID], DataKey] = {}

    async def active(self, tenant_id: uuid.UUID, purpose: Purpose) -> DataKey:
        """The key new things are encrypted with.

        Raises:
            MasterKeyError: It was wrapped by another master key.
        """
        found = self._active.get((tenant_id, purpose))
        if found is None:
            found = await self._read(tenant_id, purpose, None)
            if found is None:
                await self._add(tenant_id, purpose)
                found = await self._read(tenant_id, purpose, None)
            if found is None:
                raise UnavailableError("The tenant has just been removed.")
            if len(self._active) >= REMEMBERED:
                self._active.clear()
            self._active[tenant_id, purpose] = found
        return found

    async def by_id(self, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID) -> DataKey:
        """The key something was encrypted with.

        Raises:
            MasterKeyError: It was wrapped by another master key, or is gone with it.
        """
        found = self._known.get((tenant_id, key_id))
        if found is None:
            found = await self._read(tenant_id, purpose, key_id)
            if found is None:
                raise MasterKeyError
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[tenant_id, key_id] = found
        return found

    async def _read(
        self, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID | None
    ) -> DataKey | None:
        values = {"tenant_id": tenant_id, "purpose": purpose.value, "id": key_id}
        async with self._database.unit_of_work(tenant_id) as session:
            rows = await session.execute(_ACTIVE if key_id is None else _BY_ID, values)
            row = rows.one_or_none()
        if row is None:
            return None
        return DataKey(tenant_id, row.id, self._unwrap(tenant_id, purpose, row.id, row.wrapped))

    async def _add(self, tenant_id: uuid.UUID, purpose: Purpose) -> None:
        key_id, nonce = uuid7(), os.urandom(NONCE_BYTES)
        sealed = self._wrapping.encrypt(
            nonce, os.urandom(KEY_BYTES), _bound_to(tenant_id, purpose, key_id)
        )
        values = {
            "tenant_id": tenant_id,
            "id": key_id,
            "purpose": purpose.value,
            "wrapped": nonce + sealed,
        }
        async with self._database.unit_of_work(tenant_id) as session:
            await session.execute(_ADD, values)

    def _unwrap(
        self, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID, wrapped: bytes
    ) -> bytes:
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._wrapping.decrypt(nonce, sealed, _bound_to(tenant_id, purpose, key_id))
        except InvalidTag:
            raise MasterKeyError from None


def _bound_to(tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID) -> bytes:
    """What a wrapped key is authenticated with: it works in its own row only."""
    return tenant_id.bytes + key_id.bytes + purpose.value.encode()
