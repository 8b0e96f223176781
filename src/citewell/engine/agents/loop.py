"""Runs an agent: asks the model, does the calls it asks for, until it answers or a limit is met.

The history is the state. It is loaded from rows, every entry is durable before the next thing is
done, and nothing else is remembered; so any process goes on where another one was killed. A model
reply that was not kept is asked for again; a call whose result was not kept is done again unless it
has an effect. Then its fate is unknown, and is reported as that.
"""

import asyncio
import time
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from citewell.engine.agents.base import (
    AgentSpec,
    CallState,
    CallStatus,
    Ended,
    Finished,
    History,
    Ledger,
    Paused,
    PersonNeededError,
    RunEndedError,
    RunOutcome,
    Spending,
    Toolbox,
    ToolOutput,
    ToolTerms,
    Turn,
)
from citewell.engine.agents.cleaning import clean_arguments, clean_text
from citewell.engine.agents.pacing import TreePace
from citewell.engine.agents.prompting import system_prompt
from citewell.engine.agents.rendering import messages_of, result_text, sent_tokens
from citewell.engine.embedding.token_estimate import estimate_tokens
from citewell.engine.llm.base import Completion, LanguageModel, ModelRequest, complete
from citewell.engine.llm.pricing import price_of
from citewell.kit.complaints import complaint

MAX_CALLS = 16
"""Calls of one reply that are looked at; the others are dropped."""

MAX_REPEATS = 3
"""Times one call may be asked for with the same arguments in a run."""

MAX_REFUSED = 10
"""Calls that make no sense before the run ends: models recover from one or two, rarely from ten."""

REPLY_TOKENS = 4_096
"""Most tokens of one reply: a report of five pages."""

UNKNOWN_FATE = (
    "This call was cut off in the middle. Whether it had its effect is not known: a person has to "
    "look. It was not repeated; do not call it again."
)

NOW_ACTS = "Approved before as a call that only reads. Its tool says now that it changes something."
"""Below an action that is asked for again with the same words."""


@dataclass(slots=True)
class _Clock:
    """Time at work of all attempts, and the time that is left."""

    before: float
    limit: float
    pace: TreePace
    began: float
    paced: float
    """Seconds that the tree had waited when it began."""

    @property
    def spent(self) -> float:
        waited = self.pace.seconds - self.paced
        return self.before + time.monotonic() - self.began - waited

    @property
    def left(self) -> float:
        return self.limit - self.spent


