"""Which providers there are; a new one is its file and one line here."""

from dataclasses import replace

from citewell.engine.errors import ProviderConfigurationError
from citewell.engine.llm import anthropic, ollama, openai, openai_compatible
from citewell.engine.llm.base import NO_MODEL, LanguageModel, Timeouts
from citewell.engine.llm.hosted import PLACES, HostedModel
from citewell.engine.llm.provider import Provider
from citewell.kit.addresses import ReachableHosts

PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        openai.PROVIDER,
        anthropic.PROVIDER,
        ollama.PROVIDER,
        openai_compatible.PROVIDER,
    )
}


def open_llm(
    name: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout: Timeouts | None = None,
    hosts: ReachableHosts | None = None,
    places: int = PLACES,
) -> LanguageModel:
    """Make the model of CITEWELL_LLM ready; nothing is loaded or sent before its first use.

    Only the key and the address given here are used, whatever the environment holds.

    Args:
        name: `provider:model`; the model may hold further colons, as in `ollama:llama3.2:3b`.
        base_url: Where the provider listens; None takes its usual address.
        api_key: The key to send; None or empty where the provider needs none.
        timeout: Limits in seconds; None takes the defaults.
        hosts: Hosts that may be reached; None: any, as an operator names them.
        places: Replies at once; more wait.

    Raises:
        ProviderConfigurationError: The name is unknown or something must be set first.
    """
    provider_name, _, model = name.partition(":")
    provider = PROVIDERS.get(provider_name)
    if provider is None or not model.strip():
        choices = ", ".join([NO_MODEL, *(f"{known}:MODEL" for known in PROVIDERS)])
        raise ProviderConfigurationError(f"CITEWELL_LLM must be one of {choices}; not {name!r}.")
    endpoint = provider.endpoint(model.strip(), base_url=base_url, api_key=api_key)
    if hosts is not None:
        endpoint = replace(endpoint, hosts=hosts)
    return HostedModel(provider, endpoint, timeout or Timeouts(), places)
