"""Prices of models, by the public list that `genai-prices` carries; nothing is fetched."""

from citewell.engine.llm.base import NO_MODEL, TokenUsage

_OWN = frozenset({"ollama"})
"""Providers whose models run on one's own machine: the list has hosts that sell the same models."""


def price_of(model: str, usage: TokenUsage) -> float | None:
    """US dollars for the tokens of a model, None where its price is not known.

    Prices are those of the installed release of the list: a vendor's discounts, caches and later
    changes are not in them. What runs at an address of one's own (`openai-compatible`) is looked up
    by its model's name among all vendors only if the name is a vendor's own.

    Args:
        model: `provider:model`, as in CITEWELL_LLM.
        usage: The tokens.
    """
    provider, _, name = model.partition(":")
    if provider in _OWN or provider == NO_MODEL or not name:
        return None
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - a list of 2 MB, seldom needed

    known = None if provider == "openai-compatible" else provider
    try:
        price = calc_price(
            Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens),
            name,
            provider_id=known,
        )
    except LookupError:
        return None
    return float(price.total_price)
