"""Routes of OpenAI's API."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import StreamingResponse

from citewell.features.http import (
    ErrorFormat,
    PlatformDep,
    Rate,
    ReaderDep,
    RoutePolicy,
    Router,
    governed,
    own_address,
)
from citewell.features.openai_api import chat, embeddings, responses, service
from citewell.features.openai_api.chat import ChatCompletion, ChatCompletionRequest
from citewell.features.openai_api.embeddings import EmbeddingList, EmbeddingsRequest
from citewell.features.openai_api.responses import ModelResponseRead, ResponsesRequest
from citewell.features.openai_api.schemas import ModelCard, ModelList
from citewell.features.openai_api.service import TurnEvent

# Clients of Azure's edition send `api-version` with each request.
OPENAI = RoutePolicy(errors=ErrorFormat.OPENAI, takes_any_query=True)
ASKS = replace(OPENAI, rate=Rate.QUERIES)

router = Router(policy=OPENAI, tags=["openai"])


async def _base_url(request: Request, platform: PlatformDep) -> str:
    return own_address(request, platform.settings)


BaseUrlDep = Annotated[str, Depends(_base_url)]


@router.get("/models")
async def list_models(platform: PlatformDep, caller: ReaderDep) -> ModelList:
    """List the models that can be asked, in OpenAI's format."""
    return await service.models(platform, caller)


@router.get("/models/{model}")
async def get_model(platform: PlatformDep, caller: ReaderDep, model: str) -> ModelCard:
    """Show one of the models, in OpenAI's format."""
    return await service.model(platform, caller, model)


@router.post("/chat/completions", response_model=ChatCompletion)
@governed(ASKS)
async def create_chat_completion(
    platform: PlatformDep, caller: ReaderDep, request: ChatCompletionRequest, base_url: BaseUrlDep
) -> ChatCompletion | StreamingResponse:
    """Answer the last message of a conversation, cited, in OpenAI's format.

    With `stream` the reply is server-sent events: chunks of text, the last one with the citations.
    """
    turn = service.take_turn(platform, caller, request.model, chat.read_request(request))
    rendering = chat.ChatRendering(request.model, base_url)
    if not request.stream:
        async with aclosing(turn):
            return await rendering.whole(turn)
    has_usage = request.stream_options is not None and request.stream_options.include_usage
    begun = await _begun(turn)
    return _events(rendering.stream(begun, has_usage=has_usage))


@router.post("/responses", response_model=ModelResponseRead)
@governed(ASKS)
async def create_response(
    platform: PlatformDep, caller: ReaderDep, request: ResponsesRequest, base_url: BaseUrlDep
) -> ModelResponseRead | StreamingResponse:
    """Answer the last message of the input, cited, in the format of OpenAI's Responses API.

    With `stream` the reply is server-sent events that end with `response.completed`.
    """
    turn = service.take_turn(platform, caller, request.model, responses.read_request(request))
    rendering = responses.ResponsesRendering(request, base_url)
    if not request.stream:
        async with aclosing(turn):
            return await rendering.whole(turn)
    return _events(rendering.stream(await _begun(turn)))


@router.post("/embeddings")
@governed(ASKS)
async def create_embeddings(
    platform: PlatformDep, caller: ReaderDep, request: EmbeddingsRequest
) -> EmbeddingList:
    """Embed texts with the model of the caller's library, in OpenAI's format."""
    return await embeddings.embed(platform, caller, request)


async def _begun(
    turn: AsyncGenerator[TurnEvent, None],
) -> AsyncGenerator[TurnEvent, None]:
    """The same turn, its first event taken: a bad request is still a plain 4xx."""
    first = await anext(turn)

    async def events() -> AsyncGenerator[TurnEvent, None]:
        async with aclosing(turn):
            yield first
            async for event in turn:
                yield event

    return events()


def _events(body: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(
        body, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
