"""Statements of rules on documents and collections."""

import uuid
from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    FromClause,
    delete,
    func,
    literal,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import OF_CONVERSATION, DocumentFacts, Effect, Role, Visibility
from citewell.access.statements import NAMED_IN_RULES, READS, readers_of
from citewell.features.sharing.schemas import ApplicableGrant, PeopleFilter, SeenRead
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import Collection, Document
from citewell.models.grants import CollectionGrant, DocumentGrant
from citewell.models.tenancy import Group, GroupMember, User

# Rights in private collections as `access.policy` decides them: there a role opens nothing, so that
# grants and denials alone count. Those who are invited have the rights that they will have: most of
# a list of people are invited just now, and a report without them would prove nothing.
_REPORT = text("""
WITH part AS (
  SELECT id, email, role, is_admin, status FROM user_account WHERE tenant_id = :tenant_id
  ORDER BY email OFFSET :offset LIMIT :limit
), rules AS (
  SELECT p.id AS user_id, g.collection_id, g.effect
  FROM part p JOIN collection_grant g ON g.tenant_id = :tenant_id AND g.user_id = p.id
  UNION ALL
  SELECT p.id, g.collection_id, g.effect
  FROM part p JOIN group_member m ON m.tenant_id = :tenant_id AND m.user_id = p.id
  JOIN collection_grant g ON g.tenant_id = :tenant_id AND g.group_id = m.group_id
), seen AS (
  SELECT r.user_id, c.name, bool_or(r.effect = 'write') AS may_write
  FROM rules r JOIN collection c ON c.tenant_id = :tenant_id AND c.id = r.collection_id
  WHERE c.visibility = 'private'
    AND (CAST(:collections AS uuid[]) IS NULL OR c.id = ANY(CAST(:collections AS uuid[])))
  GROUP BY r.user_id, c.id, c.name HAVING NOT bool_or(r.effect = 'deny')
)
SELECT p.email, p.role, p.is_admin, p.status,
  array_remove(array_agg(s.name ORDER BY lower(s.name)), NULL) AS reads,
  array_remove(array_agg(s.name ORDER BY lower(s.name)) FILTER (WHERE s.may_write), NULL) AS changes
FROM part p LEFT JOIN seen s ON s.user_id = p.id AND p.status <> 'deactivated'
GROUP BY p.email, p.role, p.is_admin, p.status ORDER BY p.email
""")

# `position` instead of LIKE: `%` and `_` are characters of addresses and names. Only the users of
# the page are told apart further, so that a page costs the same among ten thousand.
_PEOPLE = text(f"""
WITH {NAMED_IN_RULES}
SELECT u.id, count(*) OVER () AS total FROM user_account u
WHERE u.tenant_id = :tenant_id
  AND (CAST(:search AS text) IS NULL OR position(lower(:search) IN lower(u.email)) > 0
    OR position(lower(:search) IN lower(u.name)) > 0)
  AND (CAST(:can_read AS boolean) IS NULL OR {READS} = :can_read)
ORDER BY u.email OFFSET :offset LIMIT :limit
""")  # noqa: S608 - constants of ours

AnyGrant = CollectionGrant | DocumentGrant
GrantTable = type[CollectionGrant] | type[DocumentGrant]


def _object_id(table: GrantTable) -> ColumnElement[uuid.UUID]:
    column = (
        CollectionGrant.collection_id if table is CollectionGrant else DocumentGrant.document_id
    )
    return column.expression


async def page(
    session: AsyncSession, table: GrantTable, object_id: uuid.UUID, request: PageRequest
) -> Page[AnyGrant]:
    """The rules of an object, oldest first."""
    mine = _object_id(table) == object_id
    total = await session.scalar(select(func.count(table.id)).where(mine)) or 0
    rows = await session.scalars(
        select(table).where(mine).order_by(table.id).offset(request.offset).limit(request.limit)
    )
    return Page(list(rows), request, total)


