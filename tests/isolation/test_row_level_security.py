"""The database alone keeps organisations apart: the same statements without the first lock.

`core.database.sessions` adds the tenant to every ORM statement. Here that filter is taken away, or
was never there, and nothing of others shows.
"""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg
import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.context import OPERATOR, Caller, Context, unit_of_work
from citewell.core.database.base import Base, TenantScoped
from citewell.core.database.sessions import APP_ROLE, Database
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.features.collections import service as collections
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.identity import service as identity
from citewell.features.search import service as search
from citewell.kit.clock import Stopwatch
from citewell.kit.ids import uuid7
from citewell.kit.pagination import PageRequest
from citewell.models.documents import Blob, Collection, Document
from citewell.models.grants import DocumentGrant
from citewell.models.tenancy import Group, GroupMember, Tenant, User
from tests.conftest import Servers
from tests.isolation.ledger import fingerprint, tenant_tables
from tests.isolation.world import PASSAGE, QUESTION, Organisation, found_organisation
from tests.quiet import Shelf, quiet_database, quiet_platform

WHOLE = PageRequest(1, 100)


@dataclass(frozen=True)
class Pair:
    """A database with ours and theirs in it, and no worker."""

    url: str
    settings: Settings
    ours: Organisation
    theirs: Organisation


