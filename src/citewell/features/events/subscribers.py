"""One reader of a stream: its topics, and the bounded queue of what it has not taken yet."""

import asyncio
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from citewell.core.context import Caller
from citewell.core.errors import AppError
from citewell.features.events.errors import TooManyTopicsError, TooSlowError
from citewell.features.events.schemas import ChangeEvent, Shown
from citewell.features.events.topics import JOBS, MAX_TOPICS, OWN, Topic

MAX_MESSAGES = 256
MAX_BYTES = 256 * 1024
"""What may wait for a reader; beside it, what the connection itself holds."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that waits."""

    text: str
    event_id: int | None = None


class Outbox:
    """Messages for a reader who takes them one by one; one who is too slow gets no more."""

    def __init__(self) -> None:
        self._waiting: deque[Outgoing] = deque()
        self._size = 0
        self._has_some = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._is_over = asyncio.Event()
        self._error: AppError | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is taken in any more."""
        return self._error is not None

    def put(self, text: str, event_id: int | None = None) -> None:
        """Have a message wait; if there is no room, the reader was too slow and it is over."""
        if self.is_over:
            return
        if self._waiting and (
            len(self._waiting) >= MAX_MESSAGES or self._size + len(text) > MAX_BYTES
        ):
            self.end(TooSlowError())
            return
        self._waiting.append(Outgoing(text, event_id))
        self._size += len(text)
        self._has_some.set()
        if len(self._waiting) > MAX_MESSAGES // 2 or self._size > MAX_BYTES // 2:
            self._has_room.clear()

    def end(self, error: AppError) -> None:
        """Forget what waits; the reader gets the error."""
        if not self.is_over:
            self._error = error
            self._waiting.clear()
            self._has_some.set()
            self._has_room.set()
            self._is_over.set()

    async def take(self) -> Outgoing:
        """The next message.

        Raises:
            AppError: There will be no more, and why.
        """
        while not self._waiting:
            if self._error is not None:
                raise self._error
            self._has_some.clear()
            await self._has_some.wait()
        outgoing = self._waiting.popleft()
        self._size -= len(outgoing.text)
        if len(self._waiting) <= MAX_MESSAGES // 4 and self._size <= MAX_BYTES // 4:
            self._has_room.set()
        return outgoing

    async def room(self) -> None:
        """Wait until much less waits than may."""
        await self._has_room.wait()

    async def over(self) -> None:
        """Wait for the end.

        Raises:
            AppError: Always: why it is over.
        """
        await self._is_over.wait()
        assert self._error is not None
        raise self._error


@dataclass(eq=False, slots=True)
class Subscriber:
    """A reader of a stream."""

    caller: Caller
    """Whose rights hold; replaced when these have changed."""
    secret: str = field(repr=False)
    """The credential, looked at again and again."""
    outbox: Outbox = field(default_factory=Outbox)
    topics: dict[str, Topic] = field(default_factory=dict[str, Topic])
    _after: dict[object, tuple[Topic, int]] = field(default_factory=dict[object, tuple[Topic, int]])
    """Each with the event after which it is heard, by document, or by name if it is about none."""

    @property
    def tenant_id(self) -> uuid.UUID:
        """Whose events it hears."""
        return self.caller.tenant_id

    def renew(self, caller: Caller) -> None:
        """Hear with the rights of now."""
        self.caller = replace(caller, origin=self.caller.origin)

    def add(self, topic: Topic, after: int) -> None:
        """Hear of a topic, but not of events up to `after`."""
        self.topics[topic.name] = topic
        self._after[topic.document_id or topic.name] = topic, after

    def remove(self, topic: Topic) -> bool:
        """Hear of it no more; whether it was there."""
        self._after.pop(topic.document_id or topic.name, None)
        return self.topics.pop(topic.name, None) is not None

    def require_room(self, topic: Topic) -> None:
        """Refuse one topic too many.

        Raises:
            TooManyTopicsError: There are as many as there may be.
        """
        if topic.name not in self.topics and len(self.topics) >= MAX_TOPICS:
            raise TooManyTopicsError(f"A stream has {MAX_TOPICS} topics at most.")

    def wanted(self, event: ChangeEvent) -> list[Topic]:
        """Its topics that the event belongs to."""
        found: list[Topic] = []
        for key in (event.document_id, OWN, JOBS):
            topic, after = self._after.get(key, (None, 0))
            if topic is not None and event.id > after and topic.covers(event):
                found.append(topic)
        return found

    def give(self, shown: Shown, topics: Sequence[Topic]) -> None:
        """Have an event wait that belongs to these topics; of what has gone, once."""
        if shown.body is None:
            topics = [topic for topic in topics if topic.document_id is not None]
            for topic in topics:
                self.remove(topic)
        if topics:
            names = [topic.name for topic in topics]
            self.outbox.put(shown.message(names), shown.event.id)
