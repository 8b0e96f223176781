"""Topics of streams."""

import uuid
from dataclasses import dataclass

from citewell.features.events.errors import NoUserError, UnknownTopicError
from citewell.features.events.schemas import ChangeEvent, EventKind, Interest

MAX_TOPICS = 200
"""Most topics of one stream."""

DOCUMENT, OWN, JOBS = "document", "user:me", "jobs"


@dataclass(frozen=True, slots=True)
class Topic:
    """A subject of a stream: one document, the user's own documents, or all jobs."""

    name: str
    document_id: uuid.UUID | None = None
    owner_id: uuid.UUID | None = None

    def covers(self, event: ChangeEvent) -> bool:
        """Whether the event belongs to the topic; access is checked elsewhere."""
        if self.document_id is not None:
            return event.document_id == self.document_id
        if self.owner_id is not None:
            return event.owner_id == self.owner_id
        return event.kind is EventKind.JOB


def parse_topic(name: str, user_id: uuid.UUID | None) -> Topic:
    """The topic of that name, for this user.

    Raises:
        UnknownTopicError: There is none.
        NoUserError: It is about a user, and the caller is none.
    """
    if name == JOBS:
        return Topic(JOBS)
    if name == OWN:
        if user_id is None:
            raise NoUserError
        return Topic(OWN, owner_id=user_id)
    kind, _, place = name.partition(":")
    if kind == DOCUMENT:
        try:
            document_id = uuid.UUID(place)
        except ValueError:
            raise UnknownTopicError from None
        return Topic(f"{DOCUMENT}:{document_id}", document_id=document_id)
    raise UnknownTopicError


def interest_in(topics: "list[Topic]") -> Interest:
    """The criteria for events that belong to any of the topics."""
    return Interest(
        [topic.document_id for topic in topics if topic.document_id is not None],
        any(topic.name == JOBS for topic in topics),
        next((topic.owner_id for topic in topics if topic.owner_id is not None), None),
    )
