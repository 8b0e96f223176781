"""Runs in the background."""

from citewell.core.fetching import Lane
from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.agents import running, runs
from citewell.features.jobs import attempts

SWEEP_SECONDS = 5
"""Delay before a run whose job crashed is shown as failed."""


FORGETTING_SECONDS = 3_600
"""Retention is counted in days; and a user who was removed leaves runs for an hour at most."""


def register(queue: JobQueue[Platform], schedules: Schedules[Platform]) -> None:
    """Have runs done in a lane of their own, lost ones ended and old ones forgotten."""
    attempts.register(queue, running.RUN_JOB, running.do_job, lane=Lane.AGENT)
    schedules.register("agents.sweep", runs.sweep, every=SWEEP_SECONDS)
    schedules.register("agents.forget", runs.forget_old, every=FORGETTING_SECONDS)
