"""Runs in the background."""

from citewell.core.fetching import Lane
from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.jobs import attempts
from citewell.features.workflows import running, runs, triggers
from citewell.features.workflows.making import RUN_JOB

SWEEP_SECONDS = 2
"""Longest delay of a run whose pause is over, whose agent has ended, or whose trigger is due."""


FORGETTING_SECONDS = 3_600
"""Retention is counted in days; and a user who was removed leaves runs for an hour at most."""


def register(queue: JobQueue[Platform], schedules: Schedules[Platform]) -> None:
    """Have runs done, and those gone on with that have waited long enough."""
    attempts.register(queue, RUN_JOB, running.do_job, lane=Lane.AGENT)
    schedules.register("workflows.sweep", running.sweep, every=SWEEP_SECONDS)
    schedules.register("workflows.forget", runs.forget_old, every=FORGETTING_SECONDS)
    schedules.register("workflows.fire", triggers.fire, every=SWEEP_SECONDS)
