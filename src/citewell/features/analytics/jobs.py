"""Recurring counts."""

from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.analytics import counting

COUNTING_SECONDS = 300
"""Greatest age of the figures; a day of 30,000 questions is counted in a few seconds."""

FORGETTING_SECONDS = 3_600
"""Retention is counted in days."""


def register(schedules: Schedules[Platform]) -> None:
    """Have figures counted, and words forgotten with their questions."""
    schedules.register("analytics.count", counting.count_changed, every=COUNTING_SECONDS)
    schedules.register("analytics.forget", counting.forget_words, every=FORGETTING_SECONDS)
