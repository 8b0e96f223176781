"""The list of people with their access to a document: what is explained, and what they find."""

import uuid
from dataclasses import dataclass

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update

from citewell.access.policy import AccessLevel, Effect, Role, Scope, Visibility
from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.search import service as search
from citewell.features.search.schemas import SearchRequest
from citewell.features.sharing import service
from citewell.features.sharing.schemas import PeopleFilter, UserAccess
from citewell.features.users import service as users
from citewell.features.users.errors import UserInactiveError
from citewell.kit.ids import uuid7
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.documents import Collection
from citewell.models.grants import CollectionGrant, DocumentGrant
from citewell.models.tenancy import GroupMember, User, UserStatus
from tests.conftest import Library, LiveServer, assert_problem
from tests.examples import examples
from tests.people import People, with_scopes
from tests.quiet import Shelf

API = "/api/v1"
USERS, GROUPS, COLLECTIONS = 6, 3, 2
LEVELS = (AccessLevel.PUBLIC, AccessLevel.INTERNAL, AccessLevel.RESTRICTED)
ANYBODY = PeopleFilter()


@dataclass(frozen=True)
class Drawn:
    """An organisation, by position."""

    people: tuple[tuple[Role, UserStatus], ...]
    members: frozenset[tuple[int, int]]
    """Group, user."""
    private: frozenset[int]
    rules: dict[tuple[bool, int, bool, int], Effect]
    """By whether it is a collection, which, whether it names a group, which."""


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    index = st.integers
    statuses = st.sampled_from([*[UserStatus.ACTIVE] * 4, *UserStatus])
    person = st.tuples(st.sampled_from(Role), statuses)
    whom = st.one_of(
        st.tuples(st.just(True), index(0, GROUPS - 1)),
        st.tuples(st.just(False), index(0, USERS - 1)),
    )
    what = st.one_of(
        st.tuples(st.just(True), index(0, COLLECTIONS - 1)),
        st.tuples(st.just(False), index(0, COLLECTIONS * len(LEVELS) - 1)),
    )
    keys = st.tuples(what, whom).map(lambda pair: (*pair[0], *pair[1]))
    pairs = st.tuples(index(0, GROUPS - 1), index(0, USERS - 1))
    return Drawn(
        people=draw(st.tuples(*[person] * USERS)),
        members=draw(st.frozensets(pairs, max_size=6)),
        private=draw(st.frozensets(index(0, COLLECTIONS - 1))),
        rules=draw(st.dictionaries(keys, st.sampled_from(Effect), max_size=10)),
    )


@dataclass
class Organisation:
    """One tenant's rows, whose rules come and go."""

    shelf: Shelf
    people: People
    users: list[uuid.UUID]
    groups: list[uuid.UUID]
    collections: list[uuid.UUID]
    documents: list[uuid.UUID]

    @property
    def platform(self) -> Platform:
        return self.shelf.platform

    async def become(self, wanted: Drawn) -> None:
        """Everything as drawn, instead of what there was."""
        async with unit_of_work(self.platform, self.people.operator) as ctx:
            session, tenant = ctx.session, {"tenant_id": ctx.tenant_id}
            for table in (GroupMember, CollectionGrant, DocumentGrant):
                await session.execute(delete(table))
            for user_id, (role, status) in zip(self.users, wanted.people, strict=True):
                new = update(User).where(User.id == user_id)
                await session.execute(new.values(role=int(role), status=status))
            for number, collection_id in enumerate(self.collections):
                kind = Visibility.PRIVATE if number in wanted.private else Visibility.OPEN
                new = update(Collection).where(Collection.id == collection_id)
                await session.execute(new.values(visibility=kind))
            for group, user in wanted.members:
                row = {"group_id": self.groups[group], "user_id": self.users[user]}
                await session.execute(insert(GroupMember).values(**tenant, **row))
            for (is_collection, which, is_group, whom), effect in wanted.rules.items():
                table = CollectionGrant if is_collection else DocumentGrant
                column = "collection_id" if is_collection else "document_id"
                ids = self.collections if is_collection else self.documents
                principal = (
                    {"group_id": self.groups[whom]} if is_group else {"user_id": self.users[whom]}
                )
                row = {"id": uuid7(), "effect": effect.value, column: ids[which], **principal}
                await session.execute(insert(table).values(**tenant, **row))

    async def listed(self, document: uuid.UUID, wanted: PeopleFilter) -> list[UserAccess]:
        """All pages of the list."""
        found: list[UserAccess] = []
        async with unit_of_work(self.platform, self.people.operator) as ctx:
            for number in range(1, USERS + 2):
                request = PageRequest(number, 4)
                page = await service.list_access(ctx, document, wanted, request)
                found += page.items
                if number >= page.total_pages:
                    assert page.total == len(found)
                    return found
        raise AssertionError

    async def finds(self, email: str) -> set[uuid.UUID]:
        """Documents that a search of the user returns; every one has the word."""
        try:
            reader = await users.acting_as(self.platform, self.people.operator, email)
        except UserInactiveError:
            return set()
        request = SearchRequest(query="harbour", top_k=50)
        reply = await search.search(self.platform, reader, request)
        return {hit.document_id for hit in reply.results}


