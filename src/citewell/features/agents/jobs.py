"""Runs in the background."""

from citewell.core.fetching import Lane
from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.agents import running, runs
from citewell.features.jobs import attempts

SWEEP_SECONDS = 5
"""Delay before a run whose job crashed is shown as failed."""


def register(queue: JobQueue[Platform], schedules: Schedules[Platform]) -> None:
    """Have runs done in a lane of their own, and lost ones ended."""
    attempts.register(queue, running.RUN_JOB, running.do_job, lane=Lane.AGENT)
    schedules.register("agents.sweep", runs.sweep, every=SWEEP_SECONDS)
