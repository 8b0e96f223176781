"""A second look at the database, as its administrator."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from citewell.features.search import service as search
from citewell.features.search.schemas import SearchRequest
from citewell.indexes.contract import index_of
from tests.acting import act_for
from tests.quiet import Shelf

sys.path.insert(0, str(Path(__file__).parents[2]))  # hostile_files and what it imports


@dataclass(frozen=True)
class Rows:
    """All rows of one tenant, whether they can be found by it or not."""

    url: str
    shelf: Shelf

    def select(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Rows of a statement with `{t}` for the condition on the tenant."""
        condition = f"tenant_id = '{self.shelf.caller.tenant_id}'"
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            act_for(connection, self.shelf.caller.tenant_id)
            return connection.execute(statement.replace("{t}", condition), values).fetchall()

    def chunks(self, *, active: bool | None = None) -> list[dict[str, Any]]:
        """Chunks in order of version and place."""
        condition = "" if active is None else f"AND active = {active}"
        return self.select(
            "SELECT *, terms::text AS weights FROM chunk "
            f"WHERE {{t}} {condition} ORDER BY version_id, ordinal"
        )

    async def found(self, query: str) -> list[str]:
        """Texts a search finds that share a word with the question."""
        await index_of(self.shelf.platform).maintenance.fold_statistics(self.shelf.caller.tenant_id)
        request = SearchRequest(query=query, top_k=50, explain=True)
        reply = await search.search(self.shelf.platform, self.shelf.caller, request)
        return [hit.text for hit in reply.results if hit.explain and hit.explain.lexical.score]


@pytest.fixture
def rows(own_url: str, shelf: Shelf) -> Rows:
    """The tenant's rows."""
    return Rows(own_url, shelf)


def statistics(rows: Rows) -> dict[int, int]:
    """Term frequencies as the statistics have them, noted ones included."""
    found = rows.select(
        "SELECT term, sum(frequency)::int AS frequency FROM ("
        "  SELECT term, frequency FROM term_stat WHERE {t} UNION ALL"
        "  SELECT t.term, sign * t.frequency FROM term_delta,"
        "    unnest(terms, frequencies) AS t(term, frequency) WHERE {t}"
        ") AS summed GROUP BY term HAVING sum(frequency) <> 0"
    )
    return {row["term"]: row["frequency"] for row in found}


def recount(rows: Rows) -> dict[int, int]:
    """Term frequencies counted anew over the chunks that can be found."""
    counted: dict[int, int] = {}
    for chunk in rows.chunks(active=True):
        body = chunk["weights"].partition("}")[0].removeprefix("{")
        for pair in filter(None, body.split(",")):
            term = int(pair.partition(":")[0])
            counted[term] = counted.get(term, 0) + 1
    return counted


@contextmanager
def broken_update_of_document(url: str) -> Iterator[None]:
    """While the block lasts, the database refuses to change documents."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION no_update() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'no update today'; END $$"
        )
        connection.execute(
            "CREATE TRIGGER no_update BEFORE UPDATE ON document FOR EACH ROW"
            " EXECUTE FUNCTION no_update()"
        )
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION no_update CASCADE")