@pytest.fixture
async def organisation(shelf: Shelf, people: People) -> Organisation:
    made = Organisation(shelf, people, [], [], [], [])
    for number in range(USERS):
        user = await people.user(email=f"user-{number}@example.org")
        assert user.actor.user_id is not None
        made.users.append(user.actor.user_id)
    made.groups = [await people.group() for _ in range(GROUPS)]
    for number in range(COLLECTIONS):
        async with unit_of_work(shelf.platform, people.operator) as ctx:
            shelf_of = await collections.create(ctx, CollectionCreate(name=f"shelf {number}"))
        made.collections.append(shelf_of.id)
        for level in LEVELS:
            added = await shelf.add(
                f"{number}-{level}.txt", f"The harbour of {number} is {level.name.lower()}.",
                collection_id=shelf_of.id, access_level=level,
            )  # fmt: skip
            made.documents.append(added.document_id)
    return made


class TestAgreement:
    @pytest.mark.volume
    async def test_list_explanation_and_search_say_the_same_of_random_organisations(
        self, organisation: Organisation
    ) -> None:
        drafts: list[Drawn] = []

        @settings(
            max_examples=examples(60),
            derandomize=True,
            suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
            database=None,
        )
        @given(drawn())
        def draw(wanted: Drawn) -> None:
            drafts.append(wanted)

        draw()
        seen = {True: 0, False: 0}
        for wanted in drafts:
            await organisation.become(wanted)
            found = {
                user: await organisation.finds(f"user-{number}@example.org")
                for number, user in enumerate(organisation.users)
            }
            for document in organisation.documents:
                rows = await organisation.listed(document, ANYBODY)
                assert [row.user.id for row in rows] == organisation.users
                for row in rows:
                    reads = document in found[row.user.id]
                    seen[reads] += 1
                    assert row.read.allowed == reads, (wanted, row)
                    async with unit_of_work(
                        organisation.platform, organisation.people.operator
                    ) as ctx:
                        told = await service.explain_access(ctx, document, str(row.user.id))
                    assert (told.read.allowed, told.write.allowed) == (
                        row.read.allowed, row.write.allowed,
                    )  # fmt: skip
                    for mine, theirs in ((row.read, told.read), (row.write, told.write)):
                        codes = {reason.code for reason in mine.reasons}
                        assert codes == {reason.code for reason in theirs.reasons}
                for reads in (True, False):
                    part = await organisation.listed(document, PeopleFilter(can_read=reads))
                    assert [row.user.id for row in part] == [
                        row.user.id for row in rows if row.read.allowed is reads
                    ]
        assert min(seen.values()) > 100


