"""Fills the prompts, which are files beside this one, with passages and a question."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from citewell.engine.answering.base import Passage
from citewell.engine.answering.marks import without_marks
from citewell.engine.llm.untrusted import harmless

NO_ANSWER = "NOT_IN_DOCUMENTS"
"""The reply a model is told to give when the passages hold no answer."""

PASSAGE_TOKENS = 3000
"""Tokens of passages in a prompt: eight chunks with room to spare, and with instructions and
answer within the 4,096 tokens that Ollama reads unless told otherwise."""

RULES = ("answer.en", "answer.vi")
"""Prompts that a tenant may replace: the rules of writing. The form of the reply and the frame of
the passages are read by the program and stay."""

FORM = "{{form}}"
"""Where the form of the reply stands in the rules."""

_BYTES_PER_TOKEN = 3
"""Below what the usual tokenizers reach in English (4) and about what they do in Vietnamese, so
the estimate errs on the short side."""

_LANGUAGES = frozenset({"en", "vi"})
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_VERSION = re.compile(r"<!-- version (\d+) -->\n")


@dataclass(frozen=True, slots=True)
class Prompt:
    """Texts sent to a model, and the passages in them in the order of their numbers."""

    system: str
    user: str
    passages: tuple[Passage, ...]
    version: str
    """Number of the shipped rules and a hash of the texts used; of a tenant's own rules `own`."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """The texts that a prompt is made of."""

    rules: str
    form: str
    frame: str
    version: str


def make_prompt(
    question: str,
    language: str,
    passages: Sequence[Passage],
    *,
    today: date,
    is_json: bool = False,
    own_rules: Mapping[str, str] | None = None,
    max_tokens: int = PASSAGE_TOKENS,
) -> Prompt:
    """Make the prompt for one question.

    Passages are taken in order while they fit; the first is cut when it alone is too long.

    Args:
        question: As asked.
        language: ISO 639-1 code of the question; languages without a prompt get the English one,
            which asks for the question's language.
        passages: Best first.
        today: What the model takes for today.
        is_json: Whether the reply is held to a schema; otherwise it is asked for in tags.
        own_rules: Texts that replace those of `RULES`, by name.
        max_tokens: Most that the passages may take, estimated.
    """
    parts = _parts(language, is_json, own_rules)
    kept, blocks = _fitting(passages, max_tokens)
    values = {
        "passages": "\n\n".join(blocks),
        "question": _quotable(question),
        "today": today.isoformat(),
    }
    return Prompt(
        system=_fill(parts.rules, {"form": _fill(parts.form, {"no_answer": NO_ANSWER})}),
        user=_fill(parts.frame, values),
        passages=tuple(kept),
        version=parts.version,
    )


def prompt_version(language: str, *, own_rules: Mapping[str, str] | None = None) -> str:
    """Return `Prompt.version` of the prompts for models that reply in tags."""
    return _parts(language, is_json=False, own_rules=own_rules).version


def shipped_rules(name: str) -> str:
    """Return the text of a prompt as it comes with the package, without its version."""
    return _shipped(name)[1]


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many than too few."""
    return -(-len(text.encode(errors="replace")) // _BYTES_PER_TOKEN)


def _parts(language: str, is_json: bool, own_rules: Mapping[str, str] | None) -> _Parts:
    spoken = language if language in _LANGUAGES else "en"
    name = f"answer.{spoken}"
    own = (own_rules or {}).get(name)
    number, rules = ("own", own) if own is not None else _shipped(name)
    form = _shipped(f"form.{'json' if is_json else 'tags'}.{spoken}")[1]
    frame = _shipped(f"question.{spoken}")[1]
    mark = hashlib.sha256("\0".join((rules, form, frame)).encode()).hexdigest()[:8]
    return _Parts(rules, form, frame, f"{number}-{mark}")


def _fitting(passages: Sequence[Passage], left: int) -> tuple[list[Passage], list[str]]:
    """The passages that fit, and the blocks they make."""
    kept: list[Passage] = []
    blocks: list[str] = []
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
    return kept, blocks


def _quotable(text: str) -> str:
    """Text of a document for a prompt: footnote numbers are no citation marks in it."""
    return without_marks(harmless(text))


def _block(number: int, passage: Passage, text: str) -> str:
    source = " > ".join((passage.title, *passage.heading))
    dated = f" of {passage.date}" if passage.date else ""
    context = f"{_quotable(passage.context)}\n" if passage.context else ""
    return (
        f'<passage number="{number}">\n'
        f"({_quotable(source)}; version {passage.version}{dated})\n"
        f"{context}{_quotable(text)}\n</passage>"
    )


def _fill(template: str, values: Mapping[str, str]) -> str:
    # One pass over the template: braces in a document are never read as slots.
    return _SLOT.sub(lambda slot: values.get(slot[1], slot[0]), template)


@cache
def _shipped(name: str) -> tuple[int, str]:
    """Version and text of a prompt; parts of one carry no version of their own."""
    files = resources.files("citewell.engine.answering").joinpath("prompts")
    text = files.joinpath(f"{name}.md").read_text(encoding="utf-8")
    version = _VERSION.match(text)
    return (int(version[1]), text[version.end() :].strip()) if version else (0, text.strip())
