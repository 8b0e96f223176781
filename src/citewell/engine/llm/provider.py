"""A vendor as the registry knows it: what it needs to be set up, and how its model is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from citewell.engine.errors import ProviderConfigurationError
from citewell.kit.addresses import ReachableHosts

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one address."""

    model: str
    base_url: str
    api_key: str | None = field(repr=False)
    hosts: ReachableHosts | None = None
    """Hosts that may be reached, where a tenant named the address; None: any."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A vendor: what it needs to be set up, and how its model object is built."""

    name: str
    build: "Callable[[Endpoint, httpx2.AsyncClient], Model]"
    """Imports what it needs when called. The client sends only what it is told to."""
    auth_headers: Callable[[str], dict[str, str]]
    """The headers that carry a key."""
    default_base_url: str | None
    needs_key: bool
    takes_json_format: Callable[[str], bool] = lambda _: False
    """Whether a model, by its name, can be held to a schema while it writes text."""
    models_url: Callable[[str], str] = "{}/models".format
    """Where the provider at an address lists its models."""
    models_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Sent with that request."""
    temperature: float | None = None
    """Sent where every model of the provider accepts it; several vendors' models refuse it."""

    def endpoint(self, model: str, *, base_url: str | None, api_key: str | None) -> Endpoint:
        """Check the set-up and settle the address.

        Raises:
            ProviderConfigurationError: Something must be set first.
        """
        if self.needs_key and not api_key:
            raise ProviderConfigurationError(
                f"CITEWELL_LLM={self.name}:{model} needs a key: set CITEWELL_LLM_API_KEY."
            )
        address = (base_url or self.default_base_url or "").strip().rstrip("/")
        if not address:
            raise ProviderConfigurationError(
                f"CITEWELL_LLM={self.name}:{model} needs an address: set CITEWELL_LLM_BASE_URL."
            )
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ProviderConfigurationError(
                f"CITEWELL_LLM_BASE_URL must be an http or https address; not {address!r}."
            )
        return Endpoint(model, address, api_key or None)
