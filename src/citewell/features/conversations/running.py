"""Answers that go on being made when their reader goes away.

Each is a task of the process that was asked. Its events are in memory for those who follow it
here, and are written in batches for those who come again or follow from another node; the last
batch commits with the message's answer, and only then is `done` given to anybody.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from citewell.core.closing import Closing
from citewell.core.context import Caller
from citewell.core.errors import AppError, UnavailableError
from citewell.core.platform import Platform
from citewell.features.conversations import asking, recording, titles
from citewell.features.conversations.errors import MessageNotFoundError
from citewell.features.conversations.recording import Prepared
from citewell.features.conversations.schemas import ConversationQuery, NumberedEvent
from citewell.features.question_policies.admission import AdmittedQuestion
from citewell.features.search import answers
from citewell.features.search.admission import admitted
from citewell.features.search.answer_records import Making
from citewell.features.search.schemas import QueryReply, StreamEvent
from citewell.kit.ids import uuid7
from citewell.kit.tasks import TaskGroup

WRITE_SECONDS = 0.25
"""Between two batches of events: what a reader at another node is behind, who looks as often. Each
takes 3 ms of processor time, so at a tenth of a second fifty answers would take more for it than a
process has."""

BEAT_SECONDS = 1.0
"""Between two signs of life of an answer without events, and two looks for a wish to stop."""

NAME = "conversations.answer"
"""Name of the background tasks in logs and `health`."""


@dataclass(slots=True, eq=False)
class Run:
    """An answer under way in this process."""

    caller: Caller
    request: ConversationQuery
    message_id: uuid.UUID = field(default_factory=uuid7)
    events: list[NumberedEvent] = field(default_factory=list[NumberedEvent])
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False
    written: int = 0
    """Events that are in the database."""
    pulse: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at the next event or the end; each brings a new one."""
    begun: "asyncio.Future[None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    """Done once the message is there; raises what refused the question."""

    def add(self, event: StreamEvent) -> None:
        """Give an event to all who follow."""
        self.events.append(NumberedEvent.of(len(self.events) + 1, event))
        self.beat()

    def beat(self) -> None:
        """Wake all who wait for more."""
        pulse, self.pulse = self.pulse, asyncio.Event()
        pulse.set()

    async def follow(self, after: int) -> AsyncGenerator[NumberedEvent, None]:
        """Yield the events after one, as they come."""
        seen = after
        while True:
            pulse = self.pulse
            while seen < len(self.events):
                seen += 1
                yield self.events[seen - 1]
            if self.is_over:
                return
            await pulse.wait()


class Runs:
    """The answers under way in this process; a state of the platform."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._running: dict[uuid.UUID, Run] = {}
        self._tasks: set[asyncio.Task[object]] = set()

    @asynccontextmanager
    async def open(self, closing: Closing) -> AsyncGenerator[None, None]:
        """Let answers be made inside the block; those not done by the end of a stop are cut off."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                yield
            finally:
                self._group = None
                if self._tasks and closing.seconds_left:
                    await asyncio.wait(self._tasks, timeout=closing.seconds_left)
                for task in self._tasks:
                    task.cancel()

    def find(self, message_id: uuid.UUID) -> Run | None:
        """An answer that is being made here."""
        return self._running.get(message_id)

    async def start(self, platform: Platform, caller: Caller, request: ConversationQuery) -> Run:
        """Begin an answer and return once its message is there.

        Raises what refused the question, and UnavailableError while the server is closing.
        """
        if self._group is None:
            raise UnavailableError("The server is closing. Ask again in a moment.")
        run = Run(caller, request)
        self._keep(self._group.create_task(self._supervised(platform, run)))
        await asyncio.wait([run.begun])
        run.begun.result()
        return run

    async def _supervised(self, platform: Platform, run: Run) -> None:
        try:
            await platform.supervisor.attempt(NAME, lambda: self._work(platform, run))
        finally:
            self._running.pop(run.message_id, None)
            if not run.begun.done():
                run.begun.set_exception(UnavailableError("The answer was cut off. Ask again."))
                run.begun.exception()  # whoever waits may have left
            run.is_over = True
            run.beat()

    def _keep(self, task: "asyncio.Task[object]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, platform: Platform, run: Run) -> None:
        try:
            await self._answer(platform, run)
        except AppError as error:
            if run.begun.done():
                await self._fail(platform, run, error)
            else:
                run.begun.set_exception(error)
                run.begun.exception()  # whoever waits may have left

    async def _answer(self, platform: Platform, run: Run) -> None:
        request = run.request.alone(run.request.query)
        async with admitted(platform, run.caller, request) as admission:
            await self._answer_admitted(platform, run, admission)

    async def _answer_admitted(
        self, platform: Platform, run: Run, admission: AdmittedQuestion
    ) -> None:
        asker = run.caller.as_of(admission.rules.stamp)
        async with admission.time():
            prepared = await asking.prepare(platform, asker, run.request)
        made = Making()
        events = answers.kept(
            platform,
            asker.within(prepared.place.conversation_id),
            prepared.request,
            prepared.follow_up,
            made=made,
            stop=run.stop,
            admission=admission,
        )
        async with aclosing(events):
            first = await anext(events)
            parent_id = await recording.begin(platform, run.caller, prepared, run.message_id, made)
            self._running[run.message_id] = run
            run.begun.set_result(None)
            run.add(_opening(prepared, run.message_id, parent_id))
            reply = await self._told(platform, run, first, events)
        reply = reply.model_copy(
            update={
                "conversation_id": prepared.place.conversation_id, "message_id": run.message_id,
            }
        )  # fmt: skip
        usage: dict[str, object] = {
            "input_tokens": reply.metadata.input_tokens,
            "output_tokens": reply.metadata.output_tokens,
        }
        last = [StreamEvent("usage", usage), StreamEvent("done", reply.model_dump(mode="json"))]
        await self._end(platform, run, last, reply)
        place = prepared.place
        if place.is_untitled:
            title = await titles.suggest(platform, run.caller, reply.query, admission)
            await titles.give(platform, run.caller, place.conversation_id, title)

    async def _told(
        self,
        platform: Platform,
        run: Run,
        first: StreamEvent | QueryReply,
        events: AsyncGenerator[StreamEvent | QueryReply, None],
    ) -> QueryReply:
        """Give the events away while they are written, until the reply is there."""
        async with TaskGroup() as group:
            writing = group.create_task(self._write(platform, run))
            item = first
            while not isinstance(item, QueryReply):
                run.add(item)
                item = await anext(events)
            writing.cancel()
        return item

    async def _write(self, platform: Platform, run: Run) -> None:
        """Write what has come since the last time, and look whether it shall stop."""
        beaten = time.monotonic()
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            is_late = time.monotonic() - beaten >= BEAT_SECONDS
            if run.written < len(run.events) or is_late:
                beaten = time.monotonic()
                # A database that is away for a moment does not end the answer.
                await platform.supervisor.attempt(NAME, partial(self._flush, platform, run))

    async def _flush(self, platform: Platform, run: Run) -> None:
        upto = len(run.events)
        new = run.events[run.written : upto]
        state = await recording.write(platform, run.caller, run.message_id, new)
        run.written = upto
        # Gone: the conversation, or a document the answer is made of, was deleted.
        if state.is_gone or state.is_stop_wanted:
            run.stop.set()

    async def _fail(self, platform: Platform, run: Run, error: AppError) -> None:
        """End with an error; of what was deleted meanwhile nothing is written."""
        told = StreamEvent("error", {"code": error.code, "detail": error.detail})
        try:
            await self._end(platform, run, [told])
        except MessageNotFoundError:
            run.add(told)

    async def _end(
        self,
        platform: Platform,
        run: Run,
        last: list[StreamEvent],
        reply: QueryReply | None = None,
    ) -> None:
        first = len(run.events) + 1
        numbered = [NumberedEvent.of(first + place, event) for place, event in enumerate(last)]
        new = [*run.events[run.written :], *numbered]
        await recording.finish(platform, run.caller, run.message_id, new, reply)
        run.events += numbered
        run.beat()


def _opening(prepared: Prepared, message_id: uuid.UUID, parent_id: uuid.UUID | None) -> StreamEvent:
    """The first event: what to come back to."""
    return StreamEvent(
        "step",
        {
            "name": "conversation",
            "conversation_id": str(prepared.place.conversation_id),
            "message_id": str(message_id),
            "parent_id": parent_id and str(parent_id),
            "standalone": prepared.standalone,
        },
    )
