"""The acknowledged requests and the state that follows from them: the oracle of the chaos tests.

It knows nothing of how the product works. A document's content says in each of its sentences whose
it is, so that every passage a search gives can be held against what was handed in.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

WORDS = ("gate", "lamp", "river", "stone", "copper", "window", "harbour", "ladder", "garden")

_OWNER = re.compile(r"hall(\d+)")

LARGE_EVERY = 20
"""Every so many files is one of some hundred chunks: staged in several transactions."""


def content(number: int, serial: int) -> str:
    """The text of a file's content; some paragraphs are those of the content before."""
    size = 260 if number % LARGE_EVERY == 0 else 2 + number % 5
    paragraphs = []
    for place in range(size):
        # Three of four paragraphs change with each content.
        state = serial if (place + serial) % 4 else max(serial - 1, 0)
        chance = random.Random(f"{number} {place} {state}")
        sentences = [
            f"In hall{number} paragraph{place} state{state} the "
            + " ".join(chance.choices(WORDS, k=14)) + "."
            for _ in range(5)
        ]  # fmt: skip
        paragraphs.append(" ".join(sentences))
    return "\n\n".join(paragraphs) + f"\n\nEnd of hall{number} x{serial}.\n"


@dataclass
class Entry:
    """One file: what was sent, what was acknowledged."""

    number: int
    document_id: str | None = None
    serial: int = -1
    """Of the content that was sent last."""
    versions: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])
    """By document: the contents of its acknowledged versions."""
    is_acknowledged: bool = False
    """Whether what was sent last has been acknowledged."""
    is_being_deleted: bool = False
    deleted: set[str] = field(default_factory=set[str])
    """Documents whose deletion was acknowledged."""

    @property
    def name(self) -> str:
        """The file's name."""
        return f"hall-{self.number:04}.md"

    @property
    def text(self) -> str:
        """The content that was sent last."""
        return content(self.number, self.serial)

    def acknowledge(self, document_id: str, version: int) -> None:
        """Note the reply to what was sent last."""
        self.document_id = document_id
        self.versions.setdefault(document_id, {})[version] = self.serial
        self.is_acknowledged = True


@dataclass
class Ledger:
    """All files of a test, and what searches saw of them."""

    entries: list[Entry]
    newest_seen: dict[str, int] = field(default_factory=dict[str, int])
    wrong: list[str] = field(default_factory=list[str])
    """Hits that should not have been, each with the reason."""
    whole: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    """Document, version and number of passages of searches that should have found all of it."""
    searches: int = 0
    hits: int = 0

    @classmethod
    def of(cls, count: int) -> "Ledger":
        """With so many files."""
        return cls([Entry(number) for number in range(count)])

    def gone(self) -> set[str]:
        """Documents that must not be found any more."""
        return {one for entry in self.entries for one in entry.deleted}

    def check(self, hits: Iterable[dict[str, Any]], gone: set[str]) -> None:
        """Hold what a search found against what was handed in.

        `gone` are the documents that were deleted from its beginning to its end.
        """
        versions: dict[str, int] = {}
        self.searches += 1
        for hit in hits:
            self.hits += 1
            document_id, version = hit["document_id"], hit["version"]
            if document_id in gone:
                self._wrong(hit, "its document was deleted")
            if versions.setdefault(document_id, version) != version:
                self._wrong(hit, "another hit is of another version")
            if version < self.newest_seen.get(document_id, 0):
                self._wrong(hit, f"version {self.newest_seen[document_id]} has answered before")
            if not self._was_handed_in(hit):
                self._wrong(hit, "nobody handed this in")
        for document_id, version in versions.items():
            self.newest_seen[document_id] = max(version, self.newest_seen.get(document_id, 0))

    def _was_handed_in(self, hit: dict[str, Any]) -> bool:
        owners = {int(number) for number in _OWNER.findall(hit["text"])}
        if len(owners) != 1:
            return False
        entry = self.entries[owners.pop()]
        known = entry.versions.get(hit["document_id"])
        serial = (known or {}).get(hit["version"])
        # Of an upload whose reply was lost, or is still on its way, the number is not known.
        serials = (
            [serial] if serial is not None else range(max(entry.serial - 1, 0), entry.serial + 1)
        )
        return any(_contains(content(entry.number, one), hit["text"]) for one in serials)

    def _wrong(self, hit: dict[str, Any], why: str) -> None:
        self.wrong.append(
            f"{why}: document {hit['document_id']} version {hit['version']}: {hit['text'][:80]!r}"
        )


def _contains(text: str, passage: str) -> bool:
    return " ".join(passage.split()) in " ".join(text.split())
