"""Webhooks rest as a whole, are told of nothing their owner cannot read, and keep a bounded log."""

from alembic import op

revision = "0056"
down_revision = "0055"

COLUMNS = """
ALTER TABLE webhook ADD COLUMN not_before timestamptz;
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (tenant_id, webhook_id, next_at)
  WHERE status = 'pending';
DROP INDEX webhook_delivery_due
"""

# No row: the owner may have none any more, as `webhooks.sending` decides it when it tells.
OWNER = """
CREATE FUNCTION citewell_webhook_owner(hook webhook)
  RETURNS TABLE (role int, administers boolean) LANGUAGE sql STABLE AS $$
  SELECT coalesce(u.role, 3),
    coalesce(u.is_admin, true) AND coalesce('admin' = ANY (k.scopes), true)
  FROM (SELECT) AS one
  LEFT JOIN user_account u ON u.tenant_id = hook.tenant_id AND u.id = hook.user_id
  LEFT JOIN api_key k ON k.tenant_id = hook.tenant_id AND k.id = hook.owner_key_id
    AND k.revoked_at IS NULL AND coalesce(k.expires_at > now(), true)
  WHERE (hook.user_id IS NULL OR (u.status = 'active' AND (u.is_admin OR u.role >= 2)))
    AND (hook.owner_key_id IS NULL OR 'read' = ANY (k.scopes))
$$
"""

# `access.policy` as a predicate on one document, for the trigger: a row of a document that its
# owner cannot read must not be there at all. A collection that the database hides opens nothing.
READS = """
CREATE FUNCTION citewell_webhook_reads(
  hook webhook, owner_role int, document uuid, shelf uuid, level int
) RETURNS boolean LANGUAGE sql STABLE AS $$
  WITH mine AS (
    SELECT group_id FROM group_member
    WHERE tenant_id = hook.tenant_id AND user_id = hook.user_id
  ), named AS (
    SELECT effect FROM collection_grant
    WHERE tenant_id = hook.tenant_id AND collection_id = shelf
      AND (user_id = hook.user_id OR group_id IN (SELECT group_id FROM mine))
    UNION ALL
    SELECT effect FROM document_grant
    WHERE tenant_id = hook.tenant_id AND document_id = document
      AND (user_id = hook.user_id OR group_id IN (SELECT group_id FROM mine))
  )
  SELECT NOT coalesce(bool_or(effect = 'deny'), false) AND (count(*) > 0 OR (
    level <= owner_role AND EXISTS (SELECT FROM collection c
      WHERE c.tenant_id = hook.tenant_id AND c.id = shelf AND c.visibility = 'open')))
  FROM named
$$
"""

# As `queries.service.sight_of`: what others asked is for managers, as far as the log tells it.
HEARS = """
CREATE FUNCTION citewell_webhook_hears(hook webhook, owner_role int, asker uuid, privacy text)
  RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce(asker, '00000000-0000-0000-0000-000000000000')
      = coalesce(hook.user_id, hook.owner_key_id, '00000000-0000-0000-0000-000000000000')
    OR (owner_role >= 2 AND privacy <> 'off' AND EXISTS (SELECT FROM tenant t
      WHERE t.id = hook.tenant_id AND t.question_log <> 'off'))
$$
"""