@pytest.fixture(scope="module")
def pair(
    servers: Servers, template: str, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("shelf")
    own = settings.model_copy(update={"home": tmp_path_factory.mktemp("home")})

    async def fill(url: str) -> list[Organisation]:
        async with quiet_platform(own, url) as platform:
            made = [await found_organisation(platform) for _ in range(2)]
            for org in made:
                shelf = Shelf(platform, Caller(org.id, OPERATOR), folder)
                added = await shelf.add("a.txt", f"# Of {org.canary}\n\n{PASSAGE}")
                org.ids["document"] = str(added.document_id)
        return made

    with quiet_database(servers, template) as url:
        yield Pair(url, own, *asyncio.run(fill(url)))


@pytest.fixture
async def quiet(pair: Pair) -> Any:
    """The light parts over the pair's database."""
    async with quiet_platform(pair.settings, pair.url) as platform:
        yield platform


def unfiltered(session: AsyncSession) -> None:
    """Take the first lock away: ORM statements of this session name no tenant any more."""
    assert session.info.pop("tenant_id")


def models() -> list[type[Base]]:
    """All tables of the ORM."""
    found = [mapper.class_ for mapper in Base.registry.mappers]
    return sorted(found, key=lambda model: model.__name__)


def owner_column(model: type[Base]) -> Any:
    return model.tenant_id if issubclass(model, TenantScoped) else model.id  # type: ignore[attr-defined]


class TestCatalog:
    def test_what_goes_past_the_tenant_is_for_the_owner_alone(self, pair: Pair) -> None:
        with psycopg.connect(pair.url) as connection:
            extra = connection.execute(
                "SELECT p.tablename || '.' || p.policyname, p.cmd, "
                "pg_has_role(%s, r.rolname, 'MEMBER'), r.rolname = c.relowner::regrole::text "
                "FROM pg_policies p, unnest(p.roles) AS r(rolname), pg_class c "
                "WHERE p.policyname <> 'tenant_isolation' AND c.relname = p.tablename "
                "AND p.permissive = 'PERMISSIVE' "  # the others only take away
                "AND c.relnamespace = 'public'::regnamespace",
                (APP_ROLE,),
            ).fetchall()
            isolated = connection.execute(
                "SELECT tablename FROM pg_policies WHERE policyname = 'tenant_isolation' "
                "AND qual IS NOT NULL AND qual = with_check AND cmd = 'ALL'"
            ).fetchall()
            tables = tenant_tables(connection)
        assert {name for name, *_ in extra} >= {"tenant.lookup", "user_account.lookup"}
        # The trigger that keeps the inverted index writes as its owner, beside row-level security.
        writing = {"lexical_chunk.engine"}
        assert {tuple(row[1:]) for row in extra if row[0] not in writing} == {
            ("SELECT", False, True)
        }
        assert [tuple(row[1:]) for row in extra if row[0] in writing] == [("ALL", False, True)]
        assert set(tables) <= {name for (name,) in isolated}
        assert len(tables) >= 20


class TestWithoutTheFilter:
    async def test_selects_show_own_rows_alone(self, pair: Pair, quiet: Platform) -> None:
        for model in models():
            owner = owner_column(model)
            async with quiet.database.unit_of_work(pair.theirs.id) as session:
                filtered = await session.scalar(select(func.count(owner)))
                unfiltered(session)
                assert set(await session.scalars(select(owner))) <= {pair.theirs.id}, model
                assert await session.scalar(select(func.count(owner))) == filtered, model
                theirs = await session.scalars(select(model).where(owner == pair.ours.id))
                assert theirs.all() == []

    async def test_writes_do_not_reach_others(self, pair: Pair, quiet: Platform) -> None:
        before = fingerprint(pair.url, pair.ours.id)
        for model in models():
            owner = owner_column(model)
            for statement in (
                update(model).where(owner == pair.ours.id).values({owner: owner}),
                delete(model).where(owner == pair.ours.id),
            ):
                with suppress(ProgrammingError):  # a table that is only added to
                    async with quiet.database.unit_of_work(pair.theirs.id) as session:
                        unfiltered(session)
                        done = await session.execute(
                            statement, execution_options={"synchronize_session": False}
                        )
                        assert done.rowcount == 0, model  # type: ignore[attr-defined]
        assert fingerprint(pair.url, pair.ours.id) == before

    async def test_services_answer_as_with_it(self, pair: Pair, quiet: Platform) -> None:
        caller = Caller(pair.theirs.id, OPERATOR)

        async def shown(ctx: Context) -> list[object]:
            held = await documents.page(ctx, WHOLE)
            shelves = await collections.page(ctx, WHOLE)
            keys = await identity.list_api_keys(ctx)
            return [
                [state.document.id for state in held.items], held.total,
                [collection.id for collection in shelves.items], shelves.total,
                [key.id for key in keys],
            ]  # fmt: skip

        async with unit_of_work(quiet, caller) as ctx:
            expected = await shown(ctx)
            unfiltered(ctx.session)
            assert await shown(ctx) == expected
            with pytest.raises(DocumentNotFoundError):
                await documents.get(ctx, uuid.UUID(pair.ours.ids["document"]))
        assert expected[1] == 1

    async def test_search_finds_nothing_of_others(self, pair: Pair, quiet: Platform) -> None:
        """The statement that ranks is plain SQL; even its own tenant condition is not needed."""
        found = await search.find(
            quiet, Caller(pair.theirs.id, OPERATOR), QUESTION, top_k=50, filters={},
            collection_ids=None, watch=Stopwatch(),
        )  # fmt: skip
        assert {str(hit.document_id) for hit in found.hits} == {pair.theirs.ids["document"]}
        async with quiet.database.unit_of_work(pair.theirs.id) as session:
            rows = await session.execute(text("SELECT document_id, text FROM chunk"))
            assert {str(row.document_id) for row in rows} == {pair.theirs.ids["document"]}

    async def test_locks_that_disagree_show_nothing(self, pair: Pair, quiet: Platform) -> None:
        async with quiet.database.unit_of_work(pair.theirs.id) as session:
            swap = text("SELECT set_config('citewell.tenant_id', :id, true)")
            await session.execute(swap, {"id": str(pair.ours.id)})
            for model in models():
                if issubclass(model, TenantScoped):
                    assert (await session.scalars(select(owner_column(model)))).all() == []


class TestWithoutATenant:
    async def test_nothing_is_there(self, quiet: Platform) -> None:
        for model in models():
            async with quiet.database.unit_of_work(None) as session:
                assert (await session.scalars(select(owner_column(model)))).all() == [], model

    async def test_nothing_can_be_added(self, pair: Pair, quiet: Platform) -> None:
        with pytest.raises(ProgrammingError, match="row-level security"):
            async with quiet.database.unit_of_work(None) as session:
                session.add(Group(tenant_id=pair.ours.id, id=uuid7(), name="Nobody's"))


class TestForeignIds:
    """Constraints are checked past row-level security; what they answer must tell nothing."""

    async def test_rows_for_another_tenant_are_refused(self, pair: Pair, quiet: Platform) -> None:
        ours = pair.ours.id
        for row in (
            Group(tenant_id=ours, id=uuid7(), name="Theirs in ours"),
            Collection(tenant_id=ours, id=uuid7(), name="Theirs in ours"),
            User(tenant_id=ours, id=uuid7(), email="x@example.org", password_hash="x"),
        ):
            with pytest.raises(ProgrammingError, match="row-level security"):
                async with quiet.database.unit_of_work(pair.theirs.id) as session:
                    session.add(row)

    async def test_references_to_theirs_fail_like_those_to_nothing(
        self, pair: Pair, quiet: Platform
    ) -> None:
        def rows(kind: dict[str, str]) -> list[Base]:
            mine = {"tenant_id": pair.theirs.id}
            group = uuid.UUID(pair.theirs.ids["group"])
            return [
                Document(
                    **mine, id=uuid7(), collection_id=uuid.UUID(kind["collection"]), title="t",
                    filename="f",
                ),
                GroupMember(**mine, group_id=group, user_id=uuid.UUID(kind["user"])),
                GroupMember(
                    **mine, group_id=uuid.UUID(kind["group"]),
                    user_id=uuid.UUID(pair.theirs.ids["user:guest"]),
                ),
                DocumentGrant(
                    **mine, id=uuid7(), document_id=uuid.UUID(kind["document"]), group_id=group,
                    effect="read",
                ),
            ]  # fmt: skip

        nothing = {kind: str(uuid7()) for kind in ("collection", "user", "group", "document")}
        told: list[list[str]] = []
        for kind in (pair.ours.ids, nothing):
            said: list[str] = []
            for row in rows(kind):
                with pytest.raises(IntegrityError) as caught:
                    async with quiet.database.unit_of_work(pair.theirs.id) as session:
                        session.add(row)
                plain = str(caught.value.orig)
                for value in (*kind.values(), *nothing.values()):
                    plain = plain.replace(value, "ID")
                said.append(plain)
            told.append(said)
        assert told[0] == told[1]

    async def test_what_is_taken_elsewhere_is_free_here(self, pair: Pair, quiet: Platform) -> None:
        async with quiet.database.unit_of_work(pair.ours.id) as session:
            blob = (await session.scalars(select(Blob))).one()
            user = (await session.scalars(select(User).limit(1))).one()
            shelf = (await session.scalars(select(Collection).limit(1))).one()
            key = await session.scalar(text("SELECT hash FROM api_key LIMIT 1"))
        mine = {"tenant_id": pair.theirs.id}
        taken = [
            Blob(**mine, id=blob.id, sha256=blob.sha256, size_bytes=1),
            User(**mine, id=user.id, email=user.email, password_hash="x"),
            Collection(**mine, id=shelf.id, name=shelf.name),
        ]
        async with quiet.database.unit_of_work(pair.theirs.id) as session:
            session.add_all(taken)
            await session.flush()
            same = "INSERT INTO api_key (tenant_id, id, name, hash) VALUES (:tenant, :id, '', :key)"
            await session.execute(text(same), {"tenant": pair.theirs.id, "id": uuid7(), "key": key})
            there = await session.scalars(select(User.id).where(User.email == user.email))
            assert there.all() == [user.id]
            await session.rollback()


class Switcher:
    """Units of work of five tenants and of none over a small pool, with all that can end one."""

    ENDS: ClassVar = {"commit": 84, "error": 8, "statement": 5, "timeout": 4, "cancel": 3}

    def __init__(self, pair: Pair, seed: int) -> None:
        self._pair = pair
        self._chance = random.Random(seed)
        self._slugs: dict[uuid.UUID | None, set[str]] = {None: set()}
        self._database = Database(pair.url, pool_size=3)
        self.ended: Counter[str] = Counter()

    async def run(self, times: int) -> None:
        """Switch so often, six at a time."""
        async with quiet_platform(self._pair.settings, self._pair.url) as platform:
            for number in range(5):
                slug = f"s-{uuid.uuid4().hex}"
                await identity.create_tenant(platform, slug, f"Switch {number}")
                self._slugs[await identity.find_tenant(platform, slug)] = {slug}
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(6):
                    group.create_task(self._several(times // 6 + 1))
        finally:
            await self._database.close()

    async def _several(self, times: int) -> None:
        for _ in range(times):
            end = self._chance.choices(list(self.ENDS), list(self.ENDS.values()))[0]
            tenant_id = self._chance.choice(list(self._slugs))
            self.ended[end] += 1
            if end == "commit":
                await self._one(end, tenant_id)
            elif end == "cancel":
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self._one(end, tenant_id)
            else:
                with pytest.raises((LookupError, DBAPIError)):
                    await self._one(end, tenant_id)

    async def _one(self, end: str, tenant_id: uuid.UUID | None) -> None:
        async with self._database.unit_of_work(tenant_id) as session:
            await self._look(session, tenant_id)
            if end == "error":
                raise LookupError
            if end == "statement":
                await session.execute(text("SELECT 1 / 0"))
            if end == "timeout":
                await session.execute(text("SET LOCAL statement_timeout = 1"))
            if end in ("timeout", "cancel"):
                await session.execute(text("SELECT pg_sleep(5)"))

    async def _look(self, session: AsyncSession, tenant_id: uuid.UUID | None) -> None:
        assert set(await session.scalars(select(Tenant.slug))) == self._slugs[tenant_id]
        held = await session.scalars(text("SELECT tenant_id FROM api_key"))
        assert set(held) == ({tenant_id} if tenant_id else set())


class TestPooledSwitches:
    async def test_no_connection_remembers_its_last_tenant(self, pair: Pair) -> None:
        switcher = Switcher(pair, seed=1)
        await switcher.run(300)
        assert switcher.ended.total() >= 300
        assert len(switcher.ended) == len(switcher.ENDS)

    @pytest.mark.slow
    async def test_ten_thousand_switches(self, pair: Pair) -> None:
        switcher = Switcher(pair, seed=2)
        await switcher.run(10_000)
        assert switcher.ended.total() >= 10_000
        assert min(switcher.ended.values()) > 50
