"""Tenants, documents, chunks, term statistics and jobs, with row-level security from the start."""

from alembic import op

from citewell.core.database.queue_schema import QueueScripts

revision = "0001"
down_revision = None

CHUNK_PARTITIONS = 8

QUEUE = QueueScripts(
    after="",
    last="03.04.00_50_post_add_retry_failed_job_procedure.sql",
    sha256="09f489f6d8df6f3a4cd09eb7c4ddb85d4a77c83ab3ab1da0e88c5ee977644a81",
)
"""Those of procrastinate 3.10. Later ones are followed by a later revision, in a `QUEUE` too."""

TENANT_TABLES = (
    "tenant", "api_key", "collection", "blob", "index_generation", "document", "document_version",
    "document_text", "version_terms", "chunk", "term_stat", "term_delta", "job",
)  # fmt: skip

TABLES = """
CREATE TABLE tenant (
  id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_key (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  name text NOT NULL,
  hash bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, hash)
);

CREATE TABLE collection (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  description text NOT NULL DEFAULT '',
  chunk_strategy text NOT NULL DEFAULT 'structure',
  chunk_size int NOT NULL DEFAULT 200,
  chunk_overlap int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX collection_name ON collection (tenant_id, lower(name));

CREATE TABLE blob (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  sha256 bytea NOT NULL,
  size_bytes bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, sha256)
);

CREATE SEQUENCE index_generation_id AS int;
CREATE TABLE index_generation (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id int NOT NULL DEFAULT nextval('index_generation_id'),
  embedding text NOT NULL,
  dimensions int NOT NULL,
  status text NOT NULL CHECK (status IN ('building', 'live', 'retired')),
  chunk_count bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX index_generation_live ON index_generation (tenant_id) WHERE status = 'live';

CREATE TABLE document (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  collection_id uuid NOT NULL,
  title text NOT NULL,
  source text,
  filename text NOT NULL,
  access_level smallint NOT NULL DEFAULT 1 CHECK (access_level BETWEEN 0 AND 3),
  metadata jsonb NOT NULL DEFAULT '{}',
  active_version_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, collection_id) REFERENCES collection (tenant_id, id)
);
CREATE UNIQUE INDEX document_source ON document (tenant_id, collection_id, source);
CREATE INDEX document_collection ON document (tenant_id, collection_id, id);
CREATE INDEX document_active_version ON document (tenant_id, active_version_id);

CREATE TABLE document_version (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  document_id uuid NOT NULL,
  number int NOT NULL CHECK (number > 0),
  blob_id uuid NOT NULL,
  status text NOT NULL
    CHECK (status IN ('queued', 'processing', 'ready', 'superseded', 'failed', 'cancelled')),
  error_code text,
  error_detail text,
  mime_type text,
  parsed_title text,
  size_bytes bigint NOT NULL,
  page_count int,
  char_count bigint,
  chunk_count int NOT NULL DEFAULT 0,
  embedded_count int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, document_id, number),
  FOREIGN KEY (tenant_id, document_id) REFERENCES document (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, blob_id) REFERENCES blob (tenant_id, id)
);
CREATE UNIQUE INDEX document_version_ready ON document_version (tenant_id, document_id)
  WHERE status = 'ready';
CREATE INDEX document_version_blob ON document_version (tenant_id, blob_id);
ALTER TABLE document ADD FOREIGN KEY (tenant_id, active_version_id)
  REFERENCES document_version (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE document_text (
  tenant_id uuid NOT NULL,
  version_id uuid NOT NULL,
  start_offset bigint NOT NULL,
  text text NOT NULL,
  PRIMARY KEY (tenant_id, version_id, start_offset),
  FOREIGN KEY (tenant_id, version_id) REFERENCES document_version (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE version_terms (
  tenant_id uuid NOT NULL,
  version_id uuid NOT NULL,
  generation_id int NOT NULL,
  chunk_count int NOT NULL,
  terms int[] NOT NULL,
  frequencies int[] NOT NULL,
  PRIMARY KEY (tenant_id, version_id, generation_id),
  FOREIGN KEY (tenant_id, version_id) REFERENCES document_version (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE chunk (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  generation_id int NOT NULL,
  document_id uuid NOT NULL,
  version_id uuid NOT NULL,
  collection_id uuid NOT NULL,
  ordinal int NOT NULL,
  access_level smallint NOT NULL,
  active boolean NOT NULL,
  page int,
  start_offset bigint NOT NULL,
  end_offset bigint NOT NULL,
  language text NOT NULL,
  content_hash bytea NOT NULL,
  heading text[] NOT NULL,
  context text NOT NULL,
  text text NOT NULL,
  embedding halfvec NOT NULL,
  terms sparsevec(536870912) NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, version_id, generation_id, ordinal),
  FOREIGN KEY (tenant_id, version_id) REFERENCES document_version (tenant_id, id) ON DELETE CASCADE
) PARTITION BY HASH (tenant_id);
CREATE INDEX chunk_scope ON chunk (tenant_id, generation_id, collection_id, access_level)
  WHERE active;
CREATE INDEX chunk_reuse ON chunk (tenant_id, document_id, content_hash);

CREATE TABLE term_stat (
  tenant_id uuid NOT NULL,
  generation_id int NOT NULL,
  term int NOT NULL,
  frequency int NOT NULL,
  PRIMARY KEY (tenant_id, generation_id, term)
) WITH (fillfactor = 80);

CREATE TABLE term_delta (
  tenant_id uuid NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  generation_id int NOT NULL,
  sign smallint NOT NULL CHECK (sign IN (-1, 1)),
  chunk_count int NOT NULL,
  terms int[] NOT NULL,
  frequencies int[] NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE job (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  kind text NOT NULL,
  status text NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  stage text,
  done int NOT NULL DEFAULT 0,
  total int,
  attempts int NOT NULL DEFAULT 0,
  reason text,
  document_id uuid,
  version_id uuid,
  queue_id bigint,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, version_id) REFERENCES document_version (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX job_version ON job (tenant_id, version_id);
CREATE INDEX job_open ON job (tenant_id, status) WHERE status IN ('queued', 'running');
"""

