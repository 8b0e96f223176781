"""The rows of a tenant, as ingestion's tests look at them."""

from tests.features.ingestion.conftest import rows

__all__ = ["rows"]
