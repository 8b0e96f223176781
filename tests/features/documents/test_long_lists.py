"""Lists of a large library: what a page of them costs the database."""

import psutil
import psycopg
import pytest
from sqlalchemy import text

from citewell.core.context import unit_of_work
from citewell.core.platform import Platform
from citewell.features.documents import service
from citewell.features.documents.schemas import DocumentQuery
from citewell.kit.pagination import PageRequest
from tests.quiet import Shelf

DOCUMENTS = 100_000
MOST_SECONDS = 0.3
"""Budget of a page or filter (design, section 8), here as processor time of the database."""

ROWS = """
WITH n AS (
  SELECT g, gen_random_uuid() AS document, gen_random_uuid() AS version
  FROM generate_series(1, %(count)s) g
), one AS (
  SELECT d.tenant_id, d.collection_id, v.blob_id FROM document d
  JOIN document_version v ON v.tenant_id = d.tenant_id AND v.document_id = d.id
  WHERE d.tenant_id = %(tenant_id)s
), added AS (
  INSERT INTO document
    (tenant_id, id, collection_id, title, source, filename, access_level, metadata,
     active_version_id)
  SELECT tenant_id, document, collection_id, 'Report ' || g, 'many:' || g, g || '.pdf', g %% 2,
    jsonb_build_object('path', 'Archive/' || 2000 + g %% 26 || '/' || g || '.pdf'), version
  FROM n, one
)
INSERT INTO document_version (tenant_id, id, document_id, number, blob_id, status, size_bytes)
SELECT tenant_id, version, document, 1, blob_id,
  CASE WHEN g %% 50 = 0 THEN 'failed' ELSE 'ready' END, 1
FROM n, one
"""


def spent(process: psutil.Process) -> float:
    """Processor seconds of a process so far."""
    times = process.cpu_times()
    return times.user + times.system


@pytest.mark.slow
@pytest.mark.usefixtures("superuser")
class TestHundredThousandDocuments:
    async def test_every_page_and_filter_keeps_the_budget(
        self, quiet: Platform, shelf: Shelf, own_url: str
    ) -> None:
        await shelf.add("first.md", "The first of many.")
        with psycopg.connect(own_url, autocommit=True) as connection:
            # Rows of this kind need no events: nothing but the list reads them.
            connection.execute("SET session_replication_role = replica")
            values = {"count": DOCUMENTS, "tenant_id": shelf.caller.tenant_id}
            connection.execute(ROWS, values)
            connection.execute("VACUUM (ANALYZE) document, document_version")
        costs: dict[str, float] = {}
        async with unit_of_work(quiet, shelf.caller) as ctx:
            await ctx.session.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
            pid = await ctx.session.scalar(text("SELECT pg_backend_pid()"))
            assert pid is not None
            if not psutil.pid_exists(pid):
                pytest.skip("the database runs on another machine")
            process = psutil.Process(pid)
            for name, number, asked in (
                ("first page", 1, DocumentQuery()),
                ("page 1000", 1000, DocumentQuery()),
                ("failed", 1, DocumentQuery(status="failed")),
                ("ready", 1, DocumentQuery(status="ready")),
                ("title", 1, DocumentQuery(search="report 991")),
                ("folder", 1, DocumentQuery(folder="Archive/2003")),
                ("suffix", 1, DocumentQuery(suffix="pdf")),
            ):
                begun = spent(process)
                page = await service.page(ctx, PageRequest(number, 50), asked)
                costs[name] = spent(process) - begun
                assert page.items, name
            begun = spent(process)
            folders = await service.folders(
                ctx, PageRequest(1, 100), DocumentQuery(folder="Archive")
            )
            costs["folders"] = spent(process) - begun
            assert len(folders.items) == 26
        assert max(costs.values()) <= MOST_SECONDS, costs
