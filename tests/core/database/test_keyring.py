"""Data keys in the database: exchanged, held, removed, wrapped anew."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import psycopg
import pytest
from sqlalchemy import text

from citewell.core.blobs.encryption import DataKey, Purpose
from citewell.core.database.keyring import KeyRing, MasterKeyError
from citewell.core.database.sessions import Database
from citewell.core.secrets import MasterKeys
from citewell.kit.ids import uuid7
from tests.conftest import Servers
from tests.quiet import quiet_database
from tests.waiting import PATIENCE

OLD, NEW, WRONG = b"o" * 32, b"n" * 32, b"w" * 32


@dataclass
class Masters:
    """The master keys that a process would read now."""

    now: MasterKeys = field(default_factory=lambda: MasterKeys(OLD))

    def __call__(self) -> MasterKeys:
        return self.now


@pytest.fixture(scope="module")
def url(servers: Servers, template: str) -> Iterator[str]:
    with quiet_database(servers, template) as made:
        yield made


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """Without keys of tests before: master keys are those of all tenants."""
    opened = Database(url)
    async with opened.unit_of_work(None) as session:
        tenants = await session.scalars(text("SELECT citewell_all_tenants()"))
    for tenant_id in tenants:
        async with opened.unit_of_work(tenant_id) as session:
            await session.execute(text("DELETE FROM blob"))
            await session.execute(text("DELETE FROM tenant_key"))
    yield opened
    await opened.close()


@pytest.fixture
async def tenant_id(database: Database) -> uuid.UUID:
    return await new_tenant(database)


async def new_tenant(database: Database) -> uuid.UUID:
    made = uuid7()
    async with database.unit_of_work(made) as session:
        values = {"id": made, "slug": f"t-{made}"}
        await session.execute(
            text("INSERT INTO tenant (id, slug, name) VALUES (:id, :slug, :slug)"), values
        )
    return made


async def store_file(database: Database, key: DataKey) -> None:
    """A content that is under a key."""
    async with database.unit_of_work(key.tenant_id) as session:
        await session.execute(
            text(
                "INSERT INTO blob (tenant_id, id, sha256, size_bytes, key_id) "
                "VALUES (:tenant_id, :id, :sha256, 1, :key_id)"
            ),
            {
                "tenant_id": key.tenant_id,
                "id": uuid7(),
                "sha256": uuid7().bytes,
                "key_id": key.id,
            },
        )


async def replace(database: Database, ring: KeyRing, tenant_id: uuid.UUID) -> DataKey | None:
    async with database.unit_of_work(tenant_id) as session:
        return await ring.replace(session, tenant_id)


async def remove_retired(database: Database, ring: KeyRing, tenant_id: uuid.UUID) -> int:
    async with database.unit_of_work(tenant_id) as session:
        return await ring.remove_retired(session, tenant_id)


async def wrapped_of(database: Database, tenant_id: uuid.UUID) -> dict[uuid.UUID, bytes]:
    async with database.unit_of_work(tenant_id) as session:
        rows = await session.execute(text("SELECT id, wrapped FROM tenant_key"))
        return {row.id: bytes(row.wrapped) for row in rows}


class TestReplace:
    async def test_new_key_is_active_and_the_former_one_still_opens(
        self, database: Database, tenant_id: uuid.UUID
    ) -> None:
        ring = KeyRing(database, Masters())
        former = await ring.active(tenant_id, Purpose.FILES)
        made = await replace(database, ring, tenant_id)
        assert made is not None
        fresh = KeyRing(database, Masters())
        assert await fresh.active(tenant_id, Purpose.FILES) == made
        assert await fresh.by_id(tenant_id, Purpose.FILES, former.id) == former

    async def test_process_that_remembers_the_former_key_learns_when_it_holds(
        self, database: Database, tenant_id: uuid.UUID
    ) -> None:
        ring, other = KeyRing(database, Masters()), KeyRing(database, Masters())
        former = await other.active(tenant_id, Purpose.FILES)
        made = await replace(database, ring, tenant_id)
        assert await other.active(tenant_id, Purpose.FILES) == former
        async with database.unit_of_work(tenant_id) as session:
            assert await other.hold(session, tenant_id, Purpose.FILES) == made
        assert await other.active(tenant_id, Purpose.FILES) == made

    async def test_tenant_without_a_key_gets_none(
        self, database: Database, tenant_id: uuid.UUID
    ) -> None:
        assert await replace(database, KeyRing(database, Masters()), tenant_id) is None

    async def test_of_many_at_once_there_is_one_active_key(
        self, database: Database, tenant_id: uuid.UUID
    ) -> None:
        rings = [KeyRing(database, Masters()) for _ in range(4)]
        await rings[0].active(tenant_id, Purpose.FILES)
        made = await asyncio.gather(*(replace(database, ring, tenant_id) for ring in rings))
        async with database.unit_of_work(tenant_id) as session:
            active = await session.scalars(text("SELECT id FROM tenant_key WHERE is_active"))
            assert active.one() in {key.id for key in made if key is not None}


class TestRemoveRetired:
    async def test_key_goes_when_no_file_is_under_it(
        self, database: Database, tenant_id: uuid.UUID
    ) -> None:
        ring = KeyRing(database, Masters())
        former = await ring.active(tenant_id, Purpose.FILES)
        assert await remove_retired(database, ring, tenant_id) == 0, "it is active"
        made = await replace(database, ring, tenant_id)
        assert made is not None
        await store_file(database, made)
        assert await remove_retired(database, ring, tenant_id) == 1
        with pytest.raises(MasterKeyError):
            await KeyRing(database, Masters()).by_id(tenant_id, Purpose.FILES, former.id)

    @pytest.mark.parametrize("is_noted", [True, False])
    async def test_key_stays_while_a_file_may_be_under_it(
        self, database: Database, tenant_id: uuid.UUID, is_noted: bool
    ) -> None:
        ring = KeyRing(database, Masters())
        await store_file(database, await ring.active(tenant_id, Purpose.FILES))
        if not is_noted:
            async with database.unit_of_work(tenant_id) as session:
                await session.execute(text("UPDATE blob SET key_id = NULL"))
        await replace(database, ring, tenant_id)
        assert await remove_retired(database, ring, tenant_id) == 0

    async def test_who_is_about_to_store_a_file_is_waited_for(
        self, database: Database, url: str, tenant_id: uuid.UUID
    ) -> None:
        ring = KeyRing(database, Masters())
        await ring.active(tenant_id, Purpose.FILES)
        async with database.unit_of_work(tenant_id) as session:
            held = await ring.hold(session, tenant_id, Purpose.FILES)
            await replace(database, KeyRing(database, Masters()), tenant_id)
            removal = asyncio.create_task(remove_retired(database, ring, tenant_id))
            await waits(url)
            await session.execute(
                text(
                    "INSERT INTO blob (tenant_id, id, sha256, size_bytes, key_id) "
                    "VALUES (:tenant_id, :id, 'x', 1, :key_id)"
                ),
                {"tenant_id": tenant_id, "id": uuid7(), "key_id": held.id},
            )
        assert await removal == 0


async def waits(url: str) -> None:
    """Return as soon as a statement waits for a lock."""
    async with (
        asyncio.timeout(PATIENCE),
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        while True:
            query = "SELECT 1 FROM pg_locks WHERE NOT granted"
            if await (await connection.execute(query)).fetchone():
                return
            await asyncio.sleep(0.02)


class TestWrapAll:
    async def test_new_master_opens_and_the_old_one_does_not(
        self, database: Database, tenant_id: uuid.UUID
    ) -> None:
        other = await new_tenant(database)
        ring = KeyRing(database, Masters())
        keys = [await ring.active(each, Purpose.FILES) for each in (tenant_id, other)]
        before = await wrapped_of(database, tenant_id)
        assert await ring.wrap_all(NEW) == 2
        assert (await wrapped_of(database, tenant_id)).keys() == before.keys()
        fresh = KeyRing(database, Masters(MasterKeys(NEW)))
        for key in keys:
            assert await fresh.active(key.tenant_id, Purpose.FILES) == key
        with pytest.raises(MasterKeyError):
            await KeyRing(database, Masters()).active(tenant_id, Purpose.FILES)
        ring = KeyRing(database, Masters(MasterKeys(NEW, (OLD,))))
        assert await ring.wrap_all(NEW) == 0, "again changes nothing"

    async def test_unknown_master_changes_nothing(
        self, database: Database, tenant_id: uuid.UUID
    ) -> None:
        await KeyRing(database, Masters()).active(tenant_id, Purpose.FILES)
        other = await new_tenant(database)
        await KeyRing(database, Masters(MasterKeys(WRONG))).active(other, Purpose.FILES)
        before = [await wrapped_of(database, each) for each in (tenant_id, other)]
        with pytest.raises(MasterKeyError, match="another secret key"):
            await KeyRing(database, Masters()).wrap_all(NEW)
        assert [await wrapped_of(database, each) for each in (tenant_id, other)] == before

    async def test_process_with_the_old_master_goes_on_and_reads_the_new_one(
        self, database: Database, tenant_id: uuid.UUID
    ) -> None:
        masters = Masters()
        running = KeyRing(database, masters)
        remembered = await running.active(tenant_id, Purpose.FILES)
        other = await new_tenant(database)
        expected = await KeyRing(database, Masters()).active(other, Purpose.FILES)
        await KeyRing(database, Masters()).wrap_all(NEW)
        assert await running.active(tenant_id, Purpose.FILES) == remembered
        with pytest.raises(MasterKeyError):
            await running.active(other, Purpose.FILES)
        masters.now = MasterKeys(NEW)  # the file has been exchanged
        assert await running.active(other, Purpose.FILES) == expected

    async def test_old_master_wraps_nothing_any_more(
        self, database: Database, tenant_id: uuid.UUID
    ) -> None:
        masters = Masters()
        running = KeyRing(database, masters)
        await running.active(tenant_id, Purpose.FILES)
        await KeyRing(database, Masters()).wrap_all(NEW)
        other = await new_tenant(database)
        with pytest.raises(MasterKeyError):
            await running.active(other, Purpose.FILES)
        assert await wrapped_of(database, other) == {}
        masters.now = MasterKeys(OLD, (NEW,))  # committed, but not yet renamed
        made = await running.active(other, Purpose.FILES)
        fresh = KeyRing(database, Masters(MasterKeys(NEW)))
        assert await fresh.active(other, Purpose.FILES) == made

    async def test_who_adds_a_key_meanwhile_is_waited_for(
        self, database: Database, url: str, tenant_id: uuid.UUID
    ) -> None:
        ring = KeyRing(database, Masters())
        await ring.active(tenant_id, Purpose.FILES)
        async with database.unit_of_work(tenant_id) as session:
            added = await ring.replace(session, tenant_id)
            exchange = asyncio.create_task(KeyRing(database, Masters()).wrap_all(NEW))
            await waits(url)
        assert await exchange == 2
        fresh = KeyRing(database, Masters(MasterKeys(NEW)))
        assert await fresh.active(tenant_id, Purpose.FILES) == added