# In the transaction of the change, as before (0050), for those whose owner may read it then; what
# they may read is decided again when it is told.
NOTE = """
CREATE OR REPLACE FUNCTION citewell_note_for_webhooks() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  about text;
BEGIN
  IF TG_TABLE_NAME = 'job' THEN
    IF new.kind LIKE 'webhooks.%' THEN RETURN NULL; END IF;
    about := 'job.' || new.status;
    INSERT INTO webhook_delivery (tenant_id, id, webhook_id, event, object_id)
    SELECT new.tenant_id, gen_random_uuid(), w.id, about, new.id
    FROM webhook w CROSS JOIN LATERAL citewell_webhook_owner(w) AS o
    WHERE w.tenant_id = new.tenant_id AND w.is_active AND about = ANY (w.events)
      AND CASE WHEN new.version_id IS NULL THEN o.administers OR new.created_by = w.user_id
        ELSE EXISTS (
          SELECT FROM document_version v
          JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
          WHERE v.tenant_id = new.tenant_id AND v.id = new.version_id
            AND citewell_webhook_reads(w, o.role, d.id, d.collection_id, d.access_level)) END;
  ELSIF TG_TABLE_NAME = 'query_log' THEN
    INSERT INTO webhook_delivery (tenant_id, id, webhook_id, event, object_id)
    SELECT new.tenant_id, gen_random_uuid(), w.id, 'answer.created', new.id
    FROM webhook w CROSS JOIN LATERAL citewell_webhook_owner(w) AS o
    WHERE w.tenant_id = new.tenant_id AND w.is_active AND 'answer.created' = ANY (w.events)
      AND citewell_webhook_hears(w, o.role, new.actor_id, new.privacy);
  ELSE
    IF new.deleted_at IS NOT NULL THEN about := 'document.deleted';
    ELSIF old.deleted_at IS NOT NULL THEN about := 'document.restored';
    ELSIF old.active_version_id IS NULL THEN about := 'document.created';
    ELSE about := 'document.updated';
    END IF;
    INSERT INTO webhook_delivery (tenant_id, id, webhook_id, event, object_id, facts)
    SELECT new.tenant_id, gen_random_uuid(), w.id, about, new.id,
      jsonb_build_object('collection_id', new.collection_id, 'access_level', new.access_level,
        'created_by', new.created_by)
    FROM webhook w CROSS JOIN LATERAL citewell_webhook_owner(w) AS o
    WHERE w.tenant_id = new.tenant_id AND w.is_active AND about = ANY (w.events)
      AND citewell_webhook_reads(w, o.role, new.id, new.collection_id, new.access_level);
  END IF;
  RETURN NULL;
END $$
"""

RATED = """
CREATE OR REPLACE FUNCTION citewell_note_rating_for_webhooks() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO webhook_delivery (tenant_id, id, webhook_id, event, object_id)
  SELECT new.tenant_id, gen_random_uuid(), w.id, 'answer.rated', new.query_id
  FROM webhook w CROSS JOIN LATERAL citewell_webhook_owner(w) AS o
  JOIN query_log q ON q.tenant_id = new.tenant_id AND q.id = new.query_id
  WHERE w.tenant_id = new.tenant_id AND w.is_active AND 'answer.rated' = ANY (w.events)
    AND citewell_webhook_hears(w, o.role, q.actor_id, q.privacy);
  RETURN NULL;
END $$
"""

# By webhooks, of which there are few, and not by what waits for one that rests.
DUE = """
CREATE OR REPLACE FUNCTION citewell_tenants_with_due_webhooks() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT w.tenant_id FROM webhook w
     WHERE (w.not_before IS NULL OR w.not_before <= now() OR NOT w.is_active)
       AND EXISTS (SELECT FROM webhook_delivery d
         WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id AND d.status = 'pending'
           AND d.next_at <= now()) $$
"""

FULL = """
CREATE FUNCTION citewell_tenants_with_full_webhooks(days int, most_kept int, most_waiting int)
  RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT w.tenant_id FROM webhook w WHERE EXISTS (
       SELECT FROM webhook_delivery d WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id
         AND (d.created_at < now() - make_interval(days => days) OR d.status = 'withheld'))
     OR EXISTS (
       SELECT FROM webhook_delivery d WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id
         AND d.status <> 'pending' OFFSET most_kept)
     OR EXISTS (
       SELECT FROM webhook_delivery d WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id
         AND d.status = 'pending' OFFSET most_waiting) $$
"""

ENDED = """
CREATE FUNCTION citewell_tenants_with_ended_webhooks() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT w.tenant_id FROM webhook w
     WHERE w.is_active AND NOT EXISTS (SELECT FROM citewell_webhook_owner(w)) $$
"""

READ_BY_OWNER = ("webhook", "api_key")


def upgrade() -> None:
    """Change the triggers, so that older processes note what owners may read alone.

    An older worker goes on telling: it rests by events, and what it withholds is not shown.
    """
    for statement in COLUMNS.split(";\n"):
        op.execute(statement)
    for table in READ_BY_OWNER:
        op.execute(
            f"CREATE POLICY upkeep_webhooks ON {table} FOR SELECT TO CURRENT_USER USING (true)"
        )
    for function in (OWNER, READS, HEARS, NOTE, RATED, DUE, FULL, ENDED):
        op.execute(function)
