"""Whether an address could carry text of documents out of a run without anybody seeing it.

Words can be cut up and encoded, so an address is not searched for them: once a run has read
documents, one that stands nowhere as it is was made by the model, and may hold anything. Documents
are no such place: one could list addresses for each word that it wants to know of another.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from citewell.engine.agents.base import CallStatus, History

HARMLESS = ("calculate", "current_time", "fetch_url", "send_http")
"""Tools whose results hold nothing of documents."""

_ADDRESS = re.compile(r"https?://(?:\[[\da-f:.]+\])?[^\s<>\[\]\"“”«»`|\\^{}]+", re.IGNORECASE)
"""Up to a character that addresses are written without (RFC 3986), or a typesetter's quote."""

_SIGNS = ".,;:!?'\u2019*"
"""Those of the sentence, when they are the last of an address."""


@dataclass(frozen=True, slots=True)
class RunReading:
    """The texts that a run has before it.

    Args:
        history: The run so far.
        instructions: Of its agent, by the people who made it.
        is_persons: Whether its task was written by a person, not by another agent or a workflow,
            which may have it from anywhere.
        has_documents: Whether text of documents may be in its task.
    """

    history: History
    instructions: str
    is_persons: bool
    has_documents: bool

    def may_carry(self, address: str) -> bool:
        """Whether an address was made by a model that has read documents."""
        return self._has_read() and not self._holds(address)

    def _has_read(self) -> bool:
        calls = (call for turn in self.history.turns for call in turn.calls)
        return self.has_documents or any(
            call.status is CallStatus.SUCCEEDED and call.tool not in HARMLESS for call in calls
        )

    def _holds(self, address: str) -> bool:
        """Whether a person wrote it, or a page that was read."""
        texts = [self.instructions]
        if self.is_persons:
            texts.append(self.history.question)
        texts += [
            call.content
            for turn in self.history.turns
            for call in turn.calls
            if call.tool == "fetch_url" and call.status is CallStatus.SUCCEEDED
        ]
        return any(address in addresses_in(text) for text in texts)


def addresses_in(text: str) -> Iterator[str]:
    """The whole addresses of a text; where it is open what ends one, each that may be meant."""
    for found in _ADDRESS.findall(text):
        yield from (found, found.rstrip(_SIGNS), found.rstrip(f"{_SIGNS})"))
