"""The light parts of ingestion's tests, where a test says itself when a job runs."""

from tests.features.ingestion.conftest import own_url, quiet, rows, shelf

__all__ = ["own_url", "quiet", "rows", "shelf"]
