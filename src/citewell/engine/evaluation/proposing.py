"""Questions that a language model makes from passages, each proved by a quote that stands there."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from citewell.engine.errors import ProviderError
from citewell.engine.evaluation.generating import ProposedCase, SourceText
from citewell.engine.llm.base import LanguageModel, ModelRequest, TokenUsage, complete
from citewell.engine.llm.untrusted import harmless

PASSAGE_CHARS = 3_000
"""Characters shown in one call: about as much as an answer is made from."""

PER_PASSAGE = 3
SECONDS = 60.0
"""Longest wait for one call: nobody waits for it, but a job must come to its end."""

MAX_TOKENS = 1_500

_CASE = re.compile(r"<case>(.*?)</case>", re.DOTALL)
_MIN_QUOTE_WORDS = 3
"""A shorter quote stands somewhere by chance."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """Questions of one passage."""

    cases: tuple[ProposedCase, ...]
    rejected: int
    """Questions whose quote does not stand in the passage, or without their answer in it."""
    usage: TokenUsage


async def propose(
    model: LanguageModel, source: SourceText, start: int, *, seconds: float = SECONDS
) -> Proposals:
    """Have a model ask about the passage that begins at an offset of a text.

    Raises:
        ProviderError: The model failed, or did not end in time.
        ProviderConfigurationError: The model is not set up rightly.
    """
    passage = source.text[start : start + PASSAGE_CHARS]
    user = f"<title>{harmless(source.title)}</title>\n<passage>\n{harmless(passage)}\n</passage>"
    request = ModelRequest.of(_system(), user, max_tokens=MAX_TOKENS)
    try:
        async with asyncio.timeout(seconds):
            reply = await complete(model, request)
    except TimeoutError:
        raise ProviderError(f"{model.name} wrote no questions in {seconds:g} s.") from None
    written = [_parts(match) for match in _CASE.findall(reply.text)]
    proved = [case for parts in written for case in _proved(passage, start, parts)]
    return Proposals(tuple(proved), len(written) - len(proved), reply.usage)


def passage_starts(text: str) -> Iterator[int]:
    """Yield the offsets of passages, begun at paragraphs where there are some."""
    start = 0
    while start < len(text):
        yield start
        stop = start + PASSAGE_CHARS
        if stop >= len(text):
            return
        cut = text.rfind("\n\n", start + PASSAGE_CHARS // 2, stop)
        start = stop if cut < 0 else cut + 2


def locate(quote: str, text: str) -> tuple[int, int] | None:
    """Offsets of a quote that stands in a text word for word; white space may differ."""
    words = quote.split()
    if len(words) < _MIN_QUOTE_WORDS:
        return None
    match = re.search(r"\s+".join(map(re.escape, words)), text)
    return (match.start(), match.end()) if match else None


def _proved(passage: str, start: int, parts: dict[str, str]) -> Iterator[ProposedCase]:
    question, answer, quote = (parts.get(name, "") for name in ("question", "answer", "quote"))
    place = locate(quote, passage)
    if place is None or not question or not answer:
        return
    stands = " ".join(passage[slice(*place)].split())
    if answer.casefold().strip(" .") not in stands.casefold():
        return
    yield ProposedCase(
        question, "model", start + place[0], start + place[1],
        gold=(answer.strip(" ."),), reference=stands,
    )  # fmt: skip


def _parts(written: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("question", "answer", "quote"):
        match = re.search(rf"<{name}>(.*?)</{name}>", written, re.DOTALL)
        if match:
            found[name] = " ".join(match[1].split())
    return found


@cache
def _system() -> str:
    return read_prompt("propose").replace("{count}", str(PER_PASSAGE))


def read_prompt(name: str) -> str:
    """The text of a prompt of evaluations."""
    folder = resources.files("citewell.engine.evaluation").joinpath("prompts")
    return folder.joinpath(f"{name}.md").read_text(encoding="utf-8").strip()
