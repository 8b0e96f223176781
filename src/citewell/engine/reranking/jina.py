"""Jina's reranking models, or any service that speaks its format."""

from citewell.engine.errors import ProviderConfigurationError
from citewell.engine.reranking.base import RerankerOptions
from citewell.engine.reranking.hosted import HostedReranker


async def open_reranker(model: str, options: RerankerOptions) -> HostedReranker:
    """Make the client; see `citewell.engine.reranking.registry.open_reranker`."""
    if not options.api_key and not options.base_url:
        raise ProviderConfigurationError("`jina:MODEL` needs CITEWELL_RERANKER_API_KEY.")
    more: dict[str, object] = {"return_documents": False}
    return HostedReranker("jina", model, "https://api.jina.ai/v1", options, more)
