"""The socket and the stream of events."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, cast

from fastapi import Header, Query, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from citewell.access.policy import Scope
from citewell.core.context import Origin
from citewell.core.errors import AppError, InvalidInputError
from citewell.features.events.errors import (
    BinaryMessageError,
    NotSignedInError,
    OtherCallerError,
    ServerClosingError,
    TooManyMessagesError,
    TooSlowError,
    UnreadableMessageError,
)
from citewell.features.events.schemas import (
    INCOMING,
    MAX_EVENT_ID,
    Auth,
    Incoming,
    Ping,
    StreamedChange,
    StreamedNotice,
    Subscribe,
    Unsubscribe,
    message,
)
from citewell.features.events.streams import StaleError, Streams
from citewell.features.events.subscribers import Subscriber
from citewell.features.events.topics import MAX_TOPICS, Topic, parse_topic
from citewell.features.http import PRIVATE, PROBE, ReaderDep, Router, governed
from citewell.kit.complaints import complaint
from citewell.kit.sse import encode_json
from citewell.kit.tasks import TaskGroup

router = Router(policy=PRIVATE, prefix="/events", tags=["events"])
socket_router = Router(policy=PROBE)

AUTH_SECONDS = 10.0
"""Time a new socket has to sign in."""

MESSAGES_AT_ONCE, MESSAGES_A_SECOND = 2 * MAX_TOPICS, 20.0
"""Burst and rate of messages from a socket: all its topics twice after a reconnection, then as fast
as a person could click."""

HEARTBEAT_SECONDS = 15.0
"""Silence after which a comment is sent: proxies close connections that are silent for a minute."""

LONGEST_WAIT_SECONDS = 24 * 3600.0
MAX_ECHO = 100
"""Characters of a topic that are repeated in an error."""

_END = (TooSlowError, ServerClosingError)
"""Errors after which a stream just ends; its reader reconnects with the last id."""


def _streams(connection: Request | WebSocket) -> Streams:
    return cast(Streams, connection.state.streams)


CHANGES = (
    ("document_update", StreamedChange),
    ("job_update", StreamedChange),
    ("ready", StreamedNotice),
    ("resync", StreamedNotice),
)


@router.get("", response_class=StreamingResponse)
@governed(replace(PRIVATE, events=CHANGES))
async def stream_events(
    request: Request,
    caller: ReaderDep,
    topics: Annotated[
        list[str],
        Query(description="`document:ID`, `user:me`, `jobs`; several times or with commas."),
    ],
    last_event_id: Annotated[
        int | None, Query(ge=0, le=MAX_EVENT_ID, description="Resume after this event.")
    ] = None,
    last_event_id_header: Annotated[
        int | None, Header(alias="Last-Event-ID", ge=0, le=MAX_EVENT_ID)
    ] = None,
    wait: Annotated[
        float,
        Query(
            ge=0,
            le=LONGEST_WAIT_SECONDS,
            description="End after so many seconds; 0: with what has happened so far.",
        ),
    ] = LONGEST_WAIT_SECONDS,
) -> StreamingResponse:
    """Stream changes of documents and jobs as server-sent events until one side ends it.

    Each `document_update` and `job_update` has an id. Send the last one as `Last-Event-ID` to get
    the events missed since, or `resync` if they are no longer stored.
    """
    streams = _streams(request)
    names = [name.strip() for part in topics for name in part.split(",")]
    wanted = {parse_topic(name, caller.actor.user_id) for name in names}
    if len(wanted) > MAX_TOPICS:
        raise InvalidInputError(f"A stream has {MAX_TOPICS} topics at most.")
    await streams.authorise(caller, list(wanted))
    secret = request.headers["authorization"].partition(" ")[2].strip()
    subscriber = Subscriber(caller, secret)
    last = last_event_id_header if last_event_id_header is not None else last_event_id
    return StreamingResponse(
        _events(streams, subscriber, list(wanted), last, wait),
        media_type="text/event-stream",
        # nginx would hold events back until its buffer is full.
        headers={"X-Accel-Buffering": "no"},
    )


async def _events(
    streams: Streams, subscriber: Subscriber, topics: Sequence[Topic], last: int | None, wait: float
) -> AsyncGenerator[bytes, None]:
    """Missed events, `ready`, then new events."""
    ends = time.monotonic() + wait
    with streams.held("events"):
        await streams.join(subscriber)
        try:
            async for part in _missed(streams, subscriber, topics, last):
                yield part
            while (left := ends - time.monotonic()) > 0:
                try:
                    async with asyncio.timeout(min(left, HEARTBEAT_SECONDS)):
                        outgoing = await subscriber.outbox.take()
                except TimeoutError:
                    yield b":\n\n"
                    continue
                kind = json.loads(outgoing.text)["type"]
                yield encode_json(kind, outgoing.text, outgoing.event_id)
        except _END:
            return
        finally:
            streams.leave(subscriber)


async def _missed(
    streams: Streams, subscriber: Subscriber, topics: Sequence[Topic], last: int | None
) -> AsyncGenerator[bytes, None]:
    after = last
    if last is None:
        after = streams.subscribe(subscriber, topics)
    else:
        try:
            async with aclosing(streams.resume(subscriber, topics, last)) as missed:
                async for outgoing in missed:
                    kind = json.loads(outgoing.text)["type"]
                    yield encode_json(kind, outgoing.text, outgoing.event_id)
        except StaleError:
            after = streams.subscribe(subscriber, topics)
            yield encode_json("resync", message("resync", event_id=after), after)
    yield encode_json("ready", message("ready"), after if last is None else None)


@socket_router.websocket("/ws")
async def socket(websocket: WebSocket) -> None:
    """Send changes of the subscribed documents and jobs."""
    streams = _streams(websocket)
    with streams.held("socket"):
        await websocket.accept()
        try:
            await _converse(websocket, streams)
        except WebSocketDisconnect:
            return


async def _converse(websocket: WebSocket, streams: Streams) -> None:
    try:
        async with asyncio.timeout(AUTH_SECONDS):
            first = await _receive(websocket)
    except TimeoutError:
        raise NotSignedInError(AUTH_SECONDS) from None
    if not isinstance(first, Auth):
        raise NotSignedInError(AUTH_SECONDS)
    client = websocket.client
    origin = Origin(client.host if client else None, websocket.state.request_id)
    caller = await streams.caller(first.token, origin)
    caller.actor.require(Scope.READ)
    # Frees its place among the sockets that have not signed in yet.
    cast(Callable[[], None], websocket.state.signed_in)()
    subscriber = Subscriber(caller, first.token)
    cursor = await streams.join(subscriber)
    subscriber.outbox.put(message("ready", event_id=cursor))
    try:
        async with TaskGroup() as group:
            group.create_task(_write(websocket, subscriber))
            group.create_task(subscriber.outbox.over())
            await _listen(websocket, streams, subscriber)
    finally:
        streams.leave(subscriber)


async def _write(websocket: WebSocket, subscriber: Subscriber) -> None:
    while True:
        await websocket.send_text((await subscriber.outbox.take()).text)


async def _listen(websocket: WebSocket, streams: Streams, subscriber: Subscriber) -> None:
    """Carry out the socket's messages one after the other."""
    allowance, seen = float(MESSAGES_AT_ONCE), time.monotonic()
    while True:
        incoming = await _receive(websocket)
        now = time.monotonic()
        # A token bucket: it fills with time up to the burst, and each message takes one.
        allowance = min(MESSAGES_AT_ONCE, allowance + (now - seen) * MESSAGES_A_SECOND) - 1
        seen = now
        if allowance < 0:
            raise TooManyMessagesError
        await subscriber.outbox.room()  # a reader that takes no answers is read no further
        if isinstance(incoming, str):
            subscriber.outbox.put(incoming)
        elif isinstance(incoming, Ping):
            subscriber.outbox.put(message("pong"))
        elif isinstance(incoming, Auth):
            await _renew(streams, subscriber, incoming)
        else:
            try:
                await _change(streams, subscriber, incoming)
            except AppError as error:
                if error.status >= 500:
                    raise
                topic = incoming.topic[:MAX_ECHO]
                subscriber.outbox.put(
                    message("error", code=error.code, detail=error.detail, topic=topic)
                )


