"""The messages of a run: what was asked, said and found, as a model reads it."""

import re

from citewell.engine.agents.base import CallState, History, ToolOutput, Turn
from citewell.engine.agents.cleaning import clean_text
from citewell.engine.agents.evidence import EvidenceShelf, block_of
from citewell.engine.answering.base import Passage
from citewell.engine.llm.base import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolResult,
    UserMessage,
)
from citewell.engine.llm.untrusted import harmless

MAX_RESULT_CHARS = 20_000
"""Characters of one result: about 6,000 tokens, or ten pages."""

HISTORY_TOKENS = 48_000
"""Estimated tokens of results that are sent whole; older ones are cut short. The smallest windows
of current hosted models hold 64,000."""

CUT_RESULT_CHARS = 400
"""Characters that stay of an old result: enough to see what it was."""

LAST_STEP = "This is your last step. Call no tool; write your answer from what you have found."

# Vendors accept no other names; a model that makes one up must not make its own history unsendable.
_NAME = re.compile(r"[^A-Za-z0-9_-]")


def result_text(output: ToolOutput, shelf: EvidenceShelf) -> tuple[str, tuple[Passage, ...]]:
    """A result as the model reads it: marked as data, its passages numbered, cut at its limit.

    Returns the passages too that fit; they are put on the shelf, the others cannot be cited.
    """
    parts: list[str] = []
    left = MAX_RESULT_CHARS
    if output.text:
        shown = harmless(clean_text(output.text[:left]))
        parts.append(shown)
        left -= len(shown)
        if len(output.text) > MAX_RESULT_CHARS:
            parts.append(f"[cut: {len(output.text):,} characters in all]")
    taken: list[Passage] = []
    for passage in output.passages:
        block = block_of(shelf.number_for(passage), passage)
        if len(block) > left:
            break
        parts.append(block)
        shelf.add([passage])
        taken.append(passage)
        left -= len(block)
    if len(taken) < len(output.passages):
        parts.append(f"[cut: {len(output.passages) - len(taken)} passages more did not fit]")
    return "<data>\n" + "\n".join(parts) + "\n</data>", tuple(taken)


def messages_of(history: History, *, is_last: bool = False) -> tuple[Message, ...]:
    """The conversation so far; old results are cut short beyond `HISTORY_TOKENS`."""
    contents = _contents(history)
    messages: list[Message] = [UserMessage(history.question)]
    for turn in history.turns:
        messages.append(_reply(turn))
        messages += [
            ToolResult(_call(call), contents[call.id], call.is_error) for call in turn.calls
        ]
    if is_last:
        messages.append(UserMessage(LAST_STEP))
    return tuple(messages)


def sent_tokens(history: History) -> int:
    """Estimated tokens of the results in the next request."""
    return sum(history.counts.of(content) for content in _contents(history).values())


def _contents(history: History) -> dict[str, str]:
    """Contents of all results by the id of their call, newest first."""
    left, contents = HISTORY_TOKENS, dict[str, str]()
    for turn in reversed(history.turns):
        for call in reversed(turn.calls):
            left -= history.counts.of(call.content)
            is_cut = left < 0 and bool(contents) and len(call.content) > CUT_RESULT_CHARS
            contents[call.id] = _cut(call.content) if is_cut else call.content
    return contents


def _cut(content: str) -> str:
    return f"{content[:CUT_RESULT_CHARS]}\n[cut to save room; call the tool again]\n</data>"


def _reply(turn: Turn) -> AssistantMessage:
    return AssistantMessage(turn.text, tuple(_call(call) for call in turn.calls))


def _call(call: CallState) -> ToolCall:
    return ToolCall(call.id, _NAME.sub("_", call.tool)[:64] or "_", call.arguments)
