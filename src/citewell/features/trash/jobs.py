"""The upkeep of the trash."""

from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.trash import service


def register(schedules: Schedules[Platform]) -> None:
    """Have what was in the trash for its time purged within seconds."""
    schedules.register("trash.purge", service.purge_expired, every=5)
