"""Users, groups and rules as rows, for tests of what follows from them."""

import uuid
from dataclasses import dataclass, replace

from sqlalchemy import delete

from citewell.access.policy import Effect, Role, Scope
from citewell.core.context import Actor, ActorKind, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.kit.ids import uuid7
from citewell.models.grants import CollectionGrant, DocumentGrant
from citewell.models.tenancy import Group, GroupMember, User

_USER_SCOPES = frozenset({Scope.READ, Scope.WRITE, Scope.ADMIN})


@dataclass(frozen=True)
class People:
    """The users and groups of one tenant."""

    platform: Platform
    tenant_id: uuid.UUID

    @property
    def operator(self) -> Caller:
        """Someone who may do everything."""
        return Caller(self.tenant_id, Actor(ActorKind.OPERATOR))

    async def user(
        self, role: Role = Role.EMPLOYEE, *, is_admin: bool = False, email: str | None = None
    ) -> Caller:
        """A new user, signed in."""
        user = User(
            tenant_id=self.tenant_id,
            id=uuid7(),
            email=email or f"{uuid.uuid4().hex}@example.org",
            name="Somebody",
            role=int(role),
            is_admin=is_admin,
            password_hash="none",
        )
        async with unit_of_work(self.platform, self.operator) as ctx:
            ctx.session.add(user)
        return self.caller(user.id, role, is_admin=is_admin)

    def caller(self, user_id: uuid.UUID, role: Role, *, is_admin: bool = False) -> Caller:
        """A user of this role, signed in."""
        actor = Actor(ActorKind.USER, user_id, user_id, role, is_admin, _USER_SCOPES)
        return Caller(self.tenant_id, actor)

    async def group(self, *members: Caller) -> uuid.UUID:
        """A new group."""
        group_id = uuid7()
        async with unit_of_work(self.platform, self.operator) as ctx:
            ctx.session.add(
                Group(tenant_id=self.tenant_id, id=group_id, name=f"group {group_id.hex}")
            )
        for member in members:
            await self.join(group_id, member)
        return group_id

    async def join(self, group_id: uuid.UUID, member: Caller) -> None:
        """Make a user a member of a group."""
        async with unit_of_work(self.platform, self.operator) as ctx:
            ctx.session.add(
                GroupMember(
                    tenant_id=self.tenant_id, group_id=group_id, user_id=member.actor.user_id
                )
            )

    async def leave(self, group_id: uuid.UUID, member: Caller) -> None:
        """End a membership."""
        async with unit_of_work(self.platform, self.operator) as ctx:
            await ctx.session.execute(
                delete(GroupMember).where(
                    GroupMember.group_id == group_id, GroupMember.user_id == member.actor.user_id
                )
            )

    async def rule(
        self,
        effect: Effect,
        *,
        document: uuid.UUID | None = None,
        collection: uuid.UUID | None = None,
        user: Caller | None = None,
        group: uuid.UUID | None = None,
    ) -> uuid.UUID:
        """A rule for a document or a collection; returns its id."""
        values = {
            "tenant_id": self.tenant_id,
            "id": uuid7(),
            "user_id": user.actor.user_id if user else None,
            "group_id": group,
            "effect": effect.value,
        }
        async with unit_of_work(self.platform, self.operator) as ctx:
            if document is not None:
                ctx.session.add(DocumentGrant(document_id=document, **values))
            if collection is not None:
                ctx.session.add(CollectionGrant(collection_id=collection, **values))
        return values["id"]  # pyright: ignore[reportReturnType]


def with_scopes(caller: Caller, *scopes: Scope) -> Caller:
    """The same, with a credential of fewer rights."""
    return replace(caller, actor=replace(caller.actor, scopes=frozenset(scopes)))
