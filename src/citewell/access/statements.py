"""The access policy in SQL: the grants of a user, and the predicate of a reach."""

from collections.abc import Sequence
from typing import Any

from citewell.access.policy import Effect, IdSet, Reach

# One round trip for all rules that name the user. The ids come as text, one array for each kind,
# and stay text (see `IdSet`).
GRANTS = """
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
) AS named GROUP BY is_collection, effect
"""
"""Selects the objects and effects of the grants that name a user, directly or through a group."""


def grants_in(rows: Sequence[tuple[Any, ...]]) -> dict[tuple[bool, Effect], IdSet]:
    """Ids in rows of `GRANTS`, keyed by (are collections, effect)."""
    return {(is_collection, Effect(effect)): IdSet(ids) for is_collection, effect, ids in rows}


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
    admitted = [f"{table}.access_level <= :{prefix}_level"]
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
