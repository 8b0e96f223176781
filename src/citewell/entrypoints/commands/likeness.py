"""Documents of nearly the same text, beside other results."""

import uuid
from collections.abc import Mapping
from typing import Any

from citewell.core.context import Caller
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.engine.errors import ProviderConfigurationError, ProviderError


async def like_documents(
    platform: Platform, caller: Caller, document_id: uuid.UUID
) -> list[dict[str, Any]] | None:
    """The documents that one resembles; None where they cannot be looked for.

    It is told beside something that was done, which it must not fail.
    """
    # Search takes 0.2 s to import, which other commands of the library do without.
    from citewell.features.likeness import service  # noqa: PLC0415 - see above

    try:
        found = await service.like_documents(platform, caller, document_id)
    except (AppError, ProviderError, ProviderConfigurationError):
        return None
    return [each.model_dump(mode="json") for each in found.resembles]


_SAME = {
    "content": "the same content as",
    "name": "the same name as",
    "text": "nearly the text of",
}


def told(like: Mapping[str, Any]) -> str:
    """One of them on a line: what both have in common, its title, collection and id."""
    share = f", {like['likeness']:.0%}" if like["same"] == "text" else ""
    where = f" in {like['collection']}" if like["collection"] else ""
    return f"{_SAME[like['same']]} {like['title']}{where} ({like['document_id']}{share})"
