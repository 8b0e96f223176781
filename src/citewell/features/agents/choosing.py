"""The model that an agent uses."""

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.engine.llm.base import LanguageModel, TokenUsage
from citewell.engine.llm.pricing import price_of
from citewell.features.agents.errors import (
    InvalidAgentError,
    ModelNotAvailableError,
    ModelNotSetError,
    PriceUnknownError,
)
from citewell.features.agents.schemas import AgentDefinition
from citewell.features.connections import service as connections
from citewell.features.connections.service import Use

_SAMPLE = TokenUsage(1_000, 1_000)
_FREE = "ollama:"
"""Models on one's own machine have no price; a limit of money is kept by spending none."""


async def model_of(
    platform: Platform,
    caller: Caller,
    definition: AgentDefinition,
) -> LanguageModel:
    """The model of an agent for a caller; no transaction may be open.

    Raises:
        ModelNotSetError: There is none for the caller.
        ModelNotAvailableError: It is another one than the agent names.
        PriceUnknownError: The agent has a limit of money and the model no known price.
    """
    model = await connections.model_for(platform, caller, Use.AGENT)
    if model is None:
        raise ModelNotSetError
    if definition.model not in (None, model.name):
        raise ModelNotAvailableError(definition.model or "")
    needs_price = definition.limits.money is not None and not model.name.startswith(_FREE)
    if needs_price and price_of(model.name, _SAMPLE) is None:
        raise PriceUnknownError(model.name)
    return model


async def require_model(platform: Platform, caller: Caller, wanted: str | None) -> None:
    """Check the model that a definition names; no transaction may be open.

    Raises:
        InvalidAgentError: It is not the one that agents use here.
    """
    if wanted is None:
        return
    model = await connections.model_for(platform, caller, Use.AGENT)
    if model is None or model.name != wanted:
        available = "none is set" if model is None else f"`{model.name}` is"
        raise InvalidAgentError(f"The model `{wanted}` is not available here; {available}.")
