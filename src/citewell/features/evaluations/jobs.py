"""Runs and generations in the background."""

from citewell.core.fetching import Lane
from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.features.evaluations import generations, running
from citewell.features.jobs import attempts


def register(queue: JobQueue[Platform]) -> None:
    """Have runs and generations done; they wait for a language model where there is one."""
    attempts.register(queue, running.RUN_JOB, running.do_job, lane=Lane.MODEL)
    attempts.register(queue, generations.GENERATE_JOB, generations.do_job, lane=Lane.MODEL)
