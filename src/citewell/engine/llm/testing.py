"""A language model for tests: it says what it is told to, fails and dawdles on demand."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from citewell.engine.errors import EngineError
from citewell.engine.llm.base import (
    Message,
    ModelRequest,
    ReplyEnd,
    StreamItem,
    TokenUsage,
    ToolCall,
    ToolResult,
)


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """The fake's behaviour in one call."""

    text: str = ""
    error: EngineError | None = None
    """Raised after `text` has been streamed."""
    delay: float = 0.0
    """Seconds before each piece."""
    is_truncated: bool = False
    tool_calls: tuple[ToolCall, ...] = ()
    output: BaseModel | None = None


@dataclass(slots=True)
class FakeLanguageModel:
    """Plays the script, one reply a call, and the last one over again; keeps what it was asked."""

    script: Sequence[ScriptedReply | str]
    name: str = "fake:scripted"
    has_json_format: bool = False
    piece: int = 4
    """Characters in each piece of a reply."""
    calls: list[ModelRequest] = field(default_factory=list[ModelRequest])
    """The requests received."""
    is_closed: bool = False
    open_streams: int = 0
    """Streams that were begun and neither ended nor closed."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamItem, None]:
        """Play the next reply of the script."""
        reply = self.script[min(len(self.calls), len(self.script) - 1)]
        if isinstance(reply, str):
            reply = ScriptedReply(reply)
        self.calls.append(request)
        self.open_streams += 1
        try:
            for start in range(0, len(reply.text), self.piece):
                await asyncio.sleep(reply.delay)
                yield reply.text[start : start + self.piece]
            if reply.error is not None:
                raise reply.error
            for call in reply.tool_calls:
                yield call
            sent = len(request.system) + sum(map(_length, request.messages))
            usage = TokenUsage(sent // 4, min(len(reply.text) // 4, request.max_tokens))
            yield ReplyEnd(usage, reply.is_truncated, reply.output)
        finally:
            self.open_streams -= 1

    async def close(self) -> None:
        """Note that the model was closed."""
        self.is_closed = True


def _length(message: Message) -> int:
    return len(message.content if isinstance(message, ToolResult) else message.text)
