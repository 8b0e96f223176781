"""A stamp of each tenant's library, new with every change that an answer may depend on."""

from alembic import op

revision = "0029"
down_revision = "0028"

TABLE = """
CREATE TABLE library_stamp (
  tenant_id uuid PRIMARY KEY,
  stamp bigint NOT NULL,
  transaction xid8 NOT NULL
) WITH (fillfactor = 50);
ALTER TABLE tenant ADD COLUMN has_cache boolean NOT NULL DEFAULT true
"""
# No foreign key: its lock, taken while others wait for ours at their commit, could close a circle.
# Half of each page is free, so that a new stamp stays on its page and touches no index.

# Called at commit, under the same lock as events (0008) and after it nothing else is locked: stamps
# are in the order of commits, and who sees a stamp sees all that was changed up to it. It is the
# time in microseconds, so that a database that was restored never repeats one of later.
STAMP = """
CREATE FUNCTION citewell_stamp_library() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  changed record;
  tenant uuid;
BEGIN
  IF TG_OP = 'DELETE' THEN changed := old; ELSE changed := new; END IF;
  IF TG_TABLE_NAME = 'tenant' THEN tenant := changed.id; ELSE tenant := changed.tenant_id; END IF;
  -- The owner of the schema at work on all tenants, or a tenant that is just being removed.
  IF tenant IS DISTINCT FROM citewell_tenant() THEN RETURN NULL; END IF;
  -- One for each transaction: of thousands of documents the others only look.
  IF EXISTS (SELECT FROM library_stamp
             WHERE tenant_id = tenant AND transaction = pg_current_xact_id()) THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM tenant t WHERE t.id = tenant) THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('event:' || tenant, 0));
  INSERT INTO library_stamp AS s (tenant_id, stamp, transaction)
  VALUES (tenant, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, pg_current_xact_id())
  ON CONFLICT (tenant_id) DO UPDATE
    SET stamp = greatest(s.stamp + 1, excluded.stamp), transaction = excluded.transaction;
  RETURN NULL;
END $$
"""

ADDED = ("document", "collection", "collection_grant", "document_grant", "group_member",
         "index_generation")  # fmt: skip
"""Tables of which an answer depends on the rows, as they come and go."""

CHANGED = {
    "document": "old IS DISTINCT FROM new",
    # Versions that answer or have answered; how far one is that is being read changes no answer.
    "document_version": "old IS DISTINCT FROM new AND ("
    "old.status IN ('ready', 'superseded') OR new.status IN ('ready', 'superseded'))",
    "collection": "old IS DISTINCT FROM new",
    "collection_grant": "old IS DISTINCT FROM new",
    "document_grant": "old IS DISTINCT FROM new",
    "group_member": "old IS DISTINCT FROM new",
    # `updated_at` is set by folded statistics, which weigh words, and by repairs of chunks; upkeep
    # notes other things in the row, which change no answer.
    "index_generation": "(old.embedding, old.status, old.chunk_count, old.updated_at) IS DISTINCT "
    "FROM (new.embedding, new.status, new.chunk_count, new.updated_at)",
    "user_account": "(old.role, old.status) IS DISTINCT FROM (new.role, new.status)",
    "tenant": "(old.verifier, old.prompts, old.status, old.has_cache) IS DISTINCT FROM "
    "(new.verifier, new.prompts, new.status, new.has_cache)",
}

SECURITY = """
ALTER TABLE library_stamp ENABLE ROW LEVEL SECURITY;
ALTER TABLE library_stamp FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON library_stamp
  USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON library_stamp TO citewell_app;
CREATE POLICY lookup ON library_stamp FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION citewell_library_stamps(wanted uuid[])
  RETURNS TABLE (tenant_id uuid, stamp bigint, has_cache boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT t.id, coalesce(s.stamp, 0), t.has_cache
     FROM tenant t LEFT JOIN library_stamp s ON s.tenant_id = t.id WHERE t.id = ANY (wanted) $$
"""


def upgrade() -> None:
    """Make table and triggers, so that what older processes change is stamped too."""
    for statement in TABLE.split(";\n"):
        op.execute(statement)
    op.execute(STAMP)
    for table in ADDED:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER stamp_row AFTER INSERT OR DELETE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION citewell_stamp_library()"
        )
    for table, condition in CHANGED.items():
        op.execute(
            f"CREATE CONSTRAINT TRIGGER stamp_change AFTER UPDATE ON {table} DEFERRABLE INITIALLY "
            f"DEFERRED FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION citewell_stamp_library()"
        )
    for statement in SECURITY.split(";\n"):
        op.execute(statement)
