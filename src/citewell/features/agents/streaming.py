"""A run as events, read from its journal: what is streamed is what is stored.

Any process can stream any run, from any entry on; a reader that lost its connection sends the id of
the last event it got.
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from citewell.core.closing import Closing
from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.agents import repository, runs
from citewell.features.agents.schemas import (
    AgentReport,
    AgentRunRead,
    RunEvent,
    ToolCallRead,
    ToolCallShown,
)
from citewell.features.events.errors import TooManyStreamsError
from citewell.models.agents import FINAL_RUN_STATUSES, AgentRunStatus, AgentStep, StepKind

SOONEST, LATEST = 0.05, 1.0
"""Seconds between two looks at the journal: doubled while nothing happens."""

BEAT_SECONDS = 15.0
"""Interval of the event that shows a silent stream to be alive."""

MAX_STREAM_SECONDS = 900.0
"""Life of an access token: a stream must not outlive the credential it was opened with."""

MAX_PER_CALLER = 100
"""Most streams of one user or key in one process; each asks the database once a second."""

SHOWN_CHARS = 2_000
"""Characters of a result in an event; the run has all of it."""

CALL_KINDS = (StepKind.APPROVAL, StepKind.DECISION, StepKind.RESULT)


@dataclass(frozen=True, slots=True)
class _Look:
    """A run with the entries that were added since the last look."""

    run: AgentRunRead
    entries: Sequence[AgentStep]
    mark: tuple[str, int]

    @property
    def calls(self) -> dict[str, ToolCallRead]:
        return {str(call.id): call for call in self.run.calls}


class OpenStreams:
    """Number of open streams of this process by caller."""

    def __init__(self, most: int = MAX_PER_CALLER) -> None:
        self._most = most
        self._open = Counter[tuple[uuid.UUID, uuid.UUID | None]]()

    @contextmanager
    def one_of(self, caller: Caller) -> Generator[None]:
        """A place for a stream.

        Raises:
            TooManyStreamsError: The caller has none left.
        """
        who = (caller.tenant_id, caller.actor.id)
        if self._open[who] >= self._most:
            raise TooManyStreamsError(self._most)
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]


async def follow(
    platform: Platform, caller: Caller, run_id: uuid.UUID, after: int = 0
) -> AsyncGenerator[RunEvent, None]:
    """Events of a run behind entry `after`; the first is its status, the last `done` or `error`.

    When the run waits for a person, the stream ends with `done`: days may pass.

    Raises:
        AgentRunNotFoundError: There is none, or not for this caller.
        TooManyStreamsError: The caller follows as many runs as one may.
    """
    with platform.state_of(OpenStreams).one_of(caller):
        async with aclosing(_followed(platform, caller, run_id, after)) as events:
            async for event in events:
                yield event


async def _followed(
    platform: Platform, caller: Caller, run_id: uuid.UUID, after: int
) -> AsyncGenerator[RunEvent, None]:
    began = beat = time.monotonic()
    pause, last, is_first = SOONEST, after, True
    look: _Look | None = None
    while True:
        look = await _look(platform, caller, run_id, last, look)
        if is_first:
            yield RunEvent("step", {"name": look.run.status, "run_id": str(run_id)})
            is_first = False
        for event in _events(look):
            beat, pause = time.monotonic(), SOONEST
            last = max(last, event.id or 0)
            yield event
        if look.run.status in (*FINAL_RUN_STATUSES, AgentRunStatus.WAITING):
            for event in _end(look.run):
                yield event
            return
        if platform.state_of(Closing).ends_streams:
            return  # another node goes on from the last event
        if time.monotonic() - began > MAX_STREAM_SECONDS:
            yield _problem(
                "stream_ended", 408, "The stream is too old; resume from its last event."
            )
            return
        if time.monotonic() - beat > BEAT_SECONDS:
            beat = time.monotonic()
            yield RunEvent("step", {"name": look.run.status})
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LATEST)


async def _look(
    platform: Platform, caller: Caller, run_id: uuid.UUID, after: int, before: _Look | None
) -> _Look:
    """A look at a run; its contents are loaded when something happened since the look before."""
    async with unit_of_work(platform, caller, is_snapshot=True) as ctx:
        mark = await runs.mark(ctx, run_id)
        if before is not None and before.mark == mark:
            return replace(before, entries=())
        run = await runs.get(ctx, run_id)
        return _Look(run, await repository.journal(ctx.session, run_id, after), mark)


def _events(look: _Look) -> Iterator[RunEvent]:
    calls = look.calls
    for entry in look.entries:
        if entry.kind == StepKind.REPLY:
            yield from _reply(look, entry)
        elif entry.kind in CALL_KINDS:
            call = calls.get(str(entry.payload.get("call")))
            if call is not None:
                yield _of_call(StepKind(entry.kind), call, entry)


def _reply(look: _Look, entry: AgentStep) -> Iterator[RunEvent]:
    number = entry.payload.get("step")
    text = None if look.run.is_withheld else entry.payload.get("text")
    yield RunEvent("step", {"name": "reply", "number": number, "text": text})
    for call in look.run.calls:
        if call.run_id == look.run.id and call.step == number:
            yield RunEvent("tool_call", _shown(call))
    used = entry.payload.get("usage", [0, 0])
    yield RunEvent("usage", {"input_tokens": used[0], "output_tokens": used[1]}, entry.n)


def _of_call(kind: StepKind, call: ToolCallRead, entry: AgentStep) -> RunEvent:
    if kind is StepKind.RESULT:
        output = None if call.output is None else call.output[:SHOWN_CHARS]
        return RunEvent("tool_result", {**_shown(call), "output": output}, entry.n)
    return RunEvent("step", {"name": kind.value, "call": _shown(call)}, entry.n)


def _shown(call: ToolCallRead) -> dict[str, Any]:
    fields = ToolCallShown.model_fields.keys() - {"output"}
    return call.model_dump(mode="json", include=fields)


def _end(run: AgentRunRead) -> Iterator[RunEvent]:
    """The answer sentence by sentence, then the run; or the reason why there is none."""
    if run.status in (AgentRunStatus.FAILED, AgentRunStatus.CANCELLED):
        detail = run.reason or f"The run was {run.status}."
        yield _problem(f"agent_run_{run.status}", 409, detail)
        return
    if run.report is not None:
        for citation in run.report.citations:
            yield RunEvent("citation", citation.model_dump(mode="json"))
        for text, sentence in pieces(run.report):
            yield RunEvent("token", {"text": text, "sentence": sentence})
    yield RunEvent("usage", run.usage.model_dump(mode="json"))
    yield RunEvent("done", run.model_dump(mode="json"))


def pieces(report: AgentReport) -> Iterator[tuple[str, dict[str, Any]]]:
    """The answer cut at its sentences; all pieces together are the answer."""
    starts: list[int] = []
    at = 0
    for sentence in report.sentences:
        found = report.answer.find(sentence.text, at)
        starts.append(max(found, at))
        at = starts[-1] + len(sentence.text)
    ends = [*starts[1:], len(report.answer)]
    for number, (sentence, end) in enumerate(zip(report.sentences, ends, strict=True)):
        start = starts[number] if number else 0
        yield report.answer[start:end], sentence.model_dump(mode="json")


def _problem(code: str, status: int, detail: str) -> RunEvent:
    title = "The run has no answer"
    return RunEvent("error", {"code": code, "title": title, "status": status, "detail": detail})
