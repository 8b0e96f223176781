"""The job that sends, and when it is queued."""

from citewell.core.fetching import Lane
from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.core.settings import Settings
from citewell.features.jobs import attempts
from citewell.features.mail import sending

LOOK_SECONDS = 2
"""Greatest time from a message until its job is queued."""

FORGETTING_SECONDS = 3_600


def register(queue: JobQueue[Platform], schedules: Schedules[Platform], settings: Settings) -> None:
    """Have messages sent, where a server is set, in a lane that no other work fills.

    Messages that were queued in another lane before are sent from there.
    """
    attempts.register(queue, sending.SEND, sending.send, lane=Lane.MAIL)
    if settings.smtp_url is not None:
        schedules.register("mail.queue", sending.queue_due, every=LOOK_SECONDS)
    schedules.register("mail.forget", sending.forget_old, every=FORGETTING_SECONDS)
