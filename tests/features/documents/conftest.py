"""The rows of a tenant, and its limits."""

from tests.features.ingestion.conftest import rows
from tests.features.usage.test_quotas import limit

__all__ = ["limit", "rows"]
