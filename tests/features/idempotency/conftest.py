"""The light parts of ingestion's tests, and the people of a tenant."""

from tests.features.documents.conftest import own_url, people, quiet, shelf

__all__ = ["own_url", "people", "quiet", "shelf"]
