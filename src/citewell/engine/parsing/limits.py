"""Limits of parsing one document."""

from dataclasses import dataclass

from citewell.kit.sandbox.limits import MIB, ProcessLimits


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """Limits of one parse; exceeding one fails that document and no other.

    The defaults are about ten times what a 300-page report needs (4 s of CPU, 100 MiB).
    """

    file_bytes: int = 256 * MIB
    """Largest file that is opened at all."""
    memory_bytes: int = 1024 * MIB
    """Memory of the child: private data by rlimit, resident size as the parent samples it."""
    cpu_seconds: int = 120
    """CPU time of one document."""
    wall_seconds: float = 300.0
    """Time spent waiting for the child; time the reader of the blocks takes is not counted."""
    text_chars: int = 200_000_000
    """Longest text one document may give, in characters."""
    unpacked_bytes: int = 1024 * MIB
    """Total size of the parts of a zipped document (DOCX, XLSX, EPUB, ...)."""
    archive_entries: int = 20_000
    """Most parts a zipped document may have."""

    keeps_hidden: bool = False
    """Whether text that authors hid is kept and marked, rather than left out."""

    ocr_languages: str = "vie+eng"
    """Tesseract's languages for pictures of text, those of them that are installed; empty: none."""
    ocr_pages: int = 200
    """Most pages of a document whose text is recognised, at 1 to 3 s each."""
    ocr_seconds: float = 240.0
    """Time for recognising one document, below `wall_seconds`; pages beyond it are left out."""

    def of_process(self) -> ProcessLimits:
        """The limits of the process; the child enforces the others itself."""
        return ProcessLimits(self.memory_bytes, self.cpu_seconds, self.wall_seconds)
