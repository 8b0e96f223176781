"""The open streams of this process: their topics, limits, delivery and end."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from sqlalchemy.exc import SQLAlchemyError

from citewell.core.context import Caller, Origin, unit_of_work
from citewell.core.errors import AppError, UnavailableError
from citewell.core.metrics import ProcessMetrics
from citewell.core.platform import Platform
from citewell.features.events import service
from citewell.features.events.errors import (
    ServerBusyError,
    ServerClosingError,
    TooManyStreamsError,
)
from citewell.features.events.hub import EventHub
from citewell.features.events.repository import oldest_id
from citewell.features.events.schemas import ChangeEvent
from citewell.features.events.subscribers import Outgoing, Subscriber
from citewell.features.events.topics import Topic, interest_in
from citewell.features.sessions.credentials import CHECK_SECONDS, Credentials

MAX_STREAMS = 10_000
"""Most streams of one process; at 50 KiB each they take half a gigabyte."""

MAX_PER_CALLER = 1_000
"""Most streams of one user or key in one process, so that one of them cannot take all places."""

MAX_MISSED = 1_000
"""Most events sent again; a reader that has missed more has to read its objects anew."""

SHOWN_AT_ONCE = 20
"""Objects read by one statement: each may carry a megabyte of metadata."""

CLOCK_DIFFERENCE_SECONDS = 60.0
"""Tolerated distance of an event id into the future; ids further ahead are not of this database."""


class StaleError(Exception):
    """The events after the last known one are no longer stored, or are too many."""


@dataclass(slots=True)
class _Group:
    """Streams of callers with the same rights."""

    caller: Caller
    wanted: dict[Subscriber, dict[int, list[Topic]]] = field(
        default_factory=dict[Subscriber, dict[int, list[Topic]]]
    )


class Streams:
    """The open streams of this process."""

    def __init__(self, platform: Platform, credentials: Credentials) -> None:
        self._platform = platform
        self._credentials = credentials
        self._supervisor = platform.supervisor
        self._hub = EventHub[Subscriber](platform.database, platform.supervisor)
        self._open = 0
        self._by_caller: Counter[tuple[uuid.UUID, uuid.UUID | None]] = Counter()
        self._is_closing = False

    async def run(self) -> None:
        """Deliver events until cancelled."""
        check = self._supervisor.repeat("events.credentials", self._check, CHECK_SECONDS)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hub.run(self._deliver))
            group.create_task(check)

    def close(self) -> None:
        """End all streams, because the server stops."""
        self._is_closing = True
        for subscriber in self._hub.listeners():
            subscriber.outbox.end(ServerClosingError())

    async def caller(self, secret: str, origin: Origin) -> Caller:
        """The caller that a credential belongs to.

        Raises:
            CredentialError: It is not valid.
        """
        return replace(await self._credentials.caller(self._platform, secret), origin=origin)

    @contextmanager
    def held(self, kind: Literal["socket", "events"]) -> Generator[None, None, None]:
        """Take the place of one stream while the block lasts.

        Raises:
            ServerBusyError: All places are taken.
        """
        if self._open >= MAX_STREAMS:
            raise ServerBusyError
        self._open += 1
        metrics = self._platform.state_of(ProcessMetrics)
        metrics.move("open_streams", 1, kind)
        try:
            yield
        finally:
            self._open -= 1
            metrics.move("open_streams", -1, kind)

    async def join(self, subscriber: Subscriber) -> int:
        """Connect a reader, so that it can subscribe; returns the id of the latest event.

        Raises:
            TooManyStreamsError: Its caller has too many streams.
            UnavailableError: The database does not answer.
        """
        if self._is_closing:
            raise ServerClosingError
        who = self._who(subscriber)
        if self._by_caller[who] >= MAX_PER_CALLER:
            raise TooManyStreamsError(MAX_PER_CALLER)
        self._by_caller[who] += 1
        with ExitStack() as undo:
            undo.callback(self._forget, who)
            await self._hub.join(subscriber)
            undo.pop_all()
        return self._hub.cursor(subscriber.tenant_id)

    def leave(self, subscriber: Subscriber) -> None:
        """Disconnect a reader."""
        self._hub.leave(subscriber)
        self._forget(self._who(subscriber))

    async def authorise(self, caller: Caller, topics: Sequence[Topic]) -> None:
        """Refuse topics that the caller may not read; see `service.authorise`."""
        async with unit_of_work(self._platform, caller) as ctx:
            await service.authorise(ctx, topics)

    def subscribe(self, subscriber: Subscriber, topics: Sequence[Topic]) -> int:
        """Subscribe to authorised topics from now on; returns the id of the latest event before."""
        cursor = self._hub.cursor(subscriber.tenant_id)
        for topic in topics:
            subscriber.add(topic, cursor)
        return cursor

    async def resume(
        self, subscriber: Subscriber, topics: Sequence[Topic], last: int
    ) -> AsyncGenerator[Outgoing, None]:
        """Events of authorised topics since `last`; at the end they are subscribed to.

        Raises:
            StaleError: The events are no longer stored, or are too many.
        """
        ahead = (time.time() + CLOCK_DIFFERENCE_SECONDS) * 1_000_000
        if not oldest_id() <= last <= ahead:
            raise StaleError
        wanted, left = list(topics), MAX_MISSED
        # Repeated for events committed meanwhile, until none lies between the last one read and the
        # hub's position: only then does subscribing leave no gap.
        while (until := self._hub.cursor(subscriber.tenant_id)) > last:
            async with unit_of_work(self._platform, subscriber.caller) as ctx:
                events = await service.missed(ctx, last, until, interest_in(wanted), left + 1)
            left -= len(events)
            if left < 0:
                raise StaleError
            for first in range(0, len(events), SHOWN_AT_ONCE):
                part = events[first : first + SHOWN_AT_ONCE]
                for shown in await service.show(self._platform, subscriber.caller, part):
                    covering = [topic for topic in wanted if topic.covers(shown.event)]
                    if shown.body is None:
                        covering = [topic for topic in covering if topic.document_id is not None]
                        wanted = [topic for topic in wanted if topic not in covering]
                    if covering:
                        names = [topic.name for topic in covering]
                        yield Outgoing(shown.message(names), shown.event.id)
            last = until
        for topic in wanted:
            subscriber.add(topic, last)

    async def _deliver(
        self, events: Sequence[ChangeEvent], subscribers: Sequence[Subscriber]
    ) -> None:
        for group in _grouped(events, subscribers):
            is_done = await self._supervisor.attempt(
                "events.deliver", partial(self._tell_or_refuse, group, events)
            )
            if not is_done:  # readers resume from the last event they received
                lost = UnavailableError("Some events could not be read; resume in a moment.")
                for subscriber in group.wanted:
                    subscriber.outbox.end(lost)

    async def _tell_or_refuse(self, group: _Group, events: Sequence[ChangeEvent]) -> None:
        try:
            await self._tell(group, events)
        except AppError as error:
            for subscriber in group.wanted:
                subscriber.outbox.end(error)

    async def _tell(self, group: _Group, events: Sequence[ChangeEvent]) -> None:
        """Read the objects once for the group, and give each reader the events of its topics."""
        ids = {event_id for wanted in group.wanted.values() for event_id in wanted}
        mine = [event for event in events if event.id in ids]
        for first in range(0, len(mine), SHOWN_AT_ONCE):
            part = mine[first : first + SHOWN_AT_ONCE]
            for shown in await service.show(self._platform, group.caller, part):
                for subscriber, wanted in group.wanted.items():
                    topics = wanted.get(shown.event.id, [])
                    subscriber.give(shown, [t for t in topics if t.name in subscriber.topics])
                await asyncio.sleep(0)  # lets readers empty their queues before more is put in

    async def _check(self) -> None:
        """End streams whose credential is not valid any more; update the rights of the others."""
        by_secret: dict[str, list[Subscriber]] = {}
        for subscriber in self._hub.listeners():
            by_secret.setdefault(subscriber.secret, []).append(subscriber)
        for secret, subscribers in by_secret.items():
            try:
                caller = await self._credentials.caller(self._platform, secret)
            except AppError as error:
                for subscriber in subscribers:
                    if subscriber.secret == secret:  # not replaced meanwhile
                        subscriber.outbox.end(error)
            except SQLAlchemyError:
                continue  # without the database nothing is shown either, so no right outlives it
            else:
                for subscriber in subscribers:
                    if subscriber.secret == secret:
                        subscriber.renew(caller)

    def _forget(self, who: tuple[uuid.UUID, uuid.UUID | None]) -> None:
        self._by_caller[who] -= 1
        if not self._by_caller[who]:
            del self._by_caller[who]

    @staticmethod
    def _who(subscriber: Subscriber) -> tuple[uuid.UUID, uuid.UUID | None]:
        actor = subscriber.caller.actor
        return subscriber.tenant_id, actor.user_id or actor.id


def _grouped(events: Sequence[ChangeEvent], subscribers: Sequence[Subscriber]) -> list[_Group]:
    """Readers with the events they want, grouped by equal rights."""
    groups: dict[object, _Group] = {}
    for subscriber in subscribers:
        wanted = {event.id: topics for event in events if (topics := subscriber.wanted(event))}
        if wanted:
            actor = subscriber.caller.actor
            # Equal rights see equal objects: a hundred sockets of one user cost one query per
            # round.
            rights = actor.user_id, actor.role, actor.scopes
            group = groups.setdefault(rights, _Group(subscriber.caller))
            group.wanted[subscriber] = wanted
    return list(groups.values())
