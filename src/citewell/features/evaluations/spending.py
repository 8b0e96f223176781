"""Tokens that evaluations spend besides answers: for judging and for writing questions."""

from datetime import datetime

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.engine.llm.base import TokenUsage
from citewell.features.usage import service as usage
from citewell.kit.clock import utc_now

ABOUT = 1_000
"""Tokens of one such call, counted beforehand and corrected afterwards."""


async def reserve(platform: Platform, caller: Caller) -> datetime:
    """Count a call before it is made; returns the time for `settle`.

    Raises:
        QuotaReachedError: The tokens of the month do not last for it.
    """
    at = utc_now()
    await usage.reserve_tokens(platform, caller, ABOUT)
    return at


async def settle(
    platform: Platform, caller: Caller, model: str, at: datetime, spent: TokenUsage
) -> None:
    """Replace what was counted beforehand by what the model says it took."""
    await usage.settle_tokens(platform, caller, model, spent, reserved=ABOUT, at=at)
