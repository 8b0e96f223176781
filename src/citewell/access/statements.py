"""The access policy in SQL: the grants of a user, and the predicate of a reach."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from citewell.access.policy import (
    CREATES_FROM,
    NO_IDS,
    READ_LEVEL,
    Access,
    DocumentFacts,
    Effect,
    IdSet,
    Reach,
)

_UNASKED = """
SELECT c.id, true, 'unasked' FROM tenant t JOIN collection c ON c.tenant_id = t.id
WHERE t.id = :tenant_id AND c.visibility <> 'conversation'
  AND jsonb_exists(t.question_policy -> 'collections', CAST(:asks_as AS text))
  AND NOT jsonb_exists(t.question_policy -> 'collections' -> CAST(:asks_as AS text), c.id::text)
"""
"""Selects the collections that the tenant has a role not ask (`asks_as`; NULL: none)."""

# One round trip for all rules that name the user. The ids come as text, one array for each kind,
# and stay text (see `IdSet`).
GRANTS = f"""
WITH mine AS (
  SELECT group_id AS id FROM group_member WHERE tenant_id = :tenant_id AND user_id = :user_id
)
SELECT is_collection, effect, array_agg(DISTINCT object_id ORDER BY object_id)::text AS ids
FROM (
  SELECT collection_id AS object_id, true AS is_collection, effect FROM collection_grant
  WHERE tenant_id = :tenant_id AND (user_id = :user_id OR group_id IN (SELECT id FROM mine))
  UNION ALL
  SELECT document_id, false, effect FROM document_grant
  WHERE tenant_id = :tenant_id AND (user_id = :user_id OR group_id IN (SELECT id FROM mine))
  UNION ALL
  SELECT id, true, 'private' FROM collection
  WHERE tenant_id = :tenant_id AND visibility = 'private'
  UNION ALL
  SELECT NULL, true, 'conversation'
  WHERE EXISTS (SELECT FROM conversation WHERE tenant_id = :tenant_id AND has_files)
  UNION ALL
  {_UNASKED}
) AS named GROUP BY is_collection, effect
"""  # noqa: S608 - a constant of ours
"""Selects the objects and effects of the grants that name a user, directly or through a group, and
the private collections of the tenant as if of an effect `private`; a row `conversation` says that
it has files of conversations, and `unasked` are collections that the tenant has a role not ask. One
statement, and so one snapshot: a collection never turns private between the two."""

UNASKED = f"SELECT array_agg(id)::text FROM ({_UNASKED}) AS unasked (id)"  # noqa: S608
"""Selects the same as one array."""

NAMED_IN_RULES = """
rule AS (
  SELECT effect, user_id, group_id FROM collection_grant
  WHERE tenant_id = :tenant_id AND collection_id = :collection_id
  UNION ALL
  SELECT effect, user_id, group_id FROM document_grant
  WHERE tenant_id = :tenant_id AND document_id = :document_id
), named AS (
  SELECT user_id, bool_or(effect = 'deny') AS is_denied FROM (
    SELECT user_id, effect FROM rule WHERE user_id IS NOT NULL
    UNION ALL
    SELECT m.user_id, r.effect FROM rule r
    JOIN group_member m ON m.tenant_id = :tenant_id AND m.group_id = r.group_id
  ) AS each_rule GROUP BY user_id
)
"""
"""Common table expressions for `READS`: the rules of a document and its collection, and the users
that they name, directly or through a group, with whether one denies."""

CAN_SIGN_IN = "u.status = 'active'"
"""Predicate of the users `u` who read anything at all: nobody signs in before accepting the
invitation, nor with a deactivated account, whatever the rules say."""

READS = f"""(
  {CAN_SIGN_IN} AND u.id NOT IN (SELECT user_id FROM named WHERE is_denied)
  AND (u.role = ANY(CAST(:reading_roles AS smallint[]))
    OR u.id IN (SELECT user_id FROM named WHERE NOT is_denied))
)"""  # noqa: S608 - constants of ours
"""Predicate of the users `u` that read one document: `Reach.admits` asked from the other side, for
those who can sign in. Stands after `NAMED_IN_RULES`; `readers_of` gives the values of both.

Hashed subqueries: the planner joins by nested loops where it knows nothing of the tenant's users
yet, which took 36 s for 10,000 of them."""

OWN_CONVERSATION = """
SELECT true FROM conversation
WHERE tenant_id = :tenant_id AND id = :conversation_id AND actor_id = :actor_id AND has_files
"""
"""Selects a row if a conversation is the actor's and has files."""

CONVERSATIONS_WITH_FILES = """
SELECT true WHERE EXISTS (SELECT FROM conversation WHERE tenant_id = :tenant_id AND has_files)
"""
"""Selects a row if the tenant has files of conversations."""


@dataclass(frozen=True, slots=True)
class Named:
    """Rules of a tenant, as they concern a user."""

    grants: dict[tuple[bool, Effect], IdSet] = field(
        default_factory=dict[tuple[bool, Effect], IdSet]
    )
    """Ids keyed by (are collections, effect)."""
    private: IdSet = NO_IDS
    """All private collections of the tenant."""
    has_conversation_files: bool = False
    unasked: IdSet = NO_IDS
    """Collections that the tenant has the asking role not ask."""


