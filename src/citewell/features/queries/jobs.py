"""The upkeep of stored answers."""

from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.queries import service

FORGETTING_SECONDS = 600
"""Retention is counted in days; ten minutes more are none."""


def register(schedules: Schedules[Platform]) -> None:
    """Have answers forgotten when their time is over."""
    schedules.register("queries.forget", service.forget_expired, every=FORGETTING_SECONDS)