async def effect_for(
    session: AsyncSession,
    table: GrantTable,
    object_id: uuid.UUID,
    user_id: uuid.UUID | None,
    group_id: uuid.UUID | None,
) -> str | None:
    """Effect of the object's present rule for a user or group; None if there is no rule."""
    whom = table.user_id == user_id if user_id is not None else table.group_id == group_id
    return await session.scalar(select(table.effect).where(_object_id(table) == object_id, whom))


async def put(
    session: AsyncSession, table: GrantTable, object_id: uuid.UUID, values: dict[str, object]
) -> AnyGrant:
    """Make the rule of a user or group for an object, or replace it."""
    column = _object_id(table).key or ""
    statement = insert(table).values({"id": uuid7(), column: object_id, **values})
    statement = statement.on_conflict_do_update(
        # The unique index treats nulls as equal, so the id that is not given takes part as well.
        index_elements=["tenant_id", column, "user_id", "group_id"],
        set_={
            "effect": statement.excluded.effect,
            "created_by": statement.excluded.created_by,
            "created_at": statement.excluded.created_at,
        },
    ).returning(table)
    # A replaced rule may be in the session already, with its old effect.
    return (await session.scalars(statement, execution_options={"populate_existing": True})).one()


async def remove(
    session: AsyncSession, table: GrantTable, object_id: uuid.UUID, grant_id: uuid.UUID
) -> AnyGrant | None:
    """Delete a rule of an object; None if it has no such rule."""
    return await session.scalar(
        delete(table).where(_object_id(table) == object_id, table.id == grant_id).returning(table)
    )


async def remove_like(
    session: AsyncSession, table: GrantTable, object_id: uuid.UUID, rule: AnyGrant
) -> AnyGrant | None:
    """Delete an object's rule of the same effect for the same user or group; None without one."""
    return await session.scalar(
        delete(table)
        .where(
            _object_id(table) == object_id,
            table.user_id.is_not_distinct_from(rule.user_id),
            table.group_id.is_not_distinct_from(rule.group_id),
            table.effect == rule.effect,
        )
        .returning(table)
    )


async def document_facts(session: AsyncSession, document_id: uuid.UUID) -> DocumentFacts | None:
    """The facts that decide access to a document, without regard to the caller's own access."""
    rows = await session.execute(
        select(
            Document.id, Document.collection_id, Document.access_level, Document.created_by
        ).where(Document.id == document_id, _can_be_shared())
    )
    row = rows.one_or_none()
    return DocumentFacts(*row) if row else None


def _can_be_shared() -> ColumnElement[bool]:
    """Whether rules are made for a document: not for a file of a conversation, by nobody."""
    return Document.access_level != OF_CONVERSATION


async def hold_document(session: AsyncSession, document_id: uuid.UUID) -> bool:
    """Lock a document against removal until the transaction ends; False if there is none."""
    held = select(Document.id).where(Document.id == document_id, _can_be_shared())
    # `KEY SHARE`: several may hold a row at once, and changes of its other columns do not wait.
    return await session.scalar(held.with_for_update(read=True, key_share=True)) is not None


async def hold_user(session: AsyncSession, user_id: uuid.UUID) -> bool:
    """Lock a user against removal until the transaction ends; False if there is none."""
    held = select(User.id).where(User.id == user_id)
    return await session.scalar(held.with_for_update(read=True, key_share=True)) is not None


async def hold_group(session: AsyncSession, group_id: uuid.UUID) -> bool:
    """Lock a group against removal until the transaction ends; False if there is none."""
    held = select(Group.id).where(Group.id == group_id)
    return await session.scalar(held.with_for_update(read=True, key_share=True)) is not None


async def highest_role(
    session: AsyncSession, user_id: uuid.UUID | None, group_id: uuid.UUID | None
) -> int | None:
    """The highest role among a user, or the present members of a group; None if there is none."""
    if user_id is not None:
        named = User.id == user_id
    else:
        named = User.id.in_(select(GroupMember.user_id).where(GroupMember.group_id == group_id))
    return await session.scalar(select(func.max(User.role)).where(named))