class AgentLoop:
    """One attempt at one run.

    Args:
        model: Decides what to do.
        spec: The agent.
        toolbox: Its tools.
        ledger: Makes entries durable.
        history: What earlier attempts did; entries are added to it.
        today: The date the model is told is today's.
        pace: Waits until a step may begin; these waits, and those of runs within this one that
            share it, are not the run's time.
    """

    def __init__(
        self,
        model: LanguageModel,
        spec: AgentSpec,
        toolbox: Toolbox,
        ledger: Ledger,
        history: History,
        today: str,
        pace: TreePace | None = None,
    ) -> None:
        self._model = model
        self._spec = spec
        self._toolbox = toolbox
        self._ledger = ledger
        self._history = history
        self._system = system_prompt(spec.instructions, today)
        self._opening = estimate_tokens(self._system) + estimate_tokens(history.question)
        self._pace = pace = pace or TreePace()
        self._clock = _Clock(
            history.spent.seconds, spec.limits.seconds, pace, time.monotonic(), pace.seconds
        )

    async def run(self) -> RunOutcome:
        """Go on until the answer, a decision of a person, or a limit.

        Raises:
            ProviderError: The model did not answer; what was done so far is kept.
            ProviderConfigurationError: The model is not set up rightly.
        """
        try:
            while True:
                await self._pace.wait()
                if self._history.open_calls():
                    if await self._settle():
                        return Paused()
                elif (turn := self._last()) is not None and not turn.calls:
                    return Finished(turn) if turn.text or turn.output else Ended(self._silence())
                if (reason := self._exhausted()) is not None:
                    return Ended(reason)
                await self._ask()
        except RunEndedError as error:
            return Ended(str(error))
        except TimeoutError:
            return Ended(self._out_of_time())

    def _last(self) -> Turn | None:
        return self._history.turns[-1] if self._history.turns else None

    def _silence(self) -> str:
        return f"{self._model.name} wrote neither an answer nor a call of a tool."

    def _out_of_time(self) -> str:
        return f"The run was at work for longer than its limit of {self._spec.limits.seconds:g} s."

    def _exhausted(self) -> str | None:
        """The limit that forbids another step."""
        limits, spent, steps = self._spec.limits, self._history.spent, len(self._history.turns)
        if steps >= limits.steps:
            return f"The run used up its {limits.steps} steps without an answer."
        if self._history.refused() >= MAX_REFUSED:
            return f"{self._model.name} made {MAX_REFUSED} calls that cannot be done."
        if spent.tokens + self._size() >= limits.tokens:
            return f"The next step would exceed the run's limit of {limits.tokens:,} tokens."
        if limits.money is not None and spent.money >= limits.money:
            return f"The run spent its limit of {limits.money:g} US dollars."
        return self._out_of_time() if self._clock.left <= 0 else None

    def _size(self) -> int:
        """Estimated tokens of the next request."""
        replies = sum(turn.usage.output_tokens for turn in self._history.turns)
        return self._opening + replies + sent_tokens(self._history)

    async def _ask(self) -> None:
        """Get the model's next reply and keep it."""
        limits, steps = self._spec.limits, len(self._history.turns)
        request = ModelRequest(
            messages_of(self._history, is_last=steps == limits.steps - 1 and steps > 0),
            self._system,
            tuple(spec.told() for spec in self._toolbox.specs.values()),
            output=self._spec.output,
            max_tokens=max(min(REPLY_TOKENS, limits.tokens - self._history.spent.tokens), 1),
            temperature=self._spec.temperature,
        )
        async with asyncio.timeout(self._clock.left):
            reply = await complete(self._model, request)
        turn = self._turn(reply, steps)
        spent = self._history.spent
        spent.usage += reply.usage
        spent.money += price_of(self._model.name, reply.usage) or 0.0
        await self._ledger.note_reply(turn, self._now())
        self._history.turns.append(turn)

    def _turn(self, reply: Completion, number: int) -> Turn:
        # Ids of our own: vendors refuse a history in which two calls share one, as models write.
        calls = [
            CallState(
                self._ledger.new_key(),
                f"c{number}_{place}",
                clean_text(call.name)[:200],
                clean_arguments(call.arguments),
            )
            for place, call in enumerate(reply.tool_calls[:MAX_CALLS])
        ]
        output = None if reply.output is None else clean_arguments(reply.output.model_dump())
        return Turn(clean_text(reply.text), calls, reply.usage, reply.is_truncated, output)

    def _now(self) -> Spending:
        self._history.spent.seconds = self._clock.spent
        return self._history.spent

    async def _settle(self) -> bool:
        """Do the open calls in their order; whether any of them waits for a person."""
        is_waiting = False
        for call in self._history.open_calls():
            is_waiting |= await self._do(call)
        return is_waiting

    async def _do(self, call: CallState) -> bool:
        spec = self._toolbox.specs.get(call.tool)
        # By what was true when it began too: a server of tools may tell others of it by now.
        has_effect = spec is None or spec.has_effect or bool(call.has_effect)
        if call.status is CallStatus.RUNNING and has_effect:
            await self._keep(call, CallStatus.UNKNOWN, ToolOutput(UNKNOWN_FATE))
            return False
        checked = self._checked(call, spec)
        if isinstance(checked, str):
            await self._keep(call, CallStatus.REFUSED, ToolOutput(checked))
            return False
        assert spec is not None
        action = self._toolbox.action_of(call.tool, checked)
        if action is not None and not _is_approved(call, action, spec):
            if call.status is not CallStatus.WAITING:
                shown = _told_action(call, action, spec)
                call.has_effect = spec.has_effect
                await self._ledger.ask_person(call, shown)
                call.status = CallStatus.WAITING
            return True
        try:
            await self._keep(call, *await self._run(call, spec, checked))
        except PersonNeededError:
            return True
        return False

    def _checked(self, call: CallState, spec: ToolTerms | None) -> BaseModel | str:
        """The arguments of a call; or why it is not done."""
        if spec is None:
            return f"There is no such tool. The tools are: {', '.join(self._toolbox.specs)}."
        if call.status is CallStatus.DENIED:
            return "A person refused this action. Do not ask for it again."
        if self._history.count_of(call) > MAX_REPEATS:
            return (
                f"You asked for this {MAX_REPEATS} times already, with the same arguments. Use "
                "what you have, or do something else."
            )
        try:
            return spec.arguments.model_validate(call.arguments)
        except ValidationError as error:
            return f"The arguments cannot be used: {_explained(error)}"

    async def _run(
        self, call: CallState, spec: ToolTerms, arguments: BaseModel
    ) -> tuple[CallStatus, ToolOutput]:
        limit = min(spec.seconds, self._clock.left)
        if limit <= 0:
            raise TimeoutError
        call.status = CallStatus.RUNNING
        call.has_effect = spec.has_effect or bool(call.has_effect)
        try:
            async with self._pace.limit(limit):
                output = await self._toolbox.run(call, arguments)
        except TimeoutError:
            if call.has_effect:
                return CallStatus.UNKNOWN, ToolOutput(UNKNOWN_FATE)
            return CallStatus.FAILED, ToolOutput(f"The tool was cut off after {limit:.0f} s.")
        return CallStatus.FAILED if output.is_error else CallStatus.SUCCEEDED, output

    async def _keep(self, call: CallState, status: CallStatus, output: ToolOutput) -> None:
        call.content, call.passages = result_text(output, self._history.shelf)
        call.document_ids = output.document_ids
        call.status = status
        spent = self._history.spent
        spent.usage += output.usage
        spent.money += output.money
        await self._ledger.note_result(call, self._now())


def _is_approved(call: CallState, action: str, spec: ToolTerms) -> bool:
    """Whether a person approved exactly this, of a tool that has no other terms since."""
    # Approved as a look, it may not become an act.
    return _is_same(call, action) and not (spec.has_effect and call.has_effect is False)


def _is_same(call: CallState, action: str) -> bool:
    """Whether a person approved this action of this call, whatever its effect was then."""
    told = (action, f"{action}\n\n{NOW_ACTS}")
    return call.approved_hash == call.hash and call.approved_action in told


def _told_action(call: CallState, action: str, spec: ToolTerms) -> str:
    """The action as a person is asked for it; one that was approved says why it is asked again."""
    is_new_effect = spec.has_effect and call.has_effect is False
    return f"{action}\n\n{NOW_ACTS}" if is_new_effect and _is_same(call, action) else action


def _explained(error: ValidationError) -> str:
    """The first faults of arguments, without the values: they may be long."""
    faults = [
        f"`{'.'.join(str(part) for part in fault['loc']) or 'arguments'}`: {complaint(fault)}"
        for fault in error.errors(include_url=False, include_input=False)[:5]
    ]
    return "; ".join(faults)
