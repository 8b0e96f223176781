"""An agent as the loop sees it: its tools and limits, and the history of a run."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Protocol

from pydantic import BaseModel

from citewell.engine.agents.evidence import EvidenceShelf
from citewell.engine.answering.base import Passage
from citewell.engine.embedding.token_estimate import TokenCounts
from citewell.engine.errors import EngineError
from citewell.engine.llm.base import TokenUsage, Tool


class CallStatus(StrEnum):
    """Status of one call of a tool; the last four are final."""

    PENDING = "pending"
    """Asked for by the model, nothing was done."""
    WAITING = "waiting"
    """A person has to decide on it."""
    APPROVED = "approved"
    DENIED = "denied"
    RUNNING = "running"
    """Begun; a call with an effect that is found so after a crash may or may not have happened."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"
    """Not begun: an unknown tool, bad arguments, a repetition, or a person said no."""
    UNKNOWN = "unknown"
    """It was cut off in the middle of an effect, so a person has to look whether it happened."""


FINAL_CALL_STATUSES = frozenset(
    {CallStatus.SUCCEEDED, CallStatus.FAILED, CallStatus.REFUSED, CallStatus.UNKNOWN}
)


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """Bounds of one run."""

    steps: int = 12
    """Replies of the model."""
    tokens: int = 200_000
    """Input and output of all replies together."""
    money: float | None = None
    """US dollars; None: no limit."""
    seconds: float = 300.0
    """Time at work; waiting for a person does not count."""


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """The part of an agent that a run needs."""

    instructions: str
    limits: AgentLimits
    temperature: float | None = None
    """None: the provider's usual one."""
    output: type[BaseModel] | None = None
    """Shape of the answer; None: prose."""


@dataclass(frozen=True, slots=True)
class ToolTerms:
    """A tool as the model is told of it."""

    name: str
    description: str
    arguments: type[BaseModel]
    has_effect: bool = False
    """Whether it changes something outside of the run, so that it must not be repeated."""
    seconds: float = 30.0
    """Longest time of one call."""
    schema: dict[str, Any] | None = None
    """JSON schema of the arguments, where another server says it; None: that of `arguments`."""

    def told(self) -> Tool:
        """The tool in the form of a request."""
        schema = _schema_of(self.arguments) if self.schema is None else self.schema
        return Tool(self.name, self.description, schema)


@cache
def _schema_of(arguments: type[BaseModel]) -> dict[str, Any]:
    # Made once: every step of every run sends it.
    return arguments.model_json_schema()


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """Result of a tool."""

    text: str = ""
    passages: tuple[Passage, ...] = ()
    """Passages of documents, which the answer may be cited from; shown below the text."""
    is_error: bool = False
    usage: TokenUsage = field(default_factory=TokenUsage)
    """Tokens that the tool itself spent."""
    document_ids: tuple[str, ...] = ()
    """Documents that the text tells of, beside those of the passages."""
    money: float = 0.0


@dataclass(slots=True)
class CallState:
    """One call of a tool: of it a row is kept from the reply on."""

    key: str
    """Identity of the call over all attempts: the idempotency key of its effect."""
    id: str
    """Name under which the model gets the result."""
    tool: str
    arguments: dict[str, Any]
    status: CallStatus = CallStatus.PENDING
    content: str = ""
    """The result as the model reads it."""
    passages: tuple[Passage, ...] = ()
    document_ids: tuple[str, ...] = ()
    """Documents that the result tells of, beside those of the passages."""
    approved_hash: str | None = None
    """Hash of the action that a person approved."""
    approved_action: str | None = None
    """That action in words, as they were shown it."""
    has_effect: bool | None = None
    """Whether the tool had an effect when the call was approved or begun; None: neither yet."""

    @property
    def is_final(self) -> bool:
        """Whether it has a result."""
        return self.status in FINAL_CALL_STATUSES

    @property
    def is_error(self) -> bool:
        """Whether the result is an error."""
        return self.status is not CallStatus.SUCCEEDED

    @property
    def hash(self) -> str:
        """Hash of tool and arguments, to which an approval is bound."""
        return action_hash(self.tool, self.arguments)


