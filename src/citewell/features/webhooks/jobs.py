"""The job that delivers, and when it is queued."""

from citewell.core.fetching import Lane
from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.jobs import attempts
from citewell.features.webhooks import sending

LOOK_SECONDS = 2
"""Greatest time from an event until its job is queued."""

FORGETTING_SECONDS = 3_600


def register(queue: JobQueue[Platform], schedules: Schedules[Platform]) -> None:
    """Have events told. In the lane of what mostly waits for others."""
    attempts.register(queue, sending.DELIVER, sending.deliver, lane=Lane.MODEL)
    schedules.register("webhooks.queue", sending.queue_due, every=LOOK_SECONDS)
    schedules.register("webhooks.forget", sending.forget_old, every=FORGETTING_SECONDS)
