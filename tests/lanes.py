"""Which tests `make test-processes` runs: by what they use, not by how long they take."""

import pytest

OWN_SERVERS = frozenset({"prepared", "new_installation", "cluster"})
"""Fixtures that give a test an installation or a database server of its own, whose processes it
starts, stops, kills and upgrades. Whoever asks for one, by whatever other fixture, is marked."""


def assign(item: pytest.Item) -> None:
    """Mark a test `processes` that gets servers of its own; others say it themselves."""
    if not OWN_SERVERS.isdisjoint(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.processes)
