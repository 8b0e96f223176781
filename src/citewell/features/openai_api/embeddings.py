"""Vectors of texts, by the model that the caller's library is embedded with."""

import base64
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, Field, JsonValue

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.engine.embedding.base import Embedder, Vectors
from citewell.features.openai_api.errors import (
    ContextLengthExceededError,
    ModelNotFoundError,
    UnsupportedParameterError,
)
from citewell.features.openai_api.schemas import LaxModel, ModelName
from citewell.features.openai_api.service import EMBEDDING
from citewell.features.search import service as search
from citewell.features.usage import service as usage

MAX_TEXTS = 128
"""About three seconds of the bundled model for full passages; OpenAI takes 2,048."""

MAX_TEXT_CHARS = 32_000
"""Four times what the largest of the usual models reads; what is over a model's limit is cut."""

Text = Annotated[str, Field(min_length=1)]


class EmbeddingsRequest(LaxModel):
    """Texts to embed."""

    model: ModelName
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    input_type: Annotated[
        Literal["passage", "query"],
        Field(description="Some models embed questions in another way; an addition of Citewell's."),
    ] = "passage"


class EmbeddingItem(BaseModel):
    """The vector of one text."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str
    """Numbers, or their little-endian float32 bytes in base64."""


class EmbeddingsUsage(BaseModel):
    """Tokens of the texts, by the model's own tokenizer where it is known."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(BaseModel):
    """Vectors in the order of the texts, of length 1."""

    object: Literal["list"] = "list"
    data: list[EmbeddingItem]
    model: str
    usage: EmbeddingsUsage
    citewell: dict[str, JsonValue]
    """`embedding`: provider and model; vectors of different ones must not be compared."""


async def embed(platform: Platform, caller: Caller, request: EmbeddingsRequest) -> EmbeddingList:
    """Embed texts.

    Raises:
        ModelNotFoundError: It is not the library's model.
        UnsupportedParameterError: Vectors of another size are asked for.
        ContextLengthExceededError: A text is too long.
        QuotaReachedError: The queries of the day are used up.
        ProviderError: The model does not answer.
    """
    embedder = await search.embedder_of(platform, caller)
    if request.model not in (EMBEDDING, embedder.spec.name):
        raise ModelNotFoundError(request.model)
    if request.dimensions not in (None, embedder.spec.dimensions):
        raise UnsupportedParameterError(
            "dimensions",
            f"Vectors of this library have {embedder.spec.dimensions:,} dimensions.",
        )
    texts = [request.input] if isinstance(request.input, str) else request.input
    if (longest := max(map(len, texts))) > MAX_TEXT_CHARS:
        raise ContextLengthExceededError("A text", MAX_TEXT_CHARS, longest)
    await usage.count_query(platform, caller)
    vectors = await _vectors(embedder, texts, is_query=request.input_type == "query")
    tokens = sum(embedder.count_tokens(texts))
    return EmbeddingList(
        data=[
            EmbeddingItem(index=index, embedding=row)
            for index, row in enumerate(_written(vectors, request.encoding_format))
        ],
        model=request.model,
        usage=EmbeddingsUsage(prompt_tokens=tokens, total_tokens=tokens),
        citewell={"embedding": embedder.spec.name, "dimensions": embedder.spec.dimensions},
    )


async def _vectors(embedder: Embedder, texts: list[str], *, is_query: bool) -> Vectors:
    if not is_query:
        return await embedder.embed_passages(texts)
    return np.stack([await embedder.embed_query(text) for text in texts])


def _written(vectors: Vectors, encoding: str) -> list[list[float] | str]:
    if encoding == "base64":
        return [base64.b64encode(row.tobytes()).decode() for row in vectors.astype("<f4")]
    return [row.tolist() for row in vectors]
