"""One policy, told three ways: for one object, in statements, and in words."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from citewell.access.policy import Access, AccessLevel, DocumentFacts, Effect, Grant, Role, Verb
from citewell.access.policy import access_of as policy
from citewell.core.context import Actor, ActorKind, Context, access_in
from citewell.core.platform import Platform
from citewell.features.collections import repository as collections
from citewell.features.documents.repository import within
from citewell.features.sharing.explaining import explain
from citewell.features.sharing.repository import document_facts, rules_on
from citewell.features.sharing.schemas import ApplicableGrant
from citewell.kit.ids import uuid7
from citewell.kit.pagination import PageRequest
from citewell.models.documents import Collection, Document
from citewell.models.grants import CollectionGrant, DocumentGrant
from citewell.models.tenancy import Group, GroupMember, User
from tests.conftest import new_caller

COLLECTIONS, USERS, GROUPS = 3, 2, 2
DOCUMENTS = [
    (collection, level, owner)
    for collection in range(2)  # the third stays empty
    for level in range(4)
    for owner in (None, 0, 1)
]


@dataclass(frozen=True)
class Drawn:
    """Rules and memberships, by position."""

    role: Role
    members: frozenset[tuple[int, int]]
    """Group, user."""
    rules: dict[tuple[bool, int, bool, int], Effect]
    """By whether it is a collection, which, whether it names a group, which."""


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    index = st.integers
    keys = st.one_of(
        st.tuples(st.just(True), index(0, COLLECTIONS - 1), st.just(True), index(0, GROUPS - 1)),
        st.tuples(st.just(True), index(0, COLLECTIONS - 1), st.just(False), index(0, USERS - 1)),
        st.tuples(st.just(False), index(0, len(DOCUMENTS) - 1), st.booleans(), index(0, 1)),
    )
    pairs = st.tuples(index(0, GROUPS - 1), index(0, USERS - 1))
    return Drawn(
        role=draw(st.sampled_from(Role)),
        members=draw(st.frozensets(pairs, max_size=4)),
        rules=draw(st.dictionaries(keys, st.sampled_from(Effect), max_size=12)),
    )


@dataclass
class Town:
    """One tenant's rows, whose rules come and go."""

    ctx: Context
    users: list[uuid.UUID] = field(default_factory=list)
    groups: list[uuid.UUID] = field(default_factory=list)
    collections: list[uuid.UUID] = field(default_factory=list)
    documents: list[uuid.UUID] = field(default_factory=list)

    async def found(self) -> None:
        """Make everything but the rules."""
        tenant_id = self.ctx.tenant_id
        for number in range(USERS):
            self.users.append(uuid7())
            facts = {"email": f"{number}@example.org", "password_hash": "none"}
            self.ctx.session.add(User(tenant_id=tenant_id, id=self.users[-1], **facts))
        for number in range(GROUPS):
            self.groups.append(uuid7())
            self.ctx.session.add(Group(tenant_id=tenant_id, id=self.groups[-1], name=f"{number}"))
        for number in range(COLLECTIONS):
            self.collections.append(uuid7())
            self.ctx.session.add(
                Collection(tenant_id=tenant_id, id=self.collections[-1], name=f"{number}")
            )
        await self.ctx.session.flush()
        for collection, level, owner in DOCUMENTS:
            self.documents.append(uuid7())
            self.ctx.session.add(
                Document(
                    tenant_id=tenant_id,
                    id=self.documents[-1],
                    collection_id=self.collections[collection],
                    title="title",
                    filename="file",
                    access_level=level,
                    created_by=None if owner is None else self.users[owner],
                )
            )
        await self.ctx.session.flush()

    async def set(self, wanted: Drawn) -> None:
        """Rules and memberships as drawn, instead of those there were."""
        session, tenant_id = self.ctx.session, self.ctx.tenant_id
        for table in (GroupMember, CollectionGrant, DocumentGrant):
            await session.execute(delete(table))
        for group, user in wanted.members:
            row = {"group_id": self.groups[group], "user_id": self.users[user]}
            await session.execute(insert(GroupMember).values(tenant_id=tenant_id, **row))
        for (is_collection, which, is_group, whom), effect in wanted.rules.items():
            ids = self.collections if is_collection else self.documents
            column = "collection_id" if is_collection else "document_id"
            principal = (
                {"group_id": self.groups[whom]} if is_group else {"user_id": self.users[whom]}
            )
            values = {"tenant_id": tenant_id, "id": uuid7(), "effect": effect.value, **principal}
            values[column] = ids[which]
            table = CollectionGrant if is_collection else DocumentGrant
            await session.execute(insert(table).values(values))

    async def access(self, role: Role) -> Access:
        """The first user's, with this role."""
        actor = Actor(ActorKind.USER, self.users[0], self.users[0], role, is_admin=False)
        return await access_in(self.ctx.session, self.ctx.tenant_id, actor)


@pytest.fixture
async def town(quiet: Platform) -> AsyncIterator[Town]:
    caller = await new_caller(quiet)
    async with quiet.database.unit_of_work(caller.tenant_id) as session:
        made = Town(Context(session, caller.tenant_id, caller.actor, quiet))
        await made.found()
        yield made