def action_hash(tool: str, arguments: Mapping[str, Any]) -> str:
    """SHA-256 of a call in one canonical form, hexadecimal."""
    form = json.dumps([tool, arguments], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(form.encode()).hexdigest()


def shown_hash(arguments_hash: str, action: str | None, has_effect: bool | None) -> str:
    """Hash of all that a person decides on: the call, its action and whether it has an effect.

    Args:
        arguments_hash: `action_hash` of the call.
        action: As it is shown to the person; None: nobody is asked, and the hash is the call's.
        has_effect: Whether the tool had an effect when the person was asked.
    """
    if action is None:
        return arguments_hash
    return action_hash(arguments_hash, {"action": action, "has_effect": bool(has_effect)})


@dataclass(slots=True)
class Turn:
    """One reply of the model and the results of its calls."""

    text: str
    calls: list[CallState]
    usage: TokenUsage = field(default_factory=TokenUsage)
    is_truncated: bool = False
    output: dict[str, Any] | None = None
    """The answer in the shape that was asked for."""

    @property
    def open_calls(self) -> list[CallState]:
        """Calls without a result."""
        return [call for call in self.calls if not call.is_final]


@dataclass(slots=True)
class Spending:
    """Resources that a run has used up."""

    usage: TokenUsage = field(default_factory=TokenUsage)
    money: float = 0.0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.usage.input_tokens + self.usage.output_tokens


@dataclass(slots=True)
class History:
    """Everything that happened in a run so far; loaded from its rows, or empty."""

    question: str
    turns: list[Turn] = field(default_factory=list[Turn])
    spent: Spending = field(default_factory=Spending)
    shelf: EvidenceShelf = field(default_factory=EvidenceShelf)
    counts: TokenCounts = field(default_factory=TokenCounts)
    """Tokens of the results, which every step is measured by."""

    def open_calls(self) -> list[CallState]:
        """Calls of the last reply that have no result."""
        return self.turns[-1].open_calls if self.turns else []

    def count_of(self, call: CallState) -> int:
        """How often the model has asked for exactly this, up to the call itself."""
        wanted, count = call.hash, 0
        for one in (each for turn in self.turns for each in turn.calls):
            count += one.hash == wanted
            if one is call:
                break
        return count

    def refused(self) -> int:
        """Calls that were not begun because they made no sense."""
        return sum(call.status is CallStatus.REFUSED for turn in self.turns for call in turn.calls)


@dataclass(frozen=True, slots=True)
class Finished:
    """The agent wrote its answer."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Paused:
    """A person has to decide before the run can go on."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The run ended without an answer."""

    reason: str


RunOutcome = Finished | Paused | Ended


class RunEndedError(EngineError):
    """The run cannot go on: its user lost their rights, or what it works on is gone."""


class PersonNeededError(EngineError):
    """A tool cannot go on before a person has decided; it is called again then."""


class Ledger(Protocol):
    """Keeps what happened; a method that returns has made its entry durable.

    Any method may raise an error of its own that ends the attempt, as when the run was cancelled.
    """

    def new_key(self) -> str:
        """An identity for a call."""
        ...

    async def note_reply(self, turn: Turn, spent: Spending) -> None:
        """Keep a reply with its calls."""
        ...

    async def ask_person(self, call: CallState, action: str) -> None:
        """Keep that a call waits for a decision on `action`."""
        ...

    async def note_result(self, call: CallState, spent: Spending) -> None:
        """Keep the result of a call."""
        ...


class Toolbox(Protocol):
    """The tools of one run."""

    @property
    def specs(self) -> Mapping[str, ToolTerms]:
        """The tools by name."""
        ...

    def action_of(self, tool: str, arguments: BaseModel) -> str | None:
        """The action that a person has to approve first, in words; None: nobody needs to."""
        ...

    async def run(self, call: CallState, arguments: BaseModel) -> ToolOutput:
        """Do a call, with the rights that its user has now.

        Raises:
            RunEndedError: The run cannot go on.
            PersonNeededError: Somebody has to decide first.
        """
        ...
