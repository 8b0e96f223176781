"""Any service that speaks OpenAI's embeddings format: OpenAI, Ollama, vLLM, TEI, llama.cpp."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Self, cast

import httpx
import numpy as np

from citewell.engine.embedding.base import EmbedderOptions, EmbedderSpec, Vector, Vectors
from citewell.engine.embedding.profiles import ModelProfile, profile_of
from citewell.engine.embedding.token_estimate import cut_to_tokens, estimate_tokens
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.kit.tasks import TaskGroup

_BATCH: Final = 32
"""Texts in one request: some servers take no more (TEI), and a retry repeats little."""
# Requests in flight at once while passages are embedded, so that the service is busy between
# replies.
_PASSAGE_REQUESTS: Final = 4
_QUERY_REQUESTS: Final = 16
"""Requests at once; questions have their own share, so that none queues behind an ingestion."""
_LONGEST_PAUSE: Final = 15.0
"""Longest pause before another attempt; a service that asks for more gets it from the caller."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may take."""

    timeout: float
    """Seconds for one attempt."""
    attempts: int
    first_pause: float = 0.5
    """Seconds before the second attempt, doubled for each further one unless the service names a
    time."""


# A job can wait and is tried again as a whole; a person who waits for a question cannot, and their
# search goes on with its lexical leg.
PASSAGE_PATIENCE: Final = Patience(timeout=60.0, attempts=4)
QUERY_PATIENCE: Final = Patience(timeout=10.0, attempts=2)


