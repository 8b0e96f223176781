"""Which tests `make test-processes` runs: by what they use, not by how long they take."""

import pytest

INSTALLATIONS = frozenset({"prepared", "new_installation", "cluster", "use"})
"""Fixtures that give a test an installation, a database server of its own, or processes that use
one, which it starts, stops, kills and upgrades."""

SERVERS = frozenset({"agent_server", "mail_server", "open_server", "second_server", "own_server"})
"""Fixtures that start a server of the test's own beside that of the suite, most over a database of
its own and with a vendor, a mailbox or a receiver played on loopback."""


def assign(item: pytest.Item) -> None:
    """Mark a test `processes` that gets servers of its own, by whatever other fixture."""
    if (INSTALLATIONS | SERVERS).intersection(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.processes)
