"""Users, sessions, groups, grants, usage and the audit trail."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = """
ALTER TABLE tenant
  ADD COLUMN plan text NOT NULL DEFAULT 'unlimited',
  ADD COLUMN region text,
  ADD COLUMN limits jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN has_open_registration boolean NOT NULL DEFAULT false,
  ADD COLUMN session_version int NOT NULL DEFAULT 1;

CREATE TABLE user_account (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  email text NOT NULL CHECK (email = lower(email)),
  name text NOT NULL DEFAULT '',
  role smallint NOT NULL DEFAULT 1 CHECK (role BETWEEN 0 AND 3),
  is_admin boolean NOT NULL DEFAULT false,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('invited', 'active', 'deactivated')),
  password_hash text,
  session_version int NOT NULL DEFAULT 1,
  invitation_hash bytea,
  invitation_expires_at timestamptz,
  last_login_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  CHECK (status <> 'active' OR password_hash IS NOT NULL)
);
CREATE UNIQUE INDEX user_account_email ON user_account (tenant_id, email);
CREATE INDEX user_account_tenants ON user_account (email);

CREATE TABLE refresh_token (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  family_id uuid NOT NULL,
  hash bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, hash),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_token_family ON refresh_token (tenant_id, family_id);
CREATE INDEX refresh_token_user ON refresh_token (tenant_id, user_id);
CREATE INDEX refresh_token_expiry ON refresh_token (tenant_id, expires_at);

ALTER TABLE api_key
  ADD COLUMN user_id uuid,
  ADD COLUMN scopes text[] NOT NULL DEFAULT '{read,write,admin}',
  ADD FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE;
CREATE INDEX api_key_user ON api_key (tenant_id, user_id);

CREATE TABLE user_group (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  description text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX user_group_name ON user_group (tenant_id, lower(name));

CREATE TABLE group_member (
  tenant_id uuid NOT NULL,
  group_id uuid NOT NULL,
  user_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, group_id, user_id),
  FOREIGN KEY (tenant_id, group_id) REFERENCES user_group (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX group_member_user ON group_member (tenant_id, user_id);

ALTER TABLE collection ADD COLUMN created_by uuid;
ALTER TABLE document ADD COLUMN created_by uuid;

CREATE TABLE collection_grant (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  collection_id uuid NOT NULL,
  user_id uuid,
  group_id uuid,
  effect text NOT NULL CHECK (effect IN ('deny', 'read', 'write')),
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  CHECK (num_nonnulls(user_id, group_id) = 1),
  UNIQUE NULLS NOT DISTINCT (tenant_id, collection_id, user_id, group_id),
  FOREIGN KEY (tenant_id, collection_id) REFERENCES collection (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, group_id) REFERENCES user_group (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX collection_grant_user ON collection_grant (tenant_id, user_id);
CREATE INDEX collection_grant_group ON collection_grant (tenant_id, group_id);

CREATE TABLE document_grant (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  document_id uuid NOT NULL,
  user_id uuid,
  group_id uuid,
  effect text NOT NULL CHECK (effect IN ('deny', 'read', 'write')),
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  CHECK (num_nonnulls(user_id, group_id) = 1),
  UNIQUE NULLS NOT DISTINCT (tenant_id, document_id, user_id, group_id),
  FOREIGN KEY (tenant_id, document_id) REFERENCES document (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, group_id) REFERENCES user_group (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX document_grant_user ON document_grant (tenant_id, user_id);
CREATE INDEX document_grant_group ON document_grant (tenant_id, group_id);

CREATE TABLE usage_record (
  tenant_id uuid NOT NULL REFERENCES tenant,
  metric text NOT NULL,
  period text NOT NULL,
  actor_id uuid NOT NULL,
  amount bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, metric, period, actor_id)
) WITH (fillfactor = 50);

CREATE TABLE audit_event (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  actor_kind text NOT NULL,
  actor_id uuid,
  credential_id uuid,
  action text NOT NULL,
  object_kind text,
  object_id uuid,
  address text,
  request_id text,
  details jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_event_time ON audit_event (tenant_id, at, id);
CREATE INDEX audit_event_object ON audit_event (tenant_id, object_id, id);
CREATE INDEX audit_event_actor ON audit_event (tenant_id, actor_id, id);
"""

LOOKUPS = """
-- Asked before a tenant is known, at sign-in: ids of tenants, never a tenant's data.
CREATE FUNCTION citewell_tenants_of_email(wanted text) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT u.tenant_id FROM user_account u JOIN tenant t ON t.id = u.tenant_id
     WHERE u.email = wanted AND t.status = 'active' ORDER BY u.tenant_id LIMIT 20 $$;
CREATE POLICY lookup ON user_account FOR SELECT TO CURRENT_USER USING (true);

-- For the operator, who acts in all tenants, the suspended ones too.
CREATE FUNCTION citewell_all_tenants() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT id FROM tenant ORDER BY id $$;
CREATE FUNCTION citewell_tenant_named(wanted text) RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT id FROM tenant WHERE slug = wanted $$;
"""

GUARDED = (
    "user_account", "refresh_token", "user_group", "group_member", "collection_grant",
    "document_grant", "usage_record", "audit_event",
)  # fmt: skip

APPEND_ONLY = ("audit_event",)


def upgrade() -> None:
    """Make everything; columns have defaults, so an older process goes on working."""
    for script in (TABLES, LOOKUPS):
        for statement in script.split(";\n"):
            if statement.strip():
                op.execute(statement)
    for table in GUARDED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} "
            "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
        )
        rights = "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        op.execute(f"GRANT {rights} ON {table} TO citewell_app")
