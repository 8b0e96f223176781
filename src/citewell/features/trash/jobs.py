"""Recurring purge of the trash."""

from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.trash import retention, service

RETENTION_SECONDS = 3_600
"""Retention is counted in days."""


def register(schedules: Schedules[Platform]) -> None:
    """Purge documents within seconds of the end of their time in the trash.

    Documents that a rule of their collection keeps no longer go to the trash within an hour.
    """
    schedules.register("trash.purge", service.purge_expired, every=5)
    schedules.register("trash.retention", retention.trash_overdue, every=RETENTION_SECONDS)