async def _change(
    streams: Streams, subscriber: Subscriber, incoming: Subscribe | Unsubscribe
) -> None:
    topic = parse_topic(incoming.topic, subscriber.caller.actor.user_id)
    if isinstance(incoming, Unsubscribe):
        subscriber.remove(topic)
        subscriber.outbox.put(message("unsubscribed", topic=topic.name))
        return
    subscriber.require_room(topic)
    await streams.authorise(subscriber.caller, [topic])
    after = incoming.last_event_id
    if after is None:
        after = streams.subscribe(subscriber, [topic])
    else:
        subscriber.remove(topic)
        try:
            async with aclosing(streams.resume(subscriber, [topic], after)) as missed:
                async for outgoing in missed:
                    await subscriber.outbox.room()
                    subscriber.outbox.put(outgoing.text)
        except StaleError:
            after = streams.subscribe(subscriber, [topic])
            subscriber.outbox.put(message("resync", topic=topic.name, event_id=after))
    subscriber.outbox.put(message("subscribed", topic=topic.name, event_id=after))


async def _renew(streams: Streams, subscriber: Subscriber, incoming: Auth) -> None:
    """Take a new token of the same caller, because access tokens expire in minutes."""
    old = subscriber.caller
    caller = await streams.caller(incoming.token, old.origin)
    caller.actor.require(Scope.READ)
    is_same = caller.tenant_id == old.tenant_id and caller.actor.user_id == old.actor.user_id
    # Topics were authorised for the old caller, so the token of another one cannot take over.
    if not is_same or (caller.actor.user_id is None and caller.actor.id != old.actor.id):
        raise OtherCallerError
    subscriber.secret = incoming.token
    subscriber.renew(caller)
    subscriber.outbox.put(message("ready"))


async def _receive(websocket: WebSocket) -> Incoming | str:
    """The next message, or the reply to one that has no known form."""
    received = await websocket.receive()
    if received["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(received["code"])
    if received.get("text") is None:
        raise BinaryMessageError
    try:
        document = json.loads(received["text"])
    except (ValueError, RecursionError):
        raise UnreadableMessageError from None
    if not isinstance(document, dict):
        raise UnreadableMessageError
    try:
        return INCOMING.validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
            known = "A message has the type auth, subscribe, unsubscribe or ping."
            return message("error", code="unknown_type", detail=known)
        place = ".".join(str(part) for part in first["loc"][1:])[:MAX_ECHO]
        detail = f"{place}: {complaint(first)}" if place else complaint(first)
        return message("error", code="validation_error", detail=detail)
