"""The tenants' data keys, kept in the database wrapped by the installation's master key."""

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import CursorResult, Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.blobs.encryption import DataKey, Purpose
from citewell.core.database.sessions import TENANT_SETTING, Database
from citewell.core.errors import StartupError, UnavailableError
from citewell.core.secrets import MasterKeys, derive_key, fingerprint
from citewell.kit.ids import uuid7

NONCE_BYTES = 12
KEY_BYTES = 32

REMEMBERED = 10_000
"""Most keys cached by a process; keys never change, so only their number is bounded."""

WRAPPING_LOCK = 0x63697465_6B657973
"""Advisory lock (`citekeys` in ASCII): shared while a key is added, exclusive while all keys are
wrapped anew, so that no key is added under a former master key."""

HOLD_TRIES = 3
"""Attempts to find the active key: under READ COMMITTED an exchange that commits during the
statement hides both the old and the new row from it."""

_SHARE = text("SELECT pg_advisory_xact_lock_shared(:lock)").bindparams(lock=WRAPPING_LOCK)
_EXCLUDE = text("SELECT pg_advisory_xact_lock(:lock)").bindparams(lock=WRAPPING_LOCK)
_IS_FORMER = text("SELECT citewell_is_former_master(:fingerprint)")

# Adds nothing for a tenant that is being removed, nor if another process was faster.
_ADD = text("""
INSERT INTO tenant_key (tenant_id, id, purpose, wrapped)
SELECT :tenant_id, :id, :purpose, :wrapped WHERE EXISTS (SELECT FROM tenant WHERE id = :tenant_id)
ON CONFLICT DO NOTHING
""")

_ACTIVE = text(
    "SELECT id, wrapped FROM tenant_key "
    "WHERE tenant_id = :tenant_id AND purpose = :purpose AND is_active"
)

# Shared lock: uploads do not wait for each other, but the key cannot be removed under them.
_HOLD = text(_ACTIVE.text + " FOR KEY SHARE")

_RETIRE = text(
    "UPDATE tenant_key SET is_active = false "
    "WHERE tenant_id = :tenant_id AND purpose = :purpose AND is_active"
)

_HOLD_RETIRED = text(
    "SELECT id FROM tenant_key WHERE tenant_id = :tenant_id AND purpose = 'files' "
    "AND NOT is_active ORDER BY id FOR UPDATE"
)

# Only if every content and every claim is recorded under the active key; an unknown key (null)
# counts as another one.
_REMOVE_RETIRED = text("""
DELETE FROM tenant_key WHERE tenant_id = :tenant_id AND id = ANY(CAST(:ids AS uuid[]))
AND NOT EXISTS (
  SELECT FROM blob WHERE tenant_id = :tenant_id AND key_id IS DISTINCT FROM (
    SELECT id FROM tenant_key
    WHERE tenant_id = :tenant_id AND purpose = 'files' AND is_active))
AND NOT EXISTS (
  SELECT FROM blob_claim WHERE tenant_id = :tenant_id AND key_id IS DISTINCT FROM (
    SELECT id FROM tenant_key
    WHERE tenant_id = :tenant_id AND purpose = 'files' AND is_active))
""")

_TENANTS = text("SELECT id FROM citewell_all_tenants() AS id ORDER BY id")
_ENTER = text(f"SELECT set_config('{TENANT_SETTING}', :tenant_id, true)")
# Locked, so that a key that is being removed or added is not wrapped by halves.
_WRAPPED = text(
    "SELECT id, purpose, wrapped FROM tenant_key WHERE tenant_id = :tenant_id FOR UPDATE"
)
_REWRAP = text(
    "UPDATE tenant_key SET wrapped = :wrapped, former_master = :former "
    "WHERE tenant_id = :tenant_id AND id = :id"
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
            "former CITEWELL_SECRET_KEY, or the file secret.key in CITEWELL_HOME; if the key was "
            "exchanged for a new one, restart this process with that."
        )


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A tenant's key as the database holds it."""

    tenant_id: uuid.UUID
    id: uuid.UUID
    purpose: Purpose
    wrapped: bytes


def in_force(masters: MasterKeys, key: WrappedKey | None) -> MasterKeys:
    """The same master keys, the one that this key is wrapped by as the primary.

    Raises:
        StartupError: It is none of them.
    """
    if key is None:
        return masters
    bound = _bound_to(key.tenant_id, key.purpose, key.id)
    for master in masters.all:
        with suppress(InvalidTag):
            _wrapping(master).decrypt(key.wrapped[:NONCE_BYTES], key.wrapped[NONCE_BYTES:], bound)
            return MasterKeys(master, tuple(each for each in masters.all if each != master))
    raise StartupError(str(MasterKeyError()))


