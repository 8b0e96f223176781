"""Following the answer of a message: from its beginning or the last event one has."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing

from citewell.core.closing import Closing
from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.conversations import repository
from citewell.features.conversations.errors import StreamNotFoundError
from citewell.features.conversations.running import Run, Runs
from citewell.features.conversations.schemas import NumberedEvent
from citewell.features.search.schemas import StreamEvent

POLL_SECONDS = 0.25
"""Between two looks for events that another node writes."""

HEARTBEAT_SECONDS = 15.0
"""Silence after which a comment is sent: proxies close connections that are silent for a minute."""

ENDS = ("done", "error")


async def authorise(
    platform: Platform, caller: Caller, conversation_id: uuid.UUID, message_id: uuid.UUID
) -> None:
    """Make sure that the caller may have the events of an answer.

    Raises:
        StreamNotFoundError: There are none any more, they are not theirs, or they are made of what
            the caller may not read now.
    """
    async with unit_of_work(platform, caller) as ctx:
        documents = await repository.stream_documents(
            ctx.session, conversation_id, message_id, ctx.actor.owner_id
        )
        reach = (await ctx.within(conversation_id).access()).read
        if documents is None or not await repository.are_readable(ctx.session, documents, reach):
            raise StreamNotFoundError(message_id)


async def follow(
    platform: Platform, caller: Caller, run: Run | None, message_id: uuid.UUID, after: int
) -> AsyncGenerator[NumberedEvent, None]:
    """Yield the events of an answer after one, the last of them `done` or `error`.

    Args:
        platform: The handles of the process.
        caller: Whose answer it is.
        run: The answer, if it is being made here.
        message_id: Its message.
        after: The last event that is known; 0: from the first one on.
    """
    if run is not None:
        async with aclosing(run.follow(after)) as events:
            async for event in events:
                yield event
                after = event.id
                if event.name in ENDS:
                    return
    # Made by another node, over already, or cut off here.
    while True:
        async with unit_of_work(platform, caller) as ctx:
            progress = await repository.progress(ctx.session, message_id, after)
        for event in progress.events:
            yield event
            after = event.id
            if event.name in ENDS:
                return
        if progress.is_over:
            what: dict[str, object] = {
                "code": "answer_interrupted",
                "detail": "The server that made the answer is gone. Ask again.",
            }
            yield NumberedEvent.of(after + 1, StreamEvent("error", what))
            return
        await asyncio.sleep(POLL_SECONDS)


async def with_pauses(
    events: AsyncGenerator[NumberedEvent, None],
    closing: Closing,
    seconds: float = HEARTBEAT_SECONDS,
) -> AsyncGenerator[NumberedEvent | None, None]:
    """Yield the events, and None whenever there was none for so long.

    They end before `done` when the process stops: each has an id from which any node goes on.
    """
    async with aclosing(events):
        waiting = asyncio.ensure_future(anext(events, None))
        leaving = asyncio.ensure_future(closing.wait_until_streams_end())
        try:
            while True:
                done, _ = await asyncio.wait(
                    [waiting, leaving], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    yield None
                    continue
                if waiting not in done:
                    return
                event = waiting.result()
                if event is None:
                    return
                yield event
                waiting = asyncio.ensure_future(anext(events, None))
        finally:
            waiting.cancel()
            leaving.cancel()
            await asyncio.wait([waiting, leaving])


async def stop(
    platform: Platform, caller: Caller, conversation_id: uuid.UUID, message_id: uuid.UUID
) -> None:
    """Stop an answer, wherever it is made; one that is over stays as it is.

    Raises:
        StreamNotFoundError: There is none of the caller's.
    """
    async with unit_of_work(platform, caller) as ctx:
        owned = await repository.stream_documents(
            ctx.session, conversation_id, message_id, ctx.actor.owner_id
        )
        if owned is None:
            raise StreamNotFoundError(message_id)
        await repository.want_stop(ctx.session, message_id)
    run = platform.state_of(Runs).find(message_id)
    if run is not None:
        run.stop.set()
