"""The upkeep of the trash."""

from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.features.trash import service


def register(queue: JobQueue[Platform]) -> None:
    """Have workers purge what was in the trash for its time."""
    queue.register_maintenance("trash.purge", service.purge_expired)
