"""Makes the predicate of the chunks a caller may find, and its values; nothing else does."""

import json
import uuid

from citewell.access.policy import Reach
from citewell.access.statements import reach_sql
from citewell.indexes.contract import SearchScope

_FIELD_PREDICATES = {
    "document_id": "c.document_id = CAST(:field_document_id AS uuid)",
    "language": "c.language = :field_language",
    "title": "d.title = :field_title",
    "filename": "d.filename = :field_filename",
    # As documents show it: what keeps it apart from a hidden one of the same name is left out.
    "source": "split_part(d.source, coalesce('#' || d.created_by, ''), 1) = :field_source",
}

# By the history of activations, since `chunk.active` knows only the present. What is in the trash
# now is not found, whatever answered at that time.
_ACTIVE_THEN = (
    "c.version_id IN (SELECT a.version_id FROM document_activation a "
    "JOIN document d ON d.tenant_id = a.tenant_id AND d.id = a.document_id "
    "WHERE a.tenant_id = :tenant_id AND d.deleted_at IS NULL AND a.active_from <= :as_of "
    "AND (a.active_until IS NULL OR a.active_until > :as_of))"
)


def scope_sql(scope: SearchScope) -> str:
    """The predicate on `chunk c` that says what the caller may find."""
    parts = [
        # Literals: partitions are left out and partial indexes proven to fit at plan time only from
        # constants, so that one plan can serve every question to a library.
        f"c.tenant_id = '{uuid.UUID(str(scope.tenant_id))}'",
        f"c.generation_id = {int(scope.generation.id)}",
        "c.active" if scope.as_of is None else _ACTIVE_THEN,
        reach_sql(scope.reach, table="c", document_column="document_id")[0],
    ]
    if scope.collection_ids is not None:
        parts.append("c.collection_id = ANY(CAST(:collection_ids AS uuid[]))")
    fields = [_FIELD_PREDICATES[name] for name, _ in scope.fields]
    parts += [predicate for predicate in fields if predicate.startswith("c.")]
    # All conditions on documents go into one subquery, so that documents are read once.
    of_document = [predicate for predicate in fields if not predicate.startswith("c.")]
    if scope.writable is not None and "source" in dict(scope.fields):
        of_document.append(_writable(scope.writable)[0])
    if scope.metadata:
        of_document.append("d.metadata @> CAST(:metadata AS jsonb)")
    if of_document:
        conditions = " AND ".join(["d.tenant_id = :tenant_id", *of_document])
        parts.append(f"c.document_id IN (SELECT d.id FROM document d WHERE {conditions})")  # noqa: S608 - constants
    return " AND ".join(parts)


def scope_values(scope: SearchScope) -> dict[str, object]:
    """The bound values of `scope_sql`."""
    _, reach = reach_sql(scope.reach, table="c", document_column="document_id")
    values: dict[str, object] = {"tenant_id": scope.tenant_id, **reach}
    if scope.collection_ids is not None:
        values["collection_ids"] = list(scope.collection_ids)
    if scope.as_of is not None:
        values["as_of"] = scope.as_of
    values |= {f"field_{name}": value for name, value in scope.fields}
    if scope.writable is not None and "source" in dict(scope.fields):
        values |= _writable(scope.writable)[1]
    if scope.metadata:
        values["metadata"] = "{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in scope.metadata) + "}"
    return values


def _writable(reach: Reach) -> tuple[str, dict[str, object]]:
    return reach_sql(reach, table="d", document_column="id", prefix="writable")
