"""Fills the prompts, which are files beside this one, with passages and a question."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from citewell.engine.answering.base import Passage

NO_ANSWER = "NOT_IN_DOCUMENTS"
"""What a model is told to reply when the passages hold no answer."""

PASSAGE_TOKENS = 3000
"""Tokens of passages in a prompt: eight chunks with room to spare, and with instructions and
answer within the 4,096 tokens that Ollama reads unless told otherwise."""

_BYTES_PER_TOKEN = 3
"""Below what the usual tokenizers reach in English (4) and about what they do in Vietnamese, so
the estimate errs on the short side."""

_LANGUAGES = frozenset({"en", "vi"})
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_TAG = re.compile(r"<(\s*/?\s*passage\b)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent to a model, and the passages it holds in the order of their numbers."""

    system: str
    user: str
    passages: tuple[Passage, ...]


def make_prompt(
    question: str, language: str, passages: Sequence[Passage], *, max_tokens: int = PASSAGE_TOKENS
) -> Prompt:
    """Make the prompt for one question.

    Passages are taken in order while they fit; the first is cut when it alone is too long.

    Args:
        question: As asked.
        language: ISO 639-1 code of the question; languages without a prompt get the English one,
            which asks for the question's language.
        passages: Best first.
        max_tokens: Most that the passages may take, estimated.
    """
    prompt_language = _prompt_language(language)
    kept: list[Passage] = []
    blocks: list[str] = []
    left = max_tokens
    for passage in passages:
        block = _block(len(kept) + 1, passage, passage.text)
        cost = estimate_tokens(block)
        if cost > left:
            if kept:
                break
            bare = estimate_tokens(_block(1, passage, ""))
            room = max(left - bare, 50) * _BYTES_PER_TOKEN
            text = passage.text.encode()[:room].decode(errors="ignore")
            block, cost = _block(1, passage, text), left
        kept.append(passage)
        blocks.append(block)
        left -= cost
    values = {"passages": "\n\n".join(blocks), "question": _clean(question)}
    return Prompt(
        system=_fill(_template(f"system.{prompt_language}.md"), {"no_answer": NO_ANSWER}),
        user=_fill(_template(f"user.{prompt_language}.md"), values),
        passages=tuple(kept),
    )


@cache
def prompt_version(language: str) -> str:
    """Return a mark of the prompts for a language: another one once a word of them changes."""
    spoken = _prompt_language(language)
    texts = [_template(f"{part}.{spoken}.md") for part in ("system", "user")]
    return f"{spoken}-{hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:12]}"


def _prompt_language(language: str) -> str:
    return language if language in _LANGUAGES else "en"


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many than too few."""
    return -(-len(text.encode(errors="replace")) // _BYTES_PER_TOKEN)


def _block(number: int, passage: Passage, text: str) -> str:
    source = " > ".join((passage.title, *passage.heading))
    context = f"{_clean(passage.context)}\n" if passage.context else ""
    return f'<passage number="{number}">\n({_clean(source)})\n{context}{_clean(text)}\n</passage>'


def _clean(text: str) -> str:
    """Text that cannot end its passage or begin another one."""
    return _TAG.sub(r"< \1", _CONTROL.sub(" ", text)).strip()


def _fill(template: str, values: Mapping[str, str]) -> str:
    # One pass over the template: braces in a document are never read as slots.
    return _SLOT.sub(lambda slot: values[slot[1]], template)


@cache
def _template(name: str) -> str:
    files = resources.files("citewell.engine.answering").joinpath("prompts")
    return files.joinpath(name).read_text(encoding="utf-8").strip()