SECURITY = """
CREATE FUNCTION citewell_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT nullif(current_setting('citewell.tenant_id', true), '')::uuid $$;

-- What is asked before a tenant is known. They give ids, never a tenant's data.
CREATE FUNCTION citewell_tenant_by_slug(wanted text) RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT id FROM tenant WHERE slug = wanted AND status = 'active' $$;
CREATE POLICY lookup ON tenant FOR SELECT TO CURRENT_USER USING (true);

-- Which tenants need upkeep, so that a worker does not have to visit them all.
CREATE FUNCTION citewell_tenants_to_fold() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT tenant_id FROM term_delta $$;
CREATE POLICY upkeep ON term_delta FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION citewell_tenants_to_index(min_chunks bigint) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT tenant_id FROM index_generation
     WHERE chunk_count >= min_chunks AND status <> 'retired' $$;
CREATE FUNCTION citewell_evaluation_tenants() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT id FROM tenant WHERE slug ~ '^eval-[0-9a-f]{32}$' $$;
CREATE POLICY upkeep ON index_generation FOR SELECT TO CURRENT_USER USING (true);
"""

REMOVE_TENANT = """
-- Everything of the tenant the session acts for, whatever tables there are: those that refer to
-- others first, those that nothing protects from a late writer last. As the owner, because the
-- application may not delete from all of them.
CREATE FUNCTION citewell_remove_tenant(gone uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  remaining oid[];
  next oid;
BEGIN
  IF gone IS DISTINCT FROM citewell_tenant() THEN
    RAISE EXCEPTION 'the session does not act for this tenant';
  END IF;
  -- Nobody adds anything from now on, and nobody folds terms meanwhile.
  PERFORM pg_advisory_xact_lock(hashtextextended('term_stat:' || gone, 0));
  PERFORM 1 FROM tenant WHERE id = gone FOR UPDATE;
  DELETE FROM procrastinate_jobs WHERE args ->> 'tenant_id' = gone::text AND status <> 'doing';
  remaining := ARRAY(
    SELECT c.oid FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition AND pg_has_role(c.relowner, 'USAGE') AND c.relrowsecurity);
  WHILE cardinality(remaining) > 0 LOOP
    SELECT t INTO next FROM unnest(remaining) AS t
    WHERE NOT EXISTS (
      SELECT 1 FROM pg_constraint WHERE contype = 'f' AND NOT condeferrable AND confrelid = t
        AND conrelid <> t AND conrelid = ANY(remaining))
    ORDER BY NOT EXISTS (SELECT 1 FROM pg_constraint WHERE contype = 'f' AND conrelid = t), t
    LIMIT 1;
    IF next IS NULL THEN
      RAISE EXCEPTION 'the tables of tenants refer to each other in a circle';
    END IF;
    EXECUTE format('DELETE FROM %s WHERE tenant_id = $1', next::regclass) USING gone;
    remaining := array_remove(remaining, next);
  END LOOP;
  DELETE FROM tenant WHERE id = gone;
END $$
"""


def upgrade() -> None:
    """Make everything."""
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    if _has_lz4():  # before the partitions: they take it over when they are made
        op.execute("ALTER TABLE chunk ALTER COLUMN text SET COMPRESSION lz4")
    for number in range(CHUNK_PARTITIONS):
        op.execute(
            f"CREATE TABLE chunk_{number} PARTITION OF chunk "
            f"FOR VALUES WITH (MODULUS {CHUNK_PARTITIONS}, REMAINDER {number})"
        )
    for statement in SECURITY.split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute(REMOVE_TENANT)
    for table in TENANT_TABLES:
        guard(table)
    for number in range(CHUNK_PARTITIONS):
        guard(f"chunk_{number}")
    QUEUE.run(op.get_bind())
    op.execute("GRANT USAGE ON SCHEMA public TO citewell_app")
    # By name: an operator's own tables in this database are none of the application's business.
    for table in (*TENANT_TABLES, *(f"chunk_{number}" for number in range(CHUNK_PARTITIONS))):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO citewell_app")
    for table in _relations_of_the_queue("r"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO citewell_app")
    for sequence in ("index_generation_id", *_relations_of_the_queue("S")):
        op.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO citewell_app")
    op.execute("GRANT SELECT ON alembic_version TO citewell_app")


def guard(table: str) -> None:
    """Row-level security that binds the owner too: rows of the current tenant, none without one."""
    column = "id" if table == "tenant" else "tenant_id"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant_isolation ON {table} "
        f"USING ({column} = citewell_tenant()) WITH CHECK ({column} = citewell_tenant())"
    )


def _relations_of_the_queue(kind: str) -> list[str]:
    """Names of the tables (`r`) or sequences (`S`) that the queue's schema has made."""
    found = op.get_bind().exec_driver_sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind = %(kind)s AND starts_with(relname, 'procrastinate_')",
        {"kind": kind},
    )
    return list(found.scalars())


def _has_lz4() -> bool:
    """Whether this server was built with LZ4, which is the faster compression for texts."""
    values = op.get_bind().exec_driver_sql(
        "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"
    )
    return "lz4" in (values.scalar() or [])
