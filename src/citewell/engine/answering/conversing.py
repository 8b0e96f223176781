"""Asks a model to make a follow-up stand alone, to name a conversation and to sum it up.

Each is one short request with a time limit; what fails is done without, and said.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from citewell.engine.answering.asking.carrying import DialogueTurn, plain
from citewell.engine.answering.asking.followups import MAX_FOLLOW_UP, stand_alone
from citewell.engine.answering.prompting import shipped_rules
from citewell.engine.embedding.token_estimate import estimate_tokens
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.llm.base import LanguageModel, ModelRequest, TokenUsage, complete
from citewell.engine.llm.untrusted import harmless
from citewell.engine.parsing.cleaning import scrub
from citewell.engine.text.language import detect_language

SECONDS = 10.0
"""A reader waits for the rewriting before anything else happens; rules are there at once."""

HISTORY_TOKENS = 1_500
"""Most that turns before may take of a prompt, estimated: half of what the passages have."""

REPLY_TOKENS = 200
MAX_QUESTION = 1_000
MAX_TITLE = 80
MAX_SUMMARY = 1_000

_FEW_WORDS = 8
"""A question of so few words may leave anything out."""

# Words that may stand for something said before; a question without one, and not short, is not
# shown to the model. Too many rather than too few: the model leaves alone what stands alone.
_REFERS = re.compile(
    r"\b(?:it|its|they|them|their|this|that|these|those|there|then|one|ones|he|she|him|his|her|same|"
    r"other|others|also|above|before|previous|earlier|former|latter|instead|else|first|second|third|"
    r"last|no|do|nay|ay|ho|vay|the|con|tren|truoc|kia|nua|tiep|thu|cung)\b"
)
_QUOTED = re.compile(r"^[\"'“”‘’«»\s]+|[\"'“”‘’«»\s]+$")  # noqa: RUF001 - the marks are meant


@dataclass(frozen=True, slots=True)
class Spoken:
    """A short text of the model."""

    text: str | None
    """None: it failed, or wrote nothing of use."""
    why: str = ""
    """Reason of a failure."""
    usage: TokenUsage = field(default_factory=TokenUsage)


def may_refer(question: str, turns: Sequence[DialogueTurn]) -> bool:
    """Whether a question may leave something out that a model could put in."""
    if not turns or len(question) > MAX_FOLLOW_UP:
        return False
    if len(question.split()) <= _FEW_WORDS or stand_alone(question, turns) is not None:
        return True
    return _REFERS.search(plain(question)) is not None


def history_of(turns: Sequence[DialogueTurn], summary: str = "") -> str:
    """The turns as a prompt holds them, the newest that fit, oldest first."""
    left, kept = HISTORY_TOKENS - estimate_tokens(summary), list[str]()
    for turn in reversed(turns):
        said = " ".join(turn.sentences)
        block = f"Reader: {harmless(turn.question)}\nSystem: {harmless(said) or '-'}"
        left -= estimate_tokens(block)
        if left < 0 and kept:
            break
        kept.append(block)
    head = [f"Asked before: {harmless(summary)}"] if summary else []
    return "\n\n".join([*head, *reversed(kept)])


async def rewrite_follow_up(
    model: LanguageModel, question: str, history: str, *, seconds: float = SECONDS
) -> Spoken:
    """Get the question standing alone.

    Args:
        model: Asked once.
        question: As asked.
        history: Of `history_of`.
        seconds: Most that it may take.
    """
    frame = f"Conversation:\n\n{history}\n\nThe conversation ends here. Next question:\n\n"
    spoken = await _spoken(model, "rewrite", question, frame + harmless(question), seconds)
    return _cut(spoken, MAX_QUESTION)


async def write_title(model: LanguageModel, question: str, *, seconds: float = SECONDS) -> Spoken:
    """Get a title for a conversation that begins with a question."""
    spoken = await _spoken(model, "title", question, harmless(question), seconds)
    cut = _cut(spoken, MAX_TITLE)
    return Spoken(cut.text.rstrip(".") if cut.text else None, cut.why, cut.usage)


async def sum_up(
    model: LanguageModel, question: str, summary: str, *, seconds: float = SECONDS
) -> Spoken:
    """Get the summary of what was asked with one more question in it."""
    asked = f"Summary so far: {harmless(summary) or '-'}\n\nNext question: {harmless(question)}"
    return _cut(await _spoken(model, "summary", question, asked, seconds), MAX_SUMMARY)


def tokens_of(name: str, text: str) -> int:
    """About what a request takes at most, its reply included."""
    return estimate_tokens(shipped_rules(f"{name}.en") + text) + REPLY_TOKENS


async def _spoken(
    model: LanguageModel, name: str, question: str, user: str, seconds: float
) -> Spoken:
    language = "vi" if detect_language(question) == "vi" else "en"
    request = ModelRequest.of(shipped_rules(f"{name}.{language}"), user, max_tokens=REPLY_TOKENS)
    try:
        async with asyncio.timeout(seconds):
            reply = await complete(model, request)
    except TimeoutError:
        return Spoken(None, f"{model.name} took more than {seconds:g} s.")
    except (ProviderError, ProviderConfigurationError) as error:
        return Spoken(None, str(error))
    lines = [line for line in scrub(reply.text).splitlines() if line.strip()]
    text = " ".join(_QUOTED.sub("", lines[0]).split()) if lines else ""
    if not text or reply.is_truncated:
        return Spoken(None, f"{model.name} wrote nothing of use.", reply.usage)
    return Spoken(text, usage=reply.usage)


def _cut(spoken: Spoken, most: int) -> Spoken:
    """A longer text is none of what was asked for."""
    if spoken.text is None or len(spoken.text) <= most:
        return spoken
    return Spoken(None, "The model wrote more than was asked for.", spoken.usage)
