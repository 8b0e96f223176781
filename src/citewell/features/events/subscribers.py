"""A reader of a stream: its topics, and the bounded queue of messages it has not taken yet."""

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
"""Limits of a reader's queue; the connection's own buffers come on top."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message waiting for its reader."""

    text: str
    event_id: int | None = None


class Outbox:
    """Bounded queue of messages for one reader; a reader that is too slow loses the stream."""

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
        """Whether the queue has ended."""
        return self._error is not None

    def put(self, text: str, event_id: int | None = None) -> None:
        """Add a message; if there is no room, the stream ends because the reader is too slow."""
        if self.is_over:
            return
        # One message always fits, however large; a full queue ends the stream instead of growing.
        if self._waiting and (
            len(self._waiting) >= MAX_MESSAGES or self._size + len(text) > MAX_BYTES
        ):
            self.end(TooSlowError())
            return
        self._waiting.append(Outgoing(text, event_id))
        self._size += len(text)
        self._has_some.set()
        # Half full and quarter full: the gap keeps `room` from waking for every single message.
        if len(self._waiting) > MAX_MESSAGES // 2 or self._size > MAX_BYTES // 2:
            self._has_room.clear()

    def end(self, error: AppError) -> None:
        """Drop the waiting messages; the reader gets the error."""
        if not self.is_over:
            self._error = error
            self._waiting.clear()
            self._has_some.set()
            self._has_room.set()
            self._is_over.set()

    async def take(self) -> Outgoing:
        """The next message.

        Raises:
            AppError: The reason of the end, once nothing waits.
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
        """Wait until the queue is at most half full."""
        await self._has_room.wait()

    async def over(self) -> None:
        """Wait for the end.

        Raises:
            AppError: Always: the reason of the end.
        """
        await self._is_over.wait()
        assert self._error is not None
        raise self._error


@dataclass(eq=False, slots=True)
class Subscriber:
    """A reader of a stream."""

    caller: Caller
    """The caller whose rights apply; replaced when they have changed."""
    secret: str = field(repr=False)
    """The credential, which is checked again every quarter of a second."""
    outbox: Outbox = field(default_factory=Outbox)
    topics: dict[str, Topic] = field(default_factory=dict[str, Topic])
    _after: dict[object, tuple[Topic, int]] = field(default_factory=dict[object, tuple[Topic, int]])
    """Topics with the event id after which they count, by document id or else by name. Finding the
    topics of an event takes as long with two hundred as with one."""

    @property
    def tenant_id(self) -> uuid.UUID:
        """Tenant whose events it receives."""
        return self.caller.tenant_id

    def renew(self, caller: Caller) -> None:
        """Apply the caller's present rights."""
        self.caller = replace(caller, origin=self.caller.origin)

    def add(self, topic: Topic, after: int) -> None:
        """Subscribe to a topic, for events after `after`."""
        self.topics[topic.name] = topic
        self._after[topic.document_id or topic.name] = topic, after

    def remove(self, topic: Topic) -> bool:
        """End a subscription; False if there was none."""
        self._after.pop(topic.document_id or topic.name, None)
        return self.topics.pop(topic.name, None) is not None

    def require_room(self, topic: Topic) -> None:
        """Refuse one topic too many.

        Raises:
            TooManyTopicsError: The stream has `MAX_TOPICS` already.
        """
        if topic.name not in self.topics and len(self.topics) >= MAX_TOPICS:
            raise TooManyTopicsError(f"A stream has {MAX_TOPICS} topics at most.")

    def wanted(self, event: ChangeEvent) -> list[Topic]:
        """The reader's topics that cover the event."""
        found: list[Topic] = []
        for key in (event.document_id, OWN, JOBS):
            topic, after = self._after.get(key, (None, 0))
            if topic is not None and event.id > after and topic.covers(event):
                found.append(topic)
        return found

    def give(self, shown: Shown, topics: Sequence[Topic]) -> None:
        """Queue an event for these topics; a document that has gone is announced once."""
        if shown.body is None:
            topics = [topic for topic in topics if topic.document_id is not None]
            for topic in topics:
                self.remove(topic)
        if topics:
            names = [topic.name for topic in topics]
            self.outbox.put(shown.message(names), shown.event.id)
