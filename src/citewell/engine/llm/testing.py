"""A language model for tests: it says what it is told to, fails and dawdles on demand."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from citewell.engine.errors import EngineError
from citewell.engine.llm.base import ReplyEnd, TokenUsage


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """What the fake does with one call."""

    text: str = ""
    error: EngineError | None = None
    """Raised after `text` has been streamed."""
    delay: float = 0.0
    """Seconds before each piece."""
    is_truncated: bool = False


@dataclass(slots=True)
class FakeLanguageModel:
    """Plays the script, one reply a call, and the last one over again; keeps what it was asked."""

    script: Sequence[ScriptedReply | str]
    name: str = "fake:scripted"
    piece: int = 4
    """Characters in each piece of a reply."""
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """The system and user texts received."""
    is_closed: bool = False
    open_streams: int = 0
    """Streams that were begun and neither ended nor closed."""

    async def stream(
        self, system: str, user: str, *, max_tokens: int
    ) -> AsyncGenerator[str | ReplyEnd, None]:
        """Play the next reply of the script."""
        reply = self.script[min(len(self.calls), len(self.script) - 1)]
        if isinstance(reply, str):
            reply = ScriptedReply(reply)
        self.calls.append((system, user))
        self.open_streams += 1
        try:
            for start in range(0, len(reply.text), self.piece):
                await asyncio.sleep(reply.delay)
                yield reply.text[start : start + self.piece]
            if reply.error is not None:
                raise reply.error
            usage = TokenUsage(len(system + user) // 4, min(len(reply.text) // 4, max_tokens))
            yield ReplyEnd(usage, reply.is_truncated)
        finally:
            self.open_streams -= 1

    async def close(self) -> None:
        """Note that the model was closed."""
        self.is_closed = True
