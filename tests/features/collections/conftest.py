"""The light parts of sharing's tests: a shelf and its people."""

from tests.features.sharing.conftest import own_url, people, quiet, shelf

__all__ = ["own_url", "people", "quiet", "shelf"]