def expected(wanted: Drawn, user: int, document: int, verb: Verb) -> bool:
    """The policy once more, written down as plainly as it goes."""
    collection, level, owner = DOCUMENTS[document]
    groups = {group for group, member in wanted.members if member == user}
    effects = {
        effect
        for (is_collection, which, is_group, whom), effect in wanted.rules.items()
        if which == (collection if is_collection else document)
        and (whom in groups if is_group else whom == user)
    }
    if Effect.DENY in effects:
        return False
    reads = level <= wanted.role or effects & {Effect.READ, Effect.WRITE}
    if verb is Verb.READ:
        return bool(reads)
    by_role = wanted.role >= Role.MANAGER and level <= wanted.role
    return bool(reads and (by_role or Effect.WRITE in effects or owner == user))


class TestAgreement:
    @pytest.mark.volume
    async def test_object_statement_words_and_plain_rules_say_the_same(self, town: Town) -> None:
        facts = {id_: await document_facts(town.ctx.session, id_) for id_ in town.documents}
        seen = {True: 0, False: 0}

        @settings(
            max_examples=40,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(drawn())
        def draw(wanted: Drawn) -> None:
            examples.append(wanted)

        examples: list[Drawn] = []
        draw()
        for wanted in examples:
            await town.set(wanted)
            access = await town.access(wanted.role)
            listed = {
                verb: set(
                    await town.ctx.session.scalars(
                        select(Document.id).where(within(access, Verb.READ, verb))
                    )
                )
                for verb in Verb
            }
            for number, document_id in enumerate(town.documents):
                document = facts[document_id]
                assert document is not None
                [user, *_] = town.users
                rules = (await rules_on(town.ctx.session, document, [user]))[user]
                told = explain(wanted.role, user, document, rules)
                for verb in Verb:
                    right = expected(wanted, 0, number, verb)
                    seen[right] += 1
                    assert access.allows(verb, document) == right
                    assert (document_id in listed[verb]) == right
                    assert told[verb].allowed == right
                    assert all(reason.detail for reason in told[verb].reasons)
            await self._collections(town, access, listed[Verb.READ], facts)
        assert min(seen.values()) > 300

    @staticmethod
    async def _collections(
        town: Town,
        access: Access,
        readable: set[uuid.UUID],
        facts: dict[uuid.UUID, DocumentFacts | None],
    ) -> None:
        """Collections are there for someone in lists as by id."""
        of_readable = [facts[document] for document in readable]
        holding = {document.collection_id for document in of_readable if document is not None}
        page = await collections.page(town.ctx.session, access, PageRequest())
        right = {
            id_
            for id_ in town.collections
            if access.may_see_collection(id_, holds_readable=id_ in holding)
        }
        assert {item.id for item in page.items} == right
        assert page.total == len(right)
        found = await collections.visible_ids(
            town.ctx.batch, town.ctx.tenant_id, access, town.collections
        )
        assert found == right


class TestPolicy:
    @pytest.mark.parametrize("role", Role)
    @pytest.mark.parametrize("level", AccessLevel)
    def test_role_reads_its_level_and_below(self, role: Role, level: AccessLevel) -> None:
        document = DocumentFacts(uuid7(), uuid7(), level, None)
        assert policy(role, uuid7(), ()).allows(Verb.READ, document) == (int(level) <= int(role))

    def test_denial_beats_every_grant(self) -> None:
        document = DocumentFacts(uuid7(), uuid7(), 0, None)
        for denied in (True, False):
            grants = [
                Grant(document.id, False, Effect.WRITE),
                Grant(document.collection_id, True, Effect.WRITE),
                Grant(document.collection_id if denied else document.id, denied, Effect.DENY),
            ]
            access = policy(Role.DIRECTOR, None, grants)
            assert not access.allows(Verb.READ, document)
            assert not access.allows(Verb.WRITE, document)

    def test_owner_who_may_not_read_any_more_may_not_write(self) -> None:
        owner = uuid7()
        document = DocumentFacts(uuid7(), uuid7(), AccessLevel.CONFIDENTIAL, owner)
        assert not policy(Role.EMPLOYEE, owner, ()).allows(Verb.WRITE, document)
        told = explain(Role.EMPLOYEE, owner, document, [])
        assert not told[Verb.WRITE].allowed
        assert told[Verb.WRITE].reasons[0].code == "not_readable"

    def test_rules_name_the_group_they_come_through(self) -> None:
        document = DocumentFacts(uuid7(), uuid7(), AccessLevel.RESTRICTED, None)
        rule = ApplicableGrant(uuid7(), True, Effect.WRITE, uuid7(), "Legal")
        told = explain(Role.GUEST, uuid7(), document, [rule])
        assert told[Verb.READ].reasons[0].group_name == "Legal"
        assert told[Verb.READ].reasons[0].detail == (
            "A rule grants the whole collection of the document to the group `Legal`, which the "
            "user belongs to, for reading and changing."
        )
        assert told[Verb.WRITE].reasons[0].code == "collection_granted"
