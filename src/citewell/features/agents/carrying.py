"""Whether an address could carry text of documents out of a run without anybody seeing it.

Words can be cut up and encoded, so an address is not searched for them: once a run has read
documents, one that stands nowhere as it is was made by the model, and may hold anything.
"""

from dataclasses import dataclass

from citewell.engine.agents.base import CallStatus, History

HARMLESS = ("calculate", "current_time", "fetch_url", "send_http")
"""Tools whose results hold nothing of documents."""


@dataclass(frozen=True, slots=True)
class RunReading:
    """The texts that a run has before it.

    Args:
        history: The run so far.
        instructions: Of its agent, by the people who made it.
        is_persons: Whether its task was written by a person, without text of documents in it; not
            so if another agent or a workflow made it from what they had read.
    """

    history: History
    instructions: str
    is_persons: bool

    def may_carry(self, address: str) -> bool:
        """Whether an address was made by a model that has read documents."""
        return self._has_read() and not self._holds(address)

    def _has_read(self) -> bool:
        calls = (call for turn in self.history.turns for call in turn.calls)
        return not self.is_persons or any(
            call.status is CallStatus.SUCCEEDED and call.tool not in HARMLESS for call in calls
        )

    def _holds(self, address: str) -> bool:
        """Whether it stands in what others wrote: a person, a document, a page that was read."""
        texts = [self.instructions, *(each.text for each in self.history.shelf.passages)]
        if self.is_persons:
            texts.append(self.history.question)
        texts += [
            call.content
            for turn in self.history.turns
            for call in turn.calls
            if call.tool == "fetch_url" and call.status is CallStatus.SUCCEEDED
        ]
        return any(address in text for text in texts)
