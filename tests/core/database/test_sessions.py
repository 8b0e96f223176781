import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Select, delete, event, exists, func, select, text, union_all, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import aliased

from citewell.core.context import Actor, ActorKind, Caller, unit_of_work
from citewell.core.database.batches import StatementBatch
from citewell.core.database.sessions import APP_ROLE, Database, is_outage, is_overdue
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.models.documents import Collection, Document, DocumentVersion
from tests.conftest import new_caller
from tests.quiet import Shelf, quiet_platform
from tests.waiting import PATIENCE


@pytest.fixture
async def quiet(own_url: str, settings: Settings) -> AsyncIterator[Platform]:
    async with quiet_platform(settings, own_url) as platform:
        yield platform


@pytest.fixture(scope="module")
def callers(
    own_url: str, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> list[Caller]:
    """The operator in three tenants with 1, 2 and 3 documents."""

    async def fill() -> list[Caller]:
        async with quiet_platform(settings, own_url) as platform:
            made = [await new_caller(platform) for _ in range(3)]
            for count, caller in enumerate(made, start=1):
                shelf = Shelf(platform, caller, tmp_path_factory.mktemp("shelf"))
                for number in range(count):
                    await shelf.register(f"{number}.txt", f"Document {number} of {count}.")
            return made

    return asyncio.run(fill())


@pytest.fixture
def shelves(quiet: Platform, callers: list[Caller], tmp_path: Path) -> list[Shelf]:
    """Those of the three tenants."""
    return [Shelf(quiet, caller, tmp_path) for caller in callers]


async def run_all(database: Database, tenant_id: uuid.UUID | None, *statements: str) -> None:
    """Run statements in one unit of work."""
    async with database.unit_of_work(tenant_id) as session:
        for statement in statements:
            await session.execute(text(statement))


class TestUnitOfWork:
    async def test_first_statement_already_has_the_session_settings(
        self, own_database: Database
    ) -> None:
        async with own_database.unit_of_work(None) as session:
            assert await session.scalar(text("SELECT current_user")) == APP_ROLE
            assert await session.scalar(text("SHOW plan_cache_mode")) == "force_custom_plan"
            assert await session.scalar(text("SHOW hnsw.ef_search")) == "150"
            assert await session.scalar(text("SHOW client_encoding")) == "UTF8"

    @pytest.mark.parametrize("statement", ["RESET ROLE", "RESET ALL", "DISCARD TEMP"])
    async def test_resets_stay_the_app(self, own_database: Database, statement: str) -> None:
        async with own_database.unit_of_work(None) as session:
            await session.execute(text(statement))
            assert await session.scalar(text("SELECT current_user")) == APP_ROLE

    async def test_end_commits(self, own_database: Database, shelves: list[Shelf]) -> None:
        tenant_id = shelves[2].caller.tenant_id
        async with own_database.unit_of_work(tenant_id) as session:
            await session.execute(update(Document).values(title="new"))
        async with own_database.unit_of_work(tenant_id) as session:
            assert set(await session.scalars(select(Document.title))) == {"new"}

    async def test_error_rolls_back(self, own_database: Database, shelves: list[Shelf]) -> None:
        tenant_id = shelves[0].caller.tenant_id
        with pytest.raises(DBAPIError):
            await run_all(
                own_database, tenant_id, "UPDATE document SET title = 'new'", "SELECT 1 / 0"
            )
        async with own_database.unit_of_work(tenant_id) as session:
            assert await session.scalar(select(Document.title)) == "0.txt"

    async def test_batch_commits_at_its_end_or_with_its_last_statements_and_errors_roll_back(
        self, own_database: Database, shelves: list[Shelf]
    ) -> None:
        tenant_id = shelves[0].caller.tenant_id

        async def rename(title: str, *, is_last: bool = False, fails: bool = False) -> None:
            async with own_database.batch(tenant_id) as batch:
                renamed = batch.ask("UPDATE document SET title = :title", {"title": title}, len)
                if is_last:
                    batch.commit_with_next()
                    await renamed
                if fails:
                    await renamed
                    raise KeyError(title)

        async def titles() -> list[str]:
            async with own_database.batch(tenant_id) as batch:
                asked = batch.ask("SELECT title FROM document", {}, lambda rows: rows)
                return [title for (title,) in await asked]

        await rename("with the last statement", is_last=True)
        assert await titles() == ["with the last statement"]
        with pytest.raises(KeyError):
            await rename("of a failure", fails=True)
        assert await titles() == ["with the last statement"]
        await rename("at the end")
        assert await titles() == ["at the end"]

    async def test_batch_that_asks_nothing_takes_no_connection(self) -> None:
        async with Database("postgresql://127.0.0.1:1/none").batch(uuid.uuid4()) as batch:
            assert batch.info

    async def test_batch_after_the_server_ended_all_connections_finds_new_ones(
        self, own_url: str, shelves: list[Shelf]
    ) -> None:
        database, tenant_id = Database(own_url), shelves[0].caller.tenant_id

        async def process(batch: StatementBatch) -> int:
            return await batch.ask("SELECT pg_backend_pid()", {}, lambda rows: rows[0][0])

        async def two() -> set[int]:
            async with database.batch(tenant_id) as first, database.batch(tenant_id) as second:
                return {await process(first), await process(second)}

        try:
            killed = await two()
            async with await psycopg.AsyncConnection.connect(own_url, autocommit=True) as owner:
                for pid in killed:
                    await owner.execute("SELECT pg_terminate_backend(%s, 60000)", (pid,))
            with pytest.raises(DBAPIError) as raised:
                async with database.batch(tenant_id) as batch:
                    await process(batch)
            assert is_outage(raised.value)
            assert len(await two() - killed) == 2
        finally:
            await database.close()

    async def test_owner_connection_is_the_owner(self, own_database: Database) -> None:
        async with own_database.owner_connection() as connection:
            assert await connection.scalar(text("SELECT current_user")) != APP_ROLE
            await connection.execute(text("DROP INDEX CONCURRENTLY IF EXISTS not_there"))

    async def test_ping_tells_of_an_outage(self) -> None:
        database = Database("postgresql://nobody@127.0.0.1:1/none")
        with pytest.raises(DBAPIError) as caught:
            await database.ping()
        assert is_outage(caught.value)
        await database.close()


class TestAsk:
    """Statements that are a transaction by themselves."""

    RENAME = "UPDATE collection SET name = name || :more WHERE tenant_id = :tenant_id"
    NAMES = "SELECT name FROM collection WHERE tenant_id = :tenant_id"
    TENANT = "SELECT current_setting('citewell.tenant_id', true)"

    async def test_statements_of_a_tenant_are_kept_together_or_not_at_all(
        self, own_url: str, shelves: list[Shelf]
    ) -> None:
        database, tenant_id = Database(own_url, pool_size=1), shelves[0].caller.tenant_id
        values = {"tenant_id": tenant_id, "more": " renamed"}
        rename = (self.RENAME, values)
        try:
            with pytest.raises(DBAPIError, match="division by zero"):
                await database.ask_for(tenant_id, [rename, ("SELECT 1 / 0", {})])
            (before,) = await database.ask_for(tenant_id, [(self.NAMES, values)])
            assert not any(" renamed" in name for (name,) in before)
            await database.ask_for(tenant_id, [rename])
            (after,) = await database.ask_for(tenant_id, [(self.NAMES, values)])
            assert sorted(after) == sorted((f"{name} renamed",) for (name,) in before)
        finally:
            await database.close()

    async def test_tenant_and_time_end_with_them(self, own_url: str, shelves: list[Shelf]) -> None:
        database, tenant_id = Database(own_url, pool_size=1), shelves[0].caller.tenant_id
        try:
            (inside,) = await database.ask_for(
                tenant_id, [(self.TENANT, {})], statement_seconds=3600
            )
            assert list(inside) == [(str(tenant_id),)]
            assert list(await database.ask(self.TENANT, {})) == [("",)]
            await database.ask("SELECT pg_sleep(0.1)", {})  # on the same connection
            with pytest.raises(DBAPIError) as overdue:
                await database.ask_for(
                    tenant_id, [("SELECT pg_sleep(60)", {})], statement_seconds=0.05
                )
            assert is_overdue(overdue.value)
        finally:
            await database.close()


class TestClose:
    async def test_work_that_was_cancelled_over_and_over_gives_back_its_connection_first(
        self, own_url: str
    ) -> None:
        """The end of a loop leaves none to the garbage collector, which would only warn."""
        database, has_begun = Database(own_url, pool_size=2), asyncio.Event()

        async def work() -> None:
            async with database.unit_of_work(uuid.uuid4()) as session:
                process = await session.scalar(text("SELECT pg_backend_pid()"))
                processes.append(process)
                has_begun.set()
                await asyncio.sleep(PATIENCE)

        processes: list[int] = []
        working = asyncio.ensure_future(work())
        await has_begun.wait()
        closing = asyncio.ensure_future(database.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        for _ in range(3):
            working.cancel()
            await asyncio.sleep(0)
        await closing
        await asyncio.gather(working, return_exceptions=True)
        async with await psycopg.AsyncConnection.connect(own_url) as owner:
            for _ in range(1000):  # the server sees the end of a connection a moment later
                found = await owner.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = %s", [processes[0]]
                )
                if await found.fetchone() is None:
                    break
                await owner.rollback()
                await asyncio.sleep(0.01)
            else:
                pytest.fail("the connection is still open")


class TestSwitching:
    async def test_switches_never_mix_tenants(self, own_url: str, shelves: list[Shelf]) -> None:
        """Over four connections, with errors, cancels and time-outs in between."""
        database = Database(own_url, pool_size=4)
        expected = {shelf.caller.tenant_id: count for count, shelf in enumerate(shelves, start=1)}
        done = await asyncio.gather(
            *(switch(database, expected, random.Random(seed), 50) for seed in range(8))
        )
        await database.close()
        assert sum(done) == 400

    async def test_no_tenant_after_a_tenant_sees_nothing(
        self, own_url: str, shelves: list[Shelf]
    ) -> None:
        database = Database(own_url, pool_size=1)
        async with database.unit_of_work(shelves[2].caller.tenant_id) as session:
            assert await count_documents(session) == 3
        async with database.unit_of_work(None) as session:
            assert await count_documents(session) == 0
        await database.close()


async def count_documents(session: AsyncSession) -> int:
    return await session.scalar(text("SELECT count(*) FROM document")) or 0


class HiccupError(Exception):
    pass


async def switch(
    database: Database, expected: dict[uuid.UUID, int], chance: random.Random, times: int
) -> int:
    """Open so many units of work for tenants by chance, some of which end badly."""
    for _ in range(times):
        tenant_id = chance.choice([*expected, None])
        ending = chance.random()
        try:
            async with database.unit_of_work(tenant_id) as session:
                row = (
                    await session.execute(
                        text(
                            "SELECT (SELECT count(*) FROM document) AS own, "
                            "current_setting('citewell.tenant_id', true) AS tenant, current_user"
                        )
                    )
                ).one()
                assert row.own == (expected[tenant_id] if tenant_id else 0)
                assert (row.tenant or None) == (str(tenant_id) if tenant_id else None)
                assert row.current_user == APP_ROLE
                await end(session, ending)
        except (HiccupError, TimeoutError, DBAPIError):
            assert ending < 0.3
    return times


async def end(session: AsyncSession, ending: float) -> None:
    if ending < 0.03:
        await asyncio.wait_for(session.execute(text("SELECT pg_sleep(5)")), 0.01)
    elif ending < 0.06:
        await session.execute(text("SET LOCAL statement_timeout = '5ms'"))
        await session.execute(text("SELECT pg_sleep(5)"))
    elif ending < 0.15:
        await session.execute(text("SELECT 1 / 0"))
    elif ending < 0.3:
        raise HiccupError


@pytest.fixture
async def unguarded(
    own_url: str, shelves: list[Shelf], superuser: None
) -> AsyncIterator[AsyncSession]:
    """A superuser's session for the tenant with one document: only the ORM's filter holds."""
    engine = create_async_engine(make_url(own_url).set(drivername="postgresql+psycopg"))
    async with async_sessionmaker(engine)() as session:
        session.info["tenant_id"] = shelves[0].caller.tenant_id
        assert await count_documents(session) >= 6, "this session does not bypass anything"
        yield session
    await engine.dispose()


_Other = aliased(Document)

COUNTS: dict[str, Select[Any]] = {
    "entity": select(func.count()).select_from(select(Document).subquery()),
    "column": select(func.count(Document.id)),
    "from": select(func.count()).select_from(Document),
    "alias": select(func.count(_Other.id)),
    "join": select(func.count(Document.id)).join(
        Collection, Collection.id == Document.collection_id
    ),
    "outer join": select(func.count(DocumentVersion.id))
    .select_from(Collection)
    .outerjoin(Document, Document.collection_id == Collection.id)
    .outerjoin(DocumentVersion, DocumentVersion.document_id == Document.id),
    "subquery": select(func.count()).select_from(
        select(Document.id).where(Document.id.in_(select(DocumentVersion.document_id))).subquery()
    ),
    "cte": select(func.count()).select_from(select(Document.id).cte()),
    "union": select(func.count()).select_from(
        union_all(
            select(Document.id), select(Document.id).where(Document.title == "nobody's")
        ).subquery()
    ),
    "scalar": select(select(func.count(Document.id)).scalar_subquery()),
}


class TestFilter:
    """The ORM's own lock, should the database's ever be open."""

    @pytest.mark.parametrize("statement", COUNTS.values(), ids=COUNTS.keys())
    async def test_statement_sees_own_rows_alone(
        self, unguarded: AsyncSession, statement: Select[Any]
    ) -> None:
        assert await unguarded.scalar(statement) == 1

    async def test_exists_looks_at_own_rows_alone(
        self, unguarded: AsyncSession, shelves: list[Shelf]
    ) -> None:
        ids = {number: await document_id(shelf) for number, shelf in enumerate(shelves)}
        for number, wanted in ids.items():
            found = await unguarded.scalar(select(exists().where(Document.id == wanted)))
            assert found == (number == 0)

    async def test_get_gives_own_rows_alone(
        self, unguarded: AsyncSession, shelves: list[Shelf]
    ) -> None:
        mine, other = shelves[0], shelves[2]
        key = (await document_id(mine), mine.caller.tenant_id)
        assert await unguarded.get(Document, {"id": key[0], "tenant_id": key[1]}) is not None
        key = (await document_id(other), other.caller.tenant_id)
        assert await unguarded.get(Document, {"id": key[0], "tenant_id": key[1]}) is None

    async def test_update_and_delete_touch_own_rows_alone(self, unguarded: AsyncSession) -> None:
        changed: Any = await unguarded.execute(update(Document).values(title="changed"))
        assert changed.rowcount == 1
        removed: Any = await unguarded.execute(delete(Document))
        assert removed.rowcount == 1
        await unguarded.rollback()


async def document_id(shelf: Shelf) -> uuid.UUID:
    async with shelf.platform.database.unit_of_work(shelf.caller.tenant_id) as session:
        return (await session.scalars(select(Document.id).limit(1))).one()


class TestStatementTime:
    async def test_statement_beyond_its_time_is_ended(self, own_database: Database) -> None:
        with pytest.raises(DBAPIError) as caught:
            async with own_database.unit_of_work(uuid.uuid4(), statement_seconds=0.05) as session:
                await session.execute(text("SELECT pg_sleep(5)"))
        assert is_overdue(caught.value)

    async def test_limit_ends_with_its_unit_of_work(self, own_database: Database) -> None:
        for seconds, shown in ((30, "30s"), (0, "0")):
            async with own_database.unit_of_work(
                uuid.uuid4(), statement_seconds=seconds
            ) as session:
                assert await session.scalar(text("SHOW statement_timeout")) == shown

    @pytest.mark.parametrize(
        ("kind", "shown"),
        [(ActorKind.API_KEY, "30s"), (ActorKind.OPERATOR, "0"), (ActorKind.SYSTEM, "0")],
    )
    async def test_requests_have_a_limit_and_jobs_have_none(
        self, shelves: list[Shelf], kind: ActorKind, shown: str
    ) -> None:
        caller = Caller(shelves[0].caller.tenant_id, Actor(kind))
        async with unit_of_work(shelves[0].platform, caller) as ctx:
            assert await ctx.session.scalar(text("SHOW statement_timeout")) == shown


class TestOutage:
    """The verdict of is_outage about errors that a real server gives."""

    @pytest.mark.parametrize(
        ("statement", "heals"),
        [
            ("SELECT nonsense", False),
            ("SELECT 1 / 0", False),
            ("SELECT repeat('x', 2000000000)", False),
            ("INSERT INTO tenant (id, slug, name) VALUES (gen_random_uuid(), 'x', 'x')", False),
            ("SET LOCAL statement_timeout = '1ms'; SELECT pg_sleep(5)", True),
            ("SET ROLE NONE; SELECT pg_terminate_backend(pg_backend_pid())", True),
        ],
    )
    async def test_statement(self, own_database: Database, statement: str, heals: bool) -> None:
        with pytest.raises(DBAPIError) as caught:
            await run_all(own_database, None, *statement.split("; "))
        assert is_outage(caught.value) == heals

    async def test_lock_that_is_not_given_heals(
        self, own_url: str, own_database: Database, shelves: list[Shelf]
    ) -> None:
        tenant_id = shelves[0].caller.tenant_id
        with psycopg.connect(own_url) as holder:
            holder.execute("LOCK TABLE collection")
            with pytest.raises(DBAPIError) as caught:
                await run_all(
                    own_database,
                    tenant_id,
                    "SET LOCAL lock_timeout = '20ms'",
                    "SELECT * FROM collection",
                )
        assert is_outage(caught.value)

    async def test_deadlock_heals(self, own_database: Database, shelves: list[Shelf]) -> None:
        tenant_id = shelves[1].caller.tenant_id
        async with own_database.unit_of_work(tenant_id) as session:
            ids = list(await session.scalars(select(Document.id).order_by(Document.id)))
        meeting = asyncio.Barrier(2)

        async def lock_in_order(wanted: list[uuid.UUID]) -> None:
            async with own_database.unit_of_work(tenant_id) as session:
                for number, one in enumerate(wanted):
                    if number == 1:
                        await meeting.wait()
                    await session.execute(
                        select(Document).where(Document.id == one).with_for_update()
                    )

        results = await asyncio.gather(
            lock_in_order(ids), lock_in_order(ids[::-1]), return_exceptions=True
        )
        errors = [result for result in results if isinstance(result, Exception)]
        assert [is_outage(error) for error in errors] == [True]

    def test_other_errors_are_bugs(self) -> None:
        assert not is_outage(ValueError("x"))


class TestErrors:
    async def test_they_do_not_hold_the_values_of_a_statement(self, own_database: Database) -> None:
        with pytest.raises(DBAPIError) as caught:
            async with own_database.unit_of_work(None) as session:
                await session.execute(text("SELECT 1 / 0 WHERE :secret <> ''"), {"secret": "zebra"})
        assert "division by zero" in str(caught.value)
        assert "zebra" not in str(caught.value)


async def test_failed_reconnections_leave_the_count_of_connections_right(own_url: str) -> None:
    """A record whose connection cannot be made again is given back without having been taken."""
    told: list[int] = []
    database = Database(own_url, pool_size=2, on_use=told.append)

    def refuse(*_: object) -> None:
        raise psycopg.OperationalError("away")

    try:
        async with database.unit_of_work(None) as session:
            await session.execute(text("SELECT 1"))
            connection = await session.connection()
            engine = connection.sync_engine
            await connection.invalidate()
            await session.rollback()
        event.listen(engine, "do_connect", refuse)
        for _ in range(3):
            with pytest.raises(OperationalError):
                async with database.unit_of_work(None) as session:
                    await session.execute(text("SELECT 1"))
        event.remove(engine, "do_connect", refuse)
        async with database.unit_of_work(None) as session:
            await session.execute(text("SELECT 1"))
            assert told[-1] == 1
        assert (told[-1], min(told)) == (0, 0)
    finally:
        await database.close()
