"""A model whose tokens are counted for the tenant."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.engine.embedding.token_estimate import TokenCounts
from citewell.engine.llm.base import (
    AssistantMessage,
    LanguageModel,
    Message,
    ModelRequest,
    ReplyEnd,
    StreamItem,
    TokenUsage,
    ToolResult,
    UserMessage,
)
from citewell.features.usage import service as usage
from citewell.kit.clock import utc_now


def estimate_of(request: ModelRequest, counts: TokenCounts | None = None) -> int:
    """Estimated tokens of a request with its longest reply.

    Args:
        request: The request.
        counts: Of texts of earlier requests, which an agent sends again.
    """
    known = counts or TokenCounts()
    parts = [request.system, *map(_text_of, request.messages)]
    parts += [
        f"{tool.name} {tool.description} {json.dumps(tool.parameters)}" for tool in request.tools
    ]
    if request.output is not None:
        parts.append(json.dumps(request.output.model_json_schema()))
    return sum(map(known.of, parts)) + request.max_tokens


def _text_of(message: Message) -> str:
    match message:
        case UserMessage(text):
            return text
        case ToolResult(_, content):
            return content
        case AssistantMessage(text, calls):
            return " ".join([text, *(f"{one.name} {json.dumps(one.arguments)}" for one in calls)])


class MeteredModel:
    """A model that spends from the tenant's plan (`LanguageModel`).

    The request and its longest reply are counted beforehand, and corrected at the end. Whoever is
    cut off in the middle of a reply has spent what was counted beforehand.
    """

    def __init__(self, model: LanguageModel, platform: Platform, payer: Caller) -> None:
        self.name = model.name
        self.has_json_format = model.has_json_format
        self._model = model
        self._platform = platform
        self._payer = payer
        self._counts = TokenCounts()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamItem, None]:
        """Yield the reply; see the protocol.

        Raises:
            QuotaReachedError: The tokens of the month are used up.
        """
        at, reserved = utc_now(), estimate_of(request, self._counts)
        await usage.reserve_tokens(self._platform, self._payer, reserved)
        async with aclosing(self._model.stream(request)) as items:
            async for item in items:
                if isinstance(item, ReplyEnd):
                    await self._settle(item.usage, reserved, at)
                yield item

    async def _settle(self, spent: TokenUsage, reserved: int, at: datetime) -> None:
        await usage.settle_tokens(
            self._platform, self._payer, self.name, spent, reserved=reserved, at=at
        )

    async def close(self) -> None:
        """Leave the model open: others use it."""
