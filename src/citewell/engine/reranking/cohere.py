"""Cohere's reranking models, or any service that speaks its format (version 2 of its API)."""

from citewell.engine.errors import ProviderConfigurationError
from citewell.engine.reranking.base import RerankerOptions
from citewell.engine.reranking.hosted import HostedReranker


async def open_reranker(model: str, options: RerankerOptions) -> HostedReranker:
    """Make the client; see `citewell.engine.reranking.registry.open_reranker`."""
    if not options.api_key and not options.base_url:
        raise ProviderConfigurationError("`cohere:MODEL` needs CITEWELL_RERANKER_API_KEY.")
    return HostedReranker("cohere", model, "https://api.cohere.com/v2", options, {})
