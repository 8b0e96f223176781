"""Figures of the queue as operators see them: by kind and by rank, never by name."""

import json
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from citewell.core.database.observing import figures


@pytest.fixture
def waiting(own_url: str) -> Iterator[None]:
    """Jobs of seven tenants: one has nine that wait, six have one; one more waits for tomorrow."""
    mine = [uuid.uuid4() for _ in range(8)]
    jobs = [mine[0]] * 9 + mine[1:7]
    add = """INSERT INTO procrastinate_jobs (queue_name, task_name, args, scheduled_at)
             VALUES ('observing', 'test.observed', %s, now() + %s * interval '1 day')"""
    with psycopg.connect(own_url, autocommit=True) as connection:
        for tenant, days in [*((each, 0) for each in jobs), (mine[7], 1)]:
            connection.execute(add, (json.dumps({"tenant_id": str(tenant)}), days))
        yield
        connection.execute("DELETE FROM procrastinate_jobs WHERE queue_name = 'observing'")


class TestQueue:
    @pytest.mark.usefixtures("waiting")
    def test_tenants_with_most_jobs_are_told_by_rank(self, own_url: str) -> None:
        told = {(name, *labels): value for name, labels, value in figures(own_url)}
        assert told["database_up",] == 1
        assert told["queue_tenants",] == 7
        ranks = [told["queue_tenant_jobs", str(rank)] for rank in range(1, 6)]
        assert ranks == [9, 1, 1, 1, 1]
        assert ("queue_tenant_jobs", "6") not in told
        assert told["queue_jobs", "test.observed", "todo"] == 16
