"""The triggers of the inverted index plan their joins for the rows that a statement has changed."""

from alembic import op

revision = "0067"
down_revision = "0066"

# A static statement of PL/pgSQL without parameters keeps one plan for as long as the session lasts,
# whatever `plan_cache_mode` says, and that plan knows the sizes of `before` and `after` from the
# first call alone. The first is the empty one of an INSERT ... ON CONFLICT, so both were joined row
# by row: publishing 30,000 chunks took 900 million comparisons, twice. EXECUTE plans for each call.
KEEP = """
CREATE OR REPLACE FUNCTION citewell_keep_lexical() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO lexical_chunk (tenant_id, chunk_id, generation_id, weights)
    SELECT tenant_id, id, generation_id, terms FROM after WHERE active
    ON CONFLICT (tenant_id, chunk_id) DO UPDATE SET weights = excluded.weights;
  ELSIF TG_OP = 'UPDATE' THEN
    -- Each INSERT ... ON CONFLICT fires this too, nearly always without a row.
    IF NOT EXISTS (SELECT FROM after) THEN RETURN NULL; END IF;
    EXECUTE 'DELETE FROM lexical_chunk l USING before b JOIN after a USING (tenant_id, id)
      WHERE b.active AND NOT a.active AND l.tenant_id = a.tenant_id AND l.chunk_id = a.id';
    EXECUTE 'INSERT INTO lexical_chunk (tenant_id, chunk_id, generation_id, weights)
      SELECT a.tenant_id, a.id, a.generation_id, a.terms
      FROM after a JOIN before b USING (tenant_id, id)
      WHERE a.active AND (NOT b.active OR a.terms <> b.terms)
      ON CONFLICT (tenant_id, chunk_id) DO UPDATE SET weights = excluded.weights';
  ELSE
    -- The plan of a time when the index had a few rows would read all of it for each of `before`.
    EXECUTE 'DELETE FROM lexical_chunk l USING before b
      WHERE b.active AND l.tenant_id = b.tenant_id AND l.chunk_id = b.id';
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Replace the function; triggers and older processes go on with it."""
    op.execute(KEEP)
