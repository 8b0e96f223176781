"""The job that delivers, and when it is queued."""

from citewell.core.fetching import Lane
from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.jobs import attempts
from citewell.features.webhooks import sending, upkeep

LOOK_SECONDS = 2
"""Greatest time from an event until its job is queued."""

OWNERS_SECONDS = 60
"""Greatest time until the webhook of an owner who left is shown as turned off; it is told nothing
from the moment they left."""

FORGETTING_SECONDS = 3_600


def register(queue: JobQueue[Platform], schedules: Schedules[Platform]) -> None:
    """Have events told, in a lane that no slow receiver shares with other work."""
    attempts.register(queue, sending.DELIVER, sending.deliver, lane=Lane.OUTBOUND)
    schedules.register("webhooks.queue", upkeep.queue_due, every=LOOK_SECONDS)
    schedules.register("webhooks.owners", upkeep.turn_off_ended, every=OWNERS_SECONDS)
    schedules.register("webhooks.forget", upkeep.forget_old, every=FORGETTING_SECONDS)