async def is_private(session: AsyncSession, collection_id: uuid.UUID) -> bool:
    """Whether a collection is private."""
    visibility = await session.scalar(
        select(Collection.visibility).where(Collection.id == collection_id)
    )
    return visibility == Visibility.PRIVATE


async def user_by_id(session: AsyncSession, user_id: uuid.UUID) -> User | None:
    """A user of the tenant."""
    return await session.scalar(select(User).where(User.id == user_id))


async def user_by_email(session: AsyncSession, email: str) -> User | None:
    """A user of the tenant, by the normalised address."""
    return await session.scalar(select(User).where(User.email == email))


async def people(
    session: AsyncSession,
    document: DocumentFacts,
    wanted: PeopleFilter,
    request: PageRequest,
    *,
    is_private: bool,
) -> Page[User]:
    """Users by e-mail address, of all or of those who read a document or do not."""
    values: dict[str, object] = {
        "tenant_id": session.info["tenant_id"],
        "search": wanted.search,
        "can_read": wanted.can_read,
        **readers_of(document, is_private=is_private),
    }
    part = {"offset": request.offset, "limit": request.limit}
    found = (await session.execute(_PEOPLE, values | part)).all()
    if not found and request.offset:  # behind the end, where no row has the total
        first = {"offset": 0, "limit": 1}
        rows = (await session.execute(_PEOPLE, values | first)).all()
        return Page([], request, rows[0].total if rows else 0)
    of_page = select(User).where(User.id.in_([row.id for row in found])).order_by(User.email)
    users = list(await session.scalars(of_page))
    return Page(users, request, found[0].total if found else 0)


async def rules_on(
    session: AsyncSession, document: DocumentFacts, user_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[ApplicableGrant]]:
    """The rules of a document and its collection that name users or their groups, by user."""
    parts = [
        select(
            whom, table.id, literal(table is CollectionGrant), table.effect, table.group_id, name
        )
        .select_from(source)
        .where(_object_id(table) == object_id, whom.in_(user_ids))
        for table, object_id in (
            (DocumentGrant, document.id),
            (CollectionGrant, document.collection_id),
        )
        for whom, name, source in (
            (table.user_id, null(), table),
            (GroupMember.user_id, Group.name, _through_groups(table)),
        )
    ]
    found: dict[uuid.UUID, list[ApplicableGrant]] = {user_id: [] for user_id in user_ids}
    rows = await session.execute(union_all(*parts))
    for user_id, grant_id, is_collection, effect, group_id, name in rows:
        rule = ApplicableGrant(grant_id, is_collection, Effect(effect), group_id, name)
        if user_id is not None:  # for the type: a rule of a group has none, its members have
            found[user_id].append(rule)
    return found


def _through_groups(table: GrantTable) -> FromClause:
    """Rules that name a group, with the group and each of its members."""
    return table.__table__.join(
        Group, (Group.tenant_id == table.tenant_id) & (Group.id == table.group_id)
    ).join(
        GroupMember,
        (GroupMember.tenant_id == Group.tenant_id) & (GroupMember.group_id == Group.id),
    )


async def report(
    session: AsyncSession, request: PageRequest, collection_ids: Sequence[uuid.UUID] | None
) -> Page[SeenRead]:
    """Users by e-mail address, each with the private collections that they read and change.

    Args:
        session: Acts for the tenant.
        request: The part of the list.
        collection_ids: Those of which it is told; None: all of the tenant, whoever asks.
    """
    total = await session.scalar(select(func.count(User.id))) or 0
    values = {
        "tenant_id": session.info["tenant_id"], "offset": request.offset, "limit": request.limit,
        "collections": None if collection_ids is None else list(collection_ids),
    }  # fmt: skip
    items = [
        SeenRead(
            email=row.email,
            role=Role(row.role).name.lower(),
            is_admin=row.is_admin,
            status=row.status,
            reads=row.reads,
            changes=row.changes or [],
        )
        for row in await session.execute(_REPORT, values)
    ]
    return Page(items, request, total)