class TestList:
    async def test_first_reason_says_why(self, organisation: Organisation) -> None:
        people = [
            (Role.DIRECTOR, UserStatus.ACTIVE), (Role.GUEST, UserStatus.ACTIVE),
            (Role.DIRECTOR, UserStatus.DEACTIVATED), (Role.GUEST, UserStatus.ACTIVE),
            (Role.DIRECTOR, UserStatus.INVITED), (Role.MANAGER, UserStatus.ACTIVE),
        ]  # fmt: skip
        rules = {(False, 2, True, 0): Effect.READ, (True, 0, False, 3): Effect.DENY}
        members = frozenset({(0, 3), (0, 1)})
        await organisation.become(Drawn(tuple(people), members, frozenset(), rules))
        restricted = organisation.documents[2]
        rows = await organisation.listed(restricted, ANYBODY)
        assert [(row.read.allowed, row.read.reasons[0].code) for row in rows] == [
            (True, "role_reads_level"), (True, "document_granted"),
            (False, "user_deactivated"), (False, "collection_denied"),
            (False, "user_invited"), (False, "role_below_level"),
        ]  # fmt: skip
        assert rows[1].read.reasons[0].group_name == f"group {organisation.groups[0].hex}"
        assert rows[0].user.email == "user-0@example.org"
        assert (rows[0].user.role, rows[0].user.name) == ("director", "Somebody")
        private = Drawn(tuple(people), members, frozenset({0}), rules)
        await organisation.become(private)
        rows = await organisation.listed(restricted, ANYBODY)
        assert [row.read.allowed for row in rows] == [False, True, False, False, False, False]
        assert rows[0].read.reasons[0].code == "collection_private"

    async def test_search_takes_names_and_addresses_literally(
        self, organisation: Organisation
    ) -> None:
        async with unit_of_work(organisation.platform, organisation.people.operator) as ctx:
            new = update(User).where(User.id == organisation.users[1]).values(name="Đặng 100%_a")
            await ctx.session.execute(new)
        [document, *_] = organisation.documents
        for wanted, numbers in (
            ("USER-1@", [1]), ("đặng", [1]), ("0%_", [1]), ("%", [1]), ("_", [1]), ("none", []),
            ("example.org", list(range(USERS))),
        ):  # fmt: skip
            rows = await organisation.listed(document, PeopleFilter(search=wanted))
            assert [row.user.id for row in rows] == [organisation.users[at] for at in numbers]

    async def test_others_than_administrators_are_refused_whatever_the_document(
        self, quiet: Platform, people: People, organisation: Organisation
    ) -> None:
        async def ask(caller: Caller, document: uuid.UUID) -> None:
            async with unit_of_work(quiet, caller) as ctx:
                await service.list_access(ctx, document, ANYBODY, PageRequest())

        director = await people.user(Role.DIRECTOR)
        admin = await people.user(Role.GUEST, is_admin=True)
        [document, *_] = organisation.documents
        for caller in (director, with_scopes(admin, Scope.READ)):
            for id_ in (document, uuid7()):
                with pytest.raises(ForbiddenError):
                    await ask(caller, id_)
        await ask(admin, document)
        with pytest.raises(DocumentNotFoundError):
            await ask(admin, uuid7())


class TestRoute:
    async def test_it_lists_pages_and_refuses(
        self, client: httpx.AsyncClient, library: Library, live_server: LiveServer
    ) -> None:
        shown = await library.add("Plans", "The harbour moves.", access_level="restricted")
        for name, role in (("ann", "director"), ("ben", "guest")):
            person = {"email": f"{name}@example.org", "name": name.title(), "role": role}
            assert (await client.post(f"{API}/users", json=person)).status_code == 201
        path = f"{API}/documents/{shown['id']}/access/users"
        reply = (await client.get(path, params={"limit": 1, "search": "example.org"})).json()
        assert reply["pagination"] == {"page": 1, "limit": 1, "total": 2, "total_pages": 2}
        [row] = reply["data"]
        assert row["user"]["email"] == "ann@example.org"
        assert row["read"]["allowed"] is False
        assert row["read"]["reasons"][0]["code"] == "user_invited"
        reply = (await client.get(path, params={"can_read": "true", "limit": MAX_LIMIT})).json()
        assert all(row["read"]["allowed"] for row in reply["data"])
        assert_problem(await client.get(path, params={"can_read": "x"}), 422, "validation_error")
        missing = f"{API}/documents/{uuid7()}/access/users"
        assert_problem(await client.get(missing), 404, "document_not_found")
        async with live_server.client(None) as nobody:
            assert_problem(await nobody.get(path), 401, "unauthorized")
