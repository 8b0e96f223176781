"""Remarks of readers on a document that was read, which people should see."""

from citewell.engine.parsing.base import ParseWarning, WarningCode
from citewell.engine.parsing.marks import hidden
from citewell.engine.parsing.tally import Tally, share_lost

LEAST_KEPT = 0.98
"""Share of the characters of a document's text layer below which people are told."""
_FEW = 3
"""Lost characters up to which nothing is said: a title of ten may lose a quote to its format."""


class Findings:
    """Collects the warnings of one document while it is read, and counts what is read of it."""

    def __init__(self, *, keeps_hidden: bool = False) -> None:
        """Begin a document.

        Args:
            keeps_hidden: Whether text that the author hid is kept, between marks.
        """
        self.keeps_hidden = keeps_hidden
        self._warnings: dict[WarningCode, str] = {}
        self.source = Tally()
        """Characters of the file's own text layer; empty for formats that have no cheap one."""
        self.left_out = Tally()
        """Those of them that are left out on purpose: navigation, running headers, hidden text."""
        self.text = Tally()
        """Characters of the blocks."""
        self.hidden_chars = 0
        self.pictures = 0
        """Pages that are pictures without text."""
        self.has_recogniser = False
        """Whether their text could be recognised."""

    def warn(self, code: WarningCode, message: str) -> None:
        """Note a warning; of one code the first message is kept."""
        self._warnings.setdefault(code, message)

    def hide(self, text: str) -> str:
        """Note text that the author hid; what stands in its place, mostly nothing."""
        self.hidden_chars += len(text.strip())
        if self.keeps_hidden:
            return hidden(text)
        self.left_out.add(text)
        return ""

    def finish(self) -> None:
        """Compare what was read with what there is, once all blocks were yielded."""
        if self.hidden_chars and self.keeps_hidden:
            self.warn(
                WarningCode.HIDDEN_KEPT,
                f"Hidden text is kept and marked ({self.hidden_chars:,} characters).",
            )
        elif self.hidden_chars:
            self.warn(
                WarningCode.HIDDEN_LEFT_OUT,
                f"Hidden text was left out ({self.hidden_chars:,} characters).",
            )
        lost, total = share_lost(self.source, self.text, self.left_out)
        if lost > _FEW and lost > (1 - LEAST_KEPT) * total:
            self.warn(
                WarningCode.TEXT_LOST,
                f"{lost / total:.1%} of the file's characters were not read. Compare the document"
                " with its original.",
            )

    @property
    def share_lost(self) -> float | None:
        """Share of the characters of the text layer that was not read; None without a layer."""
        lost, total = share_lost(self.source, self.text, self.left_out)
        return lost / total if total else None

    @property
    def warnings(self) -> list[ParseWarning]:
        """The warnings so far, in order of their discovery."""
        return [ParseWarning(code, message) for code, message in self._warnings.items()]