class KeyRing:
    """Provides data keys, makes a tenant's first ones, and exchanges them.

    Args:
        database: Holds the wrapped keys.
        load: Reads the master keys; called again when a key was wrapped by an unknown one, because
            they may have been exchanged meanwhile.
    """

    def __init__(self, database: Database, load: Callable[[], MasterKeys]) -> None:
        self._database = database
        self._load = load
        self._masters = load()
        self._active: dict[tuple[uuid.UUID, Purpose], DataKey] = {}
        self._known: dict[tuple[uuid.UUID, uuid.UUID], DataKey] = {}

    async def active(self, tenant_id: uuid.UUID, purpose: Purpose) -> DataKey:
        """The active key as cached by this process; new files are encrypted with it.

        Raises:
            MasterKeyError: It was wrapped by another master key.
        """
        found = self._active.get((tenant_id, purpose))
        if found is None:
            found = await self._read(tenant_id, purpose, None)
            if found is None:
                async with self._database.unit_of_work(tenant_id) as session:
                    await self._add(session, tenant_id, purpose)
                found = await self._read(tenant_id, purpose, None)
            if found is None:
                raise UnavailableError("The tenant has just been removed.")
            self._remember_active(purpose, found)
        return found

    async def by_id(self, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID) -> DataKey:
        """The key with this id, active or former.

        Raises:
            MasterKeyError: It was wrapped by another master key, or is gone with it.
        """
        found = self._known.get((tenant_id, key_id))
        if found is None:
            found = await self._read(tenant_id, purpose, key_id)
            if found is None:
                raise MasterKeyError
            self._remember(found)
        return found

    async def active_in(
        self, session: AsyncSession, tenant_id: uuid.UUID, purpose: Purpose
    ) -> DataKey:
        """As `active`, by the caller's transaction: it waits for no second connection.

        A key made here is the tenant's only if the transaction is committed, so that nothing read
        here is remembered.

        Raises:
            MasterKeyError: It was wrapped by another master key.
        """
        found = self._active.get((tenant_id, purpose))
        if found is None:
            found = await self._found(session, tenant_id, purpose, None)
        if found is None:
            # None: another process was faster, whose key is committed by now.
            found = await self._add(session, tenant_id, purpose)
        if found is None:
            found = await self._found(session, tenant_id, purpose, None)
        if found is None:
            raise UnavailableError("The tenant has just been removed.")
        return found

    async def by_id_in(
        self, session: AsyncSession, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID
    ) -> DataKey:
        """As `by_id`, by the caller's transaction: it waits for no second connection.

        Raises:
            MasterKeyError: It was wrapped by another master key, or is gone with it.
        """
        found = self._known.get((tenant_id, key_id))
        if found is None:
            found = await self._found(session, tenant_id, purpose, key_id)
            if found is None:
                raise MasterKeyError
            self._remember(found)
        return found

    async def hold(self, session: AsyncSession, tenant_id: uuid.UUID, purpose: Purpose) -> DataKey:
        """The active key read from the database and locked until the transaction ends.

        The remembered key may be outdated: another process may have exchanged it.

        Raises:
            MasterKeyError: It was wrapped by another master key.
        """
        found = await self.held(session, tenant_id, purpose)
        if found is None:
            raise UnavailableError("The tenant has just been removed.")
        return found

    async def held(
        self, session: AsyncSession, tenant_id: uuid.UUID, purpose: Purpose
    ) -> DataKey | None:
        """As `hold`; None if the tenant has no key."""
        values = {"tenant_id": tenant_id, "purpose": purpose.value}
        for _ in range(HOLD_TRIES):
            row = (await session.execute(_HOLD, values)).one_or_none()
            if row is not None:
                break
        else:
            return None
        found = self._active.get((tenant_id, purpose))
        # Unwrapped only when it changed: uploads call this each time.
        if found is None or found.id != row.id:
            found = self._opened(tenant_id, purpose, row.id, row.wrapped)
            self._remember_active(purpose, found)
        return found

    async def replace(self, session: AsyncSession, tenant_id: uuid.UUID) -> DataKey | None:
        """Give the tenant a new active key for its files, from the end of the transaction on.

        The former key stays for the files encrypted with it. None if the tenant has no key, or
        another process is exchanging it.
        """
        values = {"tenant_id": tenant_id, "purpose": Purpose.FILES.value}
        retired = await session.execute(_RETIRE, values)
        if not cast(CursorResult[Any], retired).rowcount:
            return None
        return await self._add(session, tenant_id, Purpose.FILES)

    async def remove_retired(self, session: AsyncSession, tenant_id: uuid.UUID) -> int:
        """Remove former keys if every file has the active one; returns the number removed.

        An upload in progress has claims that name the key its files are put under.
        """
        ids = list(await session.scalars(_HOLD_RETIRED, {"tenant_id": tenant_id}))
        if not ids:
            return 0
        removed = await session.execute(_REMOVE_RETIRED, {"tenant_id": tenant_id, "ids": ids})
        return cast(CursorResult[Any], removed).rowcount

    async def wrap_all(self, master: bytes) -> int:
        """Wrap all keys of all tenants by this master key, in one transaction; returns the number.

        Afterwards processes that still use a former master key can add no keys.

        Raises:
            MasterKeyError: A key is wrapped by an unknown master key; nothing was changed.
        """
        count = 0
        async with self._database.unit_of_work(None) as session:
            # Waits for keys that are being added, and keeps others from being added until the
            # commit.
            await session.execute(_EXCLUDE)
            for tenant_id in list(await session.scalars(_TENANTS)):
                await session.execute(_ENTER, {"tenant_id": str(tenant_id)})
                rows = (await session.execute(_WRAPPED, {"tenant_id": tenant_id})).all()
                for row in rows:
                    count += await self._wrap_anew(session, master, tenant_id, row)
        return count

    async def _wrap_anew(
        self, session: AsyncSession, master: bytes, tenant_id: uuid.UUID, row: Row[Any]
    ) -> int:
        purpose = Purpose(row.purpose)
        secret, former = self._unwrap(tenant_id, purpose, row.id, row.wrapped)
        if former == master:
            return 0
        values = {
            "tenant_id": tenant_id,
            "id": row.id,
            "wrapped": _wrap(master, secret, _bound_to(tenant_id, purpose, row.id)),
            "former": fingerprint(former),
        }
        await session.execute(_REWRAP, values)
        return 1

    def _reload(self) -> None:
        """Read the master keys again: they may have been exchanged since this process began."""
        try:
            self._masters = self._load()
        except StartupError:
            raise MasterKeyError from None

    def _remember_active(self, purpose: Purpose, key: DataKey) -> None:
        if len(self._active) >= REMEMBERED:
            self._active.clear()
        self._active[key.tenant_id, purpose] = key

    def _remember(self, key: DataKey) -> None:
        # All of them at once: they are read again one by one as they are needed.
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key.tenant_id, key.id] = key

    async def _read(
        self, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID | None
    ) -> DataKey | None:
        async with self._database.unit_of_work(tenant_id) as session:
            return await self._found(session, tenant_id, purpose, key_id)

    async def _found(
        self,
        session: AsyncSession,
        tenant_id: uuid.UUID,
        purpose: Purpose,
        key_id: uuid.UUID | None,
    ) -> DataKey | None:
        values = {"tenant_id": tenant_id, "purpose": purpose.value, "id": key_id}
        rows = await session.execute(_ACTIVE if key_id is None else _BY_ID, values)
        row = rows.one_or_none()
        if row is None:
            return None
        return self._opened(tenant_id, purpose, row.id, row.wrapped)

    async def _add(
        self, session: AsyncSession, tenant_id: uuid.UUID, purpose: Purpose
    ) -> DataKey | None:
        """Add an active key, unless there is one."""
        # Before the master key is chosen: an exchange that is under way must be over, or wait for
        # us.
        await session.execute(_SHARE)
        master = await self._master_in_force(session)
        key = DataKey(tenant_id, uuid7(), os.urandom(KEY_BYTES))
        values = {
            "tenant_id": tenant_id,
            "id": key.id,
            "purpose": purpose.value,
            "wrapped": _wrap(master, key.secret, _bound_to(tenant_id, purpose, key.id)),
        }
        added = await session.execute(_ADD, values)
        return key if cast(CursorResult[Any], added).rowcount else None

    async def _master_in_force(self, session: AsyncSession) -> bytes:
        """The master key to wrap by: the first known one that was not replaced by another.

        Raises:
            MasterKeyError: All master keys known to this process were replaced.
        """
        for is_fresh in (False, True):
            if is_fresh:
                self._reload()
            for master in self._masters.all:
                values = {"fingerprint": fingerprint(master)}
                if not await session.scalar(_IS_FORMER, values):
                    return master
        raise MasterKeyError

    def _opened(
        self, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID, wrapped: bytes
    ) -> DataKey:
        return DataKey(tenant_id, key_id, self._unwrap(tenant_id, purpose, key_id, wrapped)[0])

    def _unwrap(
        self, tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID, wrapped: bytes
    ) -> tuple[bytes, bytes]:
        """A key, and the master key it was wrapped by.

        Raises:
            MasterKeyError: No known master key unwraps it.
        """
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        bound = _bound_to(tenant_id, purpose, key_id)
        # The key files are read again only if no remembered master key opens it.
        for is_fresh in (False, True):
            if is_fresh:
                self._reload()
            for master in self._masters.all:
                with suppress(InvalidTag):
                    return _wrapping(master).decrypt(nonce, sealed, bound), master
        raise MasterKeyError


def _wrapping(master: bytes) -> AESGCM:
    return AESGCM(derive_key(master, "tenant keys"))


def _wrap(master: bytes, secret: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _wrapping(master).encrypt(nonce, secret, bound)


def _bound_to(tenant_id: uuid.UUID, purpose: Purpose, key_id: uuid.UUID) -> bytes:
    """Associated data that binds a wrapped key to its row: copied elsewhere it does not unwrap."""
    return tenant_id.bytes + key_id.bytes + purpose.value.encode()
