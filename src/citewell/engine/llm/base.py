"""What a language model gives: the text of one reply, as it is written."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from citewell.engine.errors import ProviderError

NO_MODEL = "none"
"""The setting under which nothing is ever sent to a model."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """What a reply cost in the vendor's tokens; zeros where the vendor does not say."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ReplyEnd:
    """The last item of a stream: the reply came to its end and was not cut by the wire."""

    usage: TokenUsage
    is_truncated: bool = False
    """Whether the model stopped because `max_tokens` was used up."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole reply."""

    text: str
    usage: TokenUsage
    is_truncated: bool = False


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a call may take, in seconds.

    The defaults leave a reasoning model time to think and a reader not waiting for ever.
    """

    connect: float = 5.0
    first_token: float = 60.0
    """From the call to the first piece of output, thinking included."""
    idle: float = 30.0
    """Longest silence of the wire once the reply has begun."""
    total: float = 180.0
    """The whole call: waiting for a place, all attempts, all tokens."""


class LanguageModel(Protocol):
    """A model that writes. Safe to share between tasks of one event loop."""

    name: str
    """`provider:model`, as in CITEWELL_LLM."""

    def stream(
        self, system: str, user: str, *, max_tokens: int
    ) -> AsyncGenerator[str | ReplyEnd, None]:
        """Yield the pieces of the reply as they come, then one `ReplyEnd`.

        Close the generator (`contextlib.aclosing`) when leaving early: that closes the connection.
        A stream that ends without `ReplyEnd` never happens; a reply cut on its way raises.

        Raises:
            ProviderError: The model did not answer, or not to the end.
            ProviderConfigurationError: Key, address or model name are not accepted.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; the model must not be used afterwards."""
        ...


async def complete(
    model: LanguageModel, system: str, user: str, *, max_tokens: int = 1024
) -> Completion:
    """Wait for a whole reply.

    Raises:
        ProviderError: The model did not answer, or not to the end.
        ProviderConfigurationError: Key, address or model name are not accepted.
    """
    pieces: list[str] = []
    async with aclosing(model.stream(system, user, max_tokens=max_tokens)) as stream:
        async for item in stream:
            if isinstance(item, ReplyEnd):
                return Completion("".join(pieces), item.usage, item.is_truncated)
            pieces.append(item)
    raise ProviderError(f"{model.name} broke off its reply.", retryable=True)
