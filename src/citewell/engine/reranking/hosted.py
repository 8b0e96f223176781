"""Reranking services: one wire format, which Cohere began and Jina and others speak as well."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast

import httpx

from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.reranking.base import RerankerOptions

TIMEOUT = 30.0
"""Seconds for a reply; whoever asks has a shorter limit of their own. There is no second attempt:
the question is answered without it sooner."""


class HostedReranker:
    """A model behind HTTP.

    Args:
        provider: Prefix of its name.
        model: The name the service knows it by.
        base_url: The address that `/rerank` is appended to.
        options: Key, and an address in place of the usual one.
        more: What the service wants in a request besides the common fields.
    """

    def __init__(
        self,
        provider: str,
        model: str,
        base_url: str,
        options: RerankerOptions,
        more: dict[str, object],
    ) -> None:
        self.name = f"{provider}:{model}"
        self._model = model
        self._more = more
        url = httpx.URL((options.base_url or base_url).rstrip("/") + "/rerank")
        if url.scheme not in ("http", "https") or not url.host:
            message = "CITEWELL_RERANKER_BASE_URL must begin with http:// or https://."
            raise ProviderConfigurationError(message)
        self._url = url
        headers = {"Authorization": f"Bearer {options.api_key}"} if options.api_key else {}
        self._client = httpx.AsyncClient(headers=headers, timeout=None)  # noqa: S113 - see `scores`

    async def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        if not passages:
            return []
        body = {
            "model": self._model,
            "query": _sendable(question),
            "documents": [_sendable(each) for each in passages],
            "top_n": len(passages),
            **self._more,
        }
        try:
            async with asyncio.timeout(TIMEOUT):
                response = await self._client.post(self._url, json=body)
        except TimeoutError as error:
            raise self._failure(f"did not answer within {TIMEOUT:g} s", retryable=True) from error
        except httpx.HTTPError as error:
            reason = f"cannot be reached ({error or type(error).__name__})"
            raise self._failure(reason, retryable=True) from error
        if response.status_code != HTTPStatus.OK:
            # Its words may repeat what was sent; the status says enough.
            raise self._failure(
                f"answered {response.status_code}",
                retryable=response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR,
            )
        return self._read(response, len(passages))

    async def close(self) -> None:
        await self._client.aclose()

    def _read(self, response: httpx.Response, count: int) -> list[float]:
        """Read the scores into the order of the passages; each has to have one."""
        try:
            results = cast(list[dict[str, Any]], response.json()["results"])
            found = {int(each["index"]): float(each["relevance_score"]) for each in results}
        except (ValueError, TypeError, KeyError) as error:
            raise self._failure("answered with something else than scores") from error
        if found.keys() != set(range(count)) or not all(0 <= one <= 1 for one in found.values()):
            raise self._failure("gave scores that are not one in 0..1 for each passage")
        return [found[index] for index in range(count)]

    def _failure(self, reason: str, *, retryable: bool = False) -> ProviderError:
        message = f"The reranking service at {self._url.host} {reason}."
        return ProviderError(message, retryable=retryable)


def _sendable(text: str) -> str:
    """Get a text that every service takes: encodable, and never empty."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").strip() or "-"