def unasked_in(rows: Sequence[tuple[Any, ...]]) -> IdSet:
    """The ids in the row of `UNASKED`."""
    return IdSet(rows[0][0]) if rows and rows[0][0] else NO_IDS


def grants_in(rows: Sequence[tuple[Any, ...]]) -> Named:
    """The rules in rows of `GRANTS`."""
    grants: dict[tuple[bool, Effect], IdSet] = {}
    private, has_files, unasked = NO_IDS, False, NO_IDS
    for is_collection, effect, ids in rows:
        if effect == "private":
            private = IdSet(ids)
        elif effect == "conversation":
            has_files = True
        elif effect == "unasked":
            unasked = IdSet(ids)
        else:
            grants[is_collection, Effect(effect)] = IdSet(ids)
    return Named(grants, private, has_files, unasked)


def reach_sql(
    reach: Reach, *, table: str, document_column: str, prefix: str = "reach"
) -> tuple[str, dict[str, object]]:
    """The predicate of a reach and its bound values; equivalent to `Reach.admits`.

    Args:
        reach: The reach.
        table: Alias of a table with `access_level`, `collection_id` and, where `reach.owner` is
            set, `created_by`.
        document_column: Its column with the document's id.
        prefix: Prefix of the bound names, so that two reaches fit into one statement.
    """
    values: dict[str, object] = {f"{prefix}_level": reach.max_level}
    by_level = f"{table}.access_level <= :{prefix}_level"
    if reach.private:
        values[f"{prefix}_private"] = IdSet.of(reach.private).literal
        by_level = (
            f"({by_level} AND {table}.collection_id NOT IN "
            f"(SELECT unnest(CAST(:{prefix}_private AS uuid[]))))"
        )
    admitted = [by_level]
    refused: list[str] = []
    for name, ids, column, parts in (
        ("collections", reach.collections, "collection_id", admitted),
        ("documents", reach.documents, document_column, admitted),
        ("denied_collections", reach.denied_collections, "collection_id", refused),
        ("denied_documents", reach.denied_documents, document_column, refused),
    ):
        if ids:
            values[f"{prefix}_{name}"] = IdSet.of(ids).literal
            # A hashed subquery, because the planner estimates `= ANY` id by id: with a thousand ids
            # planning alone would take longer than the search.
            parts.append(f"{table}.{column} IN (SELECT unnest(CAST(:{prefix}_{name} AS uuid[])))")
    if reach.owner is not None:
        values[f"{prefix}_owner"] = reach.owner
        admitted.append(f"{table}.created_by = :{prefix}_owner")
    predicate = admitted[0] if len(admitted) == 1 else f"({' OR '.join(admitted)})"
    if refused:
        predicate += f" AND NOT ({' OR '.join(refused)})"
    return predicate, values


def readers_of(document: DocumentFacts, *, is_private: bool) -> dict[str, object]:
    """The bound values of `NAMED_IN_RULES` and `READS` for a document.

    Args:
        document: The document.
        is_private: Whether its collection is private: then no role opens it.
    """
    roles = [
        int(role)
        for role, level in READ_LEVEL.items()
        if not is_private and document.access_level <= level
    ]
    return {
        "document_id": document.id,
        "collection_id": document.collection_id,
        "reading_roles": roles,
    }


def collections_sql(access: Access, *, prefix: str = "seen") -> tuple[str, dict[str, object]]:
    """The predicate of the collections someone sees and its bound values.

    Says the same as `Access.may_see_collection` of rows of the table `collection`.

    Args:
        access: Theirs.
        prefix: Prefix of the bound names, as of `reach_sql`.
    """
    denied, private = f"{prefix}_none", f"{prefix}_hidden"
    values: dict[str, object] = {denied: IdSet.of(access.read.denied_collections).literal}
    not_denied = f"collection.id <> ALL(CAST(:{denied} AS uuid[]))"
    if access.role >= CREATES_FROM and (access.manages_private or not access.read.private):
        return not_denied, values
    # The same predicate as in searches and lists, so that no second wording of it can drift.
    readable, of_documents = reach_sql(
        access.read, table="document", document_column="id", prefix=prefix
    )
    granted = f"{prefix}_granted"
    values |= {**of_documents, granted: IdSet.of(access.read.collections).literal}
    seen = [
        f"collection.id = ANY(CAST(:{granted} AS uuid[]))",
        "EXISTS (SELECT FROM document WHERE document.tenant_id = collection.tenant_id"
        f" AND document.collection_id = collection.id AND {readable})",
    ]
    if access.role >= CREATES_FROM:
        seen.append(f"collection.id <> ALL(CAST(:{private} AS uuid[]))")
    if access.manages_private:
        seen.append(f"collection.id = ANY(CAST(:{private} AS uuid[]))")
    if access.role >= CREATES_FROM or access.manages_private:
        values[private] = IdSet.of(access.read.private).literal
    return f"{not_denied} AND ({' OR '.join(seen)})", values
