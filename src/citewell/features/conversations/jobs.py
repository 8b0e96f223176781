"""The upkeep of conversations."""

from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.conversations import service

FORGETTING_SECONDS = 600
"""Retention is counted in days; ten minutes more are none."""

SWEEPING_SECONDS = 300
"""Events are kept for an hour, so that twelve runs an hour leave few beyond it."""


def register(schedules: Schedules[Platform]) -> None:
    """Have conversations and the events of their answers forgotten when their time is over."""
    schedules.register("conversations.forget", service.forget_expired, every=FORGETTING_SECONDS)
    schedules.register("conversations.sweep_streams", service.sweep_streams, every=SWEEPING_SECONDS)
