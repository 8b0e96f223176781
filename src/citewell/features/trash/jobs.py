"""Recurring purge of the trash."""

from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.trash import service


def register(schedules: Schedules[Platform]) -> None:
    """Purge documents within seconds of the end of their time in the trash."""
    schedules.register("trash.purge", service.purge_expired, every=5)