class OpenAICompatibleEmbedder:
    """A model behind HTTP. Token counts are estimates, see `token_estimate`.

    Make one with `connect`, which learns the dimensions where they are not given.

    Args:
        model: The name the service knows it by.
        base_url: The address that `/embeddings` is appended to, as `http://localhost:11434/v1`.
        dimensions: Length of its vectors.
        api_key: Sent as a bearer token; None sends none.
        profile: Languages, length and prefixes; None takes what is known of the model's name.
        requests_dimensions: Whether to ask for vectors of that length, which models trained for
            it can shorten theirs to.
        passage_patience: Limits of a request for passages.
        query_patience: Limits of a request for a question.
    """

    spec: EmbedderSpec

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        dimensions: int,
        api_key: str | None = None,
        profile: ModelProfile | None = None,
        requests_dimensions: bool = False,
        passage_patience: Patience = PASSAGE_PATIENCE,
        query_patience: Patience = QUERY_PATIENCE,
    ) -> None:
        self._profile = profile or profile_of(model)
        self.spec = EmbedderSpec(
            name=f"openai-compatible:{model}",
            dimensions=dimensions,
            max_tokens=self._profile.max_tokens,
            languages=self._profile.languages,
        )
        self._model = model
        self._requests_dimensions = requests_dimensions
        self._passage_patience = passage_patience
        self._query_patience = query_patience
        self._passage_slots = asyncio.Semaphore(_PASSAGE_REQUESTS)
        self._query_slots = asyncio.Semaphore(_QUERY_REQUESTS)
        self._url = _embeddings_url(base_url)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.AsyncClient(headers=headers, timeout=None)  # noqa: S113 - see _attempt

    @classmethod
    async def connect(
        cls,
        model: str,
        *,
        base_url: str,
        dimensions: int | None = None,
        api_key: str | None = None,
        profile: ModelProfile | None = None,
        passage_patience: Patience = PASSAGE_PATIENCE,
        query_patience: Patience = QUERY_PATIENCE,
    ) -> Self:
        """Reach the service: embed one word, and take its vector's length as the dimensions.

        The arguments are the class's; `dimensions` asks for vectors of that length.

        Raises:
            ProviderConfigurationError: `base_url` is no http or https address.
            ProviderError: The service does not answer as it should.
        """
        embedder = cls(
            model,
            base_url=base_url,
            dimensions=dimensions or 0,
            api_key=api_key,
            profile=profile,
            requests_dimensions=dimensions is not None,
            passage_patience=passage_patience,
            query_patience=query_patience,
        )
        async with AsyncExitStack() as undo:
            undo.push_async_callback(embedder.close)
            vectors = await embedder._request(["dimensions"], query_patience)
            undo.pop_all()
        known = embedder.spec
        embedder.spec = EmbedderSpec(
            known.name, vectors.shape[1], known.max_tokens, known.languages
        )
        return embedder

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [estimate_tokens(text) for text in texts]

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        inputs = [self._input(self._profile.passage_prefix, text) for text in texts]
        vectors = np.empty((len(inputs), self.spec.dimensions), dtype=np.float32)
        starts = iter(range(0, len(inputs), _BATCH))

        async def lane() -> None:
            for start in starts:
                batch = inputs[start : start + _BATCH]
                async with self._passage_slots:
                    rows = await self._request(batch, self._passage_patience)
                vectors[start : start + len(batch)] = rows

        async with TaskGroup() as lanes:
            for _ in range(min(_PASSAGE_REQUESTS, len(inputs))):
                lanes.create_task(lane())
        return vectors

    async def embed_query(self, text: str) -> Vector:
        text = self._input(self._profile.query_prefix, text)
        async with self._query_slots:
            vectors = await self._request([text], self._query_patience)
        return vectors[0]

    async def close(self) -> None:
        await self._client.aclose()

    def _input(self, prefix: str, text: str) -> str:
        """Get what is sent: encodable, no longer than the model takes, and never empty.

        OpenAI refuses an empty input, and a NUL has no meaning to any of them.
        """
        text = text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
        room = self.spec.max_tokens - 2 - estimate_tokens(prefix)
        return (prefix + cut_to_tokens(text, room)) if text.strip() else f"{prefix}-"

    async def _request(self, inputs: list[str], patience: Patience) -> Vectors:
        """Embed one batch; the only place that tries again."""
        pause = patience.first_pause
        for left in reversed(range(patience.attempts)):
            try:
                return await self._attempt(inputs, patience)
            except ProviderError as error:
                wait = error.retry_after or pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
                if not error.retryable or not left or wait > _LONGEST_PAUSE:
                    raise
                await asyncio.sleep(wait)
                pause *= 2
        raise AssertionError  # the last attempt returns or raises

    async def _attempt(self, inputs: list[str], patience: Patience) -> Vectors:
        body: dict[str, Any] = {"model": self._model, "input": inputs, "encoding_format": "float"}
        if self._requests_dimensions and self.spec.dimensions:
            body["dimensions"] = self.spec.dimensions
        try:
            # Not httpx's own limits: those are for each read, and a reply that trickles must end.
            async with asyncio.timeout(patience.timeout):
                response = await self._client.post(self._url, json=body)
        except TimeoutError as error:
            reason = f"did not answer within {patience.timeout:g} s"
            raise self._failure(reason, retryable=True) from error
        except httpx.HTTPError as error:
            reason = f"cannot be reached ({error or type(error).__name__})"
            raise self._failure(reason, retryable=True) from error
        if response.status_code != HTTPStatus.OK:
            raise self._refusal(response)
        return self._vectors(response, len(inputs))

    def _refusal(self, response: httpx.Response) -> ProviderError:
        status = response.status_code
        retryable = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.TOO_MANY_REQUESTS,
        )
        reason = f"answered {status}: {_error_message(response)}"
        return self._failure(reason, retryable=retryable, retry_after=_retry_after(response))

    def _vectors(self, response: httpx.Response, count: int) -> Vectors:
        """Read the reply into unit vectors in the order asked for."""
        try:
            items = cast(list[dict[str, Any]], response.json()["data"])
            rows = {cast(int, item["index"]): item["embedding"] for item in items}
            if len(items) != count or rows.keys() != set(range(count)):
                raise self._failure(f"gave {len(items)} vectors for {count} texts", retryable=True)
            vectors = np.array([rows[index] for index in range(count)], dtype=np.float32)
        except (ValueError, TypeError, KeyError) as error:
            reason = "answered with something else than embeddings"
            raise self._failure(reason, retryable=True) from error
        if vectors.ndim != 2 or vectors.shape[1] != (self.spec.dimensions or vectors.shape[1]):
            reason = f"gave vectors of shape {vectors.shape}, not of {self.spec.dimensions} numbers"
            raise self._failure(reason, retryable=False)
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise self._failure("gave a vector that has no direction", retryable=False)
        return (vectors / lengths).astype(np.float32)

    def _failure(
        self, reason: str, *, retryable: bool, retry_after: float | None = None
    ) -> ProviderError:
        # The address may carry a password; its host tells enough.
        message = f"The embedding service at {self._url.host} {reason}."
        return ProviderError(message, retryable=retryable, retry_after=retry_after)


async def open_embedder(model: str, options: EmbedderOptions) -> OpenAICompatibleEmbedder:
    """Connect to the service; see `citewell.engine.embedding.registry.open_embedder`."""
    if not options.base_url:
        message = (
            "An `openai-compatible` embedding needs CITEWELL_EMBEDDING_BASE_URL, "
            "as http://localhost:11434/v1."
        )
        raise ProviderConfigurationError(message)
    return await OpenAICompatibleEmbedder.connect(
        model, base_url=options.base_url, api_key=options.api_key
    )


def _embeddings_url(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url.strip().rstrip("/") + "/embeddings")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        message = "The embedding service's base URL must begin with http:// or https://."
        raise ProviderConfigurationError(message)
    return url


def _retry_after(response: httpx.Response) -> float | None:
    """Read the header's seconds; its other form, a date, is hardly sent and taken as none."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None


def _error_message(response: httpx.Response) -> str:
    """Find the service's own words, at most 200 characters of them."""
    try:
        content: object = response.json()
    except ValueError:
        return response.reason_phrase
    for key in ("error", "message", "detail"):
        if isinstance(content, dict) and key in content:
            content = cast(dict[str, object], content)[key]
    return str(cast(object, content))[:200]
