"""Techniques by which a model writes other questions, with their instructions."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from citewell.engine.retrieval.base import Technique

TECHNIQUES: tuple[Technique, ...] = ("rewrite", "variations", "decomposition", "hyde")

_VERSION = re.compile(r"<!-- version (\d+) -->\n")


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Whether a model writes other questions, and how long it may take."""

    techniques: tuple[Technique, ...] = ()
    seconds: float = 3.0
    own_prompts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Texts that replace the shipped instructions, by technique."""

    def prompt_of(self, technique: Technique) -> str:
        """The instructions of a technique."""
        return self.own_prompts.get(technique) or shipped_prompt(technique)


def shipped_prompt(technique: Technique) -> str:
    """The instructions of a technique as they come with the package, a file beside this one."""
    return _shipped(technique)[1]


def instructions_version(technique: Technique, own: str | None = None) -> str:
    """The version of the instructions of a technique: its number, or `own`, and a digest."""
    number, text = _shipped(technique) if own is None else ("own", own)
    return f"{number}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


@cache
def _shipped(technique: Technique) -> tuple[str, str]:
    files = resources.files("citewell.engine.retrieval") / "prompts"
    text = files.joinpath(f"{technique}.md").read_text(encoding="utf-8")
    version = _VERSION.match(text)
    return (version[1] if version else "0"), _VERSION.sub("", text, count=1).strip()
