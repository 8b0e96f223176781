"""The fixtures of ingestion: light parts over a database of the module's own."""

from tests.features.ingestion.conftest import Rows, own_url, quiet, rows, shelf

__all__ = ["Rows", "own_url", "quiet", "rows", "shelf"]
