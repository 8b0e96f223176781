"""The inverted index of the lexical leg: which chunks hold a term, kept by triggers."""

from alembic import op

revision = "0011"
down_revision = "0017"

# A copy of what findable chunks weigh their terms with. It stands apart from `chunk` because `&&`
# is not leakproof: under row-level security no index would answer it.
TABLE = """
CREATE TABLE lexical_chunk (
  tenant_id uuid NOT NULL,
  chunk_id uuid NOT NULL,
  generation_id int NOT NULL,
  weights sparsevec(536870912) NOT NULL,
  PRIMARY KEY (tenant_id, chunk_id)
);
ALTER TABLE lexical_chunk ENABLE ROW LEVEL SECURITY;
ALTER TABLE lexical_chunk FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON lexical_chunk
  USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant());
CREATE POLICY engine ON lexical_chunk TO CURRENT_USER USING (true) WITH CHECK (true)
"""

# The terms of a generation are shifted by a number of its own, so that no posting list is shared
# among tenants: one tenant's frequent words would otherwise slow down another's searches. Two keys
# that meet by chance bring up a candidate more, which scores as it should.
KEYS = """
CREATE FUNCTION citewell_term_keys(generation int, terms bigint[]) RETURNS int[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
  $$ SELECT coalesce(array_agg(
       (((t + generation * 2654435761) & 4294967295) - 2147483648)::int), '{}')
     FROM unnest(terms) AS t $$;
CREATE FUNCTION citewell_lexical_keys(generation int, weights sparsevec) RETURNS int[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
  $$ SELECT public.citewell_term_keys(generation, regexp_replace(
       split_part(weights::text, '}', 1) || '}', ':[^,}]*', '', 'g')::bigint[]) $$;
CREATE INDEX lexical_chunk_keys ON lexical_chunk
  USING gin (citewell_lexical_keys(generation_id, weights)) WITH (gin_pending_list_limit = 512)
"""

# Statement triggers, so that whoever writes chunks, older processes included, keeps the index.
KEEP = """
CREATE FUNCTION citewell_keep_lexical() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO lexical_chunk (tenant_id, chunk_id, generation_id, weights)
    SELECT tenant_id, id, generation_id, terms FROM after WHERE active
    ON CONFLICT (tenant_id, chunk_id) DO UPDATE SET weights = excluded.weights;
  ELSIF TG_OP = 'UPDATE' THEN
    DELETE FROM lexical_chunk l USING before b JOIN after a USING (tenant_id, id)
    WHERE b.active AND NOT a.active AND l.tenant_id = a.tenant_id AND l.chunk_id = a.id;
    INSERT INTO lexical_chunk (tenant_id, chunk_id, generation_id, weights)
    SELECT a.tenant_id, a.id, a.generation_id, a.terms
    FROM after a JOIN before b USING (tenant_id, id)
    WHERE a.active AND (NOT b.active OR a.terms <> b.terms)
    ON CONFLICT (tenant_id, chunk_id) DO UPDATE SET weights = excluded.weights;
  ELSE
    DELETE FROM lexical_chunk l USING before b
    WHERE b.active AND l.tenant_id = b.tenant_id AND l.chunk_id = b.id;
  END IF;
  RETURN NULL;
END $$
"""

TRIGGERS = """
CREATE TRIGGER lexical_insert AFTER INSERT ON chunk REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION citewell_keep_lexical();
CREATE TRIGGER lexical_update AFTER UPDATE ON chunk
  REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION citewell_keep_lexical();
CREATE TRIGGER lexical_delete AFTER DELETE ON chunk REFERENCING OLD TABLE AS before
  FOR EACH STATEMENT EXECUTE FUNCTION citewell_keep_lexical()
"""

# Candidates of the session's tenant alone, whichever generation is named. The tenant is compared in
# a way no index serves: only the inverted index is of use here, and the plan is kept.
RANK = """
CREATE FUNCTION citewell_lexical_candidates(
  generation int, terms bigint[], query sparsevec, most int
) RETURNS TABLE (id uuid, score double precision)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000 SET search_path = public, pg_temp
  SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  mine uuid := citewell_tenant();
  wanted int[] := citewell_term_keys(generation, terms);
BEGIN
  RETURN QUERY
    SELECT l.chunk_id, -(l.weights <#> query) AS bm25 FROM lexical_chunk l
    WHERE citewell_lexical_keys(l.generation_id, l.weights) && wanted
      AND (l.tenant_id = mine) IS TRUE AND (l.generation_id = generation) IS TRUE
    ORDER BY bm25 DESC, l.chunk_id LIMIT most;
END $$
"""

# Chunks that were there before, a batch at a time. Rows that somebody is changing are left for a
# later pass; whoever inserts or activates one meanwhile keeps it by the triggers.
FILL = """
CREATE FUNCTION citewell_fill_lexical(generation int, after uuid, most int) RETURNS uuid
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  last uuid;
BEGIN
  WITH missing AS MATERIALIZED (
    SELECT c.tenant_id, c.id, c.generation_id, c.terms FROM chunk c
    WHERE c.tenant_id = citewell_tenant() AND c.generation_id = generation AND c.active
      AND c.id > after AND NOT EXISTS (
        SELECT FROM lexical_chunk l WHERE l.tenant_id = c.tenant_id AND l.chunk_id = c.id)
    ORDER BY c.id LIMIT most FOR SHARE OF c SKIP LOCKED
  ), filled AS (
    INSERT INTO lexical_chunk (tenant_id, chunk_id, generation_id, weights)
    SELECT tenant_id, id, generation_id, terms FROM missing
    ON CONFLICT (tenant_id, chunk_id) DO NOTHING
  )
  SELECT id INTO last FROM missing ORDER BY id DESC LIMIT 1;
  RETURN last;
END $$
"""

IS_FILLED = """
CREATE FUNCTION citewell_is_lexical_filled(generation int) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT NOT EXISTS (SELECT FROM chunk c
       WHERE c.tenant_id = citewell_tenant() AND c.generation_id = generation AND c.active
         AND NOT EXISTS (SELECT FROM lexical_chunk l
           WHERE l.tenant_id = c.tenant_id AND l.chunk_id = c.id)) $$
"""

# Generations of now are filled by upkeep; later ones have the triggers from their first chunk on.
FLAG = """
ALTER TABLE index_generation ADD COLUMN has_lexical boolean NOT NULL DEFAULT false;
ALTER TABLE index_generation ALTER COLUMN has_lexical SET DEFAULT true;
CREATE OR REPLACE FUNCTION citewell_tenants_to_index(min_chunks bigint) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT tenant_id FROM index_generation
     WHERE (chunk_count >= min_chunks OR NOT has_lexical) AND status <> 'retired' $$
"""


def upgrade() -> None:
    """Make the index, empty; searches go on as before until a generation is filled."""
    for script in (TABLE, KEYS, FLAG):
        for statement in script.split(";\n"):
            op.execute(statement)
    for function in (KEEP, RANK, FILL, IS_FILLED):
        op.execute(function)
    for statement in TRIGGERS.split(";\n"):
        op.execute(statement)
